/**
 * Raw files of a lake as a lake writer and other programs leave them, made of drawn events: late, doubled and broken
 * ones among them. The ETL reads them; `_warehouse_reference.ts` says what must come of them.
 *
 * @module
 */

import type { Random } from "./experiment.ts";
import { oneOf, wholeNumber } from "./_random.ts";

const LOG_ID8 = "e1a2b3c4";
const PARTITIONS = 3;
const FLIGHTS = 24;
const HOUR = "2025-11-24_10";
const APPENDED = "2025-11-24T10:59:00.000Z";
/** What a program in another language appends to. */
const FOREIGN_FILE = "2025-11-24_10.jsonl";
const BROKEN = [
  "broken",
  '{"event_type":"BookingCreated"',
  '{"event_type":"BookingCreated","event_time":"soon"}',
  "[]",
];

type Fields = Record<string, unknown>;

/** Makes a lake grow. */
export class RawLake {
  readonly folder: string;
  readonly #random: Random;
  readonly #ends = new Map<string, number>();
  #number = 0;
  #minute = 0;

  constructor(folder: string, random: Random) {
    this.folder = folder;
    this.#random = random;
  }

  /** Adds some files: about 150 lines, every topic among them. */
  async grow(): Promise<void> {
    this.#minute++;
    await this.#seal("flight_lifecycle", 12, () => this.#lifecycle());
    await this.#seal("bookings", 80, () => this.#booking());
    await this.#seal("inventory_metrics", 40, () => this.#metrics());
    await this.#seal("promo_decisions", 6, () => this.#promotion());
    if (this.#random() < 0.3) await this.#appendForeign();
  }

  async #seal(topic: string, count: number, event: () => Fields): Promise<void> {
    const partition = wholeNumber(this.#random, 0, PARTITIONS);
    const place = `${topic}/${partition}`;
    const from = this.#ends.get(place) ?? 0;
    let offset = from;
    const lines: string[] = [];
    for (let at = 0; at < count; at++, offset++) {
      // Markers of transactions and refused records leave gaps.
      if (this.#random() < 0.03) continue;
      const fields = { ...event(), _partition: partition, _offset: offset, _timestamp: APPENDED };
      lines.push(this.#random() < 0.02 ? oneOf(this.#random, BROKEN) : JSON.stringify(fields));
    }
    this.#ends.set(place, offset);
    const range = [from, offset].map((edge) => String(edge).padStart(12, "0")).join("-");
    const folder = `${this.folder}/${topic}`;
    await Deno.mkdir(folder, { recursive: true });
    const temporary = `${folder}/.${HOUR}.${LOG_ID8}.p${partition}.00000000.tmp`;
    await Deno.writeTextFile(temporary, lines.map((line) => `${line}\n`).join(""));
    await Deno.rename(temporary, `${folder}/${HOUR}.${LOG_ID8}.p${partition}.${range}.jsonl`);
  }

  /** The last line is cut off at times, and gets its end with the next lines. */
  async #appendForeign(): Promise<void> {
    const lines = Array.from({ length: 5 }, () => `${JSON.stringify(this.#booking())}\n`).join("");
    await Deno.mkdir(`${this.folder}/bookings`, { recursive: true });
    await Deno.writeTextFile(`${this.folder}/bookings/${FOREIGN_FILE}`, lines, { append: true });
  }

  #flightId(): string {
    return `BA${200 + wholeNumber(this.#random, 0, FLIGHTS)}_2025-11-28`;
  }

  /** Mostly rising, sometimes late; equal ones happen. */
  #time(): string {
    const minute = this.#minute - (this.#random() < 0.1 ? wholeNumber(this.#random, 0, 10) : 0);
    return new Date(Date.UTC(2025, 10, 24) + minute * 60_000 + wholeNumber(this.#random, 0, 60) * 1000)
      .toISOString();
  }

  #lifecycle(): Fields {
    const event_type = oneOf(this.#random, [
      "FlightScheduled",
      "FlightScheduled",
      "FlightDelayed",
      "FlightDeparted",
      "FlightArrived",
      "FlightCancelled",
    ]);
    const common = { event_type, event_time: this.#time(), flight_id: this.#flightId() };
    const delay_minutes = wholeNumber(this.#random, 0, 90);
    switch (event_type) {
      case "FlightScheduled":
        return {
          ...common,
          airline_code: "BA",
          origin_airport: "LHR",
          destination_airport: oneOf(this.#random, ["JFK", "BOS", "MIA"]),
          scheduled_departure_time: this.#time(),
          scheduled_arrival_time: this.#time(),
          aircraft_type: oneOf(this.#random, ["A320", "A321"]),
          total_seats: wholeNumber(this.#random, 100, 200),
          cabins: [{ cabin_code: "Y", seat_count: 100 }],
        };
      case "FlightDelayed":
        return { ...common, delay_minutes, estimated_departure_time: this.#time() };
      case "FlightDeparted":
        return { ...common, delay_minutes, actual_departure_time: this.#time() };
      case "FlightArrived":
        return { ...common, delay_minutes, actual_arrival_time: this.#time() };
    }
    return common;
  }

  #booking(): Fields {
    const known = this.#number;
    const draw = this.#random();
    // Some come twice, with other content the second time; some are given back, also before they were made.
    const id = draw < 0.1 && known > 0 ? wholeNumber(this.#random, 0, known) : this.#number++;
    const common = { event_time: this.#time(), booking_id: `exam-${id}`, flight_id: this.#flightId() };
    if (draw > 0.92) return { event_type: "BookingCancelled", ...common };
    return {
      event_type: "BookingCreated",
      ...common,
      channel: oneOf(this.#random, ["WEB", "APP", null]),
      fare_bucket: oneOf(this.#random, ["Y", "M", "K"]),
      ...(this.#random() < 0.5 ? { currency: oneOf(this.#random, ["GBP", "EUR"]) } : {}),
      total_price: wholeNumber(this.#random, 0, 50_000) / 100,
      passengers: Array.from({ length: wholeNumber(this.#random, 1, 5) }, (_, at) => ({
        passenger_id: `P${at}-${id}`,
        ...(this.#random() < 0.7 ? { seat_id: `${at + 1}A`, cabin_code: "Y" } : {}),
      })),
    };
  }

  #measured(): Fields {
    return {
      minutes_to_departure: wholeNumber(this.#random, 0, 10_000),
      days_to_departure: wholeNumber(this.#random, 0, 700) / 100,
      booking_velocity_per_hour: wholeNumber(this.#random, 0, 9000) / 1000,
    };
  }

  #eventId(topic: string): Fields {
    const draw = this.#random();
    if (draw < 0.2) return {};
    return { event_id: `${topic}-${draw < 0.3 ? wholeNumber(this.#random, 0, 50) : crypto.randomUUID()}` };
  }

  #metrics(): Fields {
    return {
      event_type: "CabinInventoryMetrics",
      event_time: this.#time(),
      flight_id: this.#flightId(),
      booked_seats: wholeNumber(this.#random, 0, 180),
      total_seats: 180,
      load_factor: wholeNumber(this.#random, 0, 1000) / 1000,
      ...this.#measured(),
      ...this.#eventId("metrics"),
    };
  }

  #promotion(): Fields {
    return {
      event_type: "PromotionTriggered",
      event_time: this.#time(),
      flight_id: this.#flightId(),
      decision_source: "RULE_ENGINE",
      current_load_factor: wholeNumber(this.#random, 0, 700) / 1000,
      ...this.#measured(),
      target_fare_bucket: "K",
      discount_percentage: oneOf(this.#random, [10, 25]),
      ...this.#eventId("promotion"),
      ...(this.#random() < 0.5 ? { policy: "rule-engine", inputs: { load_factor: 0.25, seats: 12 } } : {}),
    };
  }
}

/** Makes `to` hold the raw files of `from` too, as a second machine that shares a warehouse would. */
export async function shareRawFiles(from: string, to: string): Promise<void> {
  for await (const topic of Deno.readDir(from)) {
    if (!topic.isDirectory) continue;
    await Deno.mkdir(`${to}/${topic.name}`, { recursive: true });
    for await (const { name } of Deno.readDir(`${from}/${topic.name}`)) {
      if (!name.endsWith(".jsonl")) continue;
      await Deno.copyFile(`${from}/${topic.name}/${name}`, `${to}/${topic.name}/.${name}.tmp`);
      await Deno.rename(`${to}/${topic.name}/.${name}.tmp`, `${to}/${topic.name}/${name}`);
    }
  }
}
