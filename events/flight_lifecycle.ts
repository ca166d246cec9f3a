/** Topic `flight_lifecycle`: what happens to a flight, keyed by `flight_id`. */

import {
  checkInstant,
  checkInteger,
  checkObjects,
  checkOptionalInstant,
  checkOptionalText,
  checkText,
} from "./_check.ts";
import type { JsonObject } from "./_check.ts";

/** Seats of one cabin. */
export interface Cabin {
  cabin_code: string;
  seat_count: number;
}

/** A flight is on sale. Sent once; a repeated one updates the schedule. */
export interface FlightScheduled {
  event_type: "FlightScheduled";
  event_time: string;
  /** Designator, `_`, departure date at the origin: `BA210_2025-11-28`; `-2` behind the second of a day. */
  flight_id: string;
  airline_code: string;
  origin_airport: string;
  destination_airport: string;
  scheduled_departure_time: string;
  scheduled_arrival_time: string;
  aircraft_type: string;
  total_seats: number;
  cabins: Cabin[];
}

/** The flight will leave later than scheduled; the newest one counts. */
export interface FlightDelayed {
  event_type: "FlightDelayed";
  event_time: string;
  flight_id: string;
  /** Minutes behind the schedule. */
  delay_minutes: number;
  estimated_departure_time: string;
}

/** The flight has left: no booking or promotion after this. */
export interface FlightDeparted {
  event_type: "FlightDeparted";
  event_time: string;
  flight_id: string;
  actual_departure_time: string;
  /** Minutes behind the schedule; negative is early. */
  delay_minutes: number;
  /** Passengers who had a seat and did not come; left out where nobody counts them. */
  no_shows?: number;
}

/** The flight has landed. */
export interface FlightArrived {
  event_type: "FlightArrived";
  event_time: string;
  flight_id: string;
  actual_arrival_time: string;
  delay_minutes: number;
}

/** The flight does not take place. */
export interface FlightCancelled {
  event_type: "FlightCancelled";
  event_time: string;
  flight_id: string;
}

export type FlightLifecycleEvent =
  | FlightScheduled
  | FlightDelayed
  | FlightDeparted
  | FlightArrived
  | FlightCancelled;

/** The most seats that any event may claim for one flight (an A380 holds 853). */
export const TOTAL_SEATS_MAX = 1000;

const DELAY_MINUTES_MAX = 7 * 24 * 60;

/** Field checks by event type; see `parse_event.ts`. */
export const flightLifecycleChecks = {
  FlightScheduled(event: JsonObject): void {
    checkText(event, "airline_code");
    checkText(event, "origin_airport");
    checkText(event, "destination_airport");
    checkInstant(event, "scheduled_departure_time");
    checkOptionalInstant(event, "scheduled_arrival_time");
    checkOptionalText(event, "aircraft_type");
    checkInteger(event, "total_seats", 1, TOTAL_SEATS_MAX);
    if (event.cabins !== undefined && event.cabins !== null) {
      for (const cabin of checkObjects(event, "cabins", 0, 20)) {
        checkText(cabin, "cabin_code");
        checkInteger(cabin, "seat_count", 0, TOTAL_SEATS_MAX);
      }
    }
  },
  FlightDelayed(event: JsonObject): void {
    checkInteger(event, "delay_minutes", -DELAY_MINUTES_MAX, DELAY_MINUTES_MAX);
    checkInstant(event, "estimated_departure_time");
  },
  FlightDeparted(event: JsonObject): void {
    checkInstant(event, "actual_departure_time");
    checkInteger(event, "delay_minutes", -DELAY_MINUTES_MAX, DELAY_MINUTES_MAX);
  },
  FlightArrived(event: JsonObject): void {
    checkInstant(event, "actual_arrival_time");
    checkInteger(event, "delay_minutes", -DELAY_MINUTES_MAX, DELAY_MINUTES_MAX);
  },
  FlightCancelled(): void {},
};

/** One event of the topic as it travels. */
export const flightLifecycleExample: FlightScheduled = {
  event_type: "FlightScheduled",
  event_time: "2025-11-21T09:00:00.000Z",
  flight_id: "BA210_2025-11-28",
  airline_code: "BA",
  origin_airport: "LHR",
  destination_airport: "BOS",
  scheduled_departure_time: "2025-11-28T14:00:00.000Z",
  scheduled_arrival_time: "2025-11-28T21:40:00.000Z",
  aircraft_type: "A320",
  total_seats: 180,
  cabins: [{ cabin_code: "Y", seat_count: 180 }],
};
