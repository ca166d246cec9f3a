/** The minute windows against a slow reference on random streams, and by hand. */

import fc from "fast-check";
import { deepStrictEqual, strictEqual } from "node:assert/strict";
import type { ParsedStreamEvent } from "../../events/stream_events.ts";
import { PartitionWatermark } from "../../streaming/partition_watermark.ts";
import { readStateChunk, ViewerStateWriter } from "../../streaming/viewer_state_chunk.ts";
import { ViewerWindows } from "../../streaming/viewer_windows.ts";
import { referenceWindows } from "./_viewer_reference.ts";
import type { ReferenceRow } from "./_viewer_reference.ts";

const MINUTE_MS = 60_000;
const START_MS = Date.UTC(2025, 10, 24, 10);
const NOTHING = { viewer() {}, counted() {}, known() {} };

/** A partition's windows with a table, as the process keeps them. */
class Driver {
  readonly rows = new Map<string, ReferenceRow>();
  readonly present = new Map<string, number>();
  readonly late: number[] = [];
  windows = new ViewerWindows();
  #watermark = new PartitionWatermark(0, 1, 0);
  #chunks: Uint8Array[] = [];
  readonly #writer = new ViewerStateWriter();
  #taken = 0;

  take(event: ParsedStreamEvent): void {
    const at = this.#taken++;
    if (!this.#watermark.take(event.eventTimeMs)) {
      this.late.push(at);
      return;
    }
    this.windows.advance(event.eventTimeMs);
    strictEqual(this.windows.apply(event, 0, this.#writer) === "too_late", false);
  }

  commit(): void {
    const { rows, emptied, states } = this.windows.take();
    for (const { streamId, minute, ...row } of rows) this.rows.set(`${streamId} ${minute}`, row);
    for (const { streamId, minute } of emptied) this.rows.delete(`${streamId} ${minute}`);
    for (const { streamId, activeViewers } of states) this.present.set(streamId, activeViewers);
    this.#chunks.push(this.#writer.take());
  }

  trim(): void {
    this.windows.trim(this.#watermark.floor(this.windows.size, 0).floorMs);
  }

  compact(): void {
    this.windows.snapshot(this.#writer);
    this.#chunks = [this.#writer.take()];
  }

  /** What a new owner makes of what was stored. */
  restart(): void {
    const { newestMs, cutMs } = this.windows;
    this.windows = new ViewerWindows();
    this.windows.restore({ newestMs, cutMs }, 0, (sink) => {
      for (const chunk of this.#chunks) readStateChunk(chunk, sink);
    });
    this.#watermark = new PartitionWatermark(0, 1, 0, this.#watermark.stored());
  }
}

let eventNumber = 0;
function event(
  type: ParsedStreamEvent["type"],
  seconds: number,
  fields: Partial<ParsedStreamEvent> = {},
): ParsedStreamEvent {
  return {
    type,
    eventTimeMs: START_MS + seconds * 1000,
    streamId: "s1",
    userId: "u1",
    eventId: `e${eventNumber++}`,
    donatedCents: 0,
    ...fields,
  };
}

/** Active viewers by minute after 10:00. */
function viewersByMinute(events: ParsedStreamEvent[]): Record<number, number> {
  const driver = new Driver();
  for (const each of events) driver.take(each);
  driver.commit();
  const entries = [...driver.rows].map(([key, { activeViewers }]) =>
    [Number(key.split(" ")[1]) - START_MS / MINUTE_MS, activeViewers] as const
  );
  return Object.fromEntries(entries);
}

// what, events, viewers by minute
const BY_HAND: [string, ParsedStreamEvent[], Record<number, number>][] = [
  ["a join alone", [event("viewer_join", 30)], { 0: 1 }],
  ["a viewer who stays", [event("viewer_join", 30), event("viewer_leave", 150)], { 0: 1, 1: 1, 2: 1 }],
  ["a leave at the start of a minute", [event("viewer_join", 30), event("viewer_leave", 120)], {
    0: 1,
    1: 1,
  }],
  ["a join and leave at once", [event("viewer_join", 60), event("viewer_leave", 60)], { 1: 1 }],
  ["a join that comes twice", [event("viewer_join", 0), event("viewer_join", 10)], { 0: 1 }],
  ["a leave without a join", [event("viewer_leave", 0)], {}],
  [
    "a leave that comes twice",
    [event("viewer_join", 0), event("viewer_leave", 70), event("viewer_leave", 130)],
    { 0: 1, 1: 1 },
  ],
  [
    "somebody who leaves and comes back within a minute",
    [event("viewer_join", 0), event("viewer_leave", 10), event("viewer_join", 50), event("viewer_leave", 70)],
    { 0: 1, 1: 1 },
  ],
  [
    "two viewers",
    [event("viewer_join", 0), event("viewer_join", 70, { userId: "u2" })],
    { 0: 1, 1: 2 },
  ],
  ["a leave that comes before its join", [event("viewer_leave", 70), event("viewer_join", 10)], {
    0: 1,
    1: 1,
  }],
  [
    "a session without a leave, which ends after 30 minutes",
    [event("viewer_join", 0), event("chat_message", 45 * 60, { userId: "u2" })],
    { ...Object.fromEntries(Array.from({ length: 30 }, (_, minute) => [minute, 1])), 45: 0 },
  ],
];

for (const [what, events, viewers] of BY_HAND) {
  Deno.test(`viewers by minute: ${what}`, () => deepStrictEqual(viewersByMinute(events), viewers));
}

Deno.test("a window with viewers is written though nothing happens in it", () => {
  const driver = new Driver();
  driver.take(event("viewer_join", 0));
  driver.commit();
  driver.take(event("chat_message", 200, { streamId: "other", userId: "u2" }));
  driver.commit();
  deepStrictEqual(
    [...driver.rows].filter(([key]) => key.startsWith("s1")).map(([, row]) => row),
    [0, 1, 2, 3].map((minute) => ({
      activeViewers: 1,
      chatMessages: 0,
      donatedCents: 0,
      complete: minute < 3,
    })),
  );
});

Deno.test("completeQuiet() completes the newest window of a quiet stream, and moves no time", () => {
  const windows = new ViewerWindows();
  windows.apply(event("chat_message", 10), 1000, NOTHING);
  windows.apply(event("chat_message", 20, { streamId: "s2" }), 5000, NOTHING);
  deepStrictEqual(windows.take().rows.map(({ complete }) => complete), [false, false]);
  windows.completeQuiet(4000);
  deepStrictEqual(
    windows.take().rows.map(({ streamId, complete }) => [streamId, complete]),
    [["s1", true]],
  );
  strictEqual(windows.newestMs, START_MS + 20_000);
  windows.apply(event("chat_message", 30), 6000, NOTHING);
  deepStrictEqual(
    windows.take().rows.map(({ chatMessages, complete }) => [chatMessages, complete]),
    [[2, true]],
  );
});

const arbitraryEvents = fc.array(
  fc.record({
    type: fc.constantFrom<ParsedStreamEvent["type"]>(
      "viewer_join",
      "viewer_join",
      "viewer_leave",
      "viewer_leave",
      "chat_message",
      "donation",
      "stream_start",
    ),
    // Mostly forward, at times far: late ones, early ones, quiet hours; whole minutes now and then.
    stepMs: fc.oneof(
      { weight: 6, arbitrary: fc.integer({ min: 0, max: 40_000 }) },
      { weight: 3, arbitrary: fc.integer({ min: -9 * MINUTE_MS, max: 2 * MINUTE_MS }) },
      { weight: 1, arbitrary: fc.constantFrom(0, MINUTE_MS, -MINUTE_MS, 30 * MINUTE_MS, 45 * MINUTE_MS) },
      { weight: 1, arbitrary: fc.integer({ min: -60 * MINUTE_MS, max: 60 * MINUTE_MS }) },
    ),
    wholeMinute: fc.integer({ min: 0, max: 9 }).map((n) => n === 0),
    streamId: fc.constantFrom("s1", "s2", "überall"),
    userId: fc.constantFrom("u1", "u2", "ü3", "u4"),
    donatedCents: fc.integer({ min: 0, max: 20_000 }),
    /** 0: a new event, else the one so many before, again. */
    again: fc.oneof({ weight: 5, arbitrary: fc.constant(0) }, {
      weight: 1,
      arbitrary: fc.integer({ min: 1, max: 9 }),
    }),
    then: fc.constantFrom("", "", "", "", "commit", "trim", "compact", "restart"),
  }),
  { maxLength: 120, size: "max" },
);

Deno.test("windows are those of the reference, in any order, with commits and restarts anywhere", () => {
  fc.assert(
    fc.property(arbitraryEvents, (steps) => {
      const driver = new Driver();
      const events: ParsedStreamEvent[] = [];
      let timeMs = START_MS;
      steps.forEach(({ type, stepMs, wholeMinute, streamId, userId, donatedCents, again, then }, at) => {
        const before = again === 0 ? undefined : events[events.length - again];
        let next = before;
        if (next === undefined) {
          timeMs += stepMs;
          if (wholeMinute) timeMs -= timeMs % MINUTE_MS;
          next = {
            type,
            eventTimeMs: timeMs,
            streamId,
            userId,
            eventId: `e${at}`,
            donatedCents: type === "donation" ? donatedCents : 0,
          };
        }
        events.push(next);
        driver.take(next);
        if (then !== "") driver.commit();
        if (then === "trim") driver.trim();
        if (then === "compact") {
          driver.trim();
          driver.compact();
        }
        if (then === "restart") driver.restart();
      });
      driver.commit();
      const reference = referenceWindows(events);
      deepStrictEqual(driver.late, reference.late);
      deepStrictEqual(sorted(driver.rows), sorted(reference.rows));
      deepStrictEqual(sorted(driver.present), sorted(reference.present));
    }),
    { numRuns: 1500 },
  );
});

Deno.test("what is forgotten leaves no state behind", () => {
  const driver = new Driver();
  for (let n = 0; n < 2000; n++) {
    driver.take(event("viewer_join", n * 10, { userId: `u${n}`, streamId: `s${n % 7}` }));
    driver.take(event("viewer_leave", n * 10 + 5, { userId: `u${n}`, streamId: `s${n % 7}` }));
  }
  driver.commit();
  driver.trim();
  // Ten minutes, and the rest of a minute: at most 66 viewers with two events each.
  strictEqual(driver.windows.size <= 132, true, `${driver.windows.size}`);
});

function sorted<T>(map: Map<string, T>): [string, T][] {
  return [...map].sort(([a], [b]) => a < b ? -1 : 1);
}
