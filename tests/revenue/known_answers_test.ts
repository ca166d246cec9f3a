/** Known answers of textbooks and of other implementations. */

import { deepEqual, equal, ok, throws } from "node:assert/strict";
import { legOptimum, legRevenue } from "../../revenue/dynamic_program.ts";
import { bookingLimits, emsrB } from "../../revenue/emsr_b.ts";
import type { FareClass } from "../../revenue/fare_class.ts";
import {
  bestFixedPrice,
  deterministicRevenue,
  dynamicPriceRevenue,
} from "../../revenue/gallego_van_ryzin.ts";
import { linearBound } from "../../revenue/linear_bound.ts";
import { lowFareBookingLimit } from "../../revenue/littlewood.ts";
import { hindsightRevenue, perfectInformation } from "../../revenue/perfect_information.ts";

const classesOf = (...rows: [fare: number, mean: number, standardDeviation: number][]): FareClass[] =>
  rows.map(([fare, mean, standardDeviation]) => ({ fare, mean, standardDeviation }));

/** Phillips, "Pricing and Revenue Optimization", example 9.2: 100 seats, high-fare demand N(50, 100²). */
const LITTLEWOOD: [fareRatio: number, limit: number][] = [[0.4, 25], [0.5, 50], [0.6, 76]];
for (const [fareRatio, limit] of LITTLEWOOD) {
  Deno.test(`Littlewood: at a fare ratio of ${fareRatio} the low fare gets ${limit} of 100 seats`, () => {
    equal(lowFareBookingLimit(100, { mean: 50, standardDeviation: 100 }, fareRatio), limit);
  });
}

Deno.test("Littlewood: limits lie between 0 and the capacity, ratios between 0 and 1", () => {
  equal(lowFareBookingLimit(100, { mean: 500, standardDeviation: 1 }, 0.5), 0);
  equal(lowFareBookingLimit(100, { mean: 0, standardDeviation: 100 }, 0.9), 100);
  for (const ratio of [0, 1, -1, NaN]) {
    throws(() => lowFareBookingLimit(100, { mean: 50, standardDeviation: 10 }, ratio), /fare ratio/);
  }
});

/** Talluri and van Ryzin, "The Theory and Practice of Revenue Management", example 2.3 (table 2.1). */
const TALLURI_VAN_RYZIN = classesOf([1050, 17.3, 5.8], [567, 45.1, 15], [534, 39.6, 13.2], [520, 34, 11.3]);

/** Protections to two decimals. */
const EMSR_B: [source: string, classes: FareClass[], protections: number[]][] = [
  [
    "the R package RM2",
    classesOf(
      [250, 50, Math.sqrt(50)],
      [150, 75, Math.sqrt(75)],
      [100, 125, Math.sqrt(125)],
      [50, 500, Math.sqrt(500)],
    ),
    [48.21, 124.26, 256.31],
  ],
  ["the Python package revmng", classesOf([1000, 30, 12], [700, 40, 15], [400, 60, 20]), [23.71, 70.83]],
  ["Talluri and van Ryzin, example 2.3", TALLURI_VAN_RYZIN, [16.72, 50.94, 83.15]],
];
for (const [source, classes, protections] of EMSR_B) {
  Deno.test(`EMSR-b: the protections of ${source}`, () => {
    deepEqual(emsrB(classes).map((kept) => Math.round(kept * 100) / 100), protections);
  });
}

Deno.test("EMSR-b: the booking limits of revmng at 120 seats", () => {
  deepEqual(bookingLimits(120, emsrB(EMSR_B[1]![1])), [120, 97, 50]);
});

Deno.test("EMSR-b: classes without demand or doubt, and of one fare, keep what they should", () => {
  deepEqual(emsrB(classesOf([100, 0, 0], [50, 20, 5])), [0]);
  deepEqual(emsrB(classesOf([100, 30, 0], [50, 20, 5])), [30]);
  deepEqual(emsrB(classesOf([100, 30, 5], [100, 20, 5])), [0]);
  deepEqual(emsrB([]), []);
  throws(() => emsrB(classesOf([50, 1, 1], [100, 1, 1])), /the highest comes first/);
  throws(() => emsrB(classesOf([50, -1, 1])), /mean -1/);
});

Deno.test("the dynamic program keeps 17, 42 and 73 seats on Talluri and van Ryzin's example", () => {
  deepEqual(legOptimum(TALLURI_VAN_RYZIN, 120).protections, [17, 42, 73]);
});

const METHODS = ["noControl", "emsrB", "dynamic", "perfect", "linear"] as const;

/** Talluri and van Ryzin's example; demand normal, none below 0, rounded; low fares book first. */
const REVENUES: [capacity: number, revenues: Record<(typeof METHODS)[number], number>][] = [
  [80, { noControl: 42_728, emsrB: 49_445, dynamic: 49_662, perfect: 53_051, linear: 53_135 }],
  [120, { noControl: 66_187, emsrB: 69_659, dynamic: 69_802, perfect: 72_380, linear: 74_243 }],
];
for (const [capacity, expected] of REVENUES) {
  Deno.test(`the expected revenues of a leg of ${capacity} seats, and their order`, () => {
    const classes = TALLURI_VAN_RYZIN;
    const revenues = {
      noControl: legRevenue(classes, capacity, [0, 0, 0]),
      emsrB: legRevenue(classes, capacity, emsrB(classes)),
      dynamic: legOptimum(classes, capacity).revenue,
      perfect: perfectInformation(classes, capacity),
      linear: linearBound(classes, capacity),
    };
    for (const [name, revenue] of Object.entries(revenues)) {
      // The source's figure of perfect information is a simulation's: ours is its expectation.
      const error = Math.abs(revenue - expected[name as (typeof METHODS)[number]]);
      ok(error < (name === "perfect" ? 10 : 0.5), `${name}: ${revenue}`);
    }
    ok(revenues.noControl <= revenues.dynamic && revenues.dynamic <= revenues.perfect);
    ok(revenues.perfect <= revenues.linear);
    ok(revenues.emsrB <= revenues.dynamic && revenues.emsrB > 0.995 * revenues.dynamic);
  });
}

Deno.test("the order of the bounds holds for any capacity, and the optimum's own protections earn the optimum", () => {
  for (let capacity = 0; capacity <= 200; capacity += 10) {
    const none = legRevenue(TALLURI_VAN_RYZIN, capacity, [0, 0, 0]);
    const { revenue, protections } = legOptimum(TALLURI_VAN_RYZIN, capacity);
    const perfect = perfectInformation(TALLURI_VAN_RYZIN, capacity);
    ok(none <= revenue + 1e-9 && revenue <= perfect + 1e-9, `${capacity}`);
    // Clipping at 0 and rounding raise the mean demand by a little.
    ok(perfect <= linearBound(TALLURI_VAN_RYZIN, capacity) * 1.001, `${capacity}`);
    ok(Math.abs(legRevenue(TALLURI_VAN_RYZIN, capacity, protections) - revenue) < 1e-6, `${capacity}`);
  }
  throws(() => legRevenue(TALLURI_VAN_RYZIN, 80, [0]), /expected 3/);
});

Deno.test("hindsightRevenue() sells the highest fares first", () => {
  equal(hindsightRevenue([100, 50, 10], [2, 3, 9], 6), 360);
  equal(hindsightRevenue([100, 50], [1, 1], 6), 150);
});

Deno.test("Gallego and van Ryzin: λ*t = 50 and 20 seats", () => {
  ok(Math.abs(dynamicPriceRevenue(50, 20) - 36.396) < 0.0005);
  ok(Math.abs(deterministicRevenue(50, 20) - 38.326) < 0.0005);
  ok(Math.abs(bestFixedPrice(50, 20).revenue - 34.921) < 0.0005);
});

Deno.test("Gallego and van Ryzin: with seats for all the best price is 1, fixed or not", () => {
  ok(Math.abs(dynamicPriceRevenue(5, 60) - 5) < 1e-9);
  equal(deterministicRevenue(5, 60), 5);
  const { price, revenue } = bestFixedPrice(5, 60);
  ok(Math.abs(price - 1) < 1e-4 && Math.abs(revenue - 5) < 1e-9);
});
