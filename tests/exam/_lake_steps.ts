/**
 * A lake that grows step by step, and what the warehouse has to hold after each step: worked out from the events alone,
 * without the ETL.
 *
 * @module
 */

import { createHash } from "node:crypto";
import { join } from "node:path";
import { lakeLine } from "../../lake/lake_line.ts";
import { rawFileName } from "../../lake/raw_files.ts";
import type { Random } from "./experiment.ts";
import { wholeNumber } from "./_random.ts";

const LOG_ID8 = "5e1f0a7c";
const APPENDED_MS = Date.parse("2025-11-24T10:15:31.000Z");
const EVENT_TIME = "2025-11-24T10:15:30.000Z";
const FLIGHTS_OF_A_STEP = 4;

/** Rows of one table, in a few words. */
export interface Digest {
  rows: number;
  /** MD5 of the rows' lines, sorted by byte and joined by newlines. */
  hash: string;
}

/** A table, the topic it is made of, and one line for each of its rows. */
export interface CheckedTable {
  name: string;
  topic: string;
  /** SQL of a row's line. */
  line: string;
}

/** The tables that are compared. Prices are numbers of two decimals, so that their text is the same everywhere. */
export const CHECKED_TABLES: readonly CheckedTable[] = [
  {
    name: "dim_flight",
    topic: "flight_lifecycle",
    line: "concat_ws('|', flight_id, total_seats, status, coalesce(delay_minutes, 0))",
  },
  {
    name: "fact_booking",
    topic: "bookings",
    line:
      "concat_ws('|', booking_id, passenger_number, flight_id, fare_bucket, total_price, passenger_price, passenger_id)",
  },
  {
    name: "fact_booking_cancellation",
    topic: "bookings",
    line: "concat_ws('|', booking_id, flight_id)",
  },
  {
    name: "fact_inventory_metrics",
    topic: "inventory_metrics",
    line: "concat_ws('|', event_id, flight_id, booked_seats)",
  },
  {
    name: "fact_promotions",
    topic: "promo_decisions",
    line: "concat_ws('|', event_id, flight_id, discount_percentage)",
  },
];

/** The digest of lines. */
export function digestOf(lines: string[]): Digest {
  return {
    rows: lines.length,
    hash: lines.length === 0 ? "" : createHash("md5").update(lines.toSorted().join("\n")).digest("hex"),
  };
}

/** The lake and what it stands for. */
export class LakeSteps {
  readonly #rawFolder: string;
  readonly #random: Random;
  readonly #rowsOfAStep: number;
  /** By table: the line of each row, by its key. */
  readonly #rows = new Map(CHECKED_TABLES.map(({ name }) => [name, new Map<string, string>()]));
  /** By topic: how far each step came, and what its tables hold then. */
  readonly #steps = new Map<string, Map<number, Map<string, Digest>>>();
  readonly #offsets = new Map<string, number>();
  #step = 0;
  #openBookings: { id: string; flight: string }[] = [];

  /** @param rowsOfAStep About how many bookings come with a step. */
  constructor(lakeFolder: string, random: Random, rowsOfAStep: number) {
    this.#rawFolder = join(lakeFolder, "raw");
    this.#random = random;
    this.#rowsOfAStep = rowsOfAStep;
    for (const { topic } of CHECKED_TABLES) this.#remember(topic);
  }

  /** Steps that were sealed. */
  get steps(): number {
    return this.#step;
  }

  /** Rows that all tables hold now. */
  get rows(): number {
    return [...this.#rows.values()].reduce((sum, rows) => sum + rows.size, 0);
  }

  /** The offset that a topic ends at. */
  end(topic: string): number {
    return this.#offsets.get(topic) ?? 0;
  }

  /** What a table holds once its topic is loaded up to `offset`; `undefined` where no step ends there. */
  expected({ name, topic }: CheckedTable, offset: number): Digest | undefined {
    return this.#steps.get(topic)!.get(offset)?.get(name);
  }

  /** Seals the files of the next step, one a topic. */
  async seal(): Promise<void> {
    const step = ++this.#step;
    const flights = Array.from({ length: FLIGHTS_OF_A_STEP }, (_, at) => `BA${step}x${at}_2025-11-28`);
    await this.#write("flight_lifecycle", [
      ...flights.map((flight) => this.#scheduled(flight)),
      ...(step === 1 ? [] : [this.#delayed(`BA${wholeNumber(this.#random, 1, step)}x0_2025-11-28`)]),
    ]);
    const count = wholeNumber(this.#random, this.#rowsOfAStep / 2, this.#rowsOfAStep * 1.5);
    const bookings: object[] = Array.from(
      { length: count },
      (_, at) => this.#booking(`${step}-${at}`, flights[at % flights.length]!),
    );
    for (const { id, flight } of this.#openBookings) bookings.push(this.#cancelled(id, flight));
    this.#openBookings = [{ id: `${step}-0`, flight: flights[0]! }];
    await this.#write("bookings", bookings);
    await this.#write(
      "inventory_metrics",
      flights.map((flight, at) => this.#metrics(`m${step}-${at}`, flight)),
    );
    await this.#write("promo_decisions", [this.#promotion(`p${step}`, flights[0]!)]);
  }

  #put(table: string, key: string, ...fields: (string | number)[]): void {
    this.#rows.get(table)!.set(key, fields.join("|"));
  }

  #scheduled(flight_id: string): object {
    this.#put("dim_flight", flight_id, flight_id, 180, "scheduled", 0);
    return {
      event_type: "FlightScheduled",
      event_time: EVENT_TIME,
      flight_id,
      airline_code: "BA",
      origin_airport: "LHR",
      destination_airport: "JFK",
      scheduled_departure_time: "2025-11-28T14:00:00.000Z",
      scheduled_arrival_time: "2025-11-28T21:00:00.000Z",
      aircraft_type: "A320",
      total_seats: 180,
      cabins: [{ cabin_code: "Y", seat_count: 180 }],
    };
  }

  #delayed(flight_id: string): object {
    // Each step's delay is later than the one before, so the newest one counts.
    this.#put("dim_flight", flight_id, flight_id, 180, "delayed", this.#step);
    return {
      event_type: "FlightDelayed",
      event_time: new Date(Date.parse(EVENT_TIME) + this.#step * 1000).toISOString(),
      flight_id,
      delay_minutes: this.#step,
      estimated_departure_time: "2025-11-28T15:00:00.000Z",
    };
  }

  #booking(id: string, flight_id: string): object {
    const booking_id = `B${id}`;
    const seats = wholeNumber(this.#random, 1, 4);
    const price = wholeNumber(this.#random, 10_000, 30_000) / 100;
    const total = Math.round(price * seats * 100) / 100;
    const passengers = Array.from({ length: seats }, (_, at) => {
      const passenger_id = `P${id}-${at + 1}`;
      this.#put(
        "fact_booking",
        `${booking_id} ${at}`,
        booking_id,
        at + 1,
        flight_id,
        "K",
        total.toFixed(2),
        price.toFixed(2),
        passenger_id,
      );
      return { passenger_id, seat_id: "12A", cabin_code: "Y" };
    });
    return {
      event_type: "BookingCreated",
      event_time: EVENT_TIME,
      booking_id,
      flight_id,
      channel: "WEB",
      fare_bucket: "K",
      currency: "GBP",
      total_price: total,
      passengers,
    };
  }

  #cancelled(id: string, flight_id: string): object {
    this.#put("fact_booking_cancellation", id, `B${id}`, flight_id);
    return { event_type: "BookingCancelled", event_time: EVENT_TIME, booking_id: `B${id}`, flight_id };
  }

  #metrics(event_id: string, flight_id: string): object {
    const booked_seats = wholeNumber(this.#random, 0, 181);
    this.#put("fact_inventory_metrics", event_id, event_id, flight_id, booked_seats);
    return {
      event_type: "CabinInventoryMetrics",
      event_id,
      event_time: EVENT_TIME,
      flight_id,
      booked_seats,
      total_seats: 180,
      load_factor: Math.round(booked_seats / 180 * 1000) / 1000,
      minutes_to_departure: 5985,
      days_to_departure: 4.16,
      booking_velocity_per_hour: 3,
    };
  }

  #promotion(event_id: string, flight_id: string): object {
    this.#put("fact_promotions", event_id, event_id, flight_id, "25.00");
    return {
      event_type: "PromotionTriggered",
      event_id,
      event_time: EVENT_TIME,
      flight_id,
      decision_source: "RULE_ENGINE_ITERATION_2",
      current_load_factor: 0.2,
      minutes_to_departure: 5985,
      days_to_departure: 4.16,
      booking_velocity_per_hour: 3,
      target_fare_bucket: "K",
      discount_percentage: 25,
    };
  }

  /** A whole file appears at once, as the lake writer's do. */
  async #write(topic: string, events: object[]): Promise<void> {
    const from = this.end(topic);
    const to = from + events.length;
    const lines = events.map((event, at) =>
      lakeLine(JSON.stringify(event), { partition: 0, offset: from + at, timestampMs: APPENDED_MS })
    );
    const folder = join(this.#rawFolder, topic);
    await Deno.mkdir(folder, { recursive: true });
    this.#offsets.set(topic, to);
    this.#remember(topic);
    const name = rawFileName({
      hour: "2025-11-24_10",
      logId8: LOG_ID8,
      partition: 0,
      from,
      to,
      empty: false,
    });
    await Deno.writeTextFile(join(folder, `.${name}.tmp`), lines.map((line) => `${line}\n`).join(""));
    await Deno.rename(join(folder, `.${name}.tmp`), join(folder, name));
  }

  #remember(topic: string): void {
    const digests = new Map<string, Digest>();
    for (const table of CHECKED_TABLES) {
      if (table.topic === topic) digests.set(table.name, digestOf([...this.#rows.get(table.name)!.values()]));
    }
    const steps = this.#steps.get(topic) ?? new Map<number, Map<string, Digest>>();
    this.#steps.set(topic, steps.set(this.end(topic), digests));
  }
}
