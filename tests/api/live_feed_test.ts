import assert from "node:assert/strict";
import { LiveFeed } from "../../api/live_feed.ts";

const flight = (subject: string, data: string) => ({ kind: "flight", subject, data });

Deno.test("after() gives each subject once, as it is now, and skips what was replaced", () => {
  const feed = new LiveFeed();
  feed.publish([flight("A", "1"), flight("B", "1"), flight("A", "2")]);
  const { updates, reached } = feed.after(0, 100);
  assert.deepEqual(updates.map(({ subject, data }) => [subject, data]), [["B", "1"], ["A", "2"]]);
  assert.equal(reached, 3);
  assert.deepEqual(feed.after(reached, 100).updates, []);
});

Deno.test("updates without a subject are all given", () => {
  const feed = new LiveFeed();
  feed.publish([{ kind: "decision", subject: null, data: "1" }, {
    kind: "decision",
    subject: null,
    data: "2",
  }]);
  assert.deepEqual(feed.after(0, 100).updates.map(({ data }) => data), ["1", "2"]);
});

Deno.test("the same subject under two kinds is two subjects", () => {
  const feed = new LiveFeed();
  feed.publish([flight("A", "1"), { kind: "flight_gone", subject: "A", data: "2" }]);
  assert.equal(feed.after(0, 100).updates.length, 2);
});

Deno.test("a listener that stays behind finds the newest of what is kept, and memory stays bounded", () => {
  const feed = new LiveFeed();
  for (let at = 0; at < 100_000; at++) feed.publish([{ kind: "decision", subject: null, data: String(at) }]);
  assert.equal(feed.holds(10), false);
  assert.equal(feed.holds(feed.newest), true);
  assert.equal(feed.holds(feed.newest + 1), false);
  let reached = 10;
  let given = 0;
  for (;;) {
    const step = feed.after(reached, 1000);
    if (step.reached === reached) break;
    reached = step.reached;
    given += step.updates.length;
  }
  assert.equal(reached, 100_000);
  assert.ok(given >= 20_000 && given <= 40_000, `${given} are kept`);
});

Deno.test("texts are let go of by their size, and those that were replaced weigh nothing", () => {
  const data = "x".repeat(1024 * 1024);
  const replaced = new LiveFeed();
  for (let at = 0; at < 100; at++) replaced.publish([{ kind: "pipeline", subject: "pipeline", data }]);
  assert.equal(replaced.holds(0), true);
  assert.deepEqual(replaced.after(0, 100).updates.map(({ number }) => number), [100]);
  const kept = new LiveFeed();
  for (let at = 0; at < 100; at++) kept.publish([{ kind: "decision", subject: null, data }]);
  assert.equal(kept.holds(0), false);
  // At most 16 MiB, and half of that once it was more.
  const { length } = kept.after(0, 100).updates;
  assert.ok(length >= 8 && length <= 16, `${length} are kept`);
});

Deno.test("changed() resolves on an update, at its deadline, and when its signal aborts", async () => {
  const feed = new LiveFeed();
  const never = new AbortController();
  const update = feed.changed(0, 60_000, never.signal);
  feed.publish([flight("A", "1")]);
  await update;
  await feed.changed(0, 60_000, never.signal);
  await feed.changed(1, 10, never.signal);
  const stopped = feed.changed(1, 60_000, never.signal);
  never.abort();
  await stopped;
});
