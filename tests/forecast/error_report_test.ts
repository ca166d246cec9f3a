import { strictEqual } from "node:assert/strict";
import { buildCurve } from "../../forecast/build_curve.ts";
import { forecastErrors } from "../../forecast/error_report.ts";
import type { ForecastMethod } from "../../forecast/error_report.ts";
import { DAYS, HISTORIES, historyOf, near } from "./_histories.ts";

const CURVE = buildCurve(HISTORIES, DAYS);
/** Held out: 25 booked 3 days before and 60 in the end; 45 and 90. */
const HELD_OUT = [historyOf([10, 25, 50, 60]), historyOf([20, 45, 70, 90])];

/**
 * Method, forecasts of the two at 3 days, worked out by hand: additive 25 + 45 and 45 + 45; multiplicative by 80/35; the
 * average final is 80; no change.
 */
const ROWS: [ForecastMethod, number, number][] = [
  ["additive", 0.7, 0.9],
  ["multiplicative", 0.25 * 80 / 35, 1],
  ["final_is_average", 0.8, 0.8],
  ["no_change", 0.25, 0.45],
];
for (const [method, first, second] of ROWS) {
  Deno.test(`forecastErrors() of ${method} at 3 days`, () => {
    const errors = forecastErrors(HELD_OUT, () => CURVE, DAYS);
    const found = errors.find((error) => error.method === method && error.daysBefore === 3)!;
    strictEqual(found.flights, 2);
    near(found.mape, (Math.abs(first - 0.6) / 0.6 + Math.abs(second - 0.9) / 0.9) / 2);
    near(found.bias, (first - 0.6 + second - 0.9) / 2);
    strictEqual(found.coverage === null, method === "final_is_average" || method === "no_change");
  });
}

Deno.test("coverage is the share of finals within the interval", () => {
  // At 1 day 20 to 35 seats come: the interval of ±2.1778 × 12.58 reaches 60 from 50, not 90 from 30.
  const errors = forecastErrors([historyOf([10, 25, 50, 60]), historyOf([10, 20, 30, 90])], () => CURVE, [1]);
  strictEqual(errors.find(({ method }) => method === "additive")!.coverage, 0.5);
});

Deno.test("flights without a curve, or not known by then, are left out", () => {
  const none = forecastErrors(HELD_OUT, () => undefined, [3]);
  strictEqual(none.every(({ flights, mape, bias }) => flights === 0 && mape === null && bias === null), true);
  const late = forecastErrors([historyOf([10, 25, 50, 60], 100, 2)], () => CURVE, [3, 1]);
  strictEqual(late.filter(({ flights }) => flights > 0).every(({ daysBefore }) => daysBefore === 1), true);
});
