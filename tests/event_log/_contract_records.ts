/** The contract's part on appending: order, partitions, and values that come back as they went in. */

import assert from "node:assert/strict";
import type { NewRecord } from "../../event_log/event_log.ts";
import { partitionOf } from "../../event_log/partitioner.ts";
import {
  contractTest,
  numbered,
  numberOf,
  type Open,
  readAll,
  readCount,
  readTopics,
  starts,
} from "./_contract_support.ts";

/** Records that a careless log would change, by what is special about them. */
const UNUSUAL: Record<string, Omit<NewRecord, "topic">> = {
  "a value that is null": { key: "tombstone", value: null },
  "a value that is empty": { key: "empty", value: "" },
  "a key that is empty": { key: "", value: "no key to speak of" },
  "no key": { key: null, value: "keyless" },
  "neither key nor value": { key: null, value: null },
  "accents": { key: "accents", value: "Zürich – São Paulo" },
  "emoji": { key: "✈️", value: "🛫 to 🛬, 1️⃣ stop" },
  "NUL characters": { key: "a\0b", value: "\0before\0after\0" },
  "a byte order mark": { key: "\ufeffkey", value: "\ufeff{}" },
  "line separators": { key: "lines", value: "one\r\ntwo\u2028three\u0085" },
  "headers": {
    key: "headers",
    value: "with",
    headers: { "trace": "00-4bf9", "empty": "", "place": "Köln 🛩" },
  },
  "the replacement character": { key: "replacement", value: "\ufffd" },
  "a value of 900 KB": { key: "large", value: "0123456789".repeat(90_000) },
  "a value of 600 KB beyond ASCII": { key: "large", value: "é".repeat(300_000) },
};

export function recordContract(engine: string, open: Open): void {
  contractTest(engine, open, "records come back in the order in which they were appended", async (bench) => {
    const topic = await bench.topic();
    const appender = await bench.log.appender();
    const sent = numbered(topic, 500);
    for (let from = 0; from < sent.length; from += 100) await appender.append(sent.slice(from, from + 100));
    await appender.close();
    const reader = await bench.log.reader({ positions: await starts(bench.log, [topic]) });
    const batches = await readCount(reader, 500);
    await reader.close();

    const position = new Map<number, number>();
    const lastNumber = new Map<string, number>();
    for (const batch of batches) {
      assert.ok(batch.records.length > 0);
      assert.equal(batch.topic, topic);
      for (const record of batch.records) {
        assert.equal(record.topic, topic);
        assert.equal(record.partition, batch.partition);
        assert.ok(record.offset >= (position.get(batch.partition) ?? 0), "offsets rise");
        position.set(batch.partition, record.offset + 1);
        assert.ok(numberOf(record) > (lastNumber.get(record.key!) ?? -1), "the order of a key is kept");
        lastNumber.set(record.key!, numberOf(record));
        assert.ok(
          Math.abs(record.timestampMs - Date.now()) < 3_600_000,
          "the timestamp is the time of appending",
        );
        assert.equal(record.bytes, undefined);
      }
      assert.ok(batch.nextOffset >= position.get(batch.partition)!);
      assert.ok(batch.endOffset >= batch.nextOffset);
    }
    const numbers = batches.flatMap((batch) => batch.records.map(numberOf)).toSorted((a, b) => a - b);
    assert.deepEqual(numbers, Array.from({ length: 500 }, (_, n) => n));
  });

  contractTest(engine, open, "a key lands in the partition that partitionOf() names", async (bench) => {
    const topic = await bench.topic({ partitions: 5 });
    const appender = await bench.log.appender();
    const keys = [
      "",
      "a",
      "BA210_2025-11-28",
      "✈️",
      ...Array.from({ length: 60 }, (_, n) => `UA${n}_2013-01-01`),
    ];
    await appender.append(keys.map((key) => ({ topic, key, value: key })));
    await appender.close();
    for (const record of await readTopics(bench.log, [topic], keys.length)) {
      assert.equal(record.partition, partitionOf(record.key!, 5), `partition of "${record.key}"`);
    }
  });

  contractTest(engine, open, "a partition that is asked for wins over the key", async (bench) => {
    const topic = await bench.topic();
    const appender = await bench.log.appender();
    await appender.append(
      [0, 1, 2].map((partition) => ({ topic, partition, key: "same", value: `${partition}` })),
    );
    await assert.rejects(
      () => appender.append([{ topic, partition: 7, key: "same", value: "nowhere" }]),
      /7/,
    );
    await appender.close();
    for (const record of await readTopics(bench.log, [topic], 3)) {
      assert.equal(`${record.partition}`, record.value);
    }
  });

  contractTest(engine, open, "records without a key spread over the partitions", async (bench) => {
    const topic = await bench.topic();
    const appender = await bench.log.appender();
    for (let call = 0; call < 30; call++) {
      await appender.append(
        Array.from({ length: 10 }, (_, n) => ({ topic, key: null, value: `${call * 10 + n}` })),
      );
    }
    await appender.close();
    const records = await readTopics(bench.log, [topic], 300);
    assert.equal(new Set(records.map((record) => record.value)).size, 300);
    assert.ok(new Set(records.map((record) => record.partition)).size > 1, "more than one partition is used");
  });

  for (const [what, record] of Object.entries(UNUSUAL)) {
    contractTest(engine, open, `what goes in comes back unchanged: ${what}`, async (bench) => {
      const topic = await bench.topic({ partitions: 1 });
      const appender = await bench.log.appender();
      const plain = { topic, key: "plain", value: "plain" };
      await appender.append([plain, { topic, ...record }, plain]);
      await appender.close();
      const found = await readTopics(bench.log, [topic], 3);
      assert.deepEqual(found.map(({ key, value }) => ({ key, value })), [
        { key: "plain", value: "plain" },
        { key: record.key, value: record.value },
        { key: "plain", value: "plain" },
      ]);
      assert.deepEqual({ ...found[1]!.headers }, record.headers ?? {});
      assert.deepEqual({ ...found[2]!.headers }, {});
    });
  }

  for (const part of ["key", "value"] as const) {
    contractTest(
      engine,
      open,
      `half a surrogate pair in a ${part} is refused, never replaced in silence`,
      async (bench) => {
        const topic = await bench.topic({ partitions: 1 });
        const appender = await bench.log.appender();
        await assert.rejects(
          () => appender.append([{ topic, key: "k", value: "v", [part]: "broken \ud83d here" }]),
          /surrogate/,
        );
        await appender.append([{ topic, key: "k", value: "good" }]);
        await appender.close();
        assert.deepEqual((await readAll(bench.log, topic)).map((record) => record.value), ["good"]);
      },
    );
  }

  contractTest(engine, open, "two connections that append at once lose nothing", async (bench) => {
    const topic = await bench.topic();
    const logs = [bench.log, await bench.connect()];
    await Promise.all(logs.map(async (log, writer) => {
      const appender = await log.appender();
      for (let call = 0; call < 40; call++) {
        await appender.append(numbered(topic, 25, { from: writer * 1000 + call * 25 }));
      }
      await appender.close();
    }));
    const records = await readTopics(bench.log, [topic], 2000);
    assert.equal(new Set(records.map(numberOf)).size, 2000);
    const last = new Map<string, number>();
    for (const record of records) {
      const sequence = `${record.key} of writer ${Math.floor(numberOf(record) / 1000)}`;
      assert.ok(numberOf(record) > (last.get(sequence) ?? -1), `${sequence} is in order`);
      last.set(sequence, numberOf(record));
    }
  });

  contractTest(engine, open, "append() calls that overlap are all stored", async (bench) => {
    const topic = await bench.topic({ partitions: 1 });
    const appender = await bench.log.appender();
    await Promise.all(
      Array.from({ length: 20 }, (_, call) => appender.append(numbered(topic, 10, { from: call * 10 }))),
    );
    await appender.append([]);
    await appender.close();
    const numbers = (await readTopics(bench.log, [topic], 200)).map(numberOf);
    assert.deepEqual(numbers, Array.from({ length: 200 }, (_, n) => n));
  });
}
