/** What lifecycle events do to a flight. */

import type { FlightLifecycleEvent, FlightScheduled } from "../events/flight_lifecycle.ts";
import { parseInstant } from "../events/instant.ts";
import { routeOf } from "../forecast/flight_kind.ts";
import { FlightState } from "./flight_state.ts";

/** A flight that becomes known, at the partition's clock (milliseconds since 1970). */
export function scheduledFlight(event: FlightScheduled, eventTimeMs: number, touchedMs: number): FlightState {
  return new FlightState(event.flight_id, {
    phase: "scheduled",
    overMs: null,
    totalSeats: event.total_seats,
    departureMs: parseInstant(event.scheduled_departure_time),
    bookedSeats: 0,
    clockMs: eventTimeMs,
    lastVelocity: null,
    promotions: 0,
    lastPromotionMs: null,
    bookingEntries: 0,
    touchedMs,
    route: routeOf(event.origin_airport, event.destination_airport),
  });
}

/** A known flight is scheduled again: with other seats or another time, or after it was cancelled. */
export function reschedule(flight: FlightState, event: FlightScheduled, eventTimeMs: number): void {
  flight.advance(eventTimeMs);
  const { facts } = flight;
  facts.totalSeats = event.total_seats;
  facts.departureMs = parseInstant(event.scheduled_departure_time);
  facts.route = routeOf(event.origin_airport, event.destination_airport);
  flight.curveGeneration = -1;
  if (facts.phase !== "cancelled") return;
  facts.phase = "scheduled";
  facts.overMs = null;
}

/** A flight is late, cancelled, under way or there. */
export function moveOn(
  flight: FlightState,
  event: Exclude<FlightLifecycleEvent, FlightScheduled>,
  eventTimeMs: number,
): void {
  flight.advance(eventTimeMs);
  const { facts } = flight;
  if (event.event_type === "FlightCancelled") {
    if (facts.phase === "scheduled") facts.phase = "cancelled";
  } else if (event.event_type !== "FlightDelayed") {
    facts.phase = "departed";
  }
  if (facts.phase !== "scheduled") facts.overMs ??= eventTimeMs;
}
