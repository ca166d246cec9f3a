/** The contract's heart: read, step, commit, while members come and go. */

import assert from "node:assert/strict";
import type { AssignedPartition, EventLog } from "../../event_log/event_log.ts";
import { FencedError } from "../../event_log/event_log.ts";
import {
  type Bench,
  contractTest,
  numbered,
  numberOf,
  type Open,
  readAll,
  until,
} from "./_contract_support.ts";

const RECORDS = 3000;

/** Copies a partition number of `input` to `output`, input offsets and outputs committed as one. */
function copying(log: EventLog, group: string, input: string, output: string) {
  return async ({ partition, reader }: AssignedPartition, signal: AbortSignal) => {
    const transactor = await log.transactor(`${group}-${partition}`);
    try {
      const committed = await log.committedOffsets(group, [input]);
      const offset = committed.find((position) => position.partition === partition)?.offset ?? 0;
      reader.seek({ topic: input, partition, offset });
      while (!signal.aborted) {
        for (const batch of await reader.poll({ maxWaitMs: 200, signal })) {
          await transactor.commit({
            records: batch.records.map(({ key, value }) => ({ topic: output, partition, key, value })),
            offsets: { group, positions: [{ topic: input, partition, offset: batch.nextOffset }] },
          });
        }
      }
    } finally {
      await transactor.close();
    }
  };
}

async function member(bench: Bench, log: EventLog, group: string, input: string, output: string) {
  const joined = await log.member({ group, topics: [input], maxBytes: 2000 });
  const controller = new AbortController();
  const unexpected: unknown[] = [];
  const running = joined.run(copying(log, group, input, output), {
    signal: controller.signal,
    onError: (error) => error instanceof FencedError || unexpected.push(error),
  });
  const stop = async () => {
    controller.abort();
    await running;
    await joined.close();
  };
  bench.defer(stop);
  return { joined, stop, unexpected };
}

export function handoverContract(engine: string, open: Open): void {
  contractTest(engine, open, "nothing is lost or doubled while members join and leave", async (bench) => {
    const [input, output] = [await bench.topic(), await bench.topic()];
    const group = bench.unique("group");
    const appender = await bench.log.appender();
    const first = await member(bench, await bench.connect(), group, input, output);
    let second: Awaited<ReturnType<typeof member>> | undefined;
    const third = await bench.connect();
    for (let from = 0; from < RECORDS; from += 50) {
      await appender.append(numbered(input, 50, { from }));
      if (from === 600) second = await member(bench, await bench.connect(), group, input, output);
      if (from === 1200) {
        await until("the second member has work", () => second!.joined.assigned().length > 0);
      }
      if (from === 1800) await first.stop();
    }
    await appender.close();
    await until("all is consumed", async () => {
      const ends = await third.ranges([input]);
      const committed = await third.committedOffsets(group, [input]);
      return ends.every(({ partition, end }) =>
        committed.find((c) => c.partition === partition)?.offset === end
      );
    });
    assert.deepEqual([...first.unexpected, ...second!.unexpected], []);

    const records = await readAll(third, output);
    const numbers = records.map(numberOf).toSorted((a, b) => a - b);
    assert.deepEqual(numbers, Array.from({ length: RECORDS }, (_, n) => n));
    const last = new Map<string, number>();
    for (const record of records) {
      assert.ok(numberOf(record) > (last.get(record.key!) ?? -1), `${record.key} is in order`);
      last.set(record.key!, numberOf(record));
    }
  });
}
