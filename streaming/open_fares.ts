/** What a flight has on sale. */

import type { CabinInventorySnapshot } from "../events/seat_inventory.ts";
import type { OpenFare } from "./policies/policy.ts";

/** The buckets of a snapshot that have seats and a price, the highest price first. */
export function openFares({ cabins }: CabinInventorySnapshot): OpenFare[] {
  return cabins.flatMap(({ fare_buckets }) => fare_buckets)
    .filter(({ available_seats, price }) => available_seats > 0 && price > 0)
    .map(({ bucket, price, available_seats }) => ({ bucket, price, available_seats }))
    .sort((a, b) => b.price - a.price || (a.bucket < b.bucket ? -1 : 1));
}
