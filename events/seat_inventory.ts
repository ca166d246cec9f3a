/** Topic `seat_inventory`: what is still on sale on a flight, keyed by `flight_id`. */

import { checkInteger, checkNumber, checkObjects, checkOptionalText, checkText } from "./_check.ts";
import type { JsonObject } from "./_check.ts";
import { TOTAL_SEATS_MAX } from "./flight_lifecycle.ts";
import { TOTAL_PRICE_MAX } from "./bookings.ts";

/** Seats on sale at one price. */
export interface FareBucketInventory {
  bucket: string;
  available_seats: number;
  price: number;
}

/** The seats that a flight offers at a moment; also makes the consumer evaluate flights nobody books. */
export interface CabinInventorySnapshot {
  event_type: "CabinInventorySnapshot";
  event_time: string;
  flight_id: string;
  /** Whole minutes until scheduled departure. */
  time_to_departure_minutes: number;
  cabins: { cabin_code: string; fare_buckets: FareBucketInventory[] }[];
  currency?: string | null;
}

const MINUTES_MAX = 10 * 366 * 24 * 60;

/** Field checks by event type; see `parse_event.ts`. */
export const seatInventoryChecks = {
  CabinInventorySnapshot(event: JsonObject): void {
    checkNumber(event, "time_to_departure_minutes", -MINUTES_MAX, MINUTES_MAX);
    checkOptionalText(event, "currency");
    for (const cabin of checkObjects(event, "cabins", 0, 20)) {
      checkText(cabin, "cabin_code");
      for (const bucket of checkObjects(cabin, "fare_buckets", 0, 50)) {
        checkText(bucket, "bucket");
        checkInteger(bucket, "available_seats", 0, TOTAL_SEATS_MAX);
        checkNumber(bucket, "price", 0, TOTAL_PRICE_MAX);
      }
    }
  },
};

/** One event of the topic as it travels. */
export const seatInventoryExample: CabinInventorySnapshot = {
  event_type: "CabinInventorySnapshot",
  event_time: "2025-11-24T10:16:00.000Z",
  flight_id: "BA210_2025-11-28",
  time_to_departure_minutes: 5984,
  cabins: [{
    cabin_code: "Y",
    fare_buckets: [
      { bucket: "Y", available_seats: 20, price: 220 },
      { bucket: "M", available_seats: 40, price: 180 },
      { bucket: "K", available_seats: 119, price: 140 },
    ],
  }],
  currency: "GBP",
};
