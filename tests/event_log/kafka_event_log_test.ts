/**
 * The event log on Kafka keeps the contract of every event log, and what only Kafka can do to it does no harm. Runs where
 * `KAFKA_BROKERS` names a broker on this machine; topics have a prefix of their own, and are deleted.
 */

import assert from "node:assert/strict";
import { createServer } from "node:net";
import type { AddressInfo } from "node:net";
import { Kafka, logLevel } from "kafkajs";
import {
  type EventLog,
  LogUnavailableError,
  ReplacedTopicError,
  type TopicSpec,
} from "../../event_log/event_log.ts";
import { openKafkaEventLog } from "../../event_log/kafka_event_log.ts";
import { readAll, until } from "./_contract_support.ts";
import { eventLogContract } from "./event_log_contract.ts";

const brokers = localBrokers();
const runPrefix = `test-${crypto.randomUUID().slice(0, 8)}.`;

function localBrokers(): string[] {
  const named = (Deno.env.get("KAFKA_BROKERS") ?? "").split(",").filter((broker) => broker !== "");
  const foreign = named.find((broker) => !/^(127\.\d+\.\d+\.\d+|localhost)(:\d+)?$/.test(broker));
  if (foreign) {
    throw new Error(`These tests make and delete topics: KAFKA_BROKERS names "${foreign}", not this machine`);
  }
  return named;
}

const topic = (name: string, partitions = 1): TopicSpec => ({
  name,
  partitions,
  cleanup: "delete",
  retentionMs: -1,
});

/** A test with a log whose prefix is its own; everything in it is deleted afterwards. */
function kafkaTest(
  name: string,
  body: (
    kafka: { log: EventLog; prefix: string; said: string[]; open: () => Promise<EventLog> },
  ) => Promise<void>,
): void {
  if (brokers.length === 0) return;
  Deno.test(`kafka event log: ${name}`, async () => {
    const prefix = `${runPrefix}${crypto.randomUUID().slice(0, 8)}.`;
    const said: string[] = [];
    const logger = (level: string, message: string) => void said.push(`${level} ${message}`);
    const logs: EventLog[] = [];
    const open = async () => {
      const log = await openKafkaEventLog({ brokers, clientId: "test", topicPrefix: prefix, logger });
      logs.push(log);
      return log;
    };
    const log = await open();
    try {
      await body({ log, prefix, said, open });
    } finally {
      await log.deleteTopics((await log.listTopics()).map(({ name }) => name));
      for (const one of logs) await one.close();
    }
  });
}

/** Another program's client: kafkajs as it comes. Its timers outlive it by a moment. */
async function withForeignClient(use: (kafka: Kafka) => Promise<void>): Promise<void> {
  await use(new Kafka({ brokers, clientId: "foreign", logLevel: logLevel.NOTHING }));
  await new Promise((resolve) => setTimeout(resolve, 20));
}

if (brokers.length > 0) {
  eventLogContract(
    "kafka",
    () => openKafkaEventLog({ brokers, clientId: "contract-test", topicPrefix: runPrefix }),
  );
}

Deno.test("a Kafka that is not there is told of in one line, with its address and what to check", async () => {
  const server = createServer().listen(0, "127.0.0.1");
  await new Promise((resolve) => server.once("listening", resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  await assert.rejects(
    () => openKafkaEventLog({ brokers: [`127.0.0.1:${port}`], clientId: "test" }),
    (error: Error) => {
      assert.ok(error instanceof LogUnavailableError);
      assert.match(
        error.message,
        new RegExp(`^Cannot use Kafka at 127\\.0\\.0\\.1:${port}: .*; check that Kafka runs there`),
      );
      assert.ok(!error.message.includes("\n"));
      return true;
    },
  );
});

Deno.test("an address that cannot be one is refused at once", async () => {
  for (const address of ["kafka:port", "kafka:0", "kafka:70000"]) {
    await assert.rejects(
      () => openKafkaEventLog({ brokers: [address], clientId: "test" }),
      (error: Error) => error instanceof LogUnavailableError && error.message.includes(`"${address}"`),
    );
  }
});

kafkaTest(
  "the log's id is missed until the topics are made, and a deleted log gets another",
  async ({ log, open }) => {
    assert.throws(() => log.logId, /deno task topics/);
    await log.createTopics([topic("bookings")]);
    const first = log.logId;
    assert.equal((await open()).logId, first);
    await log.deleteTopics(["bookings"]);
    assert.throws(() => log.logId, /deno task topics/);
    await log.createTopics([topic("bookings")]);
    assert.notEqual(log.logId, first);
  },
);

kafkaTest("several that make the topics at once adopt one id", async ({ log, open }) => {
  const logs = [log, await open(), await open()];
  await Promise.all(logs.map((one) => one.createTopics([topic("bookings")])));
  assert.equal(new Set(logs.map((one) => one.logId)).size, 1);
  assert.equal((await open()).logId, log.logId);
});

kafkaTest("the prefix is on the broker and nowhere else", async ({ log, prefix }) => {
  await log.createTopics([topic("bookings")]);
  const transactor = await log.transactor("owner");
  await transactor.commit({
    records: [{ topic: "bookings", key: "BA210", value: "one" }],
    offsets: { group: "lake-writer", positions: [{ topic: "bookings", partition: 0, offset: 0 }] },
  });
  await transactor.close();
  const plain = await openKafkaEventLog({ brokers, clientId: "test" });
  try {
    assert.deepEqual(await log.listTopics(), [{ name: "bookings", partitions: 1 }]);
    assert.ok((await plain.listTopics()).some(({ name }) => name === `${prefix}bookings`));
    assert.deepEqual((await readAll(log, "bookings")).map((record) => record.topic), ["bookings"]);
    assert.deepEqual(await plain.committedOffsets(`${prefix}lake-writer`, [`${prefix}bookings`]), [
      { topic: `${prefix}bookings`, partition: 0, offset: 0 },
    ]);
    await assert.rejects(
      () => log.ranges(["promo_decisions"]),
      (error: Error) =>
        error.message.includes(`"promo_decisions"`) && error.message.includes(`prefix "${prefix}"`),
    );
  } finally {
    await plain.close();
  }
});

kafkaTest("records of another program are read as they are", async ({ log, prefix }) => {
  await log.createTopics([topic("bookings")]);
  await withForeignClient(async (kafka) => {
    const producer = kafka.producer({ createPartitioner: () => () => 0 });
    await producer.connect();
    const latin1 = new Uint8Array([0x63, 0x61, 0x66, 0xe9]);
    const { Buffer } = await import("node:buffer");
    await producer.send({
      topic: `${prefix}bookings`,
      compression: 1,
      messages: [
        { value: Buffer.from(latin1) },
        { key: "BA210", value: '{"price": 140}', headers: { source: "python", twice: ["a", "b"] } },
        { key: "BA210", value: null },
      ],
    });
    await producer.disconnect();
  });
  const [broken, whole, deleted] = await readAll(log, "bookings");
  assert.deepEqual([broken!.key, broken!.value, [...broken!.bytes!]], [null, "caf\ufffd", [
    0x63,
    0x61,
    0x66,
    0xe9,
  ]]);
  assert.deepEqual(
    [whole!.key, whole!.value, whole!.bytes, whole!.headers],
    ["BA210", '{"price": 140}', undefined, { source: "python", twice: "b" }],
  );
  assert.equal(deleted!.value, null);
});

kafkaTest(
  "a tail of markers and aborted records holds up no poll, and hides nothing",
  async ({ log, prefix }) => {
    await log.createTopics([topic("bookings")]);
    const appender = await log.appender();
    await appender.append([{ topic: "bookings", key: null, value: "first" }]);
    const reader = await log.reader({ positions: [{ topic: "bookings", partition: 0, offset: 0 }] });
    await withForeignClient(async (kafka) => {
      const producer = kafka.producer({
        transactionalId: `${prefix}foreign`,
        maxInFlightRequests: 1,
        idempotent: true,
        createPartitioner: () => () => 0,
      });
      await producer.connect();
      const transaction = await producer.transaction();
      await transaction.send({ topic: `${prefix}bookings`, messages: [{ value: "aborted" }] });
      await transaction.abort();
      await producer.disconnect();
    });
    const [range] = await log.ranges(["bookings"]);
    assert.ok(range!.end > 2, "the marker counts");
    assert.deepEqual((await reader.poll({ maxWaitMs: 5000 })).flatMap((b) => b.records).map((r) => r.value), [
      "first",
    ]);
    assert.deepEqual(await reader.poll({ maxWaitMs: 300 }), []);
    await appender.append([{ topic: "bookings", key: null, value: "second" }]);
    const [batch] = await reader.poll({ maxWaitMs: 5000 });
    assert.deepEqual(batch!.records.map((record) => record.value), ["second"]);
    await reader.close();
    await appender.close();
  },
);

kafkaTest("records that have aged out are passed over, with a warning", async ({ log, prefix, said }) => {
  await log.createTopics([topic("bookings")]);
  const appender = await log.appender();
  await appender.append(
    Array.from({ length: 9 }, (_, n) => ({ topic: "bookings", key: null, value: `${n}` })),
  );
  await appender.close();
  await withForeignClient(async (kafka) => {
    const admin = kafka.admin();
    await admin.connect();
    await admin.fetchTopicOffsets(`${prefix}bookings`);
    await admin.deleteTopicRecords({
      topic: `${prefix}bookings`,
      partitions: [{ partition: 0, offset: "5" }],
    });
    await admin.disconnect();
  });
  assert.equal((await log.ranges(["bookings"]))[0]!.start, 5);
  const reader = await log.reader({ positions: [{ topic: "bookings", partition: 0, offset: 2 }] });
  const [batch] = await reader.poll({ maxWaitMs: 5000 });
  assert.deepEqual(batch!.records.map((record) => record.value), ["5", "6", "7", "8"]);
  await reader.close();
  assert.ok(said.some((line) => line.includes("Offsets 2 to 4 of bookings-0 have aged out")));
});

kafkaTest("offsets of a group with live members are not overwritten from outside", async ({ log }) => {
  await log.createTopics([topic("bookings")]);
  const member = await log.member({ group: "lake-writer", topics: ["bookings"] });
  const stop = new AbortController();
  const running = member.run(() => Promise.resolve(), { signal: stop.signal });
  await until("it is a member", () => member.assigned().length === 1);
  const positions = [{ topic: "bookings", partition: 0, offset: 0 }];
  await assert.rejects(() => log.commitOffsets("lake-writer", positions), /has live members/);
  stop.abort();
  await running;
  await member.close();
  await log.commitOffsets("lake-writer", positions);
  assert.deepEqual(await log.committedOffsets("lake-writer", ["bookings"]), positions);
});

kafkaTest("a batch larger than the reader's bytes is read all the same", async ({ log }) => {
  await log.createTopics([topic("bookings", 2)]);
  const appender = await log.appender();
  const records = Array.from({ length: 2000 }, (_, n) => ({
    topic: "bookings",
    partition: n % 2,
    key: null,
    value: `${n} ${"x".repeat(400)}`,
  }));
  await appender.append(records);
  await appender.close();
  const positions = [0, 1].map((partition) => ({ topic: "bookings", partition, offset: 0 }));
  const reader = await log.reader({ positions, maxBytes: 20_000 });
  const numbers: number[] = [];
  await until("all came", async () => {
    for (const batch of await reader.poll({ maxWaitMs: 1000 })) {
      for (const record of batch.records) numbers.push(parseInt(record.value!));
    }
    return numbers.length >= records.length;
  });
  await reader.close();
  assert.deepEqual(numbers.toSorted((a, b) => a - b), records.map((_, n) => n));
});

kafkaTest(
  "settings of a topic that another program made are told and mended, others are left",
  async ({ log, prefix }) => {
    await withForeignClient(async (kafka) => {
      const admin = kafka.admin();
      await admin.connect();
      const configEntries = [
        { name: "retention.ms", value: "604800000" },
        { name: "message.timestamp.type", value: "CreateTime" },
        { name: "max.message.bytes", value: "2000000" },
      ];
      await admin.createTopics({ topics: [{ topic: `${prefix}bookings`, numPartitions: 1, configEntries }] });
      await admin.disconnect();
    });
    const spec = topic("bookings");
    await log.createTopics([spec]);
    const [before] = await log.topicSettings([spec]);
    assert.equal(before!.retentionMs, 604_800_000);
    assert.deepEqual(before!.differences, [
      { setting: "message.timestamp.type", is: "CreateTime", wanted: "LogAppendTime" },
      { setting: "retention.ms", is: "604800000", wanted: "-1" },
    ]);
    await log.applySettings([spec]);
    await until(
      "they are applied",
      async () => (await log.topicSettings([spec]))[0]!.differences.length === 0,
    );
    await withForeignClient(async (kafka) => {
      const admin = kafka.admin();
      await admin.connect();
      const resources = [{ type: 2, name: `${prefix}bookings`, configNames: ["max.message.bytes"] }];
      const described = await admin.describeConfigs({ resources, includeSynonyms: false });
      assert.equal(described.resources[0]!.configEntries[0]!.configValue, "2000000");
      await admin.disconnect();
    });
  },
);

/** Deletes a topic and makes it again, as somebody at a terminal does. */
async function replace(topicName: string): Promise<void> {
  await withForeignClient(async (kafka) => {
    const admin = kafka.admin();
    await admin.connect();
    await admin.deleteTopics({ topics: [topicName] });
    await until("it is gone", async () => !(await admin.listTopics()).includes(topicName));
    await admin.createTopics({ topics: [{ topic: topicName, numPartitions: 1 }] });
    await admin.disconnect();
  });
}

kafkaTest("a topic that was deleted and made again by hand is refused", async ({ log, prefix, open }) => {
  const specs = [topic("bookings"), topic("seat_map")];
  await log.createTopics(specs);
  await log.checkIdentity(["bookings", "seat_map"]);
  await replace(`${prefix}bookings`);
  // Also by a program that starts later, and once somebody has run `deno task topics` again.
  const later = await open();
  await later.createTopics(specs);
  for (const one of [log, later]) {
    await assert.rejects(() => one.checkIdentity(["seat_map", "bookings"]), (error: Error) => {
      assert.ok(error instanceof ReplacedTopicError);
      assert.match(
        error.message,
        /^The topic "bookings" was deleted and made again since this log was begun/,
      );
      assert.ok(error.message.includes(`that begin with "${prefix}", ${prefix}log_identity`));
      return true;
    });
    await one.checkIdentity(["seat_map"]);
  }
});

for (const sought of [false, true]) {
  const when = sought ? ", also where a caller tries again" : "";
  kafkaTest(
    `reading does not go on in a topic that was made again under its name${when}`,
    async ({ log, prefix }) => {
      await log.createTopics([topic("bookings"), topic("seat_map")]);
      const appender = await log.appender();
      const record = (value: string) => ({ topic: "bookings", partition: 0, key: null, value });
      await appender.append([record("old-1"), record("old-2")]);
      const reader = await log.reader({ positions: [{ topic: "bookings", partition: 0, offset: 0 }] });
      const [batch] = await reader.poll({ maxWaitMs: 5000 });
      assert.equal(batch!.records.length, 2);
      await replace(`${prefix}bookings`);
      // More records than were read: the position exists in the new topic, too.
      await appender.append(["new-1", "new-2", "new-3"].map(record));
      const polls = async () => {
        for (;;) {
          const found = await reader.poll({ maxWaitMs: 500 });
          assert.deepEqual(found, []);
        }
      };
      await assert.rejects(polls, ReplacedTopicError);
      if (sought) {
        reader.seek({ topic: "bookings", partition: 0, offset: 0 });
        await assert.rejects(polls, ReplacedTopicError);
      }
      await reader.close();
      await appender.close();
    },
  );
}
