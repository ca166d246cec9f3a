import { deepStrictEqual, strictEqual } from "node:assert/strict";
import fc from "fast-check";
import { EventTimeMerge } from "../../streaming/event_time_merge.ts";

interface Item {
  eventTimeMs: number;
  offset: number;
  seenMs: number;
}

const item = (eventTimeMs: number, offset: number, seenMs = 0): Item => ({ eventTimeMs, offset, seenMs });

/** Topics `a` and `b`, both read to their ends at time 0. */
function merging(options = {}): EventTimeMerge<Item> {
  const merge = new EventTimeMerge<Item>(["a", "b"], 0, options);
  merge.setEndSeen("a", 0);
  merge.setEndSeen("b", 0);
  return merge;
}

function drain(merge: EventTimeMerge<Item>, nowMs: number): [number, number][] {
  const out: [number, number][] = [];
  for (let next = merge.next(nowMs); next !== undefined; next = merge.next(nowMs)) {
    out.push([next.lane, next.item.offset]);
  }
  return out;
}

Deno.test("next() takes the oldest event time, and the first topic where they are equal", () => {
  const merge = merging();
  merge.push("a", [item(10, 0), item(30, 1)]);
  merge.push("b", [item(10, 7), item(20, 8)]);
  deepStrictEqual(drain(merge, 0), [[0, 0], [1, 7], [1, 8], [0, 1]]);
});

Deno.test("next() waits a bounded time for an empty topic that is known to hold more", () => {
  const merge = merging({ lagWaitMs: 100 });
  merge.setEndSeen("b", undefined);
  merge.push("a", [item(10, 0, 20)]);
  strictEqual(merge.next(119), undefined);
  strictEqual(merge.next(120)?.item.offset, 0);
});

Deno.test("next() waits until an empty topic was seen to be at its end after the entry was read", () => {
  const merge = merging({ idleWaitMs: 1000 });
  merge.push("a", [item(10, 0, 20)]);
  merge.setEndSeen("b", 19);
  strictEqual(merge.next(21), undefined);
  merge.setEndSeen("b", 20);
  strictEqual(merge.next(21)?.item.offset, 0);
});

Deno.test("next() waits a shorter bounded time for a topic that was at its end before", () => {
  const merge = merging({ idleWaitMs: 50, lagWaitMs: 1000 });
  merge.push("a", [item(10, 0, 20)]);
  strictEqual(merge.next(69), undefined);
  strictEqual(merge.next(70)?.item.offset, 0);
});

Deno.test("next() hands over what has no event time at once, whatever lags", () => {
  const merge = merging();
  merge.setEndSeen("b", undefined);
  merge.push("a", [item(-Infinity, 0), item(5, 1)]);
  deepStrictEqual(drain(merge, 1), [[0, 0]]);
});

Deno.test("an entry that was read later does not overtake older ones of a topic that is being read", () => {
  const merge = merging({ idleWaitMs: 1000 });
  // A flight's departure is read at 30; its bookings, appended with it, only at 40.
  merge.push("b", [item(1, 0, 10)]);
  merge.push("a", [item(9, 0, 30)]);
  merge.setEndSeen("b", 10);
  deepStrictEqual(drain(merge, 31), [[1, 0]]);
  merge.push("b", [item(5, 1, 40)]);
  merge.setEndSeen("b", 40);
  deepStrictEqual(drain(merge, 41), [[1, 1], [0, 0]]);
});

Deno.test("every topic's offsets keep their order, and sorted inputs come out sorted", () => {
  const lanes = fc.array(fc.array(fc.integer({ min: 0, max: 50 }), { maxLength: 20 }), {
    minLength: 1,
    maxLength: 4,
  });
  fc.assert(fc.property(lanes, (times) => {
    const topics = times.map((_, i) => `t${i}`);
    const merge = new EventTimeMerge<Item>(topics, 0);
    times.forEach((list, i) => {
      merge.push(topics[i]!, list.toSorted((a, b) => a - b).map((time, offset) => item(time, offset)));
      merge.setEndSeen(topics[i]!, 0);
    });
    const out: (Item & { lane: number })[] = [];
    for (let next = merge.next(0); next !== undefined; next = merge.next(0)) {
      out.push({ ...next.item, lane: next.lane });
    }
    const expected = out.toSorted((a, b) =>
      a.eventTimeMs - b.eventTimeMs || a.lane - b.lane || a.offset - b.offset
    );
    deepStrictEqual(out, expected);
    strictEqual(out.length, times.flat().length);
  }));
});
