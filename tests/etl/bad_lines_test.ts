import { deepEqual, equal, match, ok } from "node:assert/strict";
import { lakeLine } from "../../lake/lake_line.ts";
import { APPENDED_MS, booking, LOG_ID8, scheduled, withLake } from "./_etl_support.ts";
import type { Fields } from "./_etl_support.ts";

const line = (event: Fields, offset: number) =>
  lakeLine(JSON.stringify(event), { partition: 0, offset, timestampMs: APPENDED_MS });

// What a line may be instead of an event, and why it is refused.
const BAD: [string, string, string][] = [
  ["broken JSON", '{"event_type":"BookingCreated"', "invalid_json"],
  ["no object", "[1,2]", "not_an_object"],
  ["an unknown type", line(booking("X", { event_type: "BookingMoved" }), 1), "unknown_event_type"],
  ["a price as text", line(booking("X", { total_price: "140" }), 1), "wrong_type"],
  ["a negative price", line(booking("X", { total_price: -1 }), 1), "out_of_range"],
  ["no passengers", line(booking("X", { passengers: [] }), 1), "out_of_range"],
  ["passengers that are none", line(booking("X", { passengers: [5] }), 1), "wrong_type"],
  ["an absurd time", line(booking("X", { event_time: "1889-01-01T00:00:00Z" }), 1), "out_of_range"],
  ["a time that is none", line(booking("X", { event_time: "yesterday" }), 1), "invalid_time"],
  ["no flight", line(booking("X", { flight_id: null }), 1), "missing_field"],
  ["a NUL character", line(booking("X", { fare_bucket: "K\0" }), 1), "nul_character"],
  ["a time far ahead", line(booking("X", { event_time: "2026-11-24T10:15:30Z" }), 1), "event_time"],
  [
    "another partition's line",
    line(booking("X"), 1).replace('"_partition":0', '"_partition":2'),
    "missing_field",
  ],
  ["an offset behind the file's end", line(booking("X"), 99), "out_of_range"],
  ["a line of 10 MB", `{"event_type":"BookingCreated","x":"${"y".repeat(10_000_000)}"`, "invalid_json"],
];

for (const [name, text, reason] of BAD) {
  Deno.test(`a raw line that is ${name} is rejected once, and the lines around it go through`, () =>
    withLake(async (lake) => {
      lake.seal("bookings", [line(booking("B0"), 0), text, line(booking("B2"), 2)]);
      const { rejected, lines } = await lake.build();
      deepEqual(rejected, { [reason]: 1 });
      equal(lines, 3);
      deepEqual(lake.rows("fact_booking").map((row) => row.booking_id), ["B0", "B2"]);
      const [kept] = lake.rejected("bookings");
      equal(kept!.reason, reason);
      equal(kept!.line, text.slice(0, 65536));
      equal(kept!.byte, line(booking("B0"), 0).length + 1);
      ok(String(kept!.message).length > 0);
      // Not again by a later run.
      lake.seal("bookings", [booking("B3")], { from: 3 });
      deepEqual((await lake.build()).rejected, {});
      equal(lake.rejected("bookings").length, 1);
    }));
}

Deno.test("bytes that are not UTF-8 are kept as they are", () =>
  withLake(async (lake) => {
    const bytes = new TextEncoder().encode(`${line(booking("B0"), 0)}\n${line(booking("QQ"), 1)}\n`);
    bytes[bytes.lastIndexOf("Q".charCodeAt(0))] = 0xff;
    lake.sealText("bookings", bytes, { partition: 0, from: 0, to: 2 });
    deepEqual((await lake.build()).rejected, { invalid_utf8: 1 });
    const kept = Uint8Array.fromBase64(lake.rejected("bookings")[0]!.line_base64 as string);
    deepEqual(kept, bytes.subarray(line(booking("B0"), 0).length + 1, -1));
  }));

Deno.test("a file of anything at all ends no run", () =>
  withLake(async (lake) => {
    const noise = crypto.getRandomValues(new Uint8Array(60_000));
    lake.sealText("bookings", noise, { partition: 0, from: 0, to: 7 });
    lake.seal("bookings", [booking("B1")], { partition: 1 });
    await lake.build();
    equal(lake.rows("fact_booking").length, 1);
    ok(lake.rejected("bookings").length > 0);
  }));

Deno.test("an event's own _partition and _offset do not count, the file's do", () =>
  withLake(async (lake) => {
    const own = JSON.stringify({ ...booking("B0"), _partition: 7, _offset: 99 });
    const spliced = `${own.slice(0, -1)},"_partition":0,"_offset":0,"_timestamp":"2025-11-24T10:15:31.000Z"}`;
    lake.seal("bookings", [spliced]);
    deepEqual((await lake.build()).rejected, {});
    deepEqual(lake.rows("fact_booking").map((row) => [row._partition, row._offset]), [[0, 0]]);
  }));

// Escapes are what Polars reads wrongly in nested text, so they take the careful way.
const TEXTS = [
  'quote " quote',
  "back\\slash",
  "\\u0041",
  "tab\ttab",
  "line\nline",
  "\u0001",
  "é😀\u2028",
  "\ud800x",
];

for (const text of TEXTS) {
  Deno.test(`the text ${JSON.stringify(text)} comes through as it is, wherever it stands`, () =>
    withLake(async (lake) => {
      lake.seal("bookings", [
        booking("B0"),
        // An id with half a character is refused; elsewhere it is replaced.
        booking("B1", {
          channel: text,
          passengers: [{ passenger_id: text.toWellFormed(), seat_id: text }],
        }),
      ]);
      lake.seal("flight_lifecycle", [scheduled({ aircraft_type: text })]);
      deepEqual((await lake.build()).rejected, {});
      // A lone surrogate has no form in UTF-8.
      const expected = text.toWellFormed();
      const row = lake.rows("fact_booking").find(({ booking_id }) => booking_id === "B1")!;
      deepEqual([row.channel, row.passenger_id, row.seat_id], [expected, expected, expected]);
      equal(lake.rows("dim_flight")[0]!.aircraft_type, expected);
    }));
}

Deno.test("a file is read with the same result the fast way and the careful way", () =>
  withLake(async (lake) => {
    const events = (escape: string) =>
      Array.from({ length: 50 }, (_, at) =>
        booking(`B${at}`, {
          total_price: at * 7.01,
          event_time: `2025-11-24T10:15:${String(at).padStart(2, "0")}.123456Z`,
          passengers: Array.from({ length: at % 4 + 1 }, (_, number) => ({
            passenger_id: `P${number}`,
            ...(number % 2 === 0 ? { seat_id: `${at}A` } : {}),
          })),
          note: escape,
        }));
    lake.seal("bookings", events("plain"));
    await lake.build();
    const fast = lake.rows("fact_booking");
    lake.seal("bookings", events("an \\ escape"));
    await lake.build({ full: true });
    deepEqual(lake.rows("fact_booking"), fast);
    equal(fast.length, 12 * (1 + 2 + 3 + 4) + 1 + 2);
  }));

Deno.test("files of another program are read as they grow, up to the last whole line", () =>
  withLake(async (lake) => {
    const name = "2025-11-28_14.jsonl";
    const text = (id: string) => `${JSON.stringify(booking(id))}\n`;
    const half = text("B2").slice(0, 50);
    lake.append("bookings", name, text("B1") + half);
    await lake.build();
    deepEqual(lake.rows("fact_booking").map((row) => row.booking_id), ["B1"]);
    equal((await lake.build()).lines, 0);
    lake.append("bookings", name, text("B2").slice(50) + "broken\n" + text("B3"));
    lake.append("bookings", "2025-11-28_15.jsonl", text("B1"));
    const { rejected, lines } = await lake.build();
    deepEqual([rejected, lines], [{ invalid_json: 1 }, 4]);
    deepEqual(lake.rows("fact_booking").map((row) => [row.booking_id, row._log, row._offset]), [
      ["B1", `file:${name}`, 0],
      ["B2", `file:${name}`, text("B1").length],
      ["B3", `file:${name}`, text("B1").length * 2 + "broken\n".length],
    ]);
    equal(lake.rejected("bookings").length, 1);
  }));

Deno.test("a file of another program that was written anew is read as a new one", () =>
  withLake(async (lake) => {
    const name = "2025-11-28_14.jsonl";
    const path = lake.append(
      "bookings",
      name,
      `${JSON.stringify(booking("B1"))}\n${JSON.stringify(booking("B2"))}\n`,
    );
    await lake.build();
    Deno.writeTextFileSync(path, `${JSON.stringify(booking("B3"))}\n`);
    const { warnings } = await lake.build();
    match(warnings.join(), /shrank from \d+ to \d+ bytes/);
    deepEqual(lake.rows("fact_booking").map((row) => [row.booking_id, row._log]), [
      ["B1", `file:${name}`],
      ["B2", `file:${name}`],
      ["B3", `file:${name}#2`],
    ]);
  }));

Deno.test("a foreign and a sealed copy of one event count once", () =>
  withLake(async (lake) => {
    lake.append("bookings", "2025-11-28_14.jsonl", `${JSON.stringify(booking("B1"))}\n`);
    await lake.build();
    lake.seal("bookings", [booking("B1")]);
    await lake.build();
    deepEqual(lake.rows("fact_booking").map((row) => row._log), [LOG_ID8]);
  }));
