import { equal, match, throws } from "node:assert/strict";
import { deadLetterExample } from "../../events/dead_letters.ts";
import { EventError } from "../../events/event_error.ts";
import { inventoryMetricsExample } from "../../events/inventory_metrics.ts";
import { parseEvent } from "../../events/parse_event.ts";
import { promoDecisionExample } from "../../events/promo_decisions.ts";
import { seatInventoryExample } from "../../events/seat_inventory.ts";
import { seatMapExample } from "../../events/seat_map.ts";
import { booking, changed, flight, REFUSED } from "./_refused_records.ts";

const APPENDED_MS = Date.UTC(2025, 10, 24, 10, 15, 31);

function parse(topic: string, value: string | null, bytes?: Uint8Array) {
  return parseEvent({ topic, value, timestampMs: APPENDED_MS, ...(bytes === undefined ? {} : { bytes }) });
}

for (const [name, topic, value, reason, message] of REFUSED) {
  Deno.test(`parseEvent() refuses ${name}: ${reason}`, () => {
    throws(() => parse(topic, value), (error) => {
      equal((error as EventError).name, "EventError");
      equal((error as EventError).reason, reason);
      match((error as EventError).message, message);
      return true;
    });
  });
}

Deno.test("parseEvent() refuses bytes that are not UTF-8: invalid_utf8", () => {
  throws(() => parse("bookings", "\uFFFD", new Uint8Array([0xff])), { reason: "invalid_utf8" });
});

Deno.test("parseEvent() shows at most 80 characters of a value in a message", () => {
  throws(() => parse("bookings", booking({ total_price: "x".repeat(1_000_000) })), (error) => {
    equal((error as Error).message.length < 200, true);
    return true;
  });
});

// what it is, topic, value
const TAKEN: [string, string, string][] = [
  ["its own booking", "bookings", booking({})],
  ["its own schedule", "flight_lifecycle", flight({})],
  ["its own inventory", "seat_inventory", JSON.stringify(seatInventoryExample)],
  ["its own seat map", "seat_map", JSON.stringify(seatMapExample)],
  ["its own metrics", "inventory_metrics", JSON.stringify(inventoryMetricsExample)],
  ["its own promotion", "promo_decisions", JSON.stringify(promoDecisionExample)],
  ["its own dead letter", "dead_letters", JSON.stringify(deadLetterExample)],
  [
    "a NUL inside the record of a dead letter",
    "dead_letters",
    changed(deadLetterExample, { value: '{"a":"\0"}' }),
  ],
  ["a booking with unknown fields", "bookings", booking({ loyalty: { tier: "gold" }, note: null })],
  ["optional fields that are null", "bookings", booking({ channel: null, currency: null })],
  [
    "six digits of a second and +00:00",
    "bookings",
    booking({ event_time: "2025-11-24T10:15:30.123456+00:00" }),
  ],
  ["a free booking", "bookings", booking({ total_price: 0 })],
  ["an event time 6.9 days ahead", "bookings", booking({ event_time: "2025-12-01T08:00:00Z" })],
  ["an event time years ago", "bookings", booking({ event_time: "2013-07-08T00:00:00Z" })],
  ["a text that holds \\\\u0000 escaped twice", "bookings", booking({ channel: "\\u0000" })],
  [
    "a schedule without cabins and arrival",
    "flight_lifecycle",
    flight({ cabins: undefined, scheduled_arrival_time: null }),
  ],
  [
    "a given back booking",
    "bookings",
    changed({}, {
      event_type: "BookingCancelled",
      event_time: "2025-11-24T10:15:30Z",
      booking_id: "b",
      flight_id: "BA210_2025-11-28",
    }),
  ],
  [
    "the Python producer's shortest booking",
    "bookings",
    '{"event_type": "BookingCreated", "event_time": "2025-11-24T10:15:30.123456Z", "booking_id": "b-1", ' +
    '"flight_id": "BA210_2025-11-28", "fare_bucket": "K", "total_price": 140.0, "passengers": [{"passenger_id": "p-1"}]}',
  ],
  [
    "the Python producer's schedule",
    "flight_lifecycle",
    '{"event_type": "FlightScheduled", "event_time": "2025-11-24T10:15:30.123456+00:00", "flight_id": ' +
    '"BA210_2025-11-28", "airline_code": "BA", "origin_airport": "LHR", "destination_airport": "JFK", ' +
    '"scheduled_departure_time": "2025-11-28T14:00:00+00:00", "scheduled_arrival_time": "2025-11-28T22:00:00+00:00", ' +
    '"aircraft_type": "A320", "total_seats": 180, "cabins": [{"cabin_code": "Y", "seat_count": 180}]}',
  ],
  [
    "the Python consumer's promotion of Iteration 1",
    "promo_decisions",
    '{"event_type": "PromotionTriggered", "event_time": "2025-11-24T10:15:30.5Z", "flight_id": "BA210_2025-11-28", ' +
    '"decision_source": "RULE_ENGINE", "current_load_factor": 0.41, "minutes_to_departure": 80, ' +
    '"target_fare_bucket": "K", "discount_percentage": 10}',
  ],
];

for (const [name, topic, value] of TAKEN) {
  Deno.test(`parseEvent() takes ${name}`, () => {
    equal(JSON.stringify(parse(topic, value).event), JSON.stringify(JSON.parse(value)));
  });
}

const OTHER_FLIGHT_EVENTS: [string, Record<string, unknown>][] = [
  ["FlightDelayed", { delay_minutes: 25, estimated_departure_time: "2025-11-28T14:25:00Z" }],
  ["FlightDeparted", { actual_departure_time: "2025-11-28T13:55:00Z", delay_minutes: -5 }],
  ["FlightArrived", { actual_arrival_time: "2025-11-28T21:40:00Z", delay_minutes: 0 }],
  ["FlightCancelled", {}],
];

for (const [type, fields] of OTHER_FLIGHT_EVENTS) {
  Deno.test(`parseEvent() takes ${type}, and refuses it without each of its fields`, () => {
    const event = {
      event_type: type,
      event_time: "2025-11-24T10:15:30Z",
      flight_id: "BA210_2025-11-28",
      ...fields,
    };
    parse("flight_lifecycle", JSON.stringify(event));
    for (const field of Object.keys(fields)) {
      throws(() => parse("flight_lifecycle", changed(event, { [field]: undefined })), {
        reason: "missing_field",
      });
    }
  });
}

Deno.test("parseEvent() gives the event time in milliseconds", () => {
  equal(parse("bookings", booking({})).eventTimeMs, Date.UTC(2025, 10, 24, 10, 15, 30));
});

Deno.test("parseEvent() takes event times as far ahead as it is told", () => {
  const record = {
    topic: "bookings",
    value: booking({ event_time: "2025-12-02T10:15:31Z" }),
    timestampMs: APPENDED_MS,
  };
  equal(
    parseEvent(record, { eventLeadMsMax: 8 * 86_400_000 }).eventTimeMs,
    Date.UTC(2025, 11, 2, 10, 15, 31),
  );
  throws(() => parseEvent(record, { eventLeadMsMax: 8 * 86_400_000 - 1 }), { reason: "event_time" });
});
