/** Topic `inventory_metrics`: how full a flight is and how fast it fills, keyed by `flight_id`. */

import { checkInteger, checkNumber, checkOptionalInstant, checkOptionalText } from "./_check.ts";
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
  /** Bookings in the last 6 and 24 hours of event time, per hour, three decimals. */
  booking_velocity_6h_per_hour?: number;
  booking_velocity_24h_per_hour?: number;
  /** Expected final load factor, 0 to 1, three decimals; there where the history of such flights is known. */
  forecast_load_factor?: number;
  /** The final load factor lies between these with a probability of 80 %. */
  forecast_load_factor_low?: number;
  forecast_load_factor_high?: number;
  /** When the flight is expected to fall below its target; null where it is not. */
  intervention_expected_at?: string | null;
  /** Version of the booking curves that the forecast was made from. */
  curve_version?: string;
  /** Derived from the input record, so that a duplicate can always be seen. */
  event_id?: string;
}

const MINUTES_MAX = 10 * 366 * 24 * 60;

const OPTIONAL_NUMBERS = [
  "booking_velocity_6h_per_hour",
  "booking_velocity_24h_per_hour",
  "forecast_load_factor",
  "forecast_load_factor_low",
  "forecast_load_factor_high",
] as const;

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
    for (const name of OPTIONAL_NUMBERS) {
      if (event[name] !== undefined && event[name] !== null) checkNumber(event, name, 0, 100_000_000);
    }
    checkOptionalInstant(event, "intervention_expected_at");
    checkOptionalText(event, "curve_version");
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
  booking_velocity_6h_per_hour: 0.167,
  booking_velocity_24h_per_hour: 0.042,
  forecast_load_factor: 0.612,
  forecast_load_factor_low: 0.504,
  forecast_load_factor_high: 0.72,
  intervention_expected_at: "2025-11-24T10:15:30.000Z",
  curve_version: "2025-11-23",
  event_id: "bookings-2-17-0@1f3a9c2e",
};
