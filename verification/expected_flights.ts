/** The rows of `dim_flight`, derived anew from lifecycle events: of each part of a row the latest event counts. */

import type { FlightLifecycleEvent } from "../events/flight_lifecycle.ts";
import { parseInstant } from "../events/instant.ts";
import { DIM_FLIGHT } from "../warehouse/gold_tables.ts";
import type { LakePlace } from "./cut.ts";
import { storedCell } from "./table_rows.ts";
import type { Row } from "./table_rows.ts";
import type { Cell } from "./text_hash.ts";

interface Version extends LakePlace {
  timeMs: number;
}

interface FlightParts {
  fields: Record<string, Cell>;
  /** The event that each part was taken from. */
  versions: Map<string, Version>;
}

const STATUS: Record<Exclude<FlightLifecycleEvent["event_type"], "FlightScheduled">, string> = {
  FlightDelayed: "delayed",
  FlightDeparted: "departed",
  FlightArrived: "arrived",
  FlightCancelled: "cancelled",
};

function isLater(a: Version, b: Version | undefined): boolean {
  if (b === undefined) return true;
  if (a.timeMs !== b.timeMs) return a.timeMs > b.timeMs;
  if (a.log !== b.log) return a.log > b.log;
  return a.partition !== b.partition ? a.partition > b.partition : a.offset > b.offset;
}

function instant(text: string | null | undefined): Cell {
  return text === undefined || text === null ? null : parseInstant(text);
}

/** Flights as their events tell, in any order. */
export class ExpectedFlights {
  readonly #flights = new Map<string, FlightParts>();

  get size(): number {
    return this.#flights.size;
  }

  take(event: FlightLifecycleEvent, place: LakePlace): void {
    let flight = this.#flights.get(event.flight_id);
    if (flight === undefined) {
      const fields = { flight_id: event.flight_id, status: "scheduled", cancelled: false };
      this.#flights.set(event.flight_id, flight = { fields, versions: new Map() });
    }
    const version = { ...place, timeMs: parseInstant(event.event_time) };
    const set = (part: string, fields: Record<string, Cell>) => {
      if (!isLater(version, flight.versions.get(part))) return;
      flight.versions.set(part, version);
      Object.assign(flight.fields, fields);
    };
    if (event.event_type === "FlightScheduled") {
      set("schedule", {
        airline_code: event.airline_code,
        origin_airport: event.origin_airport,
        destination_airport: event.destination_airport,
        scheduled_departure_time: instant(event.scheduled_departure_time),
        scheduled_arrival_time: instant(event.scheduled_arrival_time),
        aircraft_type: event.aircraft_type ?? null,
        total_seats: event.total_seats,
      });
      return;
    }
    const cancelled = event.event_type === "FlightCancelled";
    set("status", { status: STATUS[event.event_type], cancelled });
    if (event.event_type === "FlightCancelled") return;
    set("delay", { delay_minutes: event.delay_minutes });
    if (event.event_type === "FlightDeparted") {
      set("departure", { actual_departure_time: instant(event.actual_departure_time) });
    } else if (event.event_type === "FlightArrived") {
      set("arrival", { actual_arrival_time: instant(event.actual_arrival_time) });
    }
  }

  /** One row a flight. */
  *rows(): Iterable<Row> {
    for (const { fields } of this.#flights.values()) {
      yield DIM_FLIGHT.columns.map(({ name }) => storedCell(fields[name]));
    }
  }
}
