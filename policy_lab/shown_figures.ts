/** Figures as a person reads them. */

import type { Estimate } from "./statistics.ts";

/** Pounds without pence: `£2,267,925`. */
export function money(pounds: number): string {
  return `${pounds < 0 ? "−" : ""}£${Math.abs(Math.round(pounds)).toLocaleString("en")}`;
}

/** Pounds with a sign: `+£1,204`, `−£310`. */
export function signedMoney(pounds: number): string {
  return Math.round(pounds) > 0 ? `+${money(pounds)}` : money(Math.round(pounds) === 0 ? 0 : pounds);
}

/** A change in percent with its sign: `+0.55 %`. */
export function signedPercent(share: number): string {
  const text = percentOf(share, 2);
  return share > 0 ? `+${text}` : text;
}

/** A share as a person reads it, to `digits` decimals: `58.3 %`. */
export function percentOf(share: number, digits = 1): string {
  const text = (share * 100).toFixed(digits);
  // Nothing has no sign.
  return `${Number(text) === 0 ? text.replace("-", "") : text.replace("-", "−")} %`;
}

/** An interval: `+£310 to +£1,204`. */
export function intervalOf({ low, high }: Estimate, text: (value: number) => string): string {
  return `${text(low)} to ${text(high)}`;
}

/** A number of things: `1 day`, `28 days`. */
export function counted(count: number, thing: string): string {
  return `${count.toLocaleString("en")} ${thing}${count === 1 ? "" : "s"}`;
}
