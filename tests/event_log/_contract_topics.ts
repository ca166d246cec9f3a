/** The contract's part on topics, ranges, the log's id and the offsets of groups. */

import assert from "node:assert/strict";
import { RecordTooLargeError, UnknownTopicError } from "../../event_log/event_log.ts";
import type { TopicSpec } from "../../event_log/event_log.ts";
import { contractTest, numbered, type Open, readCount, readTopics, until } from "./_contract_support.ts";

export function topicContract(engine: string, open: Open): void {
  contractTest(engine, open, "createTopics() creates what is missing and names it, once", async (bench) => {
    const specs: TopicSpec[] = [
      { name: bench.unique("one"), partitions: 3, cleanup: "delete", retentionMs: 3_600_000 },
      { name: bench.unique("two"), partitions: 1, cleanup: "compact", retentionMs: -1 },
    ];
    bench.defer(() => bench.log.deleteTopics(specs.map((spec) => spec.name)));
    assert.deepEqual(await bench.log.createTopics([specs[0]!]), [specs[0]!.name]);
    assert.deepEqual(await bench.log.createTopics(specs), [specs[1]!.name]);
    assert.deepEqual(await bench.log.createTopics(specs), []);
    const listed = await bench.log.listTopics();
    for (const { name, partitions } of specs) {
      assert.deepEqual(listed.find((topic) => topic.name === name), { name, partitions });
    }
  });

  contractTest(
    engine,
    open,
    "createTopics() of several connections at once creates each topic once",
    async (bench) => {
      const specs = Array.from({ length: 4 }, (): TopicSpec => ({
        name: bench.unique("race"),
        partitions: 3,
        cleanup: "delete",
        retentionMs: -1,
      }));
      const names = specs.map((spec) => spec.name);
      bench.defer(() => bench.log.deleteTopics(names));
      const others = [await bench.connect(), await bench.connect()];
      const created = await Promise.all([bench.log, ...others].map((log) => log.createTopics(specs)));
      assert.deepEqual(created.flat().sort(), names.toSorted());
    },
  );

  contractTest(
    engine,
    open,
    "deleteTopics() removes a topic, and it can be created again empty",
    async (bench) => {
      const topic = await bench.topic();
      const appender = await bench.log.appender();
      await appender.append(numbered(topic, 10));
      await bench.log.deleteTopics([topic]);
      await until(
        "the topic is gone",
        async () => !(await bench.log.listTopics()).some(({ name }) => name === topic),
      );
      await until("the topic is there again", async () => {
        await bench.log.createTopics([{ name: topic, partitions: 2, cleanup: "delete", retentionMs: -1 }]);
        return (await bench.log.listTopics()).some(({ name }) => name === topic);
      });
      const ranges = await bench.log.ranges([topic]);
      assert.deepEqual(ranges.map(({ start, end }) => end - start), [0, 0]);
      await appender.append(numbered(topic, 3));
      await appender.close();
      assert.equal((await readTopics(bench.log, [topic], 3)).length, 3);
    },
  );

  contractTest(
    engine,
    open,
    "topicSettings() tells what stands and what differs, applySettings() mends it",
    async (bench) => {
      const topic = await bench.topic({ retentionMs: 3_600_000 });
      const compacted = await bench.topic({ cleanup: "compact" });
      const spec: TopicSpec = { name: topic, partitions: 3, cleanup: "delete", retentionMs: 7_200_000 };
      const other: TopicSpec = { name: compacted, partitions: 3, cleanup: "compact", retentionMs: -1 };
      const missing = { ...spec, name: bench.unique("missing") };
      const [first, second, ...more] = await bench.log.topicSettings([spec, other, missing]);
      assert.deepEqual(more, []);
      assert.deepEqual(first, {
        name: topic,
        cleanup: "delete",
        retentionMs: 3_600_000,
        differences: [{ setting: "retention.ms", is: "3600000", wanted: "7200000" }],
      });
      assert.deepEqual([second!.name, second!.cleanup, second!.differences], [compacted, "compact", []]);
      await bench.log.applySettings([spec, other, missing]);
      await until("the settings are seen", async () => {
        const [now] = await bench.log.topicSettings([spec]);
        return now!.retentionMs === 7_200_000 && now!.differences.length === 0;
      });
    },
  );

  contractTest(
    engine,
    open,
    "checkIdentity() lets pass what createTopics() and deleteTopics() did",
    async (bench) => {
      const [kept, topic] = [await bench.topic(), await bench.topic()];
      await bench.log.checkIdentity([kept, topic]);
      await bench.log.deleteTopics([topic]);
      await bench.log.createTopics([{ name: topic, partitions: 1, cleanup: "delete", retentionMs: -1 }]);
      await bench.log.checkIdentity([kept, topic]);
      await (await bench.connect()).checkIdentity([kept, topic]);
    },
  );

  contractTest(engine, open, "ranges() tells where each partition starts and ends", async (bench) => {
    const topic = await bench.topic({ partitions: 2 });
    const appender = await bench.log.appender();
    await appender.append([0, 1, 2].map((n) => ({ topic, partition: 1, key: null, value: `${n}` })));
    await appender.close();
    assert.deepEqual(await bench.log.ranges([topic]), [
      { topic, partition: 0, start: 0, end: 0 },
      { topic, partition: 1, start: 0, end: 3 },
    ]);
  });

  contractTest(
    engine,
    open,
    "nextOffset() reaches a partition's end, markers of transactions included",
    async (bench) => {
      const topic = await bench.topic({ partitions: 1 });
      const transactor = await bench.log.transactor(bench.unique("owner"));
      for (const value of ["a", "b"]) {
        await transactor.commit({ records: [{ topic, partition: 0, key: "k", value }] });
      }
      await transactor.close();
      const place = { topic, partition: 0 };
      const reader = await bench.log.reader({ positions: [{ ...place, offset: 0 }] });
      const records = (await readCount(reader, 2)).flatMap((batch) => batch.records);
      assert.ok(reader.nextOffset(place)! > records[1]!.offset);
      await until("the end is reached", async () => {
        await reader.poll({ maxWaitMs: 100 });
        const [range] = await bench.log.ranges([topic]);
        return reader.nextOffset(place) === range!.end;
      });
      await reader.close();
    },
  );

  contractTest(engine, open, "a topic that does not exist is refused by name", async (bench) => {
    const missing = bench.unique("missing");
    const refused = (error: unknown) => error instanceof UnknownTopicError && error.message.includes(missing);
    await assert.rejects(() => bench.log.ranges([missing]), refused);
    const appender = await bench.log.appender();
    await assert.rejects(() => appender.append([{ topic: missing, key: "k", value: "v" }]), refused);
    await appender.close();
    await assert.rejects(async () => {
      const reader = await bench.log.reader({ positions: [{ topic: missing, partition: 0, offset: 0 }] });
      try {
        await reader.poll({ maxWaitMs: 1000 });
      } finally {
        await reader.close();
      }
    }, refused);
  });

  contractTest(engine, open, "the log's id is one and the same on every connection", async (bench) => {
    await bench.topic();
    const other = await bench.connect();
    await other.createTopics([]);
    assert.ok(bench.log.logId.length > 0);
    assert.equal(other.logId, bench.log.logId);
  });

  contractTest(
    engine,
    open,
    "offsets of a group are stored, replaced, and kept apart from other groups'",
    async (bench) => {
      const [first, second] = [await bench.topic(), await bench.topic()];
      const appender = await bench.log.appender();
      await appender.append([first, second].flatMap((topic) => numbered(topic, 60)));
      await appender.close();
      const [group, otherGroup] = [bench.unique("group"), bench.unique("group")];
      assert.deepEqual(await bench.log.committedOffsets(group, [first]), []);
      await bench.log.commitOffsets(group, [
        { topic: first, partition: 0, offset: 1 },
        { topic: second, partition: 2, offset: 3 },
      ]);
      await bench.log.commitOffsets(group, [{ topic: first, partition: 0, offset: 2 }]);
      await bench.log.commitOffsets(otherGroup, [{ topic: first, partition: 0, offset: 5 }]);
      const other = await bench.connect();
      const stored = await other.committedOffsets(group, [first, second]);
      assert.deepEqual(stored.toSorted((a, b) => a.partition - b.partition), [
        { topic: first, partition: 0, offset: 2 },
        { topic: second, partition: 2, offset: 3 },
      ]);
      assert.deepEqual(await other.committedOffsets(group, [second]), [{
        topic: second,
        partition: 2,
        offset: 3,
      }]);
    },
  );

  contractTest(
    engine,
    open,
    "a record above the size limit is refused, and good ones go on",
    async (bench) => {
      const topic = await bench.topic();
      const appender = await bench.log.appender();
      const tooLarge = { topic, key: "k", value: "x".repeat(10_000_000) };
      await assert.rejects(() => appender.append([tooLarge]), RecordTooLargeError);
      await appender.append(numbered(topic, 5));
      await appender.close();
      assert.equal((await readTopics(bench.log, [topic], 5)).length, 5);
    },
  );
}
