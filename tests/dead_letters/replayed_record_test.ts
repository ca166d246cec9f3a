import { deepEqual, equal, match, throws } from "node:assert/strict";
import { ADVICE, adviceFor } from "../../dead_letters/advice.ts";
import { instantGiven, letterFilter } from "../../dead_letters/letter_filter.ts";
import { notReplayable, refusedAgain, replayedRecord } from "../../dead_letters/replayed_record.ts";
import { bookingExample } from "../../events/bookings.ts";
import { replayHeaders } from "../../events/dead_letters.ts";
import { EVENT_LEAD_MS_MAX } from "../../events/parse_event.ts";
import { streamEventExample } from "../../events/stream_events.ts";
import { partitionOf } from "../../event_log/partitioner.ts";
import { letter } from "./_letters_log.ts";

const PARTITIONS = new Map([["bookings", 3], ["flight_lifecycle", 3], ["dead_letters", 3], [
  "inventory-engine-repartition",
  3,
]]);

Deno.test("replayedRecord() is the record as it came, in its key's partition, and names its letter", async () => {
  const headers = { trace: "abc", "replay-of": "an-older-letter", "replay-value": "replaced" };
  const refused = await letter({
    offset: 17,
    partition: 2,
    key: "BA210_2025-11-28",
    value: "{torn",
    headers,
  });
  deepEqual(replayedRecord(refused, PARTITIONS), {
    topic: "bookings",
    partition: partitionOf("BA210_2025-11-28", 3),
    key: "BA210_2025-11-28",
    value: "{torn",
    headers: { trace: "abc", "replay-of": "inventory-engine-bookings-2-17" },
  });
});

Deno.test("replayedRecord() puts a record without a key where it was, as far as the topic has such a partition", async () => {
  equal(replayedRecord(await letter({ offset: 1, partition: 2, key: null }), PARTITIONS).partition, 2);
  equal(replayedRecord(await letter({ offset: 1, partition: 4, key: null }), PARTITIONS).partition, 1);
  equal(replayedRecord(await letter({ offset: 1, key: null, value: null }), PARTITIONS).value, null);
});

Deno.test("replayedRecord() takes the mended value, and its flight as key where the key was cut with the value", async () => {
  const replacement = { file: "mended.json", value: JSON.stringify(bookingExample) };
  const cut = await letter({ offset: 1, key: "k".repeat(2000), value: "x".repeat(2_000_000) });
  const record = replayedRecord(cut, PARTITIONS, replacement);
  deepEqual([record.key, record.value], [bookingExample.flight_id, replacement.value]);
  equal(record.headers?.["replay-value"], "replaced");
  equal(replayedRecord(await letter({ offset: 1, key: "BA1" }), PARTITIONS, replacement).key, "BA1");
});

// what, letter, why it cannot be driven again as it is; and whether a mended value helps
const CANNOT: [string, Parameters<typeof letter>[0], RegExp, boolean][] = [
  [
    "a cut value",
    { offset: 1, value: "x".repeat(2_000_000) },
    /only the first 64 KiB of its 2,000,000 bytes/,
    true,
  ],
  ["bytes that are no text", { offset: 1, bytes: new Uint8Array([255]) }, /its bytes are no text/, true],
  [
    "an internal topic",
    { offset: 1, topic: "inventory-engine-repartition" },
    /only the pipeline itself writes/,
    false,
  ],
  ["a dead letter", { offset: 1, topic: "dead_letters" }, /only the pipeline itself writes/, false],
  ["a topic that is gone", { offset: 1, topic: "seat_map" }, /the log has no topic "seat_map"/, false],
];

for (const [what, refusal, why, mendable] of CANNOT) {
  Deno.test(`notReplayable() says why ${what} cannot be driven again`, async () => {
    const refused = await letter(refusal);
    match(notReplayable(refused, PARTITIONS)!, why);
    equal(notReplayable(refused, PARTITIONS, { file: "f", value: "{}" }) === undefined, mendable);
  });
}

Deno.test("refusedAgain() knows what anybody would refuse, at the time it would be appended", () => {
  const event_time = new Date(Date.UTC(2026, 0, 20)).toISOString();
  const value = JSON.stringify({ ...bookingExample, event_time });
  const on = (day: number) => ({ nowMs: Date.UTC(2026, 0, day), eventLeadMsMax: EVENT_LEAD_MS_MAX });
  equal(refusedAgain("bookings", value, on(5))?.reason, "event_time");
  equal(refusedAgain("bookings", value, on(15)), undefined);
  equal(refusedAgain("bookings", "{torn", on(15))?.reason, "invalid_json");
  const flight = { ident: "UAL1545", fa_flight_id: "leg", status: "Scheduled" };
  equal(refusedAgain("flight-data-events", JSON.stringify(flight), on(15)), undefined);
  equal(
    refusedAgain("flight-data-events", JSON.stringify({ ...flight, status: 1 }), on(15))?.reason,
    "wrong_type",
  );
  equal(refusedAgain("stream.events", JSON.stringify(streamEventExample), on(15)), undefined);
});

Deno.test("replayHeaders() keeps our headers only, and none that are too long", () => {
  equal(replayHeaders(undefined), undefined);
  equal(replayHeaders({ trace: "abc" }), undefined);
  equal(replayHeaders({ "replay-of": "x".repeat(2000) }), undefined);
  deepEqual(replayHeaders({ "replay-of": "a-1-2", trace: "abc" }), { "replay-of": "a-1-2" });
});

Deno.test("every reason has a meaning and a remedy in plain words, also one that is not known", () => {
  for (const [reason, { meaning, remedy }] of Object.entries(ADVICE)) {
    match(meaning, /^[A-Z].*[^.]$/, reason);
    match(remedy, /^[A-Z].{8,}[^.]$/, reason);
  }
  match(adviceFor("gone_mad").meaning, /"gone_mad" is a reason that this version does not know/);
});

const NOW_MS = Date.UTC(2026, 0, 5, 12);

Deno.test("letterFilter() chooses by reason, topic, group and time", async () => {
  const none = { reason: undefined, topic: undefined, group: undefined, since: undefined };
  const stored = {
    letter: await letter({ offset: 1 }),
    partition: 0,
    offset: 0,
    storedMs: NOW_MS - 3_600_000,
  };
  const takes = (values: Partial<Record<keyof typeof none, string>>) =>
    letterFilter({ ...none, ...values }, NOW_MS)(stored);
  equal(takes({}), true);
  equal(takes({ reason: "unknown_flight,invalid_json" }), true);
  equal(takes({ reason: "unknown_flight" }), false);
  equal(takes({ topic: "bookings", group: "inventory-engine" }), true);
  equal(takes({ topic: "seat_map" }), false);
  equal(takes({ group: "lake-writer" }), false);
  equal(takes({ since: "2h" }), true);
  equal(takes({ since: "30m" }), false);
  throws(() => takes({ reason: "torn" }), /--reason is "torn", expected one of empty_value, /);
});

// text, instant
const INSTANTS: [string, string][] = [
  ["2h", "2026-01-05T10:00:00.000Z"],
  ["2026-01-04", "2026-01-04T00:00:00.000Z"],
  ["2026-01-04T10:30Z", "2026-01-04T10:30:00.000Z"],
  ["2026-01-04T10:30:15.5Z", "2026-01-04T10:30:15.500Z"],
];

for (const [text, instant] of INSTANTS) {
  Deno.test(`instantGiven() takes ${text}`, () =>
    equal(new Date(instantGiven("since", text, NOW_MS)).toISOString(), instant));
}

Deno.test("instantGiven() refuses what is no time", () => {
  for (const text of ["yesterday", "2026-02-30", "2026-01-04T10:30:00"]) {
    throws(() => instantGiven("from", text, NOW_MS), /^UsageError: --from is ".*", expected a UTC time/);
  }
});
