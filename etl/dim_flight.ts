/** `dim_flight`: one row per flight, its schedule and what became of it. */

import pl from "nodejs-polars";
import type { LazyDataFrame } from "nodejs-polars";
import { TOTAL_SEATS_MAX } from "../events/flight_lifecycle.ts";
import type { FlightLifecycleEvent } from "../events/flight_lifecycle.ts";
import type { AirlineEvent } from "../events/parse_event.ts";
import { columnsOf } from "./fact_table.ts";
import { FLIGHT_PARTS, foldFlight, unknownFlight } from "./flight_fold.ts";
import type { Flight, LifecycleEvent } from "./flight_fold.ts";
import {
  allOf,
  INSTANT,
  instantOf,
  instantThere,
  normalizedInstant,
  numberWithin,
  textThere,
} from "./raw_topic.ts";
import type { RawTopic, Schema } from "./raw_topic.ts";

const TIMES = [
  "event_time",
  "scheduled_departure_time",
  "scheduled_arrival_time",
  "estimated_departure_time",
  "actual_departure_time",
  "actual_arrival_time",
] as const;

const isType = (type: string) => pl.col("event_type").eq(pl.lit(type));
const WEEK_MINUTES = 7 * 24 * 60;
const delayThere = numberWithin("delay_minutes", -WEEK_MINUTES, WEEK_MINUTES);

/** Topic `flight_lifecycle` as the ETL reads it. */
export const flightLifecycleTopic: RawTopic = {
  name: "flight_lifecycle",
  fields: {
    event_type: pl.String,
    event_time: pl.String,
    flight_id: pl.String,
    airline_code: pl.String,
    origin_airport: pl.String,
    destination_airport: pl.String,
    scheduled_departure_time: pl.String,
    scheduled_arrival_time: pl.String,
    aircraft_type: pl.String,
    total_seats: pl.Int32,
    delay_minutes: pl.Int32,
    estimated_departure_time: pl.String,
    actual_departure_time: pl.String,
    actual_arrival_time: pl.String,
  },
  typed: (lines) => lines.withColumns(...TIMES.map(instantOf)),
  usable: allOf(instantThere("event_time"), textThere("flight_id")).and(
    pl.anyHorizontal([
      isType("FlightScheduled").and(allOf(
        textThere("airline_code"),
        textThere("origin_airport"),
        textThere("destination_airport"),
        instantThere("scheduled_departure_time"),
        numberWithin("total_seats", 1, TOTAL_SEATS_MAX),
      )),
      isType("FlightDelayed").and(allOf(instantThere("estimated_departure_time"), delayThere)),
      isType("FlightDeparted").and(allOf(instantThere("actual_departure_time"), delayThere)),
      isType("FlightArrived").and(allOf(instantThere("actual_arrival_time"), delayThere)),
      isType("FlightCancelled"),
    ]),
  ).fillNull(pl.lit(false)),
  normalized: (event: AirlineEvent) => {
    const flight = event as FlightLifecycleEvent as FlightLifecycleEvent & Record<string, unknown>;
    const fields = Object.fromEntries(
      FIELDS_BY_TYPE[flight.event_type].map((name) => [name, flight[name] ?? null]),
    );
    for (const name of TIMES) if (name in fields) fields[name] = normalizedInstant(fields[name]);
    return fields;
  },
};

const OF_EVERY_TYPE = ["event_type", "event_time", "flight_id"] as const;
/** Only what a type's checks have looked at: a field of that name on another type may hold anything. */
const FIELDS_BY_TYPE: Record<FlightLifecycleEvent["event_type"], readonly string[]> = {
  FlightScheduled: [
    ...OF_EVERY_TYPE,
    "airline_code",
    "origin_airport",
    "destination_airport",
    "scheduled_departure_time",
    "scheduled_arrival_time",
    "aircraft_type",
    "total_seats",
  ],
  FlightDelayed: [...OF_EVERY_TYPE, "delay_minutes", "estimated_departure_time"],
  FlightDeparted: [...OF_EVERY_TYPE, "delay_minutes", "actual_departure_time"],
  FlightArrived: [...OF_EVERY_TYPE, "delay_minutes", "actual_arrival_time"],
  FlightCancelled: OF_EVERY_TYPE,
};

/**
 * Key `flight_id`. `_versions` holds, as JSON, the event that each part of the row comes from; with it a later
 * run can tell whether an event is news. The schedule is null as long as only other events are known.
 */
export const dimFlight: { name: "dim_flight"; key: readonly string[]; schema: Schema } = {
  name: "dim_flight",
  key: ["flight_id"],
  schema: {
    flight_id: pl.String,
    airline_code: pl.String,
    origin_airport: pl.String,
    destination_airport: pl.String,
    scheduled_departure_time: INSTANT,
    scheduled_arrival_time: INSTANT,
    aircraft_type: pl.String,
    total_seats: pl.Int32,
    status: pl.String,
    actual_departure_time: INSTANT,
    actual_arrival_time: INSTANT,
    delay_minutes: pl.Int32,
    cancelled: pl.Bool,
    _versions: pl.String,
  },
};

/** A flight as it stands in `dim_flight`. */
type FlightRow = Omit<Flight, "versions"> & { _versions: string };

/**
 * Folds events into `flights`; returns the ids of those that changed.
 *
 * @param events Typed events of {@link flightLifecycleTopic}.
 */
export async function foldFlights(flights: Map<string, Flight>, events: LazyDataFrame): Promise<Set<string>> {
  const changed = new Set<string>();
  const frame = await events.collect();
  for (const record of frame.toRecords() as unknown as LifecycleEvent[]) {
    const event = plainTimes(record, TIMES);
    const id = event.flight_id;
    const before = flights.get(id) ?? unknownFlight(id);
    const after = foldFlight(before, event);
    if (versionsText(after) !== versionsText(before)) {
      flights.set(id, after);
      changed.add(id);
    }
  }
  return changed;
}

/**
 * The rows of `dim_flight` that any event at or behind the `watermark` has changed; places that it does not name count
 * as behind.
 */
export async function flightsBeyond(
  table: LazyDataFrame,
  watermark: readonly { log_id: string; partition: number; next_offset: number }[],
): Promise<LazyDataFrame> {
  const next = new Map(watermark.map((entry) => [`${entry.log_id}/${entry.partition}`, entry.next_offset]));
  const rows = (await table.select(pl.col("flight_id"), pl.col("_versions")).collect()).toRecords() as {
    flight_id: string;
    _versions: string;
  }[];
  const changed = rows.filter(({ _versions }) =>
    Object.values(JSON.parse(_versions) as Flight["versions"]).some(({ log, partition, offset }) =>
      offset >= (next.get(`${log}/${partition}`) ?? 0)
    )
  ).map(({ flight_id }) => flight_id);
  const ids = pl.DataFrame({ flight_id: changed }, { schema: { flight_id: pl.String } }).lazy();
  return table.join(ids, { on: "flight_id", how: "semi", maintainOrder: "left" });
}

/** The flights that `dim_flight` holds. */
export async function readFlights(table: LazyDataFrame): Promise<Map<string, Flight>> {
  const rows = (await table.collect()).toRecords() as unknown as FlightRow[];
  return new Map(rows.map(({ _versions, ...row }) => {
    const flight = plainTimes(row, TIMES) as Omit<Flight, "versions">;
    return [row.flight_id, { ...flight, versions: JSON.parse(_versions) as Flight["versions"] }];
  }));
}

/**
 * Writes all flights as lines that {@link flightRows} reads: rows of JavaScript values have no types of their own.
 */
export async function writeFlightLines(path: string, flights: Iterable<Flight>): Promise<void> {
  using file = await Deno.open(path, { write: true, create: true, truncate: true });
  const encoder = new TextEncoder();
  let lines: string[] = [];
  const flush = async () => {
    const bytes = encoder.encode(lines.join(""));
    for (let at = 0; at < bytes.length;) at += await file.write(bytes.subarray(at));
    lines = [];
  };
  for (const { versions, ...row } of flights) {
    lines.push(`${JSON.stringify({ ...row, _versions: versionsText({ versions }) })}\n`);
    if (lines.length === 5000) await flush();
  }
  await flush();
}

function versionsText({ versions }: Pick<Flight, "versions">): string {
  return JSON.stringify(Object.fromEntries(FLIGHT_PARTS.map((part) => [part, versions[part]])));
}

const ROW_TIMES = [
  "scheduled_departure_time",
  "scheduled_arrival_time",
  "actual_departure_time",
  "actual_arrival_time",
];

/** The rows of `dim_flight` from lines that {@link writeFlightLines} wrote. */
export function flightRows(path: string): LazyDataFrame {
  const fields = Object.fromEntries(
    Object.entries(dimFlight.schema).map((
      [name, type],
    ) => [name, ROW_TIMES.includes(name) ? pl.String : type]),
  );
  return pl.scanJson(path, { schema: fields, inferSchemaLength: 0 })
    .withColumns(...ROW_TIMES.map(instantOf))
    .select(...columnsOf(dimFlight.schema));
}

/** Times as text, whichever way the frame hands them over. */
function plainTimes<T extends object>(row: T, names: readonly string[]): T {
  const plain = { ...row } as Record<string, unknown>;
  for (const name of names) {
    const value = plain[name];
    if (value instanceof Date) plain[name] = value.toISOString();
    else if (typeof value === "number") plain[name] = new Date(value).toISOString();
  }
  return plain as T;
}
