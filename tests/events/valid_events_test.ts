/** Whatever is valid survives: events made by chance from the contract's field ranges are all taken, unchanged. */

import fc from "fast-check";
import { deepEqual, equal } from "node:assert/strict";
import { EventError } from "../../events/event_error.ts";
import { parseEvent } from "../../events/parse_event.ts";

const APPENDED_MS = Date.UTC(2030, 0, 1);

const text = (lengthMax = 40) =>
  fc.string({ minLength: 1, maxLength: lengthMax, unit: "grapheme" })
    .map((value) => value.replaceAll("\0", "0")).filter((value) => value.length > 0 && value.length <= 256);
const nullable = <T>(arbitrary: fc.Arbitrary<T>) => fc.option(arbitrary, { nil: null });
const instant = fc.date({
  min: new Date("1990-01-01T00:00:00Z"),
  max: new Date(APPENDED_MS),
  noInvalidDate: true,
})
  .chain((time) =>
    fc.constantFrom(
      time.toISOString(),
      time.toISOString().replace("Z", "456Z"),
      time.toISOString().replace("Z", "+00:00"),
      time.toISOString().replace(/\.\d+Z/, "Z"),
    )
  );
const common = { event_time: instant, flight_id: text() };
const optional = (
  fields: Record<string, fc.Arbitrary<unknown>>,
  required: Record<string, fc.Arbitrary<unknown>>,
) => fc.record({ ...required, ...fields }, { requiredKeys: Object.keys(required) });

const passenger = optional({ seat_id: nullable(text(4)), cabin_code: nullable(text(2)) }, {
  passenger_id: text(),
});
const booking = optional(
  { channel: nullable(text(8)), currency: nullable(text(3)) },
  {
    ...common,
    event_type: fc.constant("BookingCreated"),
    booking_id: text(),
    fare_bucket: fc.constantFrom("Y", "M", "K"),
    total_price: fc.double({ min: 0, max: 10_000_000, noNaN: true }).map((price) => price + 0),
    passengers: fc.array(passenger, { minLength: 1, maxLength: 9 }),
  },
);
const schedule = optional(
  {
    scheduled_arrival_time: nullable(instant),
    aircraft_type: nullable(text(10)),
    cabins: nullable(
      fc.array(fc.record({ cabin_code: text(2), seat_count: fc.integer({ min: 0, max: 1000 }) })),
    ),
  },
  {
    ...common,
    event_type: fc.constant("FlightScheduled"),
    airline_code: text(3),
    origin_airport: text(4),
    destination_airport: text(4),
    scheduled_departure_time: instant,
    total_seats: fc.integer({ min: 1, max: 1000 }),
  },
);
const KINDS: [string, fc.Arbitrary<Record<string, unknown>>][] = [
  ["bookings", booking as fc.Arbitrary<Record<string, unknown>>],
  ["flight_lifecycle", schedule as fc.Arbitrary<Record<string, unknown>>],
];

for (const [topic, events] of KINDS) {
  Deno.test(`parseEvent() takes every valid event of ${topic}, with unknown fields untouched`, () => {
    const unknown = fc.dictionary(text(12).map((key) => `x_${key}`), fc.jsonValue());
    fc.assert(fc.property(events, unknown, (event, further) => {
      const value = JSON.stringify({ ...further, ...event });
      if (value.includes("\\u0000")) return;
      const parsed = parseEvent({ topic, value, timestampMs: APPENDED_MS });
      deepEqual(parsed.event, JSON.parse(value));
      equal(parsed.eventTimeMs, Math.floor(Date.parse(event.event_time as string)));
    }));
  });

  Deno.test(`parseEvent() answers anything on ${topic} by an event or an EventError`, () => {
    const damaged = fc.tuple(events, fc.dictionary(fc.constantFrom(...FIELDS), fc.jsonValue()))
      .map(([event, damage]) => JSON.stringify({ ...event, ...damage }));
    fc.assert(fc.property(fc.oneof(damaged, fc.json(), fc.string()), (value) => {
      try {
        parseEvent({ topic, value, timestampMs: APPENDED_MS });
      } catch (error) {
        equal(error instanceof EventError, true, String(error));
      }
    }));
  });
}

const FIELDS = [
  "event_type",
  "event_time",
  "flight_id",
  "booking_id",
  "total_price",
  "passengers",
  "cabins",
  "total_seats",
];
