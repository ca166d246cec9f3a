/** Records that are no events, each with the reason and what the message says. */

import { bookingExample } from "../../events/bookings.ts";
import { deadLetterExample } from "../../events/dead_letters.ts";
import type { EventErrorReason } from "../../events/event_error.ts";
import { flightLifecycleExample } from "../../events/flight_lifecycle.ts";
import { inventoryMetricsExample } from "../../events/inventory_metrics.ts";
import { promoDecisionExample } from "../../events/promo_decisions.ts";
import { seatInventoryExample } from "../../events/seat_inventory.ts";
import { seatMapExample } from "../../events/seat_map.ts";

/** An example with fields replaced; `undefined` takes one away. */
export function changed(example: object, fields: Record<string, unknown>): string {
  return JSON.stringify({ ...example, ...fields });
}

export const booking = (fields: Record<string, unknown>) => changed(bookingExample, fields);
export const flight = (fields: Record<string, unknown>) => changed(flightLifecycleExample, fields);

/** What it is, topic, value, reason, what the message says. */
export const REFUSED: [string, string, string | null, EventErrorReason, RegExp][] = [
  ["a record without a value", "bookings", null, "empty_value", /no value/],
  ["an empty value", "bookings", "", "empty_value", /no value/],
  ["broken JSON", "bookings", '{"event_type":', "invalid_json", /not JSON/],
  ["text", "bookings", "hello", "invalid_json", /not JSON/],
  ["NaN, which Python's json writes", "bookings", '{"total_price": NaN}', "invalid_json", /not JSON/],
  ["a list", "bookings", "[]", "not_an_object", /is \[\], expected a JSON object/],
  ["null", "bookings", "null", "not_an_object", /is null/],
  ["a number", "bookings", "5", "not_an_object", /is 5/],
  ["no event type", "bookings", "{}", "missing_field", /"event_type" is missing/],
  [
    "an event type that is a number",
    "bookings",
    booking({ event_type: 5 }),
    "wrong_type",
    /"event_type" is 5/,
  ],
  [
    "an unknown event type",
    "bookings",
    booking({ event_type: "Nope" }),
    "unknown_event_type",
    /"Nope".*BookingCreated/,
  ],
  ["an event of another topic", "seat_map", booking({}), "unknown_event_type", /not known on "seat_map"/],
  [
    "a type that every object inherits",
    "bookings",
    booking({ event_type: "toString" }),
    "unknown_event_type",
    /toString/,
  ],
  ["the type __proto__", "bookings", booking({ event_type: "__proto__" }), "unknown_event_type", /__proto__/],
  ["an unknown topic", "weather", booking({}), "unknown_event_type", /"weather" has no known events/],
  ["a NUL in a text", "bookings", booking({ channel: "W\0" }), "nul_character", /NUL/],
  ["a NUL in a key", "bookings", booking({ "a\0": 1 }), "nul_character", /NUL/],
  ["a NUL deep inside", "bookings", booking({ more: [{ x: ["\0"] }] }), "nul_character", /NUL/],
  [
    "half a character in a flight",
    "bookings",
    booking({ flight_id: "BA\ud800" }),
    "lone_surrogate",
    /"BA\\ud800"/,
  ],
  [
    "half a character in an id",
    "bookings",
    booking({ booking_id: "\udc00" }),
    "lone_surrogate",
    /"booking_id"/,
  ],
  [
    "a NUL deeper inside than any stack",
    "bookings",
    `{"event_type":"BookingCreated","x":${nested('"\\u0000"')}}`,
    "nul_character",
    /NUL/,
  ],
  [
    "an event type nested deeper than any stack",
    "bookings",
    `{"event_type":${nested("5", '{"0":', "}")}}`,
    "wrong_type",
    /too deep to be shown/,
  ],
  ["no flight", "bookings", booking({ flight_id: undefined }), "missing_field", /"flight_id" is missing/],
  ["an empty flight", "bookings", booking({ flight_id: "" }), "out_of_range", /0 characters/],
  [
    "a flight of 300 characters",
    "bookings",
    booking({ flight_id: "x".repeat(300) }),
    "out_of_range",
    /300 characters/,
  ],
  ["a flight that is a list", "bookings", booking({ flight_id: ["BA1"] }), "wrong_type", /\["BA1"\]/],
  [
    "no event time",
    "bookings",
    booking({ event_time: undefined }),
    "missing_field",
    /"event_time" is missing/,
  ],
  [
    "an event time that is a number",
    "bookings",
    booking({ event_time: 1764e9 }),
    "wrong_type",
    /"event_time"/,
  ],
  [
    "an event time without zone",
    "bookings",
    booking({ event_time: "2025-11-24T10:15:30" }),
    "invalid_time",
    /UTC/,
  ],
  ["31 February", "bookings", booking({ event_time: "2025-02-31T00:00:00.000Z" }), "invalid_time", /02-31/],
  [
    "an event time in 1066",
    "bookings",
    booking({ event_time: "1066-10-14T09:00:00Z" }),
    "out_of_range",
    /1990/,
  ],
  [
    "an event time in 9999",
    "bookings",
    booking({ event_time: "9999-12-31T23:59:59Z" }),
    "out_of_range",
    /2199/,
  ],
  [
    "an event time 8 days ahead",
    "bookings",
    booking({ event_time: "2025-12-02T10:15:31Z" }),
    "event_time",
    /8\.0 days/,
  ],
  ["no booking id", "bookings", booking({ booking_id: null }), "missing_field", /"booking_id"/],
  ["no fare bucket", "bookings", booking({ fare_bucket: undefined }), "missing_field", /"fare_bucket"/],
  ["a negative price", "bookings", booking({ total_price: -5 }), "out_of_range", /-5, expected 0 to/],
  [
    "an endless price",
    "bookings",
    bookingText('"total_price":140', '"total_price":1e999'),
    "out_of_range",
    /Infinity/,
  ],
  [
    "a price that is text",
    "bookings",
    booking({ total_price: "140" }),
    "wrong_type",
    /"140", expected a number/,
  ],
  ["a channel that is a number", "bookings", booking({ channel: 7 }), "wrong_type", /"channel" is 7/],
  ["no passengers", "bookings", booking({ passengers: undefined }), "missing_field", /"passengers"/],
  ["an empty list of passengers", "bookings", booking({ passengers: [] }), "out_of_range", /0 entries/],
  [
    "501 passengers",
    "bookings",
    booking({ passengers: Array(501).fill({ passenger_id: "P" }) }),
    "out_of_range",
    /501/,
  ],
  ["a passenger that is text", "bookings", booking({ passengers: ["P1"] }), "wrong_type", /holds "P1"/],
  ["a passenger without id", "bookings", booking({ passengers: [{}] }), "missing_field", /"passenger_id"/],
  [
    "passengers that are an object",
    "bookings",
    booking({ passengers: { 0: {} } }),
    "wrong_type",
    /expected a list/,
  ],
  [
    "a flight without seats",
    "flight_lifecycle",
    flight({ total_seats: 0 }),
    "out_of_range",
    /is 0, expected 1 to/,
  ],
  ["half a seat", "flight_lifecycle", flight({ total_seats: 180.5 }), "wrong_type", /a whole number/],
  ["more seats than any aircraft", "flight_lifecycle", flight({ total_seats: 5000 }), "out_of_range", /5000/],
  [
    "no origin",
    "flight_lifecycle",
    flight({ origin_airport: undefined }),
    "missing_field",
    /"origin_airport"/,
  ],
  [
    "a departure that is no time",
    "flight_lifecycle",
    flight({ scheduled_departure_time: "soon" }),
    "invalid_time",
    /soon/,
  ],
  [
    "an arrival that is no time",
    "flight_lifecycle",
    flight({ scheduled_arrival_time: "x" }),
    "invalid_time",
    /arrival/,
  ],
  [
    "negative seats in a cabin",
    "flight_lifecycle",
    flight({ cabins: [{ cabin_code: "Y", seat_count: -1 }] }),
    "out_of_range",
    /seat_count/,
  ],
  [
    "seats that are numbers",
    "seat_map",
    changed(seatMapExample, { occupied_seats: [1] }),
    "wrong_type",
    /list of strings/,
  ],
  [
    "no occupied seats",
    "seat_map",
    changed(seatMapExample, { occupied_seats: undefined }),
    "missing_field",
    /occupied_seats/,
  ],
  [
    "fare buckets that are no list",
    "seat_inventory",
    changed(seatInventoryExample, { cabins: [{ cabin_code: "Y", fare_buckets: 1 }] }),
    "wrong_type",
    /fare_buckets/,
  ],
  [
    "half booked seats",
    "inventory_metrics",
    changed(inventoryMetricsExample, { booked_seats: 1.5 }),
    "wrong_type",
    /booked_seats/,
  ],
  [
    "a discount above 100 %",
    "promo_decisions",
    changed(promoDecisionExample, { discount_percentage: 101 }),
    "out_of_range",
    /101/,
  ],
  [
    "inputs nested deeper than any stack",
    "promo_decisions",
    changed(promoDecisionExample, { inputs: { x: 0 } }).replace('"x":0', `"x":${nested("1")}`),
    "out_of_range",
    /deeper than 32 levels/,
  ],
  [
    "thresholds with half a character in a name",
    "promo_decisions",
    changed(promoDecisionExample, { thresholds: { a: [{ "\udc00": 1 }] } }),
    "lone_surrogate",
    /"\\udc00"/,
  ],
  [
    "a dead letter without reason",
    "dead_letters",
    changed(deadLetterExample, { reason: undefined }),
    "missing_field",
    /"reason"/,
  ],
];

/** As JSON.parse takes it, and what looks into values by recursion does not. */
function nested(inner: string, open = "[", close = "]"): string {
  return open.repeat(100_000) + inner + close.repeat(100_000);
}

function bookingText(from: string, to: string): string {
  return JSON.stringify(bookingExample).replace(from, to);
}
