/** Topic `inventory_metrics`: how full a flight is and how fast it fills, keyed by `flight_id`. */

import { checkInteger, checkNumber, checkOptionalText } from "./_check.ts";
import type { JsonObject } from "./_check.ts";
import { TOTAL_SEATS_MAX } from "./flight_lifecycle.ts";

/** The consumer's view of a flight after one event of it. */
export interface CabinInventoryMetrics {
  event_type: "CabinInventoryMetrics";
  /** Event time of the newest event of the flight. */
  event_time: string;
  flight_id: string;
  booked_seats: number;
  total_seats: number;
  /** `booked_seats / total_seats`, 0 to 1, three decimals. */
  load_factor: number;
  /** Whole minutes, at least 0. */
  minutes_to_departure: number;
  /** Days, two decimals. */
  days_to_departure: number;
  /** Bookings in the last 60 minutes of event time, per hour, three decimals. */
  booking_velocity_per_hour: number;
  /** Derived from the input record, so that a duplicate can always be seen. */
  event_id?: string;
}

const MINUTES_MAX = 10 * 366 * 24 * 60;

/** Field checks by event type; see `parse_event.ts`. */
export const inventoryMetricsChecks = {
  CabinInventoryMetrics(event: JsonObject): void {
    // Seats of an overbooked flight may exceed its capacity; the load factor stays within 0 to 1 on the wire.
    checkInteger(event, "booked_seats", 0, 1_000_000);
    checkInteger(event, "total_seats", 1, TOTAL_SEATS_MAX);
    checkNumber(event, "load_factor", 0, 1_000_000);
    checkInteger(event, "minutes_to_departure", 0, MINUTES_MAX);
    checkNumber(event, "days_to_departure", 0, MINUTES_MAX);
    checkNumber(event, "booking_velocity_per_hour", 0, 100_000_000);
    checkOptionalText(event, "event_id");
  },
};

/** One event of the topic as it travels. */
export const inventoryMetricsExample: CabinInventoryMetrics = {
  event_type: "CabinInventoryMetrics",
  event_time: "2025-11-24T10:15:30.000Z",
  flight_id: "BA210_2025-11-28",
  booked_seats: 1,
  total_seats: 180,
  load_factor: 0.006,
  minutes_to_departure: 5984,
  days_to_departure: 4.16,
  booking_velocity_per_hour: 1,
  event_id: "bookings-2-17-0@1f3a9c2e",
};
