import { deepStrictEqual, strictEqual } from "node:assert/strict";
import { bucketAt, curveAt } from "../../forecast/booking_curve.ts";
import { buildCurve, loadsAt } from "../../forecast/build_curve.ts";
import { kindOf, kindsOf } from "../../forecast/flight_kind.ts";
import { forecastLoad } from "../../forecast/pickup_forecast.ts";
import { halfWidth80 } from "../../forecast/student_t.ts";
import { daysBelowTarget, paceOf } from "../../forecast/time_below_target.ts";
import { DAYS, HISTORIES, historyOf, LOADS, near } from "./_histories.ts";

const CURVE = buildCurve(HISTORIES, DAYS);

Deno.test("loadsAt() adds up what was sold by each reading day, also by bucket", () => {
  for (const [at, history] of HISTORIES.entries()) deepStrictEqual(loadsAt(history, DAYS), LOADS[at]);
  deepStrictEqual(loadsAt(HISTORIES[0]!, DAYS, "Y"), [0, 0, 0, 20]);
});

/**
 * Days, mean load, mean pickup, its variance, ratio: from the loads 10/20/30, 30/40/35, 60/60/55 and finals 80/70/90.
 * Pickup from 3 days: 50, 30, 55: mean 45, variance (25 + 225 + 100) / 2; from 1 day: 20, 10, 35.
 */
const POINTS: [number, number, number, number, number][] = [
  [7, 0.2, 0.6, 0.01, 4],
  [3, 0.35, 0.45, 0.0175, 80 / 35],
  [1, 175 / 300, 65 / 300, ((20 - 65 / 3) ** 2 + (10 - 65 / 3) ** 2 + (35 - 65 / 3) ** 2) / 2e4, 240 / 175],
  [0, 0.8, 0, 0, 1],
];
for (const [days, load, pickup, variance, ratio] of POINTS) {
  Deno.test(`the curve ${days} days before departure`, () => {
    const point = CURVE.points.find(({ daysBefore }) => daysBefore === days)!;
    near(point.meanLoad, load);
    near(point.meanPickup, pickup);
    near(point.variancePickup, variance);
    near(point.ratio, ratio);
    strictEqual(point.flights, 3);
  });
}

/** Days, load, method, final; booked plus mean pickup, or booked times final by then; 2 days lie half way. */
const FORECASTS: [number, number, "additive" | "multiplicative", number][] = [
  [3, 0.25, "additive", 0.7],
  [3, 0.25, "multiplicative", 0.25 * 80 / 35],
  [7, 0.05, "additive", 0.65],
  [7, 0.05, "multiplicative", 0.2],
  [2, 0.4, "additive", 0.4 + (0.45 + 65 / 300) / 2],
  [3, 0.7, "additive", 1],
  [0, 0.77, "additive", 0.77],
];
for (const [days, load, method, final] of FORECASTS) {
  Deno.test(`${method} forecast at ${days} days with ${load} booked is ${final.toFixed(4)}`, () => {
    near(forecastLoad(CURVE, load, days, method)?.final, final);
  });
}

Deno.test("the 80 % interval is Student's, with the curve's own uncertainty", () => {
  // Two degrees of freedom: 1.886; three flights: sqrt(1 + 1/3); deviation sqrt(0.0175).
  const half = 1.886 * Math.sqrt(4 / 3) * Math.sqrt(0.0175);
  const forecast = forecastLoad(CURVE, 0.25, 3)!;
  near(forecast.low, 0.7 - half);
  near(forecast.high, 0.7 + half);
  near(halfWidth80(1e9), 1.2816, 1e-6);
  strictEqual(forecastLoad(CURVE, 0.7, 3)!.high, 1);
});

Deno.test("nothing is forecast earlier than the curve, or from fewer than three flights", () => {
  strictEqual(forecastLoad(CURVE, 0.1, 7.01), undefined);
  strictEqual(forecastLoad(buildCurve(HISTORIES.slice(0, 2), DAYS), 0.1, 3), undefined);
  const later = buildCurve([historyOf([10, 20, 30, 40], 100, 2), ...HISTORIES.slice(0, 2)], DAYS);
  strictEqual(forecastLoad(later, 0.1, 3), undefined);
  strictEqual(curveAt(later, 1)!.flights, 3);
  strictEqual(forecastLoad({ flights: 0, points: [], buckets: [] }, 0.1, 3), undefined);
});

Deno.test("nothing can be multiplied where nothing used to be booked", () => {
  const curve = buildCurve([[0, 0, 1, 2], [0, 0, 2, 3], [0, 0, 3, 4]].map((loads) => historyOf(loads)), DAYS);
  strictEqual(forecastLoad(curve, 0, 3, "multiplicative"), undefined);
  near(forecastLoad(curve, 0, 3)?.final, 0.03);
});

Deno.test("flights that sold out count for more than they sold", () => {
  const histories = [...HISTORIES, historyOf([50, 80, 100, 100]), historyOf([60, 70, 90, 100])];
  const sold = histories.map((history) => loadsAt(history, DAYS));
  const plain = sold.reduce((sum, loads) => sum + loads[3]! - loads[0]!, 0) / 500;
  const point = buildCurve(histories, DAYS).points[0]!;
  if (!(point.meanPickup > plain + 0.01)) throw new Error(`${point.meanPickup} is not above ${plain}`);
  near(forecastLoad(buildCurve(histories, DAYS), 0.9, 7)?.final, 1);
});

Deno.test("demand by bucket", () => {
  const [k, y] = CURVE.buckets;
  deepStrictEqual([k!.bucket, y!.bucket], ["K", "Y"]);
  // K from 3 days: 30, 20, 20; Y is sold at departure only: 20, 10, 35.
  near(bucketAt(k!.points, 3).mean, 70 / 300);
  near(bucketAt(y!.points, 3).mean, 65 / 300);
  near(bucketAt(y!.points, 0).mean, 0);
});

Deno.test("paceOf() compares with what is usual and stays between 0 and 2", () => {
  deepStrictEqual([paceOf(9, 9), paceOf(4, 9), paceOf(0, 0), paceOf(100, 1), paceOf(0, 99)], [
    1,
    0.5,
    1,
    2,
    0.01,
  ]);
});

/**
 * Load, days, pace, target, days at which it falls below; the curve takes up 0.6, 0.45, 65/300 and 0 from its days on.
 * At pace 0.5 from 7 days with 0.3: 0.3 + 0.5 × (0.6 − p) + p − 0.7 < 0 where p < 0.2: from 1 day (65/300) to 0: at
 * 0.2 / (65/300) of a day. At pace 0 with a target of 0.8 where p < 0.5, two thirds of the way from 7 to 3 days.
 */
const BELOW: [number, number, number, number, number | undefined][] = [
  [0.3, 7, 0.5, 0.7, 0.2 / (65 / 300)],
  [0.3, 7, 0.5, 0.6, undefined],
  [0.05, 7, 0.5, 0.7, 7],
  [0.3, 7, 1, 0.85, undefined],
  [0.3, 7, 1.5, 0.8, undefined],
  [0.3, 7, 0, 0.8, 7 - 4 * 0.1 / 0.15],
  [0.3, 9, 0.5, 0.7, undefined],
];
for (const [load, daysBefore, pace, target, expected] of BELOW) {
  Deno.test(`${load} booked ${daysBefore} days before at pace ${pace} falls below ${target} at ${expected}`, () => {
    const found = daysBelowTarget(CURVE, { load, daysBefore, pace }, target);
    if (expected === undefined) strictEqual(found, undefined);
    else near(found, expected);
  });
}

Deno.test("a flight's kinds go from weekday and time of day to any flight", () => {
  const sunday = Date.UTC(2025, 10, 30, 17, 59);
  deepStrictEqual(kindOf(sunday), { weekday: 7, daypart: "afternoon" });
  deepStrictEqual(kindOf(Date.UTC(2025, 11, 1)), { weekday: 1, daypart: "night" });
  deepStrictEqual(kindsOf(sunday).map(({ weekday, daypart }) => [weekday, daypart]), [
    [7, "afternoon"],
    [null, "afternoon"],
    [null, null],
  ]);
});
