/** Littlewood's rule: how many seats two fares share. */

import { normalQuantile } from "./normal.ts";

/**
 * The booking limit of the low fare where the demand of the high fare is normal: seats are kept for the high fare
 * until the last one is sold with probability low fare / high fare. The protection is floored.
 *
 * Littlewood, "Forecasting and control of passenger bookings", AGIFORS 12 (1972); Phillips, "Pricing and Revenue
 * Optimization" (2005), chapter 7.
 *
 * @param fareRatio Low fare / high fare, more than 0 and less than 1.
 * @throws {RangeError} when the ratio is none.
 */
export function lowFareBookingLimit(
  capacity: number,
  highFareDemand: { mean: number; standardDeviation: number },
  fareRatio: number,
): number {
  if (!(fareRatio > 0 && fareRatio < 1)) {
    throw new RangeError(`The fare ratio is ${fareRatio}, expected more than 0 and less than 1`);
  }
  const { mean, standardDeviation } = highFareDemand;
  const protection = Math.floor(mean + standardDeviation * normalQuantile(1 - fareRatio));
  return Math.min(capacity, Math.max(0, capacity - Math.max(0, protection)));
}
