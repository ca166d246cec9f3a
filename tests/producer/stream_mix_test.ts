/** The published mix of events of streams. */

import { deepEqual, ok, strictEqual } from "node:assert/strict";
import { parseStreamEvent } from "../../events/stream_events.ts";
import { StreamMix } from "../../producer/stream_mix.ts";

const OPTIONS = {
  seed: 1,
  streams: 3,
  users: 500,
  startMs: Date.UTC(2025, 10, 24, 10),
  eventsPerSecond: 20,
};

function events(count: number, options: Partial<typeof OPTIONS> = {}) {
  const mix = new StreamMix({ ...OPTIONS, ...options });
  return Array.from({ length: count }, (_, number) => mix.event(number));
}

Deno.test("types come by the published weights, 8 : 7 : 10 : 2", () => {
  const found = Map.groupBy(events(27_000), ({ event_type }) => event_type);
  for (
    const [type, share] of [["viewer_join", 8], ["viewer_leave", 7], ["chat_message", 10], [
      "donation",
      2,
    ]] as const
  ) {
    // 27,000 draws: the standard deviation is at most 82.
    ok(Math.abs(found.get(type)!.length - share * 1000) < 400, `${type} ${found.get(type)!.length}`);
  }
});

Deno.test("every event passes the checks, in the published ranges and at its time", () => {
  const ids = new Set<string>();
  events(5_000).forEach((event, number) => {
    const parsed = parseStreamEvent({
      topic: "stream.events",
      value: JSON.stringify(event),
      timestampMs: OPTIONS.startMs,
    });
    strictEqual(parsed.eventTimeMs, OPTIONS.startMs + number * 50);
    ok(/^stream_100[123]$/.test(parsed.streamId) && /^user_\d{1,3}$/.test(parsed.userId));
    if (parsed.type === "donation") ok(parsed.donatedCents >= 100 && parsed.donatedCents <= 20_000);
    ids.add(parsed.eventId);
  });
  strictEqual(ids.size, 5_000);
});

Deno.test("the same seed and time give the same events; another time has other ids", () => {
  deepEqual(events(100), events(100));
  const later = events(100, { startMs: OPTIONS.startMs + 1000 });
  ok(events(100).every((event, at) => event.event_id !== later[at]!.event_id));
});
