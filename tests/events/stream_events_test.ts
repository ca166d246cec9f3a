/** Events of streams: what is taken, what is refused and why. */

import { deepEqual, equal, throws } from "node:assert/strict";
import { EventError } from "../../events/event_error.ts";
import type { EventErrorReason } from "../../events/event_error.ts";
import { parseStreamEvent, streamEventExample } from "../../events/stream_events.ts";

const APPENDED_MS = Date.UTC(2025, 10, 24, 11);

const parse = (value: string | null, timestampMs = APPENDED_MS) =>
  parseStreamEvent({ topic: "stream.events", value, timestampMs });
const changed = (fields: Record<string, unknown>) => JSON.stringify({ ...streamEventExample, ...fields });

Deno.test("parseStreamEvent() takes its own example", () => {
  deepEqual(parse(JSON.stringify(streamEventExample)), {
    type: "donation",
    eventTimeMs: Date.UTC(2025, 10, 24, 10, 15, 30),
    streamId: "BA210_2025-11-28",
    userId: "user_17",
    eventId: "5d0f2f3a-7f0c-4a53-9d3e-0a1c7b1f9e42",
    donatedCents: 1250,
  });
});

Deno.test("parseStreamEvent() takes the published sender's times, with six digits and +00:00", () => {
  equal(parse(changed({ ts: "2025-11-24T10:15:30.300308+00:00" })).eventTimeMs % 1000, 300);
});

// fields, cents
const DONATIONS: [Record<string, unknown>, number][] = [
  [{ amount_usd: 12.34 }, 1234],
  [{ amount_usd: 0 }, 0],
  [{ amount_usd: undefined, amount: 7.5 }, 750],
  [{ amount_usd: null, amount: 7.5 }, 750],
  [{ amount_usd: 1, amount: 7.5 }, 100],
  [{ amount_usd: 19.999 }, 2000],
];
for (const [fields, cents] of DONATIONS) {
  Deno.test(`a donation with ${JSON.stringify(fields)} is one of ${cents} cents`, () => {
    equal(parse(changed(fields)).donatedCents, cents);
  });
}

for (const type of ["viewer_join", "viewer_leave", "chat_message", "stream_start", "stream_stop"]) {
  Deno.test(`parseStreamEvent() takes ${type}, without figures of its own`, () => {
    const taken = parse(changed({ event_type: type, amount_usd: undefined, message_len: null, more: [1] }));
    equal(taken.type, type);
    equal(taken.donatedCents, 0);
  });
}

const REFUSED: [string, string | null, EventErrorReason, RegExp][] = [
  ["no value", null, "empty_value", /no value/],
  ["broken JSON", "{", "invalid_json", /not JSON/],
  ["a list", "[]", "not_an_object", /is \[\]/],
  [
    "an unknown type",
    changed({ event_type: "raid" }),
    "unknown_event_type",
    /"raid" is not known.*viewer_join/,
  ],
  ["an inherited name as type", changed({ event_type: "toString" }), "unknown_event_type", /toString/],
  ["no stream", changed({ stream_id: undefined }), "missing_field", /"stream_id" is missing/],
  ["no user", changed({ user_id: null }), "missing_field", /"user_id" is missing/],
  ["no id", changed({ event_id: undefined }), "missing_field", /"event_id" is missing/],
  ["a number as id", changed({ event_id: 5 }), "wrong_type", /"event_id" is 5/],
  ["no time", changed({ ts: undefined }), "missing_field", /"ts" is missing/],
  ["a time without a zone", changed({ ts: "2025-11-24T10:15:30" }), "invalid_time", /"ts" is "2025/],
  ["a time far ahead", changed({ ts: "2025-12-24T10:15:30Z" }), "event_time", /lies 30\.0 days beyond/],
  [
    "a donation of nothing known",
    changed({ amount_usd: undefined }),
    "missing_field",
    /"amount_usd" is missing/,
  ],
  ["a donation that is taken away", changed({ amount_usd: -1 }), "out_of_range", /"amount_usd" is -1/],
  ["a donation in words", changed({ amount_usd: "5" }), "wrong_type", /"amount_usd" is "5"/],
  [
    "a message shorter than nothing",
    changed({ event_type: "chat_message", message_len: -1 }),
    "out_of_range",
    /"message_len" is -1/,
  ],
  ["a NUL", changed({ user_id: "a\0" }), "nul_character", /NUL/],
  ["half a character", changed({ stream_id: "\ud800" }), "lone_surrogate", /half a surrogate pair/],
];
for (const [what, value, reason, message] of REFUSED) {
  Deno.test(`parseStreamEvent() refuses ${what}`, () => {
    throws(
      () => parse(value),
      (error: unknown) =>
        error instanceof EventError && error.reason === reason && message.test(error.message),
    );
  });
}

Deno.test("parseStreamEvent() refuses bytes that are no text", () => {
  throws(
    () =>
      parseStreamEvent({ topic: "stream.events", value: "?", bytes: new Uint8Array([255]), timestampMs: 0 }),
    /not valid UTF-8/,
  );
});
