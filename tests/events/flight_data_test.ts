import assert from "node:assert/strict";
import { EventError } from "../../events/event_error.ts";
import { parseFlightData } from "../../events/flight_data.ts";

const FLIGHT = {
  ident: "UAL1545",
  fa_flight_id: "UAL1545-1764300000-schedule-0001",
  status: "Scheduled",
  aircraft_type: "B738",
  origin: "EWR",
  destination: "ORD",
  scheduled_out: "2025-11-28T12:00:00.000Z",
  actual_out: null,
  scheduled_in: "2025-11-28T14:00:00.000Z",
  actual_in: null,
  latitude: 40.5,
};
const parse = (fields: object) => parseFlightData({ value: JSON.stringify({ ...FLIGHT, ...fields }) });

Deno.test("a flight is read without what changes with each position", () => {
  const { aircraft_type: _, latitude: __, ...expected } = FLIGHT;
  assert.deepEqual(parse({}), expected);
});

Deno.test("what other senders write differently is read as the same", () => {
  const { actual_out: _, actual_in: __, ...without } = FLIGHT;
  const value = JSON.stringify({
    ...without,
    ident: "ual1545",
    origin: "ewr",
    scheduled_out: "2025-11-28T12:00:00+00:00",
    scheduled_in: "2025-11-28T14:00:00.000000Z",
    status: "Scheduled\u0007\u202e ",
  });
  assert.deepEqual(parseFlightData({ value }), parse({}));
});

const REFUSED: [string, { value: string | null; bytes?: Uint8Array }, string, RegExp][] = [
  ["nothing", { value: null }, "empty_value", /no value/],
  ["torn JSON", { value: "{" }, "invalid_json", /not JSON/],
  ["a list", { value: "[]" }, "not_an_object", /expected a JSON object/],
  ["bytes that are no text", { value: "?", bytes: new Uint8Array([255]) }, "invalid_utf8", /UTF-8/],
  ["a NUL", { value: JSON.stringify({ ...FLIGHT, status: "a\0b" }) }, "nul_character", /NUL/],
];
for (const [what, record, reason, message] of REFUSED) {
  Deno.test(`${what} is refused: ${reason}`, () => {
    assert.throws(
      () => parseFlightData(record),
      (error) => error instanceof EventError && error.reason === reason && message.test(error.message),
    );
  });
}

const REFUSED_FIELDS: [object, string][] = [
  [{ ident: undefined }, "missing_field"],
  [{ ident: 1545 }, "wrong_type"],
  [{ ident: "UA 1545" }, "out_of_range"],
  [{ ident: "UAL1545\n" }, "out_of_range"],
  [{ fa_flight_id: null }, "missing_field"],
  [{ fa_flight_id: "" }, "out_of_range"],
  [{ fa_flight_id: "x".repeat(257) }, "out_of_range"],
  [{ fa_flight_id: "\ud800" }, "lone_surrogate"],
  [{ fa_flight_id: "a\u001b[2Jb" }, "out_of_range"],
  [{ status: null }, "missing_field"],
  [{ status: "x".repeat(101) }, "out_of_range"],
  [{ origin: { code_iata: "EWR" } }, "wrong_type"],
  [{ origin: "E<b>" }, "out_of_range"],
  [{ scheduled_out: "soon" }, "invalid_time"],
  [{ actual_in: "2025-02-31T00:00:00Z" }, "invalid_time"],
  [{ actual_out: 1764300000 }, "wrong_type"],
  [{ actual_out: "1970-01-01T00:00:00Z" }, "out_of_range"],
];
for (const [fields, reason] of REFUSED_FIELDS) {
  Deno.test(`${JSON.stringify(fields).slice(0, 60)} is refused: ${reason}`, () => {
    assert.throws(() => parse(fields), (error) => error instanceof EventError && error.reason === reason);
  });
}
