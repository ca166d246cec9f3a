/** What happens to a flight from its sale to its arrival, as events with their times. */

import type { FlightLifecycleEvent } from "../events/flight_lifecycle.ts";
import { formatInstant } from "../events/instant.ts";
import { CABIN_CODE } from "./fares.ts";
import type { Flight } from "./flight.ts";
import { PURPOSE, type RandomKey, randomUnit } from "./random.ts";

const MINUTE_MS = 60_000;

/** From this delay on a flight counts as late (US Bureau of Transportation Statistics) and is announced so. */
const DELAY_ANNOUNCED_MINUTES_MIN = 15;
/** From this delay on a first, lower estimate comes before the real one. */
const DELAY_ESTIMATED_MINUTES_MIN = 60;

/** An event and its time. */
export interface Milestone {
  timeMs: number;
  event: FlightLifecycleEvent;
}

/** When a flight is sold and when it is over, milliseconds since 1970. */
export interface FlightTimes {
  /** The sale opens: the first event. */
  opensMs: number;
  /** No booking from here on: scheduled or earlier actual departure, or cancellation. */
  closesMs: number;
  departsMs: number;
  /** The last event: arrival or cancellation. */
  endsMs: number;
}

/**
 * A flight's times. The source does not say when a flight was cancelled: 1 to 12 hours before departure are
 * drawn, but never before the sale opened. An arrival is at least a minute after the departure.
 */
export function timesOf(flight: Flight, key: RandomKey, opensMs: number): FlightTimes {
  const { scheduledDepartureMs, scheduledArrivalMs, outcome } = flight;
  if (outcome.kind === "cancelled") {
    const aheadMs = Math.round((1 + 11 * randomUnit(key, PURPOSE.lifecycle, 0)) * 60) * MINUTE_MS;
    const cancelledMs = Math.max(scheduledDepartureMs - aheadMs, opensMs + MINUTE_MS);
    return { opensMs, closesMs: cancelledMs, departsMs: scheduledDepartureMs, endsMs: cancelledMs };
  }
  const departsMs = Math.max(
    scheduledDepartureMs + outcome.departureDelayMinutes * MINUTE_MS,
    opensMs + MINUTE_MS,
  );
  const arrivesMs = scheduledArrivalMs + outcome.arrivalDelayMinutes * MINUTE_MS;
  return {
    opensMs,
    closesMs: Math.min(scheduledDepartureMs, departsMs),
    departsMs,
    endsMs: Math.max(arrivesMs, departsMs + MINUTE_MS),
  };
}

/** A flight's lifecycle events in the order of time. */
export function lifecycleOf(flight: Flight, times: FlightTimes, key: RandomKey): Milestone[] {
  const { flightId, scheduledDepartureMs, scheduledArrivalMs } = flight;
  const milestones: Milestone[] = [];
  const add = (timeMs: number, eventOf: (event_time: string) => FlightLifecycleEvent) =>
    void milestones.push({ timeMs, event: eventOf(formatInstant(timeMs)) });

  add(times.opensMs, (event_time) => ({
    event_type: "FlightScheduled",
    event_time,
    flight_id: flightId,
    airline_code: flight.airlineCode,
    origin_airport: flight.originAirport,
    destination_airport: flight.destinationAirport,
    scheduled_departure_time: formatInstant(scheduledDepartureMs),
    scheduled_arrival_time: formatInstant(scheduledArrivalMs),
    aircraft_type: flight.aircraftType,
    total_seats: flight.totalSeats,
    cabins: [{ cabin_code: CABIN_CODE, seat_count: flight.totalSeats }],
  }));
  if (flight.outcome.kind === "cancelled") {
    add(times.endsMs, (event_time) => ({ event_type: "FlightCancelled", event_time, flight_id: flightId }));
    return milestones;
  }
  const delayMinutes = Math.round((times.departsMs - scheduledDepartureMs) / MINUTE_MS);
  const announce = (timeMs: number, delay_minutes: number) =>
    add(Math.max(timeMs, times.opensMs + MINUTE_MS), (event_time) => ({
      event_type: "FlightDelayed",
      event_time,
      flight_id: flightId,
      delay_minutes,
      estimated_departure_time: formatInstant(scheduledDepartureMs + delay_minutes * MINUTE_MS),
    }));
  if (delayMinutes >= DELAY_ANNOUNCED_MINUTES_MIN) {
    const firstMs = scheduledDepartureMs -
      Math.round(30 + 60 * randomUnit(key, PURPOSE.lifecycle, 1)) * MINUTE_MS;
    if (delayMinutes >= DELAY_ESTIMATED_MINUTES_MIN) {
      announce(firstMs, Math.floor(delayMinutes / 10) * 5);
      announce(scheduledDepartureMs, delayMinutes);
    } else {
      announce(firstMs, delayMinutes);
    }
  }
  add(times.departsMs, (event_time) => ({
    event_type: "FlightDeparted",
    event_time,
    flight_id: flightId,
    actual_departure_time: event_time,
    delay_minutes: delayMinutes,
  }));
  add(times.endsMs, (event_time) => ({
    event_type: "FlightArrived",
    event_time,
    flight_id: flightId,
    actual_arrival_time: event_time,
    delay_minutes: Math.round((times.endsMs - scheduledArrivalMs) / MINUTE_MS),
  }));
  return milestones.sort((a, b) => a.timeMs - b.timeMs);
}
