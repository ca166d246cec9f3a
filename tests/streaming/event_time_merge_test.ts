import { deepStrictEqual, strictEqual } from "node:assert/strict";
import fc from "fast-check";
import { EventTimeMerge } from "../../streaming/event_time_merge.ts";

const item = (eventTimeMs: number, offset: number) => ({ eventTimeMs, offset });

function drain(
  merge: EventTimeMerge<{ eventTimeMs: number; offset: number }>,
  nowMs: number,
): [number, number][] {
  const out: [number, number][] = [];
  for (let next = merge.next(nowMs); next !== undefined; next = merge.next(nowMs)) {
    out.push([next.lane, next.item.offset]);
  }
  return out;
}

Deno.test("next() takes the oldest event time, and the first topic where they are equal", () => {
  const merge = new EventTimeMerge(["a", "b"], 0);
  merge.push("a", [item(10, 0), item(30, 1)]);
  merge.push("b", [item(10, 7), item(20, 8)]);
  deepStrictEqual(drain(merge, 0), [[0, 0], [1, 7], [1, 8], [0, 1]]);
});

Deno.test("next() waits a bounded time for a topic that lags", () => {
  const merge = new EventTimeMerge(["a", "b"], 0, { lagWaitMs: 100 });
  merge.setLags("b", true);
  merge.push("a", [item(10, 0)]);
  strictEqual(merge.next(99), undefined);
  strictEqual(merge.next(100)?.item.offset, 0);
});

Deno.test("next() hands over what has no event time at once, whatever lags", () => {
  const merge = new EventTimeMerge(["a", "b"], 0, { lagWaitMs: 100 });
  merge.setLags("b", true);
  merge.push("a", [item(-Infinity, 0), item(5, 1)]);
  deepStrictEqual(drain(merge, 1), [[0, 0]]);
});

Deno.test("next() waits again only after the topic ran empty again", () => {
  const merge = new EventTimeMerge(["a", "b"], 0, { idleWaitMs: 50 });
  merge.push("a", [item(1, 0), item(9, 1)]);
  strictEqual(merge.next(49), undefined);
  merge.push("b", [item(2, 0)]);
  deepStrictEqual(drain(merge, 49), [[0, 0], [1, 0]]);
  strictEqual(merge.next(98), undefined);
  strictEqual(merge.next(99)?.item.offset, 1);
});

Deno.test("every topic's offsets keep their order, and sorted inputs come out sorted", () => {
  const lanes = fc.array(fc.array(fc.integer({ min: 0, max: 50 }), { maxLength: 20 }), {
    minLength: 1,
    maxLength: 4,
  });
  fc.assert(fc.property(lanes, (times) => {
    const topics = times.map((_, i) => `t${i}`);
    const merge = new EventTimeMerge(topics, 0);
    times.forEach((list, i) => merge.push(topics[i]!, list.toSorted((a, b) => a - b).map(item)));
    const out: { eventTimeMs: number; offset: number; lane: number }[] = [];
    for (let next = merge.next(0); next !== undefined; next = merge.next(0)) {
      out.push({ ...next.item, lane: next.lane });
    }
    deepStrictEqual(
      out,
      out.toSorted((a, b) => a.eventTimeMs - b.eventTimeMs || a.lane - b.lane || a.offset - b.offset),
    );
    strictEqual(out.length, times.flat().length);
  }));
});
