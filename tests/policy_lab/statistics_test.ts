import { equal, ok } from "node:assert/strict";
import { estimate, ratioEstimate, studentQuantile } from "../../policy_lab/statistics.ts";

/** 0.975 quantiles of Student's t (NIST/SEMATECH e-Handbook of Statistical Methods, table 1.3.6.7.2). */
const QUANTILES: [degreesOfFreedom: number, t: number][] = [
  [1, 12.706],
  [2, 4.303],
  [3, 3.182],
  [4, 2.776],
  [5, 2.571],
  [10, 2.228],
  [30, 2.042],
  [100, 1.984],
];
for (const [degreesOfFreedom, t] of QUANTILES) {
  Deno.test(`the 0.975 quantile of Student's t at ${degreesOfFreedom} degrees of freedom is ${t}`, () => {
    ok(Math.abs(studentQuantile(0.975, degreesOfFreedom) - t) < 0.004);
  });
}

Deno.test("estimate() is the mean with Student's interval", () => {
  // Mean 3, variance 2.5, standard error sqrt(2.5 / 5) = 0.7071; t of 4 degrees of freedom 2.776.
  const { mean, low, high } = estimate([1, 2, 3, 4, 5]);
  equal(mean, 3);
  ok(Math.abs(high - (3 + 2.776 * Math.sqrt(0.5))) < 0.002);
  ok(Math.abs(low - (3 - 2.776 * Math.sqrt(0.5))) < 0.002);
  equal(estimate([7]).high, Infinity);
});

Deno.test("ratioEstimate() is sure where the ratio is always the same, and gives none of nothing", () => {
  const { mean, low, high } = ratioEstimate([2, 4, 6], [4, 8, 12])!;
  ok(Math.abs(mean - 0.5) < 1e-12 && Math.abs(low - 0.5) < 1e-12 && Math.abs(high - 0.5) < 1e-12);
  equal(ratioEstimate([1, 2], [0, 0]), null);
});
