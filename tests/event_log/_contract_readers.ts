/** The contract's part on readers: waiting, seeking, pausing and bounded polls. */

import assert from "node:assert/strict";
import type { LogRecord, RecordBatch } from "../../event_log/event_log.ts";
import {
  contractTest,
  numbered,
  numberOf,
  type Open,
  PATIENCE_MS,
  readCount,
  starts,
  until,
} from "./_contract_support.ts";

export function readerContract(engine: string, open: Open): void {
  contractTest(
    engine,
    open,
    "poll() is empty when nothing is new, and sees what another connection appends",
    async (bench) => {
      const topic = await bench.topic();
      const other = await bench.connect();
      const reader = await other.reader({ positions: await starts(other, [topic]) });
      assert.deepEqual(await reader.poll({ maxWaitMs: 50 }), []);
      assert.deepEqual(await reader.poll({ maxWaitMs: 0 }), []);
      const appender = await bench.log.appender();
      const waiting = reader.poll({ maxWaitMs: 10 * PATIENCE_MS, signal: AbortSignal.timeout(PATIENCE_MS) });
      await new Promise((resolve) => setTimeout(resolve, 100));
      await appender.append(numbered(topic, 4));
      await appender.close();
      const first = (await waiting).flatMap((batch) => batch.records);
      assert.ok(first.length > 0, "the append ends the wait");
      const rest = await readCount(reader, 4 - first.length);
      assert.equal(first.length + rest.flatMap((batch) => batch.records).length, 4);
      await reader.close();
    },
  );

  contractTest(engine, open, "poll() returns an empty list once its signal aborts", async (bench) => {
    const topic = await bench.topic();
    const reader = await bench.log.reader({ positions: await starts(bench.log, [topic]) });
    const controller = new AbortController();
    const waiting = reader.poll({ maxWaitMs: 10 * PATIENCE_MS, signal: controller.signal });
    setTimeout(() => controller.abort(), 50);
    assert.deepEqual(await waiting, []);
    assert.deepEqual(await reader.poll({ maxWaitMs: 10 * PATIENCE_MS, signal: controller.signal }), []);
    await reader.close();
  });

  contractTest(engine, open, "a reader starts where it is told and seeks back and forth", async (bench) => {
    const topic = await bench.topic({ partitions: 1 });
    const appender = await bench.log.appender();
    await appender.append(numbered(topic, 20));
    await appender.close();
    const reader = await bench.log.reader({ positions: [{ topic, partition: 0, offset: 15 }] });
    const numbers = async (count: number) =>
      (await readCount(reader, count)).flatMap((batch) => batch.records.map(numberOf));
    assert.deepEqual(await numbers(5), [15, 16, 17, 18, 19]);
    reader.seek({ topic, partition: 0, offset: 0 });
    assert.equal((await numbers(20)).length, 20);
    reader.seek({ topic, partition: 0, offset: 18 });
    assert.deepEqual(await numbers(2), [18, 19]);
    await reader.close();
  });

  contractTest(engine, open, "seeking drops what was fetched and not handed over", async (bench) => {
    const topic = await bench.topic({ partitions: 1 });
    const appender = await bench.log.appender();
    await appender.append(numbered(topic, 200));
    await appender.close();
    const reader = await bench.log.reader({ positions: await starts(bench.log, [topic]), maxBytes: 500 });
    const next = async () => {
      const batches: RecordBatch[] = [];
      await until("something comes", async () => {
        batches.push(...await reader.poll({ maxWaitMs: 500 }));
        return batches.length > 0;
      });
      return batches[0]!;
    };
    assert.equal((await next()).records[0]!.offset, 0);
    reader.seek({ topic, partition: 0, offset: 150 });
    assert.equal((await next()).records[0]!.offset, 150);
    reader.seek({ topic, partition: 0, offset: 3 });
    const batch = await next();
    assert.deepEqual(batch.records.map(numberOf), batch.records.map((_, at) => at + 3));
    if (batch.nextOffset < 200) assert.equal((await next()).records[0]!.offset, batch.nextOffset);
    await reader.close();
  });

  contractTest(engine, open, "a paused topic hands over nothing until it is resumed", async (bench) => {
    const [quiet, busy] = [await bench.topic(), await bench.topic()];
    const appender = await bench.log.appender();
    const reader = await bench.log.reader({ positions: await starts(bench.log, [quiet, busy]) });
    reader.pause([quiet]);
    await appender.append([...numbered(quiet, 30), ...numbered(busy, 30)]);
    const first = await readCount(reader, 30);
    assert.ok(first.every((batch) => batch.topic === busy));
    reader.pause([busy]);
    reader.resume([quiet]);
    await appender.append(numbered(busy, 30, { from: 30 }));
    await appender.close();
    const second = await readCount(reader, 30);
    assert.ok(second.every((batch) => batch.topic === quiet));
    reader.resume([busy]);
    const third = (await readCount(reader, 30)).flatMap((batch) => batch.records);
    assert.deepEqual(
      third.map(numberOf).toSorted((a, b) => a - b),
      Array.from({ length: 30 }, (_, n) => 30 + n),
    );
    await reader.close();
  });

  contractTest(
    engine,
    open,
    "a poll is bounded, goes on where it stopped, and starves no partition",
    async (bench) => {
      const topic = await bench.topic({ partitions: 2 });
      const maxBytes = 64 * 1024;
      const appender = await bench.log.appender();
      const value = "x".repeat(1000);
      const large = Array.from({ length: 1500 }, (_, n) => ({ topic, partition: 0, key: `${n}`, value }));
      const small = Array.from({ length: 10 }, (_, n) => ({ topic, partition: 1, key: `${n}`, value }));
      for (let from = 0; from < large.length; from += 500) {
        await appender.append(
          large.slice(from, from + 500),
        );
      }
      await appender.append(small);
      await appender.close();
      const reader = await bench.log.reader({ positions: await starts(bench.log, [topic]), maxBytes });
      const records: LogRecord[] = [];
      await until("all records came", async () => {
        const found = (await reader.poll({ maxWaitMs: 500 })).flatMap((batch) => batch.records);
        const bytes = found.length * value.length;
        assert.ok(bytes <= 4 * maxBytes, `${bytes} bytes came at once with maxBytes ${maxBytes}`);
        records.push(...found);
        return records.length >= 1510;
      });
      await reader.close();
      const keys = (partition: number) => records.filter((r) => r.partition === partition).map((r) => r.key);
      assert.deepEqual(keys(0), large.map((record) => record.key));
      assert.deepEqual(keys(1), small.map((record) => record.key));
      const lastOfSmall = records.findLastIndex((record) => record.partition === 1);
      assert.ok(lastOfSmall < records.length - 500, "the small partition did not wait for the large one");
    },
  );

  contractTest(
    engine,
    open,
    "a position beyond the end is an error, as after a reset of the log",
    async (bench) => {
      const topic = await bench.topic({ partitions: 1 });
      const appender = await bench.log.appender();
      await appender.append(numbered(topic, 3));
      await appender.close();
      const reader = await bench.log.reader({ positions: [{ topic, partition: 0, offset: 5000 }] });
      await assert.rejects(
        () => reader.poll({ maxWaitMs: PATIENCE_MS }),
        (error: Error) => error.message.includes("5000") && error.message.includes(topic),
      );
      await reader.close();
    },
  );
}
