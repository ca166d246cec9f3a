import { equal, match, ok } from "node:assert/strict";
import { createHash } from "node:crypto";
import { deadLetterOf } from "../../events/dead_letters.ts";
import type { DeadLetter, RefusedRecord } from "../../events/dead_letters.ts";
import { parseEvent } from "../../events/parse_event.ts";

const REFUSAL = {
  group: "inventory-engine",
  logId: "1f3a9c2e-5b1d-4d36-8f0e-2f6f0d9f4c11",
  reason: "invalid_json" as const,
  message: "The value is not JSON",
};
const RECORD: RefusedRecord = {
  topic: "bookings",
  partition: 2,
  offset: 17,
  timestampMs: Date.UTC(2025, 10, 24, 10, 15, 30),
  key: "BA210_2025-11-28",
  value: "{oops",
};
const BROKER_LIMIT_BYTES = 1_048_576;

async function letterOf(changes: Partial<RefusedRecord>): Promise<{ letter: DeadLetter; bytes: number }> {
  const text = await deadLetterOf({ ...RECORD, ...changes }, REFUSAL);
  // Whatever it holds, the lake takes it as an event.
  parseEvent({ topic: "dead_letters", value: text, timestampMs: RECORD.timestampMs });
  return { letter: JSON.parse(text), bytes: new TextEncoder().encode(text).length };
}

Deno.test("deadLetterOf() keeps the record whole, with place, reason and append time", async () => {
  const { letter } = await letterOf({ headers: { trace: "abc" } });
  equal(letter.dead_letter_id, "inventory-engine-bookings-2-17");
  equal(letter.event_time, "2025-11-24T10:15:30.000Z");
  equal(letter.value, "{oops");
  equal(letter.key, "BA210_2025-11-28");
  equal(letter.reason, "invalid_json");
  equal(letter.log_id, REFUSAL.logId);
  equal(letter.headers?.trace, "abc");
  equal(letter.truncated, undefined);
});

Deno.test("deadLetterOf() keeps a tombstone and a record without key as null", async () => {
  const { letter } = await letterOf({ key: null, value: null });
  equal(letter.key, null);
  equal(letter.value, null);
});

Deno.test("deadLetterOf() names the letter that a record was driven again from, also where its value is cut", async () => {
  const headers = { "replay-of": "lake-writer-bookings-1-3" };
  equal((await letterOf({ headers })).letter.replay_of, "lake-writer-bookings-1-3");
  equal(
    (await letterOf({ headers, value: "x".repeat(2_000_000) })).letter.replay_of,
    "lake-writer-bookings-1-3",
  );
  equal((await letterOf({ headers: { trace: "abc" } })).letter.replay_of, undefined);
});

Deno.test("deadLetterOf() keeps bytes that are no text as base64", async () => {
  const bytes = new Uint8Array([0xff, 0x00, 0x41]);
  const { letter } = await letterOf({ value: "\uFFFD\0A", bytes });
  equal(letter.value, null);
  equal(letter.value_base64, "/wBB");
});

Deno.test("deadLetterOf() keeps NUL characters and lone surrogates as they came", async () => {
  const { letter } = await letterOf({ value: '{"a":"\0\ud800"}' });
  equal(letter.value, '{"a":"\0\ud800"}');
});

for (
  const [name, value] of [["ASCII", "x".repeat(10_000_000)], [
    "text of three bytes a character",
    "€".repeat(400_000),
  ]] as const
) {
  Deno.test(`deadLetterOf() cuts a large record of ${name} to 64 KiB and tells its size and hash`, async () => {
    const { letter, bytes } = await letterOf({ value, headers: { trace: "abc" } });
    ok(bytes < BROKER_LIMIT_BYTES, `${bytes} bytes`);
    const whole = new TextEncoder().encode(value);
    equal(letter.truncated?.bytes, whole.length);
    equal(letter.truncated?.sha256, createHash("sha256").update(whole).digest("hex"));
    ok(value.startsWith(letter.value!.replace(/\uFFFD+$/, "")));
    ok(letter.value!.length > 20_000);
  });
}

Deno.test("deadLetterOf() cuts large bytes too", async () => {
  const bytes = new Uint8Array(2_000_000).fill(0xff);
  const { letter, bytes: size } = await letterOf({ value: "\uFFFD", bytes });
  ok(size < BROKER_LIMIT_BYTES);
  equal(letter.truncated?.bytes, 2_000_000);
  equal(Uint8Array.fromBase64(letter.value_base64!).length, 65_536);
});

Deno.test("deadLetterOf() stays below the broker's limit for any record, also with a huge key or message", async () => {
  const hostile = "\u0001".repeat(900_000);
  const { bytes } = await letterOf({ key: hostile, value: hostile, headers: { [hostile]: hostile } });
  ok(bytes < BROKER_LIMIT_BYTES, `${bytes} bytes`);
  const long = await deadLetterOf(RECORD, { ...REFUSAL, message: "m".repeat(2_000_000) });
  ok(long.length < BROKER_LIMIT_BYTES, `${long.length} bytes`);
  match(JSON.parse(long).message, /^m+/);
});
