/** When a flight will need a hand: at its own pace, when its expected final load falls below the target. */

import { curveAt } from "./booking_curve.ts";
import type { BookingCurve } from "./booking_curve.ts";

/** One seat more on both sides keeps the pace of flights with few bookings near 1. */
const PRIOR_SEATS = 1;
const PACE_MAX = 2;

/**
 * How fast a flight sells, as a share of what is usual: bookings of the last 24 hours against those expected.
 *
 * @param expectedSeats By the curve, in the last 24 hours.
 */
export function paceOf(recentSeats: number, expectedSeats: number): number {
  return Math.min(
    PACE_MAX,
    Math.max(0, (recentSeats + PRIOR_SEATS) / (Math.max(0, expectedSeats) + PRIOR_SEATS)),
  );
}

/** A flight, as shares of its seats. */
export interface PacedFlight {
  load: number;
  daysBefore: number;
  /** {@link paceOf}. */
  pace: number;
}

/**
 * Days before departure at which a flight that goes on at its pace falls below `target`, as seen from there by additive
 * pickup: load + pace × (pickup now − pickup then) + pickup then < target. `daysBefore` itself where it is below
 * already, `undefined` where it never will be or the curve tells nothing.
 *
 * @param pickupNow Mean pickup from now on, where it is known already.
 */
export function daysBelowTarget(
  curve: BookingCurve,
  { load, daysBefore, pace }: PacedFlight,
  target: number,
  pickupNow: number | undefined = curveAt(curve, daysBefore)?.meanPickup,
): number | undefined {
  if (pickupNow === undefined) return undefined;
  // How far above the target, given the pickup that is left.
  const above = (pickup: number) => load + pace * (pickupNow - pickup) + pickup - target;
  let [days, excess] = [daysBefore, above(pickupNow)];
  if (excess < 0) return daysBefore;
  if (pace >= 1 && excess >= 0) return undefined;
  for (const point of curve.points) {
    if (point.daysBefore >= daysBefore) continue;
    const next = above(point.meanPickup);
    if (next < 0) return point.daysBefore + (days - point.daysBefore) * next / (next - excess);
    [days, excess] = [point.daysBefore, next];
  }
  return undefined;
}
