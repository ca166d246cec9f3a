/**
 * What became of a flight, from its lifecycle events in any order: each part of the row keeps the event with the
 * latest event time (between equal ones the later by log, partition and offset), so the result depends neither
 * on the order nor on how runs cut the events, and an event that comes twice changes nothing.
 *
 * @module
 */

/** A lifecycle event with typed fields; what its type does not have is null. Times are ISO 8601 UTC. */
export interface LifecycleEvent {
  event_type: string;
  event_time: string;
  flight_id: string;
  airline_code: string | null;
  origin_airport: string | null;
  destination_airport: string | null;
  scheduled_departure_time: string | null;
  scheduled_arrival_time: string | null;
  aircraft_type: string | null;
  total_seats: number | null;
  delay_minutes: number | null;
  actual_departure_time: string | null;
  actual_arrival_time: string | null;
  _log: string;
  _partition: number;
  _offset: number;
}

/** Where an event stands, and when it happened. */
export interface EventVersion {
  time: string;
  log: string;
  partition: number;
  offset: number;
}

/** The parts of a flight's row that change together. */
export type FlightPart = "schedule" | "status" | "delay" | "departure" | "arrival";

/** One row of `dim_flight`, with the event that each part comes from. */
export interface Flight {
  flight_id: string;
  airline_code: string | null;
  origin_airport: string | null;
  destination_airport: string | null;
  scheduled_departure_time: string | null;
  scheduled_arrival_time: string | null;
  aircraft_type: string | null;
  total_seats: number | null;
  /** `scheduled`, `delayed`, `departed`, `arrived` or `cancelled`. */
  status: string;
  actual_departure_time: string | null;
  actual_arrival_time: string | null;
  delay_minutes: number | null;
  cancelled: boolean;
  versions: Partial<Record<FlightPart, EventVersion>>;
}

const STATUS: Record<string, string> = {
  FlightDelayed: "delayed",
  FlightDeparted: "departed",
  FlightArrived: "arrived",
  FlightCancelled: "cancelled",
};

/** A flight of which nothing is known. */
export function unknownFlight(flightId: string): Flight {
  return {
    flight_id: flightId,
    airline_code: null,
    origin_airport: null,
    destination_airport: null,
    scheduled_departure_time: null,
    scheduled_arrival_time: null,
    aircraft_type: null,
    total_seats: null,
    status: "scheduled",
    actual_departure_time: null,
    actual_arrival_time: null,
    delay_minutes: null,
    cancelled: false,
    versions: {},
  };
}

/** The order in which versions are written, so that equal ones are equal texts. */
export const FLIGHT_PARTS: readonly FlightPart[] = ["schedule", "status", "delay", "departure", "arrival"];

/** Whether version `a` is later than `b`. */
function later(a: EventVersion, b: EventVersion | undefined): boolean {
  if (b === undefined) return true;
  if (a.time !== b.time) return a.time > b.time;
  if (a.log !== b.log) return a.log > b.log;
  if (a.partition !== b.partition) return a.partition > b.partition;
  return a.offset > b.offset;
}

/** The flight after one more event. A repeated schedule leaves the status as it is. */
export function foldFlight(flight: Flight, event: LifecycleEvent): Flight {
  const version: EventVersion = {
    time: event.event_time,
    log: event._log,
    partition: event._partition,
    offset: event._offset,
  };
  const next: Flight = { ...flight, versions: { ...flight.versions } };
  const take = (part: FlightPart): boolean => {
    if (!later(version, next.versions[part])) return false;
    next.versions[part] = version;
    return true;
  };
  if (event.event_type === "FlightScheduled") {
    if (take("schedule")) {
      next.airline_code = event.airline_code;
      next.origin_airport = event.origin_airport;
      next.destination_airport = event.destination_airport;
      next.scheduled_departure_time = event.scheduled_departure_time;
      next.scheduled_arrival_time = event.scheduled_arrival_time;
      next.aircraft_type = event.aircraft_type;
      next.total_seats = event.total_seats;
    }
    return next;
  }
  if (take("status")) {
    next.status = STATUS[event.event_type]!;
    next.cancelled = event.event_type === "FlightCancelled";
  }
  if (event.event_type !== "FlightCancelled" && take("delay")) next.delay_minutes = event.delay_minutes;
  if (event.event_type === "FlightDeparted" && take("departure")) {
    next.actual_departure_time = event.actual_departure_time;
  }
  if (event.event_type === "FlightArrived" && take("arrival")) {
    next.actual_arrival_time = event.actual_arrival_time;
  }
  return next;
}
