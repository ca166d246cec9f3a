/** EMSR-b: how many seats to keep for the higher fares of a flight. */

import { checkClasses, type FareClass } from "./fare_class.ts";
import { normalQuantile } from "./normal.ts";

/**
 * Protection levels: entry j is how many seats classes 1 to j+1 together are kept, of one entry fewer than there
 * are classes. At boundary j the classes above are put together as one of mean S = Σμ, variance σ̂² = Σσ² and
 * fare r̄ = Σrμ/S, and Littlewood's rule gives S + Φ⁻¹(1 − r_{j+1}/r̄)·σ̂; not rounded, never below 0 or below the
 * one before.
 *
 * Belobaba, "Optimal vs. heuristic methods for nested seat allocation", AGIFORS (1992); Talluri and van Ryzin, "The
 * Theory and Practice of Revenue Management" (2004), section 2.2.4.2.
 *
 * @param classes The highest fare first.
 * @throws {RangeError} when they are not in order.
 */
export function emsrB(classes: readonly FareClass[]): number[] {
  checkClasses(classes);
  const protections: number[] = [];
  let mean = 0;
  let variance = 0;
  let revenue = 0;
  let before = 0;
  for (let j = 0; j + 1 < classes.length; j++) {
    const { fare, mean: classMean, standardDeviation } = classes[j]!;
    mean += classMean;
    variance += standardDeviation ** 2;
    revenue += fare * classMean;
    const below = classes[j + 1]!.fare;
    const together = mean > 0 ? revenue / mean : fare;
    const kept = below >= together ? 0 : mean + normalQuantile(1 - below / together) * Math.sqrt(variance);
    // No variance and no doubt: 0 times infinity is no number.
    before = Math.max(before, Number.isNaN(kept) ? mean : kept);
    protections.push(before);
  }
  return protections;
}

/** Booking limits of all classes, the highest fare first: capacity less the floored protection of those above. */
export function bookingLimits(capacity: number, protections: readonly number[]): number[] {
  return [capacity, ...protections.map((kept) => Math.max(0, capacity - Math.floor(kept)))];
}
