import { array, assert, date as anyDate, double, property, string as anyString } from "fast-check";
import { equal, throws } from "node:assert/strict";
import { formatInstant, parseInstant } from "../../events/instant.ts";

const AT = Date.UTC(2025, 10, 28, 14, 0, 0);

// text, milliseconds since 1970
const INSTANTS: [string, number][] = [
  ["2025-11-28T14:00:00Z", AT],
  ["2025-11-28T14:00:00.1Z", AT + 100],
  ["2025-11-28T14:00:00.12Z", AT + 120],
  ["2025-11-28T14:00:00.123Z", AT + 123],
  // Python's isoformat() writes microseconds and +00:00.
  ["2025-11-28T14:00:00.123456Z", AT + 123],
  ["2025-11-28T14:00:00.123456+00:00", AT + 123],
  ["2025-11-28T14:00:00+00:00", AT],
  ["2025-11-28T14:00:00.123999999Z", AT + 123],
  ["2024-02-29T00:00:00.000Z", Date.UTC(2024, 1, 29)],
  ["2025-01-31T23:59:59.999Z", Date.UTC(2025, 1, 1) - 1],
  ["1970-01-01T00:00:00.000Z", 0],
];

for (const [text, ms] of INSTANTS) {
  Deno.test(`parseInstant() reads ${text}`, () => equal(parseInstant(text), ms));
}

const NO_INSTANTS = [
  "",
  "2025-11-28",
  "2025-11-28T14:00:00",
  "2025-11-28T14:00:00.000",
  "2025-11-28 14:00:00.000Z",
  "2025-11-28T14:00Z",
  "2025-11-28T14:00:00+01:00",
  "2025-11-28T14:00:00.000-00:00",
  "2025-11-28T14:00:00.Z",
  "2025-11-28T24:00:00.000Z",
  "2025-11-28T23:60:00.000Z",
  "2025-11-28T23:00:60.000Z",
  "2025-02-29T00:00:00.000Z",
  "2025-02-31T00:00:00.000Z",
  "2025-04-31T00:00:00Z",
  "2025-13-01T00:00:00.000Z",
  "2025-00-10T00:00:00.000Z",
  "2025-01-00T00:00:00.000Z",
  "25-11-28T14:00:00.000Z",
  " 2025-11-28T14:00:00.00Z",
  "Fri Nov 28 2025 14:00:0Z",
  "12345678901T2345678901Z",
  "now",
  "1764338400000",
];

for (const text of NO_INSTANTS) {
  Deno.test(`parseInstant() refuses ${JSON.stringify(text)}`, () => equal(parseInstant(text), NaN));
}

Deno.test("parseInstant() reads back whatever formatInstant() writes", () => {
  const range = {
    min: new Date(Date.UTC(1990, 0, 1)),
    max: new Date(Date.UTC(2199, 11, 31)),
    noInvalidDate: true,
  };
  assert(property(anyDate(range), (time) => {
    equal(parseInstant(formatInstant(time.getTime())), time.getTime());
  }));
});

Deno.test("parseInstant() takes no text that is not in its own form", () => {
  const shape = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|\+00:00)$/;
  const ending = anyString({ maxLength: 24 }).map((text) =>
    `${text.padEnd(23, "0").slice(0, 10)}T${"0".repeat(12)}Z`
  );
  assert(property(anyString(), (text) => shape.test(text) || Number.isNaN(parseInstant(text))));
  assert(property(ending, (text) => shape.test(text) || Number.isNaN(parseInstant(text))));
});

Deno.test("formatInstant() writes what Date writes, for any time and in any order", () => {
  const anyTime = double({ min: -8.64e15, max: 8.64e15, noNaN: true });
  assert(property(array(anyTime, { maxLength: 5 }), (times) => {
    for (const time of times) {
      for (const near of [time, time + 1, time - 60_000]) {
        if (Math.abs(near) > 8.64e15) continue;
        equal(formatInstant(near), new Date(near).toISOString());
      }
    }
  }));
  throws(() => formatInstant(NaN), RangeError);
});

Deno.test("formatInstant() writes milliseconds and Z, also when asked twice in a row", () => {
  equal(formatInstant(AT + 5), "2025-11-28T14:00:00.005Z");
  equal(formatInstant(AT + 5), "2025-11-28T14:00:00.005Z");
  equal(formatInstant(AT), "2025-11-28T14:00:00.000Z");
});

Deno.test("parseInstant() takes nothing that only V8's lenient parser takes for a time", () => {
  for (const text of ["0(00000000T000000000000Z", "2025-11-28T14:00:00,123Z", "2025-11-28T14:00:00.12 Z"]) {
    equal(parseInstant(text), NaN, text);
  }
});
