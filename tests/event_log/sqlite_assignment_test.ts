import assert from "node:assert/strict";
import fc from "fast-check";
import { assignPartitions } from "../../event_log/_sqlite_assignment.ts";
import { Roster } from "../../event_log/_sqlite_roster.ts";
import { withLog } from "./_sqlite_support.ts";

const anyGroup = fc.record({
  members: fc.uniqueArray(fc.constantFrom("a", "b", "c", "d", "e"), { minLength: 1 }),
  owners: fc.array(fc.constantFrom("a", "b", "c", "d", "e", "gone", null), { maxLength: 12 }),
  partitions: fc.integer({ min: 0, max: 12 }),
});

Deno.test("assignPartitions() deals every number once, evenly, and gives itself back", () => {
  fc.assert(fc.property(anyGroup, ({ members, owners, partitions }) => {
    const assigned = assignPartitions(new Map(owners.entries()), members, partitions);
    assert.deepEqual(
      [...assigned.keys()].toSorted((a, b) => a - b),
      Array.from({ length: partitions }, (_, p) => p),
    );
    const counts = members.map((member) => [...assigned.values()].filter((owner) => owner === member).length);
    assert.ok(Math.max(...counts) - Math.min(...counts) <= 1);
    assert.equal(counts.reduce((sum, count) => sum + count, 0), partitions);
    assert.deepEqual(assignPartitions(assigned, members, partitions), assigned);
  }));
});

Deno.test("assignPartitions() moves no more than it must when a member joins", () => {
  const alone = assignPartitions(new Map(), ["a"], 6);
  const shared = assignPartitions(alone, ["a", "b"], 6);
  const moved = [...shared].filter(([partition, owner]) => alone.get(partition) !== owner);
  assert.deepEqual(moved.map(([, owner]) => owner), ["b", "b", "b"]);
});

const SESSION_MS = 10_000;
const roster = (id: string) => new Roster("group", id, 2, SESSION_MS);

Deno.test("a number that moves is held by its new owner only after the old one let go", () =>
  withLog(async ({ queue }) => {
    const [a, b] = [roster("a"), roster("b")];
    assert.deepEqual(await queue.run((c) => a.update(c, 0, 0)), new Set([0, 1]));
    assert.deepEqual(await queue.run((c) => b.update(c, 0, 0)), new Set());
    assert.deepEqual(await queue.run((c) => a.update(c, 100, 100)), new Set([0]));
    assert.deepEqual(await queue.run((c) => b.update(c, 200, 200)), new Set());
    await queue.run((c) => a.release(c, 1));
    assert.ok(await queue.run((c) => b.isUpdateDue(c, 300, 300)));
    assert.deepEqual(await queue.run((c) => b.update(c, 300, 300)), new Set([1]));
    assert.ok(!await queue.run((c) => b.isUpdateDue(c, 400, 400)));
  }));

Deno.test("a number whose old owner never lets go is taken after a session's silence", () =>
  withLog(async ({ queue }) => {
    const [a, b] = [roster("a"), roster("b")];
    await queue.run((c) => a.update(c, 0, 0));
    // Both are heard every 5 s, so both live; b waits for number 1 from 0 on and takes it after 10 s.
    for (const nowMs of [0, 5000, 10_000]) {
      assert.deepEqual(await queue.run((c) => b.update(c, nowMs, nowMs)), new Set());
      await queue.run((c) => a.update(c, nowMs, nowMs));
    }
    assert.deepEqual(await queue.run((c) => b.update(c, 10_001, 10_001)), new Set([1]));
  }));

Deno.test("a member that falls silent loses its numbers after its session timeout", () =>
  withLog(async ({ queue }) => {
    const [a, b] = [roster("a"), roster("b")];
    await queue.run((c) => a.update(c, 0, 0));
    await queue.run((c) => b.update(c, 1000, 1000)); // b hears a for the first time at 1000.
    assert.ok(!await queue.run((c) => b.isUpdateDue(c, 11_000, 11_000)));
    assert.ok(await queue.run((c) => b.isUpdateDue(c, 11_001, 11_001)));
    assert.deepEqual(await queue.run((c) => b.update(c, 11_001, 11_001)), new Set([0, 1]));
    // What was taken for dead comes back and gets its share again once it is let go.
    assert.deepEqual(await queue.run((c) => a.update(c, 12_000, 12_000)), new Set());
    assert.deepEqual(await queue.run((c) => b.update(c, 12_100, 12_100)), new Set([0]));
    await queue.run((c) => b.release(c, 1));
    assert.deepEqual(await queue.run((c) => a.update(c, 12_200, 12_200)), new Set([1]));
  }));

Deno.test("who joins long after a crash takes over at once", () =>
  withLog(async ({ queue }) => {
    await queue.run((c) => roster("crashed").update(c, 0, 1_000_000));
    assert.deepEqual(await queue.run((c) => roster("next").update(c, 0, 1_010_001)), new Set([0, 1]));
  }));

for (const jumpMs of [-3_600_000, 3_600_000]) {
  Deno.test(`a wall clock that jumps by ${jumpMs} ms takes nobody for dead and keeps nobody alive`, () =>
    withLog(async ({ queue }) => {
      const [a, b] = [roster("a"), roster("b")];
      await queue.run((c) => a.update(c, 0, 5_000_000));
      await queue.run((c) => b.update(c, 0, 5_000_000));
      await queue.run((c) => a.update(c, 0, 5_000_000));
      await queue.run((c) => a.release(c, 1));
      assert.deepEqual(await queue.run((c) => b.update(c, 0, 5_000_000)), new Set([1]));
      assert.ok(!await queue.run((c) => b.isUpdateDue(c, 9000, 5_000_000 + jumpMs)));
      await queue.run((c) => a.update(c, 9000, 5_000_000 + jumpMs));
      assert.ok(!await queue.run((c) => b.isUpdateDue(c, 18_000, 5_000_000)));
      // a falls silent at 9000, which b sees at 18,000; whatever the wall clock says, it is dead 10 s later.
      assert.ok(await queue.run((c) => b.isUpdateDue(c, 28_001, 5_000_000 + jumpMs)));
    }));
}

Deno.test("a member that leaves frees its numbers at once", () =>
  withLog(async ({ queue }) => {
    const [a, b] = [roster("a"), roster("b")];
    await queue.run((c) => a.update(c, 0, 0));
    await queue.run((c) => b.update(c, 0, 0));
    await queue.run((c) => a.leave(c));
    assert.deepEqual(await queue.run((c) => b.update(c, 1, 1)), new Set([0, 1]));
  }));
