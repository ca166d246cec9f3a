import assert from "node:assert/strict";
import fc from "fast-check";
import { compactPartition } from "../../event_log/_sqlite_compaction.ts";
import { sweepExpired } from "../../event_log/_sqlite_retention.ts";
import type { LogRecord } from "../../event_log/event_log.ts";
import { type InnerBench, withLog } from "./_sqlite_support.ts";

const HOUR_MS = 3_600_000;
const { signal } = new AbortController();

async function read({ log }: InnerBench, topic: string, offset = 0): Promise<LogRecord[]> {
  const reader = await log.reader({ positions: [{ topic, partition: 0, offset }] });
  const records: LogRecord[] = [];
  for (let batches; (batches = await reader.poll({ maxWaitMs: 0 })).length > 0;) {
    records.push(...batches.flatMap((batch) => batch.records));
  }
  await reader.close();
  return records;
}

const rowCount = ({ database }: InnerBench) =>
  database.reading.row<[number]>("SELECT count(*) FROM batches")![0];

Deno.test("records older than their topic keeps them are deleted, and reading goes on at the start", () =>
  withLog(async (bench) => {
    const { log, database, queue } = bench;
    await log.createTopics([
      { name: "hour", partitions: 1, cleanup: "delete", retentionMs: HOUR_MS },
      { name: "forever", partitions: 1, cleanup: "delete", retentionMs: -1 },
    ]);
    const appender = await log.appender();
    for (let n = 0; n < 40; n++) {
      await appender.append(["hour", "forever"].map((topic) => ({ topic, key: null, value: `${n}` })));
    }
    // The first thirty batches of each topic were appended long ago.
    await queue.run((c) => c.run("UPDATE batches SET timestamp_ms = 1000 WHERE last_offset < 30"));
    await sweepExpired(database, queue, { nowMs: Date.now(), signal });
    assert.deepEqual(await log.ranges(["hour", "forever"]), [
      { topic: "hour", partition: 0, start: 30, end: 40 },
      { topic: "forever", partition: 0, start: 0, end: 40 },
    ]);
    const found = await read(bench, "hour", 5);
    assert.deepEqual(found.map(({ offset, value }) => [offset, value]).slice(0, 2), [[30, "30"], [31, "31"]]);
    assert.equal(found.length, 10);
    assert.equal((await read(bench, "forever")).length, 40);

    await sweepExpired(database, queue, { nowMs: Date.now() + 2 * HOUR_MS, signal });
    assert.deepEqual((await log.ranges(["hour"]))[0], { topic: "hour", partition: 0, start: 40, end: 40 });
    assert.deepEqual(await read(bench, "hour", 5), []);
    await appender.append([{ topic: "hour", key: null, value: "after" }]);
    assert.deepEqual((await read(bench, "hour", 5)).map(({ offset }) => offset), [40]);
  }));

Deno.test("what a deleted topic left is cleared away", () =>
  withLog(async (bench) => {
    const { log, database, queue } = bench;
    await log.createTopics([{ name: "t", partitions: 2, cleanup: "delete", retentionMs: -1 }]);
    const appender = await log.appender();
    for (let n = 0; n < 50; n++) await appender.append([{ topic: "t", key: `${n}`, value: "x" }]);
    await log.deleteTopics(["t"]);
    await sweepExpired(database, queue, { nowMs: 0, signal });
    assert.equal(rowCount(bench), 0);
    assert.deepEqual(database.reading.rows("SELECT * FROM dropped_partitions"), []);
  }));

const writes = fc.array(
  fc.array(
    fc.record({ key: fc.constantFrom("a", "b", "c", "d"), value: fc.option(fc.string(), { nil: null }) }),
    { minLength: 1, maxLength: 6 },
  ),
  { minLength: 1, maxLength: 12 },
);

Deno.test("compaction keeps the last record of each key where it was, whatever was written and when it runs", () =>
  withLog(async (bench) => {
    const { log, database, queue } = bench;
    const appender = await log.appender();
    let run = 0;
    await fc.assert(
      fc.asyncProperty(writes, fc.integer({ min: 1, max: 5 }), async (calls, keysMax) => {
        const topic = `compacted-${run++}`;
        await log.createTopics([{ name: topic, partitions: 1, cleanup: "compact", retentionMs: -1 }]);
        const [id] = database.reading.row<[number]>("SELECT max(id) FROM partitions")!;
        const all: [number, string, string | null][] = [];
        for (const [at, call] of calls.entries()) {
          await appender.append(call.map((record) => ({ topic, ...record })));
          for (const { key, value } of call) all.push([all.length, key, value]);
          if (at % 3 === 2) {
            await compactPartition(database, queue, id, { nowMs: Date.now(), signal, keysMax });
          }
        }
        const ends = () =>
          database.reading.row<[number, number]>(
            "SELECT clean_end, end_offset FROM partitions WHERE id = ?",
            id,
          )!;
        while (ends()[0] < ends()[1]) {
          await compactPartition(database, queue, id, { nowMs: Date.now(), signal, keysMax });
        }
        const last = new Map(all.map(([offset, key]) => [key, offset]));
        const expected = all.filter(([offset, key]) => last.get(key) === offset);
        const found = await read(bench, topic);
        assert.deepEqual(found.map(({ offset, key, value }) => [offset, key, value]), expected);
        // A reader in the middle finds what is left from its position on.
        const middle = Math.floor(all.length / 2);
        const rest = await read(bench, topic, middle);
        assert.deepEqual(
          rest.map(({ offset }) => offset),
          expected.map(([at]) => at).filter((at) => at >= middle),
        );
      }),
      { numRuns: 40 },
    );
  }));

Deno.test("a tombstone stays for an hour and goes only when nothing is left that it deletes", () =>
  withLog(async (bench) => {
    const { log, database, queue } = bench;
    await log.createTopics([{ name: "t", partitions: 1, cleanup: "compact", retentionMs: -1 }]);
    const appender = await log.appender();
    for (const value of ["value", null]) await appender.append([{ topic: "t", key: "gone", value }]);
    await appender.append([{ topic: "t", key: "kept", value: "value" }]);
    const compact = (nowMs: number) => compactPartition(database, queue, 1, { nowMs, signal });
    const offsets = async () => (await read(bench, "t")).map(({ offset }) => offset);
    await compact(Date.now());
    assert.deepEqual(await offsets(), [1, 2]);
    await appender.append([{ topic: "t", key: "more", value: "value" }]);
    await compact(Date.now());
    assert.deepEqual(await offsets(), [1, 2, 3], "the tombstone is young");
    await appender.append([{ topic: "t", key: "more", value: "value" }]);
    await compact(Date.now() + 2 * HOUR_MS);
    assert.deepEqual(await offsets(), [2, 4]);
    assert.equal(rowCount(bench), 1, "small batches were put together");
  }));

Deno.test("a compacted topic that is rewritten all the time stays small by itself", () =>
  withLog(async (bench) => {
    const { log } = bench;
    await log.createTopics([{ name: "state", partitions: 1, cleanup: "compact", retentionMs: -1 }]);
    const appender = await log.appender();
    const value = "x".repeat(10_000);
    let lastOffset = -1;
    for (let round = 0; round < 60; round++) {
      const records = Array.from(
        { length: 100 },
        (_, n) => ({ topic: "state", key: `key-${n}`, value: `${round} ${value}` }),
      );
      await appender.append(records);
    }
    // 60 MB went in, of which 1 MB is state; a pass is due at 8 MiB.
    let records = await read(bench, "state");
    for (let wait = 0; wait < 600 && records.length > 2000; wait++) {
      await new Promise((resolve) => setTimeout(resolve, 50));
      records = await read(bench, "state");
    }
    assert.ok(records.length <= 2000, `${records.length} records are left`);
    for (const { offset } of records) {
      assert.ok(offset > lastOffset);
      lastOffset = offset;
    }
    const state = new Map(records.map((record) => [record.key, record.value]));
    assert.equal(state.size, 100);
    assert.ok([...state.values()].every((last) => last!.startsWith("59 ")));
    await log.close();
  }));

Deno.test("two passes at once do not disturb each other", () =>
  withLog(async (bench) => {
    const { log, database, queue } = bench;
    await log.createTopics([{ name: "t", partitions: 1, cleanup: "compact", retentionMs: -1 }]);
    const appender = await log.appender();
    for (let n = 0; n < 200; n++) await appender.append([{ topic: "t", key: `${n % 10}`, value: `${n}` }]);
    const nowMs = Date.now();
    const passes = [0, 1].map(() => compactPartition(database, queue, 1, { nowMs, signal }));
    assert.deepEqual((await Promise.all(passes)).toSorted(), [false, true], "one has the lease");
    // A lease that ran out lets a second pass in while the first may still be at work.
    await appender.append([{ topic: "t", key: "0", value: "200" }]);
    await Promise.all([
      compactPartition(database, queue, 1, { nowMs, signal }),
      compactPartition(database, queue, 1, { nowMs: nowMs + HOUR_MS, signal }),
    ]);
    const values = (await read(bench, "t")).map(({ value }) => Number(value));
    assert.deepEqual(values, [191, 192, 193, 194, 195, 196, 197, 198, 199, 200]);
  }));
