/**
 * The load that every figure is measured with: 1,000,000 bookings of about 330 bytes on 600 flights over one day,
 * one passenger each, deterministic. Flights are sold over and over: what is measured is the way of an event, so
 * that `verify` rightly complains about this load.
 *
 * @module
 */

import type { NewRecord } from "../event_log/event_log.ts";
import { STREAM_EVENTS_TOPIC } from "../events/topics.ts";
import { StreamMix } from "../producer/stream_mix.ts";

export const BOOKINGS = 1_000_000;
export const FLIGHTS = 600;

/** The first moment of the load. */
const START_MS = Date.UTC(2026, 0, 5);
const DAY_MS = 24 * 60 * 60 * 1000;
const CARRIERS = ["BA", "AF", "LH", "U2", "FR", "IB"];

/** mulberry32: a small seeded generator, good enough to spread flights and prices. */
function generator(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4_294_967_296;
  };
}

const hex = (random: () => number, digits: number) =>
  Array.from({ length: digits }, () => Math.floor(random() * 16).toString(16)).join("");

/** The ids of the load's flights. */
function flightIds(): string[] {
  return Array.from({ length: FLIGHTS }, (_, i) => `${CARRIERS[i % CARRIERS.length]}${100 + i}_2026-01-06`);
}

/** One `FlightScheduled` a flight; 2,000 seats would be refused, so large bookings numbers simply overbook. */
export function* flightRecords(): Generator<NewRecord> {
  const random = generator(42);
  for (const flight_id of flightIds()) {
    const departure = new Date(START_MS + DAY_MS + Math.floor(random() * 288) * 300_000).toISOString();
    const total_seats = [156, 180, 186, 220, 300][Math.floor(random() * 5)]!;
    const event = {
      event_type: "FlightScheduled",
      event_time: new Date(START_MS).toISOString(),
      flight_id,
      airline_code: flight_id.slice(0, 2),
      origin_airport: "LHR",
      destination_airport: "BOS",
      scheduled_departure_time: departure,
      scheduled_arrival_time: departure,
      aircraft_type: "A320",
      total_seats,
      cabins: [{ cabin_code: "Y", seat_count: total_seats }],
    };
    yield { topic: "flight_lifecycle", key: flight_id, value: JSON.stringify(event) };
  }
}

/** `count` bookings in event-time order. */
export function* bookingRecords(count = BOOKINGS): Generator<NewRecord> {
  const random = generator(7);
  const flights = flightIds();
  const stepMs = DAY_MS / count;
  const salt = hex(random, 12);
  for (let i = 0; i < count; i++) {
    const flight_id = flights[Math.floor(random() * FLIGHTS)]!;
    const bucket = Math.floor(random() * 10);
    const [fare_bucket, price] = bucket === 0 ? ["Y", 220] : bucket < 4 ? ["M", 180] : ["K", 140];
    const number = i.toString(16).padStart(8, "0");
    const seat = `${1 + Math.floor(random() * 30)}${"ABCDEF"[Math.floor(random() * 6)]}`;
    const event = {
      event_type: "BookingCreated",
      event_time: new Date(START_MS + Math.floor(i * stepMs)).toISOString(),
      booking_id: `${number}-4c35-4a3e-9a67-${salt}`,
      flight_id,
      channel: "WEB",
      fare_bucket,
      currency: "GBP",
      total_price: price,
      passengers: [{ passenger_id: `P-${number}-${salt}`, seat_id: seat, cabin_code: "Y" }],
    };
    yield { topic: "bookings", key: flight_id, value: JSON.stringify(event) };
  }
}

/** Users of the streams' load: nearly every join is a viewer that was not there before. */
const STREAM_USERS = 20_000;
/** In event time: a million are a little more than a quarter of an hour. */
const STREAM_EVENTS_PER_SECOND = 1000;

/** Events `from` to `to` of the published mix on as many streams as there are flights, about 170 bytes each. */
export function* streamEventRecords(from: number, to: number): Generator<NewRecord> {
  const mix = new StreamMix({
    seed: 42,
    streams: FLIGHTS,
    users: STREAM_USERS,
    startMs: START_MS,
    eventsPerSecond: STREAM_EVENTS_PER_SECOND,
  });
  for (let number = from; number < to; number++) {
    const event = mix.event(number);
    yield { topic: STREAM_EVENTS_TOPIC, key: event.stream_id, value: JSON.stringify(event) };
  }
}
