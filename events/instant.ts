/**
 * Times on the wire: ISO 8601 in UTC. Read with any number of fractional digits and `Z` or `+00:00`,
 * written with milliseconds and `Z`.
 *
 * @module
 */

const SHAPE = /^(\d{4})-(\d\d)-(\d\d)T(\d\d):(\d\d):(\d\d)(?:\.(\d+))?(?:Z|\+00:00)$/;

/** What stands between the digits of {@link formatInstant}'s form. */
const OWN_FORM = "____-__-__T__:__:__.___Z";
const DIGIT = "_".charCodeAt(0);

function hasOwnForm(text: string): boolean {
  if (text.length !== OWN_FORM.length) return false;
  for (let i = 0; i < OWN_FORM.length; i++) {
    const expected = OWN_FORM.charCodeAt(i);
    const found = text.charCodeAt(i);
    if (expected === DIGIT ? found < 48 || found > 57 : found !== expected) return false;
  }
  return true;
}

/**
 * Milliseconds since 1970 of an instant such as `2025-11-28T14:00:00.123456Z`; further digits are cut off.
 * `NaN` where the text is no such instant (wrong shape, no zone, 31 February).
 */
export function parseInstant(text: string): number {
  // The form that we and most writers use: let V8's own fast parser do it, then check what it is lenient about.
  if (hasOwnForm(text)) {
    const ms = Date.parse(text);
    // V8 takes 2025-02-31 as 3 March and 24:00 as the next day: only days above 28 and that hour need the slow check.
    const usualDay = text.charCodeAt(8) < 50 || (text.charCodeAt(8) === 50 && text.charCodeAt(9) < 57);
    if (usualDay && !text.startsWith("24", 11)) return ms;
  }
  const match = SHAPE.exec(text);
  if (match === null) return NaN;
  const [, year, month, day, hour, minute, second, fraction = ""] = match;
  const milliseconds = Number((fraction + "00").slice(0, 3));
  const ms = Date.UTC(
    Number(year),
    Number(month) - 1,
    Number(day),
    Number(hour),
    Number(minute),
    Number(second),
    milliseconds,
  );
  const back = new Date(ms);
  const same = back.getUTCFullYear() === Number(year) && back.getUTCMonth() + 1 === Number(month) &&
    back.getUTCDate() === Number(day) && back.getUTCHours() === Number(hour) &&
    back.getUTCMinutes() === Number(minute) && back.getUTCSeconds() === Number(second);
  return same ? ms : NaN;
}

const HOUR_MS = 60 * 60 * 1000;
const TWO_DIGITS = Array.from({ length: 60 }, (_, number) => String(number).padStart(2, "0"));
const THREE_DIGITS = Array.from({ length: 1000 }, (_, number) => String(number).padStart(3, "0"));

let lastMs = NaN;
let lastText = "";
/** The hour of the last text, since 1970, and the text up to its minutes: most instants share it with the one before. */
let lastHour = NaN;
let hourText = "";

/** An instant as it goes on the wire, `2025-11-28T14:00:00.123Z`. */
export function formatInstant(ms: number): string {
  if (ms === lastMs) return lastText;
  const whole = Math.trunc(ms);
  const hour = Math.floor(whole / HOUR_MS);
  if (hour !== lastHour) {
    hourText = new Date(hour * HOUR_MS).toISOString().slice(0, -"00:00.000Z".length);
    lastHour = hour;
  }
  const rest = whole - hour * HOUR_MS;
  const seconds = Math.floor(rest / 1000);
  lastText = `${hourText}${TWO_DIGITS[Math.floor(seconds / 60)]}:${TWO_DIGITS[seconds % 60]}.${
    THREE_DIGITS[rest % 1000]
  }Z`;
  lastMs = ms;
  return lastText;
}
