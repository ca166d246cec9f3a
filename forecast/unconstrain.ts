/**
 * Demand behind sales that were cut off: a flight or bucket that closed sold less than it could have. Estimated by
 * expectation maximisation for a normal demand that is censored from the right (Salch 1997; Talluri and van Ryzin,
 * section 9.4.2.1; Tobin's model without regressors).
 *
 * @module
 */

import { normalDensity, normalDistribution } from "../revenue/normal.ts";

/** What was sold, and whether more would have been if there had been seats. */
export interface Sale {
  value: number;
  censored: boolean;
}

/** Mean and variance of the demand. */
export interface Demand {
  mean: number;
  /** Of a sample: divided by n − 1 where nothing is censored. */
  variance: number;
}

const ROUNDS_MAX = 500;
const TOLERANCE = 1e-9;

/** Beyond this the tail is too thin for a number; the hazard is z + 1/z there to nine digits. */
const THIN_TAIL = 37;

/** φ(z) / (1 − Φ(z)) of the standard normal distribution. */
export function hazard(z: number): number {
  return z > THIN_TAIL ? z + 1 / z : normalDensity(z) / normalDistribution(-z);
}

/** Mean and variance of the demand behind `sales`; of nothing: 0. Where all are cut off, what was sold is all that is known. */
export function unconstrained(sales: readonly Sale[]): Demand {
  const n = sales.length;
  if (n === 0) return { mean: 0, variance: 0 };
  const open = sales.filter(({ censored }) => !censored);
  const plain = momentsOf((open.length === 0 ? sales : open).map(({ value }) => value));
  if (open.length === n || open.length === 0 || plain.variance === 0) {
    return open.length === n ? plain : momentsOf(sales.map(({ value }) => value));
  }
  let { mean } = plain;
  let variance = plain.variance;
  for (let round = 0; round < ROUNDS_MAX; round++) {
    const deviation = Math.sqrt(variance);
    let sum = 0;
    let squares = 0;
    for (const { value, censored } of sales) {
      if (!censored) {
        sum += value;
        squares += value * value;
        continue;
      }
      // Expectation and second moment of a demand of which only is known that it is above `value`.
      const z = (value - mean) / deviation;
      const h = hazard(z);
      const expected = mean + deviation * h;
      sum += expected;
      squares += variance * (1 + z * h - h * h) + expected * expected;
    }
    const nextMean = sum / n;
    const nextVariance = Math.max(0, squares / n - nextMean * nextMean);
    const moved = Math.abs(nextMean - mean) + Math.abs(nextVariance - variance);
    [mean, variance] = [nextMean, nextVariance];
    if (moved < TOLERANCE) break;
  }
  return { mean, variance: variance * n / (n - 1) };
}

/** Mean and sample variance. */
export function momentsOf(values: readonly number[]): Demand {
  const n = values.length;
  if (n === 0) return { mean: 0, variance: 0 };
  const mean = values.reduce((sum, value) => sum + value, 0) / n;
  const squares = values.reduce((sum, value) => sum + (value - mean) ** 2, 0);
  return { mean, variance: n > 1 ? squares / (n - 1) : 0 };
}
