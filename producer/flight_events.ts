/** The events of a flight as they travel. */

import type { BookingCancelled, BookingCreated } from "../events/bookings.ts";
import type { FlightLifecycleEvent } from "../events/flight_lifecycle.ts";
import { formatInstant } from "../events/instant.ts";
import type { CabinInventorySnapshot } from "../events/seat_inventory.ts";
import type { SeatMapSnapshot } from "../events/seat_map.ts";
import type { StreamEvent } from "../events/stream_events.ts";
import { CABIN_CODE, CURRENCY, priceOf, type Promotion, totalPriceOf } from "./fares.ts";
import type { FlightPlan } from "./flight_simulation.ts";
import type { Cancellation } from "./pending_cancellations.ts";
import { PURPOSE, randomUuid } from "./random.ts";
import type { SeatMap } from "./seat_map.ts";

/** An event that is not yet text. */
export type FlightEvent =
  | FlightLifecycleEvent
  | BookingCreated
  | BookingCancelled
  | CabinInventorySnapshot
  | SeatMapSnapshot
  | StreamEvent;

/** A booking of the candidate at hand. */
export interface NextBooking {
  timeMs: number;
  passengers: number;
  /** By its place among the plan's fares. */
  fare: number;
}

/** A milestone; a departure counts those who did not come, where the demand knows them. */
export function lifecycleEvent(plan: FlightPlan, milestone: number, noShows: number): FlightLifecycleEvent {
  const { event } = plan.milestones[milestone]!;
  return event.event_type === "FlightDeparted" && plan.demand.afterBooking !== undefined
    ? { ...event, no_shows: noShows }
    : event;
}

/** The booking of the candidate at hand. */
export function bookingEvent(
  plan: FlightPlan,
  booking: NextBooking,
  seats: readonly string[],
  promotion: Promotion | undefined,
): BookingCreated {
  const { flight, key, demand } = plan;
  const fare = plan.fares[booking.fare]!;
  return {
    event_type: "BookingCreated",
    event_time: formatInstant(booking.timeMs),
    booking_id: randomUuid(key, PURPOSE.bookingId, demand.index),
    flight_id: flight.flightId,
    channel: "WEB",
    fare_bucket: fare.bucket,
    currency: CURRENCY,
    total_price: totalPriceOf(priceOf(fare, promotion), booking.passengers),
    passengers: seats.map((seat_id, number) => ({
      passenger_id: `P${number + 1}`,
      seat_id,
      cabin_code: CABIN_CODE,
    })),
  };
}

/** A booking is given back. */
export function cancellationEvent(
  { key, flight }: FlightPlan,
  { timeMs, candidate }: Cancellation,
): BookingCancelled {
  return {
    event_type: "BookingCancelled",
    event_time: formatInstant(timeMs),
    booking_id: randomUuid(key, PURPOSE.bookingId, candidate),
    flight_id: flight.flightId,
  };
}

/** What is on sale. */
export function inventoryEvent(
  { flight, fares }: FlightPlan,
  atMs: number,
  available: readonly number[],
  promotion: Promotion | undefined,
): CabinInventorySnapshot {
  return {
    event_type: "CabinInventorySnapshot",
    event_time: formatInstant(atMs),
    flight_id: flight.flightId,
    time_to_departure_minutes: Math.floor((flight.scheduledDepartureMs - atMs) / 60_000),
    cabins: [{
      cabin_code: CABIN_CODE,
      fare_buckets: fares.map((fare, i) => ({
        bucket: fare.bucket,
        available_seats: available[i]!,
        price: priceOf(fare, promotion),
      })),
    }],
    currency: CURRENCY,
  };
}

/** Which seats are taken. */
export function seatMapEvent({ flight }: FlightPlan, atMs: number, seats: SeatMap): SeatMapSnapshot {
  return {
    event_type: "SeatMapSnapshot",
    event_time: formatInstant(atMs),
    flight_id: flight.flightId,
    occupied_seats: seats.occupied(),
  };
}
