/** What a leg would earn if all demand were known before the first seat is sold. */

import { checkClasses, type FareClass } from "./fare_class.ts";
import { roundedNormal } from "./rounded_normal.ts";

/**
 * The revenue of the best choice of seats that were asked for: the highest fares first.
 *
 * @param fares The highest first.
 * @param asked Seats asked for at each fare.
 */
export function hindsightRevenue(
  fares: ArrayLike<number>,
  asked: ArrayLike<number>,
  capacity: number,
): number {
  let left = capacity;
  let revenue = 0;
  for (let j = 0; j < fares.length && left > 0; j++) {
    const sold = Math.min(left, asked[j]!);
    revenue += sold * fares[j]!;
    left -= sold;
  }
  return revenue;
}

/**
 * The expectation of {@link hindsightRevenue} where demand is normal, rounded to seats, and none below 0. With S_j
 * the demand of classes 1 to j: Σ r_j (E min(S_j, C) − E min(S_{j−1}, C)).
 */
export function perfectInformation(classes: readonly FareClass[], capacity: number): number {
  checkClasses(classes);
  let together: Float64Array = Float64Array.of(1);
  let soldAbove = 0;
  let revenue = 0;
  for (const fareClass of classes) {
    together = convolution(together, roundedNormal(fareClass));
    let sold = 0;
    for (let seats = 0; seats < together.length; seats++) {
      sold += together[seats]! * Math.min(seats, capacity);
    }
    revenue += fareClass.fare * (sold - soldAbove);
    soldAbove = sold;
  }
  return revenue;
}

function convolution(a: Float64Array, b: Float64Array): Float64Array {
  const sum = new Float64Array(a.length + b.length - 1);
  for (let i = 0; i < a.length; i++) {
    for (let j = 0; j < b.length; j++) sum[i + j]! += a[i]! * b[j]!;
  }
  return sum;
}
