/** The prices at which a flight's seats can be sold at all: published fares, and the discounts policies may give. */

import { type FareBucket, priceOf } from "../producer/fares.ts";

/** Discounts on the lowest bucket, in percent. */
export const DISCOUNTS = [10, 25] as const;

/** All prices of a flight, the highest first, in pounds. */
export function priceLevels(fares: readonly FareBucket[]): number[] {
  const lowest = fares.at(-1)!;
  return [
    ...fares.map(({ price }) => price),
    ...DISCOUNTS.map((discountPercentage) =>
      priceOf(lowest, { fromMs: 0, discountPercentage, targetFareBucket: lowest.bucket })
    ),
  ];
}
