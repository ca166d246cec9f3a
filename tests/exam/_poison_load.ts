/**
 * A load with one bad record in a hundred. What is sent where is noted, with what must become of it: the n-th record
 * that is sent to a partition is the n-th that stands there, so each can be found again by its place.
 *
 * @module
 */

import { partitionOf } from "../../event_log/partitioner.ts";
import type { Random } from "./experiment.ts";
import {
  BAD_BYTES_KINDS,
  BAD_KINDS,
  type Ingredients,
  ODD_BYTES_KINDS,
  ODD_KINDS,
  type SentRecord,
} from "./_poison_kinds.ts";
import { oneOf, wholeNumber } from "./_random.ts";

const HOUR_MS = 60 * 60 * 1000;
const DAY_MS = 24 * HOUR_MS;
const PARTITIONS = 3;
/** Records a flight: few enough that none is oversold. */
const RECORDS_PER_FLIGHT = 250;
const FLIGHTS_LEAST = 30;
const SEATS = 1000;
/** The load's time passes within this span: no flight that is over is forgotten meanwhile. */
const SPAN_MS = 12 * HOUR_MS;
/** Ids that a program could stumble over. */
const STRANGE_IDS = [
  "__proto__",
  "constructor",
  "../../etc/passwd",
  'O\'Hare "ORD", 100 %',
  "\u{1f6eb}\u00e9\u4e2d",
  "null",
  `F${"x".repeat(255)}`,
  "BA1\t\u202e1",
];
const OTHER_SHARES = { duplicate: 0.02, cancel: 0.03, snapshot: 0.03, seatMap: 0.02, odd: 0.01 };

type Flight = { id: string; partition: number };

interface Sold {
  record: SentRecord;
  bookingId: string;
  flight: Flight;
  cancelled: boolean;
}

/** Makes the load; seeded. */
export class PoisonLoad {
  /** Seats that each flight must have sold at the end. */
  readonly seats = new Map<string, number>();
  readonly #random: Random;
  readonly #withBytes: boolean;
  readonly #startMs: number;
  readonly #total: number;
  readonly #flights: Flight[];
  readonly #departed: Flight[];
  readonly #sold: Sold[] = [];
  /** Kinds come in turn, so that each comes. */
  #badTurn: number;
  #oddTurn = 0;
  #made = 0;
  #bookings = 0;

  /** @param total How many records {@link PoisonLoad.take} will make. */
  constructor(random: Random, options: { total: number; withBytes: boolean; nowMs: number }) {
    this.#random = random;
    this.#withBytes = options.withBytes;
    this.#total = options.total;
    this.#startMs = Math.floor((options.nowMs - 5 * DAY_MS) / HOUR_MS) * HOUR_MS;
    const day = this.#date(4 * DAY_MS).slice(0, 10);
    const flights = Math.max(FLIGHTS_LEAST, Math.ceil(options.total / RECORDS_PER_FLIGHT));
    const ids = Array.from({ length: flights }, (_, at) => `LX${300 + at}_${day}`);
    this.#flights = [...ids, ...STRANGE_IDS].map(flightOf);
    this.#departed = ids.map((id) => flightOf(id.replace("LX", "OS"))).slice(0, 9);
    this.#badTurn = wholeNumber(random, 0, 1000);
  }

  /** The flights, and those that leave at once. */
  first(): SentRecord[] {
    const scheduled = [...this.#flights, ...this.#departed].map((flight) => this.#schedule(flight));
    const left = this.#departed.map((flight) =>
      this.#event(
        "flight_lifecycle",
        flight,
        {
          event_type: "FlightDeparted",
          actual_departure_time: this.#date(1000),
          delay_minutes: -600,
        },
        "no output",
        1000,
      )
    );
    return [...scheduled, ...left];
  }

  /** The next records, `bad` of them at places of their own. */
  take(count: number, bad: number): SentRecord[] {
    const places = new Set<number>();
    while (places.size < bad) places.add(wholeNumber(this.#random, 0, count));
    return Array.from({ length: count }, (_, at) => {
      this.#made++;
      return places.has(at) ? this.#bad() : this.#good();
    });
  }

  /**
   * Moves every partition's clock on by more than a day: what still waits for a flight is given up. Before that come
   * bookings that name a field twice, in files of their own, in which no escape makes the ETL careful.
   */
  last(): SentRecord[] {
    return Array.from({ length: PARTITIONS }, (_, partition) => {
      const flight = this.#flights.find((one) => one.partition === partition)!;
      const booking = this.#booking(flight.id);
      this.#sell(flight.id, booking);
      const twice: SentRecord = {
        topic: "bookings",
        partition,
        key: flight.id,
        value: JSON.stringify(booking).replace("{", '{"total_price":1,'),
        engine: "counted",
        lake: "line",
      };
      return [twice, this.#snapshot(flight, SPAN_MS + DAY_MS + HOUR_MS)];
    }).flat();
  }

  get #elapsedMs(): number {
    return HOUR_MS + Math.floor(this.#made / this.#total * (SPAN_MS - HOUR_MS));
  }

  #date(ms: number): string {
    return new Date(this.#startMs + ms).toISOString();
  }

  #event(
    topic: string,
    { id, partition }: Flight,
    fields: Record<string, unknown>,
    engine: SentRecord["engine"],
    elapsedMs = this.#elapsedMs,
  ): SentRecord {
    const { event_type, ...rest } = fields;
    const value = JSON.stringify({ event_type, event_time: this.#date(elapsedMs), flight_id: id, ...rest });
    return { topic, partition, key: id, value, engine, lake: "line" };
  }

  #schedule(flight: Flight): SentRecord {
    const departure = this.#date(4 * DAY_MS);
    return this.#event(
      "flight_lifecycle",
      flight,
      {
        event_type: "FlightScheduled",
        airline_code: "LX",
        origin_airport: "ZRH",
        destination_airport: "VIE",
        scheduled_departure_time: departure,
        scheduled_arrival_time: departure,
        aircraft_type: "A220",
        total_seats: SEATS,
        cabins: [{ cabin_code: "Y", seat_count: SEATS }],
      },
      "no output",
      0,
    );
  }

  #snapshot(flight: Flight, elapsedMs = this.#elapsedMs): SentRecord {
    return this.#event(
      "seat_inventory",
      flight,
      {
        event_type: "CabinInventorySnapshot",
        time_to_departure_minutes: 60,
        cabins: [{ cabin_code: "Y", fare_buckets: [{ bucket: "K", available_seats: 9, price: 140 }] }],
        currency: "CHF",
      },
      "counted",
      elapsedMs,
    );
  }

  #booking(flightId: string, changes: Record<string, unknown> = {}): Record<string, unknown> {
    const id = `P${this.#bookings++}-${flightId.slice(0, 40)}`;
    return {
      event_type: "BookingCreated",
      event_time: this.#date(this.#elapsedMs),
      booking_id: id,
      flight_id: flightId,
      channel: "WEB",
      fare_bucket: oneOf(this.#random, ["Y", "M", "K"]),
      currency: "CHF",
      total_price: wholeNumber(this.#random, 100, 100_000) / 100,
      passengers: Array.from({ length: wholeNumber(this.#random, 1, 3) }, (_, at) => ({
        passenger_id: `${at}/${id}`,
        seat_id: `${1 + at}A`,
        cabin_code: "Y",
      })),
      ...changes,
    };
  }

  #good(): SentRecord {
    let draw = this.#random();
    const falls = (share: number) => (draw -= share) < 0;
    const flight = oneOf(this.#random, this.#flights);
    if (falls(OTHER_SHARES.snapshot)) return this.#snapshot(flight);
    if (falls(OTHER_SHARES.seatMap)) {
      const fields = { event_type: "SeatMapSnapshot", occupied_seats: ["1A", "22F"] };
      return this.#event("seat_map", flight, fields, "passed by");
    }
    if (falls(OTHER_SHARES.odd)) return this.#odd();
    if (this.#sold.length > 0) {
      const sold = oneOf(this.#random, this.#sold);
      // What was cancelled is as much of a repetition.
      if (falls(OTHER_SHARES.duplicate)) return { ...sold.record, engine: "duplicate" };
      if (falls(OTHER_SHARES.cancel)) return this.#cancel(sold);
    }
    const value = this.#booking(flight.id);
    const record: SentRecord = {
      topic: "bookings",
      partition: flight.partition,
      key: flight.id,
      value: JSON.stringify(value),
      engine: "counted",
      lake: "line",
    };
    this.#sell(flight.id, value);
    this.#sold.push({ record, bookingId: value.booking_id as string, flight, cancelled: false });
    return record;
  }

  #sell(flightId: string, booking: Record<string, unknown>): void {
    const seats = (booking.passengers as unknown[]).length;
    this.seats.set(flightId, (this.seats.get(flightId) ?? 0) + seats);
  }

  #cancel(sold: Sold): SentRecord {
    const fields = { event_type: "BookingCancelled", booking_id: sold.bookingId };
    const engine = sold.cancelled ? "duplicate" : "counted";
    if (!sold.cancelled) {
      const seats = JSON.parse(sold.record.value as string).passengers.length;
      this.seats.set(sold.flight.id, this.seats.get(sold.flight.id)! - seats);
    }
    sold.cancelled = true;
    return this.#event("bookings", sold.flight, fields, engine);
  }

  #ingredients(): Ingredients {
    const day = this.#date(4 * DAY_MS).slice(0, 10);
    return {
      random: this.#random,
      flight: oneOf(this.#random, this.#flights),
      departed: oneOf(this.#random, this.#departed),
      unknown: flightOf(`XX${wholeNumber(this.#random, 1, 1000)}_${day}`),
      booking: (flightId, changes) => this.#booking(flightId, changes),
    };
  }

  #bad(): SentRecord {
    const kinds = this.#withBytes ? [...BAD_KINDS, ...BAD_BYTES_KINDS] : BAD_KINDS;
    return kinds[this.#badTurn++ % kinds.length]!(this.#ingredients());
  }

  #odd(): SentRecord {
    const kinds = this.#withBytes ? [...ODD_KINDS, ...ODD_BYTES_KINDS] : ODD_KINDS;
    const record = kinds[this.#oddTurn++ % kinds.length]!(this.#ingredients());
    if (record.engine === "counted") {
      const booking = JSON.parse(record.value as string);
      this.#sell(booking.flight_id, booking);
    }
    return record;
  }
}

function flightOf(id: string): Flight {
  return { id, partition: partitionOf(id, PARTITIONS) };
}
