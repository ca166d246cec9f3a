/** Means of replications and what they leave open. */

import { normalQuantile } from "../revenue/normal.ts";

/** A mean and the ends of its 95 % confidence interval. */
export interface Estimate {
  mean: number;
  low: number;
  high: number;
}

/** The mean of a list. */
export function meanOf(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}

/** The mean of independent values; the interval is Student's. One value has no interval: its ends are infinite. */
export function estimate(values: readonly number[]): Estimate {
  const mean = meanOf(values);
  const half = halfWidth(values, mean);
  return { mean, low: mean - half, high: mean + half };
}

/**
 * The ratio of two means whose values belong together, by linearization: the residuals a − ratio·b stand for the error.
 * `null` where the mean of `b` is not above 0.
 */
export function ratioEstimate(a: readonly number[], b: readonly number[]): Estimate | null {
  const below = meanOf(b);
  if (!(below > 0)) return null;
  const ratio = meanOf(a) / below;
  const residuals = a.map((value, at) => value - ratio * b[at]!);
  const half = halfWidth(residuals, meanOf(residuals)) / below;
  return { mean: ratio, low: ratio - half, high: ratio + half };
}

function halfWidth(values: readonly number[], mean: number): number {
  const count = values.length;
  if (count < 2) return Infinity;
  const variance = values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / (count - 1);
  return studentQuantile(0.975, count - 1) * Math.sqrt(variance / count);
}

/**
 * The quantile of Student's t: exact for one and two degrees of freedom, else by the Cornish–Fisher expansion around
 * the normal quantile (Abramowitz and Stegun, 26.7.5), below 0.002 off at three and more where p is 0.975.
 */
export function studentQuantile(p: number, degreesOfFreedom: number): number {
  const v = degreesOfFreedom;
  if (v === 1) return Math.tan(Math.PI * (p - 0.5));
  if (v === 2) return (2 * p - 1) * Math.sqrt(2 / (4 * p * (1 - p)));
  const z = normalQuantile(p);
  const g1 = (z ** 3 + z) / 4;
  const g2 = (5 * z ** 5 + 16 * z ** 3 + 3 * z) / 96;
  const g3 = (3 * z ** 7 + 19 * z ** 5 + 17 * z ** 3 - 15 * z) / 384;
  const g4 = (79 * z ** 9 + 776 * z ** 7 + 1482 * z ** 5 - 1920 * z ** 3 - 945 * z) / 92160;
  return z + g1 / v + g2 / v ** 2 + g3 / v ** 3 + g4 / v ** 4;
}
