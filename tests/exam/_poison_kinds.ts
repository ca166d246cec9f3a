/**
 * Records that cannot be taken, of every kind that we know, and strange ones that must be. Each says what has to become
 * of it in the consumer and in the lake; nothing here asks the program.
 *
 * @module
 */

import { partitionOf } from "../../event_log/partitioner.ts";
import type { EventErrorReason } from "../../events/event_error.ts";
import type { Random } from "./experiment.ts";
import { REFUSED } from "../events/_refused_records.ts";
import { oneOf, wholeNumber } from "./_random.ts";

/** What must become of a record in the consumer. `no output`: taken, and nothing follows. */
export type EngineFate = "counted" | "duplicate" | "no output" | "passed by" | { dead: EventErrorReason };
/** What must become of a record in the lake. `left out`: a record of `dead_letters` that is none. */
export type LakeFate = "line" | "left out" | "not read" | { dead: EventErrorReason };

/** A record as it is sent; what is no text is sent by another program's client. */
export interface SentRecord {
  topic: string;
  partition: number;
  key: string | Uint8Array | null;
  value: string | Uint8Array | null;
  headers?: Record<string, string | Uint8Array>;
  engine: EngineFate;
  lake: LakeFate;
}

/** What a record of a kind is made with. */
export interface Ingredients {
  random: Random;
  /** A flight on sale, and the partition that its key belongs to. */
  flight: { id: string; partition: number };
  /** A flight that has left already, and one that nobody schedules, with their partitions. */
  departed: { id: string; partition: number };
  unknown: { id: string; partition: number };
  /** A new booking of a flight as it usually comes, with changes. */
  booking: (flightId: string, changes?: Record<string, unknown>) => Record<string, unknown>;
}

type Kind = (ingredients: Ingredients) => SentRecord;

const INPUTS = new Set(["flight_lifecycle", "bookings", "seat_inventory"]);
const PARTITIONS = 3;
const DAY_MS = 24 * 60 * 60 * 1000;
/** Deeper than any stack. */
const NESTED = 200_000;

const nested = (inner: string) => "[".repeat(NESTED) + inner + "]".repeat(NESTED);

/** A record that consumer and lake writer refuse for one reason. */
function refused(value: string | Uint8Array | null, reason: EventErrorReason, topic = "bookings"): Kind {
  return ({ random, flight }) => ({
    topic,
    partition: wholeNumber(random, 0, PARTITIONS),
    key: oneOf(random, [flight.id, null]),
    value,
    engine: INPUTS.has(topic) ? { dead: reason } : "passed by",
    lake: topic === "dead_letters" ? "left out" : { dead: reason },
  });
}

/** A booking with changes that both refuse. */
function badBooking(reason: EventErrorReason, changes: () => Record<string, unknown>): Kind {
  return (ingredients) =>
    refused(JSON.stringify(ingredients.booking(ingredients.flight.id, changes())), reason)(ingredients);
}

/** A booking that the lake takes, and the consumer refuses. */
function refusedByEngine(
  reason: EventErrorReason,
  of: (
    ingredients: Ingredients,
  ) => { flight: { id: string; partition: number }; changes?: Record<string, unknown> },
  key: "own" | "none" = "own",
): Kind {
  return (ingredients) => {
    const { flight, changes } = of(ingredients);
    return {
      topic: "bookings",
      partition: flight.partition,
      key: key === "own" ? flight.id : null,
      value: JSON.stringify(ingredients.booking(flight.id, changes)),
      engine: { dead: reason },
      lake: "line",
    };
  };
}

/** A stranger's record in the topic that only the consumer writes. */
function strangerPassedOn(headers: Record<string, string>, reason: EventErrorReason): Kind {
  return ({ flight, booking }) => ({
    topic: "inventory-engine-repartition",
    partition: flight.partition,
    key: flight.id,
    value: JSON.stringify(booking(flight.id)),
    headers,
    engine: { dead: reason },
    lake: "not read",
  });
}

/** Kinds that must become dead letters. Both engines of the log can carry them. */
export const BAD_KINDS: readonly Kind[] = [
  ...REFUSED.filter(([, topic, , reason]) => topic !== "weather" && reason !== "event_time")
    .map(([, topic, value, reason]) => refused(value, reason, topic)),
  badBooking("event_time", () => ({ event_time: new Date(Date.now() + 8 * DAY_MS).toISOString() })),
  badBooking("wrong_type", () => ({ total_price: "x".repeat(600_000) })),
  badBooking("wrong_type", () => ({ total_price: "x".repeat(950_000) })),
  badBooking("wrong_type", () => ({ passengers: "\u{1f6eb}".repeat(200_000) })),
  badBooking("lone_surrogate", () => ({ passengers: [{ passenger_id: "P\udfff" }] })),
  refused("\ufeff{}", "invalid_json"),
  refused('{"event_type":"BookingCreated"}{}', "invalid_json"),
  refused("[".repeat(NESTED), "invalid_json"),
  refused(nested(""), "not_an_object"),
  refusedByEngine("unknown_flight", ({ unknown }) => ({ flight: unknown })),
  refusedByEngine("flight_departed", ({ departed }) => ({ flight: departed })),
  refusedByEngine("too_large", ({ flight }) => ({ flight, changes: { note: "x".repeat(920_000) } }), "none"),
  refusedByEngine(
    "too_large",
    ({ unknown }) => ({ flight: unknown, changes: { note: '"'.repeat(300_000) } }),
  ),
  strangerPassedOn({}, "missing_field"),
  strangerPassedOn(
    {
      "origin-topic": "inventory_metrics",
      "origin-partition": "0",
      "origin-offset": "0",
      "origin-timestamp-ms": "1764000000000",
    },
    "out_of_range",
  ),
];

/** Kinds that only Kafka can carry: bytes that are no text. */
export const BAD_BYTES_KINDS: readonly Kind[] = [
  refused(new Uint8Array([0xff, 0xfe, 0x00]), "invalid_utf8"),
  refused(new TextEncoder().encode('{"event_type":"Caf\u00e9"}').with(18, 0xe9), "invalid_utf8"),
  refused(new Uint8Array(300_000).fill(0xc0), "invalid_utf8", "flight_lifecycle"),
  refused(new Uint8Array(800_000).fill(0x80), "invalid_utf8"),
  refused(new Uint8Array(10).fill(0xf8), "invalid_utf8", "seat_map"),
];

/** A booking that must count, however it comes. */
function odd(
  of: (ingredients: Ingredients) => Partial<SentRecord> & { value?: string },
): Kind {
  return (ingredients) => ({
    topic: "bookings",
    partition: ingredients.flight.partition,
    key: ingredients.flight.id,
    value: JSON.stringify(ingredients.booking(ingredients.flight.id)),
    engine: "counted",
    lake: "line",
    ...of(ingredients),
  });
}

const withChanges = (changes: Record<string, unknown>) =>
  odd(({ flight, booking }) => ({ value: JSON.stringify(booking(flight.id, changes)) }));

/** Strange records that must be taken all the same, on both engines of the log. */
export const ODD_KINDS: readonly Kind[] = [
  odd(() => ({ key: null })),
  odd(({ random }) => ({ key: null, partition: wholeNumber(random, 0, PARTITIONS) })),
  odd(({ flight }) => ({ partition: (flight.partition + 1) % PARTITIONS })),
  odd(() => ({ key: "" })),
  odd(() => ({ key: "k".repeat(20_000) })),
  odd(() => ({ headers: { traceparent: "00-1", "": "no name", "__proto__": "x" } })),
  odd(() => ({
    headers: {
      "origin-topic": "weather",
      "origin-partition": "7",
      "origin-offset": "-1",
      "origin-timestamp-ms": "x",
    },
  })),
  odd(({ flight, booking }) => ({ value: JSON.stringify(booking(flight.id), null, "\r\n  ") })),
  odd(({ flight, booking }) => ({ value: ` \n\t${JSON.stringify(booking(flight.id))}\n ` })),
  odd(({ flight, booking }) => ({
    value: JSON.stringify(booking(flight.id)).replace("{", '{"booking_id":"another","total_price":1,'),
  })),
  odd(({ flight, booking }) => ({
    value: JSON.stringify(booking(flight.id)).replace("{", '{"passengers":[{"passenger_id":"ghost"}],'),
  })),
  odd(({ flight, booking }) => ({
    value: JSON.stringify(booking(flight.id, { note: 0 })).replace('"note":0', `"note":${nested("1")}`),
  })),
  odd(({ flight, booking }) => ({
    value: JSON.stringify(booking(flight.id, { note: 0 })).replace('"note":0', '"note":1e999'),
  })),
  withChanges({ note: "x".repeat(700_000) }),
  withChanges({ channel: "W\ud800B" }),
  withChanges({ channel: null, currency: null }),
  withChanges({ _partition: "mine", _offset: -4, _timestamp: [] }),
  withChanges({ passengers: Array.from({ length: 200 }, (_, at) => ({ passenger_id: `P${at}` })) }),
  withChanges({ "total price": 1, "event-time": "never", "": null, "a.b": { c: [] } }),
  withChanges({ total_price: 0.1 + 0.2 }),
  oddEvent("promo_decisions", "passed by", {
    event_type: "PromotionTriggered",
    decision_source: "SOMEBODY",
    current_load_factor: 0.5,
    minutes_to_departure: 100,
    discount_percentage: 12.345,
    reason: "half \ud83d a character",
    inputs: { "key \u{1f6eb}": ["\u2028"], deep: { a: [{ b: null }] } },
    thresholds: "none",
  }),
  oddEvent("flight_lifecycle", "no output", {
    event_type: "FlightScheduled",
    airline_code: "\u{1f6eb}",
    origin_airport: "?",
    destination_airport: '"',
    scheduled_departure_time: "2025-11-28T14:00:00.123456789Z",
    scheduled_arrival_time: null,
    aircraft_type: "A\ud83d320",
    total_seats: 1,
    cabins: null,
    price: 1e-7,
  }),
  oddEvent("inventory_metrics", "passed by", {
    event_type: "CabinInventoryMetrics",
    booked_seats: 1,
    total_seats: 3,
    load_factor: 0.333,
    minutes_to_departure: 5,
    days_to_departure: 0,
    booking_velocity_per_hour: 1,
    event_id: null,
  }),
  withChanges({ passengers: [{ passenger_id: "\u{1f6eb} \"'\\ \u2028", seat_id: "", cabin_code: null }] }),
];

/** A decision of another program, and a flight: the consumer reads no promotions, and a flight has no outputs. */
function oddEvent(topic: string, engine: EngineFate, fields: Record<string, unknown>): Kind {
  return ({ random }) => {
    const flight_id = `odd-${wholeNumber(random, 0, 1e9)}`;
    return {
      topic,
      partition: partitionOf(flight_id, PARTITIONS),
      key: flight_id,
      value: JSON.stringify({ event_time: "2025-11-24T10:15:30Z", flight_id, ...fields }),
      engine,
      lake: "line",
    };
  };
}

/** Strange records that only Kafka can carry: headers and keys that are no text. */
export const ODD_BYTES_KINDS: readonly Kind[] = [
  odd(() => ({ key: new Uint8Array([0xff, 0x00, 0xfe]) })),
  odd(() => ({ headers: { schema: new Uint8Array([0x80, 0x81]) } })),
];
