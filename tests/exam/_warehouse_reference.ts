/**
 * What the gold tables must hold, folded from the raw lines in a few plain loops, and what a warehouse holds. Shares no
 * code with `etl/` and `warehouse/`.
 *
 * @module
 */

import { createHash } from "node:crypto";
import type { Sql } from "postgres";

type Fields = Record<string, unknown>;
type Value = string | number | boolean | null;

/** Rows of each table as texts, sorted. */
export type Tables = Record<string, string[]>;

/** What metrics and promotions say alike of pace and forecast. */
const FORECAST_COLUMNS = [
  "booking_velocity_6h_per_hour",
  "booking_velocity_24h_per_hour",
  "forecast_load_factor",
  "forecast_load_factor_low",
  "forecast_load_factor_high",
  "intervention_expected_at",
  "curve_version",
];

/** Columns that are compared, by table. */
const COLUMNS: Record<string, readonly string[]> = {
  dim_flight: [
    "flight_id",
    "airline_code",
    "origin_airport",
    "destination_airport",
    "scheduled_departure_time",
    "scheduled_arrival_time",
    "aircraft_type",
    "total_seats",
    "status",
    "actual_departure_time",
    "actual_arrival_time",
    "delay_minutes",
    "cancelled",
  ],
  fact_booking: [
    "booking_id",
    "passenger_number",
    "booking_time",
    "flight_id",
    "fare_bucket",
    "seat_id",
    "total_price",
    "passenger_price",
    "currency",
    "passenger_id",
    "cabin_code",
    "channel",
  ],
  fact_booking_cancellation: ["booking_id", "cancellation_time", "flight_id"],
  fact_inventory_metrics: [
    "event_id",
    "metric_time",
    "flight_id",
    "booked_seats",
    "total_seats",
    "load_factor",
    "minutes_to_departure",
    "days_to_departure",
    "booking_velocity_per_hour",
    ...FORECAST_COLUMNS,
  ],
  fact_promotions: [
    "event_id",
    "promo_time",
    "flight_id",
    "decision_source",
    "discount_percentage",
    "current_load_factor",
    "minutes_to_departure",
    "days_to_departure",
    "booking_velocity_per_hour",
    ...FORECAST_COLUMNS,
    "target_fare_bucket",
    "policy",
    "inputs",
    "propensity",
  ],
};

/** A raw event and its place. */
interface Placed {
  event: Fields;
  log: string;
  partition: number;
  offset: number;
}

/** The checksum of all tables. */
export function checksumOf(tables: Tables): string {
  const hash = createHash("sha256");
  for (const name of Object.keys(COLUMNS)) {
    hash.update(name);
    for (const row of tables[name] ?? []) hash.update("\n").update(row);
  }
  return hash.digest("hex").slice(0, 16);
}

/** The tables that the raw files below `rawFolder` amount to. */
export function tablesOfLake(rawFolder: string): Tables {
  const bookings = eventsOf(rawFolder, "bookings");
  const created = firstOfEach(bookings, "BookingCreated", ({ event }) => event.booking_id as string);
  const cancelled = firstOfEach(bookings, "BookingCancelled", ({ event }) => event.booking_id as string);
  const metrics = firstOfEach(
    eventsOf(rawFolder, "inventory_metrics"),
    "CabinInventoryMetrics",
    (placed) => idOf("inventory_metrics", placed),
  );
  const promotions = firstOfEach(
    eventsOf(rawFolder, "promo_decisions"),
    "PromotionTriggered",
    (placed) => idOf("promo_decisions", placed),
  );
  return {
    dim_flight: rowsOf("dim_flight", flights(eventsOf(rawFolder, "flight_lifecycle"))),
    fact_booking: rowsOf("fact_booking", [...created.values()].flatMap(passengers)),
    fact_booking_cancellation: rowsOf(
      "fact_booking_cancellation",
      [...cancelled.values()].map((event) => ({ ...event, cancellation_time: event.event_time })),
    ),
    fact_inventory_metrics: rowsOf(
      "fact_inventory_metrics",
      [...metrics].map(([event_id, event]) => ({ ...event, event_id, metric_time: event.event_time })),
    ),
    fact_promotions: rowsOf(
      "fact_promotions",
      [...promotions].map(([event_id, event]) => ({ ...event, event_id, promo_time: event.event_time })),
    ),
  };
}

/** What a warehouse holds. */
export async function tablesOfWarehouse(sql: Sql): Promise<Tables> {
  const tables: Tables = {};
  for (const name of Object.keys(COLUMNS)) {
    tables[name] = rowsOf(name, await sql.unsafe(`select * from ${name}`));
  }
  return tables;
}

/** Where each row is stored and which transaction wrote it: texts that change with every change of a row. */
export async function rowVersions(sql: Sql): Promise<string> {
  const hash = createHash("sha256");
  for (const name of Object.keys(COLUMNS)) {
    const rows = await sql.unsafe(
      `select xmin::text || ' ' || ctid::text as version from ${name} order by ctid`,
    );
    for (const { version } of rows) hash.update(version);
  }
  return hash.digest("hex");
}

/** The usable lines of a topic by place: those of the log by partition and offset, those of other files by byte. */
function eventsOf(rawFolder: string, topic: string): Placed[] {
  const events: Placed[] = [];
  for (const { name } of Deno.readDirSync(`${rawFolder}/${topic}`)) {
    if (!name.endsWith(".jsonl")) continue;
    const ours = /^\S{13}\.([0-9a-f]{8})\.p(\d+)\.\d+-\d+\.jsonl$/.exec(name);
    let byte = 0;
    for (const line of Deno.readTextFileSync(`${rawFolder}/${topic}/${name}`).split("\n")) {
      const event = usable(line);
      if (event !== undefined) {
        events.push(
          ours === null
            ? { event, log: `file:${name}`, partition: 0, offset: byte }
            : { event, log: ours[1]!, partition: Number(ours[2]), offset: event._offset as number },
        );
      }
      byte += new TextEncoder().encode(line).length + 1;
    }
  }
  return events.sort((a, b) =>
    a.log < b.log ? -1 : a.log > b.log ? 1 : a.partition - b.partition || a.offset - b.offset
  );
}

/** The exam breaks lines in ways that leave no object, or one without a flight. */
function usable(line: string): Fields | undefined {
  try {
    const event = JSON.parse(line);
    return typeof event.flight_id === "string" ? event : undefined;
  } catch {
    return undefined;
  }
}

function idOf(topic: string, { event, log, partition, offset }: Placed): string {
  return (event.event_id as string | undefined) ?? `${topic}-${partition}-${offset}@${log}`;
}

/** Of several with one id the first by place. */
function firstOfEach(events: Placed[], type: string, id: (placed: Placed) => string): Map<string, Fields> {
  const first = new Map<string, Fields>();
  for (const placed of events) {
    if (placed.event.event_type === type && !first.has(id(placed))) first.set(id(placed), placed.event);
  }
  return first;
}

/** One row per passenger; cents that are left over go to the first ones. */
function passengers(event: Fields): Fields[] {
  const list = event.passengers as Fields[];
  const cents = Math.round((event.total_price as number) * 100);
  return list.map((passenger, at) => ({
    ...event,
    ...passenger,
    booking_time: event.event_time,
    currency: event.currency ?? "GBP",
    passenger_number: at + 1,
    passenger_price: (Math.floor(cents / list.length) + (at < cents % list.length ? 1 : 0)) / 100,
  }));
}

const STATUS: Record<string, string> = {
  FlightDelayed: "delayed",
  FlightDeparted: "departed",
  FlightArrived: "arrived",
  FlightCancelled: "cancelled",
};

/** Each part of a flight's row is that of the latest event that tells it; of equal times the later place. */
function flights(events: Placed[]): Fields[] {
  const latest = (own: Fields[], types: string[]): Fields =>
    own.filter((event) => types.includes(event.event_type as string))
      .reduce<Fields>((best, event) => best.event_time! > event.event_time! ? best : event, {
        event_time: "",
      });
  const ids = new Set(events.map(({ event }) => event.flight_id));
  return [...ids].map((flight_id) => {
    const own = events.map(({ event }) => event).filter((event) => event.flight_id === flight_id);
    const { cabins: _cabins, event_type: _type, ...schedule } = latest(own, ["FlightScheduled"]);
    const status = latest(own, Object.keys(STATUS)).event_type as string | undefined;
    return {
      ...schedule,
      flight_id,
      status: status === undefined ? "scheduled" : STATUS[status],
      cancelled: status === "FlightCancelled",
      delay_minutes: latest(own, ["FlightDelayed", "FlightDeparted", "FlightArrived"]).delay_minutes,
      actual_departure_time: latest(own, ["FlightDeparted"]).actual_departure_time,
      actual_arrival_time: latest(own, ["FlightArrived"]).actual_arrival_time,
    };
  });
}

function rowsOf(table: string, rows: Iterable<Fields>): string[] {
  return Array.from(rows, (row) => JSON.stringify(COLUMNS[table]!.map((name) => plain(name, row[name]))))
    .sort();
}

const NUMBERS = new Set(["total_price", "passenger_price", "discount_percentage"]);

function plain(name: string, value: unknown): Value {
  if (value === undefined || value === null) return null;
  if (value instanceof Date) return value.toISOString();
  if (NUMBERS.has(name)) return Number(value);
  if (typeof value === "object") {
    return JSON.stringify(Object.entries(value).sort(([a], [b]) => a < b ? -1 : 1));
  }
  return value as Value;
}
