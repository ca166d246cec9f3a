/** Fare buckets: how many seats at which price, and what a promotion makes of it. */

/** Seats on sale at one price. */
export interface FareBucket {
  readonly bucket: string;
  readonly seats: number;
  /** Per passenger, without promotion. */
  readonly price: number;
  /** How often it is asked for, relative to the others. */
  readonly weight: number;
}

/** A discount that runs on a flight from an instant on. */
export interface Promotion {
  /** Simulated time from which on it counts, milliseconds since 1970. */
  readonly fromMs: number;
  /** Percent off, more than 0 to 100. */
  readonly discountPercentage: number;
  readonly targetFareBucket: string;
}

/** All fares are in pounds. */
export const CURRENCY = "GBP";
export const CABIN_CODE = "Y";

/** The published buckets: of 180 seats 20 Y, 40 M, 120 K, asked for 1:3:6 at 220, 180 and 140 GBP. */
const PUBLISHED = [
  { bucket: "Y", share: 20 / 180, price: 220, weight: 1 },
  { bucket: "M", share: 40 / 180, price: 180, weight: 3 },
  { bucket: "K", share: 120 / 180, price: 140, weight: 6 },
] as const;

/** The distance at which a fare is the published one; about the mean of the built-in week (1,043 miles). */
const REFERENCE_MILES = 1000;

/**
 * The published buckets on a flight of so many seats. Fares grow with the square root of the distance, less than
 * in proportion, as air fares do (an assumption in place of data), and are whole pounds.
 *
 * @param distanceMiles `undefined` leaves the published fares.
 */
export function fareBuckets(totalSeats: number, distanceMiles?: number): FareBucket[] {
  const scale = distanceMiles === undefined ? 1 : Math.sqrt(distanceMiles / REFERENCE_MILES);
  let left = totalSeats;
  return PUBLISHED.map(({ bucket, share, price, weight }, index) => {
    const seats = index === PUBLISHED.length - 1 ? left : Math.min(left, Math.round(totalSeats * share));
    left -= seats;
    return { bucket, seats, price: Math.round(price * scale), weight };
  });
}

/** What a passenger pays, in pounds and pence. */
export function priceOf(fare: FareBucket, promotion: Promotion | undefined): number {
  if (promotion === undefined || promotion.targetFareBucket !== fare.bucket) return fare.price;
  return Math.round(fare.price * (100 - promotion.discountPercentage)) / 100;
}

/** What a party pays, in pounds and pence. */
export function totalPriceOf(pricePerPassenger: number, passengers: number): number {
  return Math.round(pricePerPassenger * passengers * 100) / 100;
}
