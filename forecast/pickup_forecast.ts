/**
 * Pickup forecasts of a flight's final load (Talluri and van Ryzin, The Theory and Practice of Revenue Management,
 * section 9.3.6; L'Heureux 1986).
 *
 * @module
 */

import { curveAt } from "./booking_curve.ts";
import type { BookingCurve } from "./booking_curve.ts";
import { halfWidth80 } from "./student_t.ts";

/** `additive`: booked now plus mean pickup; `multiplicative`: booked now times final by then. */
export type PickupMethod = "additive" | "multiplicative";

/** A final load as shares of the seats. */
export interface LoadForecast {
  /** Expected demand: may exceed 1 where flights sell out. */
  demand: number;
  /** Expected final load, 0 to 1. */
  final: number;
  /** The final load lies between these with a probability of 80 %. */
  low: number;
  high: number;
}

/** Flights that a curve needs at a reading day before it says anything. */
export const FLIGHTS_MIN = 3;

function share(value: number): number {
  return Math.min(1, Math.max(0, value));
}

/**
 * The final load of a flight of which `load` is booked `daysBefore` departure. `undefined` where the curve does not reach
 * back so far, or is of fewer than {@link FLIGHTS_MIN} flights there; the multiplicative one also where nothing used to
 * be booked by then.
 */
export function forecastLoad(
  curve: BookingCurve,
  load: number,
  daysBefore: number,
  method: PickupMethod = "additive",
): LoadForecast | undefined {
  const point = curveAt(curve, daysBefore);
  if (point === undefined || point.flights < FLIGHTS_MIN) return undefined;
  let demand: number;
  let variance: number;
  if (method === "additive") {
    demand = load + point.meanPickup;
    variance = point.variancePickup;
  } else {
    if (point.ratio === null) return undefined;
    demand = load * point.ratio;
    variance = point.varianceRatio;
  }
  const half = halfWidth80(point.flights) * Math.sqrt(variance);
  return { demand, final: share(demand), low: share(demand - half), high: share(demand + half) };
}
