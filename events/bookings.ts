/** Topic `bookings`: seats sold and given back, keyed by `flight_id`. */

import { checkNumber, checkObjects, checkOptionalText, checkText } from "./_check.ts";
import type { JsonObject } from "./_check.ts";

/** One person of a booking. Only `passenger_id` is always there. */
export interface Passenger {
  passenger_id: string;
  seat_id?: string | null;
  cabin_code?: string | null;
}

/** Seats were sold. The same `booking_id` again is a duplicate and counts once. */
export interface BookingCreated {
  event_type: "BookingCreated";
  event_time: string;
  booking_id: string;
  flight_id: string;
  channel?: string | null;
  /** `Y`, `M` or `K`, the fare bucket all passengers are booked in. */
  fare_bucket: string;
  /** ISO 4217; `GBP` where left out. */
  currency?: string | null;
  /** Price of the whole booking, at least 0. */
  total_price: number;
  passengers: Passenger[];
}

/** A booking was given back; its seats are on sale again. */
export interface BookingCancelled {
  event_type: "BookingCancelled";
  event_time: string;
  booking_id: string;
  flight_id: string;
}

export type BookingEvent = BookingCreated | BookingCancelled;

/** The most passengers of one booking. */
export const PASSENGERS_MAX = 500;
/** The highest price that is taken for one, in the booking's currency. */
export const TOTAL_PRICE_MAX = 10_000_000;

/** Field checks by event type; see `parse_event.ts`. */
export const bookingChecks = {
  BookingCreated(event: JsonObject): void {
    checkText(event, "booking_id");
    checkText(event, "fare_bucket");
    checkNumber(event, "total_price", 0, TOTAL_PRICE_MAX);
    checkOptionalText(event, "channel");
    checkOptionalText(event, "currency");
    for (const passenger of checkObjects(event, "passengers", 1, PASSENGERS_MAX)) {
      checkText(passenger, "passenger_id");
      checkOptionalText(passenger, "seat_id");
      checkOptionalText(passenger, "cabin_code");
    }
  },
  BookingCancelled(event: JsonObject): void {
    checkText(event, "booking_id");
  },
};

/** One event of the topic as it travels. */
export const bookingExample: BookingCreated = {
  event_type: "BookingCreated",
  event_time: "2025-11-24T10:15:30.000Z",
  booking_id: "0b6f9d1e-4c35-4a3e-9a67-4f1f7d0f9b11",
  flight_id: "BA210_2025-11-28",
  channel: "WEB",
  fare_bucket: "K",
  currency: "GBP",
  total_price: 140,
  passengers: [{ passenger_id: "P1", seat_id: "12A", cabin_code: "Y" }],
};
