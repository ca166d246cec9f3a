/**
 * One flight leg sold to fare classes that come one after another, the lowest fare first: the best expected revenue,
 * and that of given protection levels.
 *
 * With x seats left when class j comes: V_j(x) = E max over u ≤ min(D_j, x) of r_j·u + V_{j−1}(x − u), V_0 = 0. A
 * class is sold while its fare is not below V_{j−1}(x) − V_{j−1}(x − 1), what the seat is worth to the classes above.
 *
 * Talluri and van Ryzin, "The Theory and Practice of Revenue Management" (2004), section 2.2.2.
 *
 * @module
 */

import { checkClasses, type FareClass } from "./fare_class.ts";
import { roundedNormal } from "./rounded_normal.ts";

/** What the best control of a leg earns, and how. */
export interface LegOptimum {
  /** Expected revenue. */
  revenue: number;
  /** Seats kept for classes 1 to j+1 together; one entry fewer than there are classes. */
  protections: number[];
}

/** The optimum of a leg of so many seats; demand is normal, rounded to seats, and none below 0. */
export function legOptimum(classes: readonly FareClass[], capacity: number): LegOptimum {
  checkClasses(classes);
  const protections: number[] = [];
  let value: Float64Array = new Float64Array(capacity + 1);
  for (const [j, fareClass] of classes.entries()) {
    if (j > 0) protections.push(worthAbove(value, fareClass.fare));
    value = valueBefore(fareClass, value, protections[j - 1] ?? 0);
  }
  return { revenue: value[capacity]!, protections };
}

/**
 * The expected revenue of fixed protection levels, rounded to the nearest seat; all 0 is no control at all.
 *
 * @throws {RangeError} when there is not one level fewer than classes.
 */
export function legRevenue(
  classes: readonly FareClass[],
  capacity: number,
  protections: readonly number[],
): number {
  checkClasses(classes);
  if (protections.length !== classes.length - 1) {
    throw new RangeError(
      `There are ${protections.length} protection levels, expected ${classes.length - 1}`,
    );
  }
  let value: Float64Array = new Float64Array(capacity + 1);
  for (const [j, fareClass] of classes.entries()) {
    value = valueBefore(fareClass, value, j === 0 ? 0 : Math.round(protections[j - 1]!));
  }
  return value[capacity]!;
}

/** The most seats x of which the last is worth more to the classes above than the fare. */
function worthAbove(value: Float64Array, fare: number): number {
  let kept = 0;
  while (kept + 1 < value.length && value[kept + 1]! - value[kept]! > fare) kept++;
  return kept;
}

/** Expected revenue with x seats left when a class comes and is sold down to `kept` seats. */
function valueBefore(fareClass: FareClass, above: Float64Array, kept: number): Float64Array {
  const demand = roundedNormal(fareClass);
  return above.map((_, seats) => {
    const offered = Math.max(0, seats - kept);
    let expected = 0;
    let probabilityLeft = 1;
    for (let asked = 0; asked < Math.min(offered, demand.length); asked++) {
      expected += demand[asked]! * (fareClass.fare * asked + above[seats - asked]!);
      probabilityLeft -= demand[asked]!;
    }
    return expected + Math.max(0, probabilityLeft) * (fareClass.fare * offered + above[seats - offered]!);
  });
}
