/** The contract's part on consumer groups: who owns which partition number, and when handlers run. */

import assert from "node:assert/strict";
import type { AssignedPartition, EventLog, GroupMember, GroupOptions } from "../../event_log/event_log.ts";
import {
  aborted,
  type Bench,
  contractTest,
  numbered,
  numberOf,
  type Open,
  until,
} from "./_contract_support.ts";

/** A member that is running; `stop` ends it and waits for its handlers. */
async function start(
  bench: Bench,
  log: EventLog,
  options: GroupOptions,
  handler: (assigned: AssignedPartition, signal: AbortSignal) => Promise<void>,
  onError?: (error: unknown, partition: number) => void,
): Promise<{ member: GroupMember; stop: () => Promise<void> }> {
  const member = await log.member(options);
  const controller = new AbortController();
  const running = member.run(handler, { signal: controller.signal, onError });
  const stop = async () => {
    controller.abort();
    await running;
    await member.close();
  };
  bench.defer(stop);
  return { member, stop };
}

const owned = (member: GroupMember) => member.assigned().toSorted((a, b) => a - b).join();

export function groupContract(engine: string, open: Open): void {
  contractTest(
    engine,
    open,
    "a member that is alone owns every partition number, across all topics",
    async (bench) => {
      const topics = [await bench.topic(), await bench.topic()];
      const companion = await bench.topic({ cleanup: "compact" });
      const appender = await bench.log.appender();
      await appender.append([...topics, companion].flatMap((topic) => numbered(topic, 30)));
      await appender.close();
      const seen = new Set<string>();
      const options = { group: bench.unique("group"), topics, companionTopics: [companion] };
      const { member } = await start(bench, bench.log, options, async ({ partition, reader }, signal) => {
        const early = await reader.poll({ maxWaitMs: 100, signal });
        if (early.length > 0) seen.add("something before it was sought");
        for (const topic of [...topics, companion]) reader.seek({ topic, partition, offset: 0 });
        while (!signal.aborted) {
          for (const batch of await reader.poll({ maxWaitMs: 500, signal })) {
            if (batch.partition !== partition) {
              seen.add(`partition ${batch.partition} by handler ${partition}`);
            }
            for (const record of batch.records) seen.add(`${record.topic} ${numberOf(record)}`);
          }
        }
      });
      await until("all records came", () => seen.size >= 90);
      assert.equal(owned(member), "0,1,2");
      const expected = [...topics, companion].flatMap((topic) =>
        Array.from({ length: 30 }, (_, n) => `${topic} ${n}`)
      );
      assert.deepEqual([...seen].sort(), expected.sort());
    },
  );

  contractTest(
    engine,
    open,
    "joined() tells that a member is let in, also where nothing is left for it",
    async (bench) => {
      const options = { group: bench.unique("group"), topics: [await bench.topic({ partitions: 1 })] };
      const idle = await bench.log.member(options);
      assert.equal(idle.joined(), false);
      await idle.close();
      const wait = (_: AssignedPartition, signal: AbortSignal) => aborted(signal);
      const first = await start(bench, bench.log, options, wait);
      await until("the first is in", () => first.member.joined());
      const second = await start(bench, await bench.connect(), options, wait);
      await until("both are in", () => first.member.joined() && second.member.joined());
      await until("one has the partition", () => owned(first.member) + owned(second.member) === "0");
      await second.stop();
      assert.equal(second.member.joined(), false);
    },
  );

  contractTest(
    engine,
    open,
    "two members share the numbers, and one takes over when the other leaves",
    async (bench) => {
      const topics = [await bench.topic({ partitions: 4 })];
      const group = bench.unique("group");
      const running = [new Set<number>(), new Set<number>()];
      const handler = (which: number) => async ({ partition }: AssignedPartition, signal: AbortSignal) => {
        running[which]!.add(partition);
        await aborted(signal);
        running[which]!.delete(partition);
      };
      const first = await start(bench, bench.log, { group, topics }, handler(0));
      await until("the first member owns all", () => running[0]!.size === 4);
      const second = await start(bench, await bench.connect(), { group, topics }, handler(1));
      await until("both own two", () => running[0]!.size === 2 && running[1]!.size === 2);
      assert.deepEqual([...running[0]!, ...running[1]!].sort(), [0, 1, 2, 3]);
      assert.deepEqual([...first.member.assigned(), ...second.member.assigned()].sort(), [0, 1, 2, 3]);
      await first.stop();
      assert.equal(running[0]!.size, 0);
      await until("the second member owns all", () => running[1]!.size === 4);
      assert.equal(owned(second.member), "0,1,2,3");
      await second.stop();
      assert.equal(running[1]!.size, 0);
    },
  );

  contractTest(engine, open, "a handler that throws is told of and started again", async (bench) => {
    const topics = [await bench.topic({ partitions: 2 })];
    const starts = [0, 0];
    const errors: string[] = [];
    await start(bench, bench.log, { group: bench.unique("group"), topics }, async ({ partition }, signal) => {
      if (++starts[partition]! <= 2 && partition === 1) throw new Error(`failure ${starts[partition]}`);
      await aborted(signal);
    }, (error, partition) => errors.push(`${(error as Error).message} of ${partition}`));
    await until("it was started three times", () => starts[1]! >= 3);
    assert.deepEqual(errors, ["failure 1 of 1", "failure 2 of 1"]);
    assert.equal(starts[0], 1);
  });

  contractTest(engine, open, "a group of topics that differ in partition count is refused", async (bench) => {
    const topics = [await bench.topic({ partitions: 2 }), await bench.topic({ partitions: 3 })];
    await assert.rejects(
      async () => {
        const member = await bench.log.member({ group: bench.unique("group"), topics });
        try {
          await member.run(() => Promise.resolve(), { signal: AbortSignal.timeout(5000) });
        } finally {
          await member.close();
        }
      },
      (error: Error) => topics.every((topic) => error.message.includes(topic)),
    );
  });
}
