/** Event logs for the producer's tests: the embedded one, and Kafka where `KAFKA_BROKERS` names a local broker. */

import { ok } from "node:assert/strict";
import type { EventLog, LogRecord } from "../../event_log/event_log.ts";
import { openKafkaEventLog } from "../../event_log/kafka_event_log.ts";
import { openSqliteEventLog } from "../../event_log/sqlite_event_log.ts";
import { ALL_TOPICS } from "../../events/topics.ts";
import { SETTINGS } from "../../process/settings.ts";
import { commandFor, PROJECT_DIR } from "../../scripts/launcher.ts";

const BROKERS = (Deno.env.get("KAFKA_BROKERS") ?? "").split(",").filter((broker) => broker !== "");
const LOOPBACK = /^(127\.\d+\.\d+\.\d+|localhost|\[::1\]):\d+$/;
const WAIT_MS = 60_000;

/** A log of a test's own, with the topics created, and what a process needs to open it too. */
export interface TestLog {
  log: EventLog;
  env: Record<string, string>;
  /** A further connection. */
  connect(): Promise<EventLog>;
  /** Producers started in the test: those that still run when it ends are killed. */
  producers: ProducerProcess[];
  /** All records of a topic, partition by partition. */
  records(topic: string): Promise<LogRecord[]>;
}

/** Registers a test once for each engine that can be had. */
export function engineTest(name: string, body: (test: TestLog) => Promise<void>): void {
  Deno.test(`embedded log: ${name}`, async () => {
    const folder = await Deno.makeTempDir({ prefix: "airline-producer-" });
    const file = `${folder}/event_log.sqlite`;
    try {
      await withLog(() => openSqliteEventLog({ file }), { EVENT_LOG_FILE: file }, body);
    } finally {
      await Deno.remove(folder, { recursive: true });
    }
  });
  if (BROKERS.length === 0) return;
  Deno.test(`Kafka: ${name}`, async () => {
    ok(BROKERS.every((broker) => LOOPBACK.test(broker)), "Tests only use engines on loopback");
    const topicPrefix = `test-${crypto.randomUUID().slice(0, 8)}.`;
    const env = { KAFKA_BROKERS: BROKERS.join(","), KAFKA_TOPIC_PREFIX: topicPrefix };
    const open = () => openKafkaEventLog({ brokers: BROKERS, clientId: "producer-test", topicPrefix });
    await withLog(open, env, body);
  });
}

async function withLog(
  open: () => Promise<EventLog>,
  settings: Record<string, string>,
  body: (test: TestLog) => Promise<void>,
): Promise<void> {
  const opened: EventLog[] = [];
  const connect = async () => {
    const log = await open();
    opened.push(log);
    return log;
  };
  const log = await connect();
  const producers: ProducerProcess[] = [];
  const env = Deno.env.toObject();
  for (const name of Object.keys(SETTINGS)) delete env[name];
  try {
    await log.createTopics([...ALL_TOPICS]);
    await body({
      log,
      connect,
      producers,
      env: { ...env, NO_COLOR: "1", ...settings },
      records: (topic) => readAll(log, topic),
    });
    if (log.engine === "kafka") await log.deleteTopics(ALL_TOPICS.map(({ name }) => name));
  } finally {
    for (const producer of producers) await producer.signalled("SIGKILL");
    for (const each of opened) await each.close();
  }
}

/** Reads up to a marker of its own in each partition, so that it knows where the end is; markers are left out. */
async function readAll(log: EventLog, topic: string): Promise<LogRecord[]> {
  const marker = crypto.randomUUID();
  const ranges = await log.ranges([topic]);
  const appender = await log.appender();
  await appender.append(ranges.map(({ partition }) => ({ topic, partition, key: "test", value: marker })));
  await appender.close();
  const reader = await log.reader({
    positions: ranges.map(({ partition, start }) => ({ topic, partition, offset: start })),
  });
  const records: LogRecord[] = [];
  const ended = new Set<number>();
  while (ended.size < ranges.length) {
    for (const batch of await reader.poll({ maxWaitMs: 500 })) {
      for (const record of batch.records) {
        if (record.value === marker) ended.add(record.partition);
        else if (record.key !== "test") records.push(record);
      }
    }
  }
  await reader.close();
  return records.sort((a, b) => a.partition - b.partition || a.offset - b.offset);
}

/** A producer in a process of its own, under its permission set. */
export class ProducerProcess {
  readonly #child: Deno.ChildProcess;
  readonly #read: Promise<unknown>;
  output = "";
  errors = "";

  constructor(test: TestLog, args: string[]) {
    const command = commandFor("producer", [...args, "--metrics-port", "0"], test.env);
    this.#child = new Deno.Command(Deno.execPath(), {
      args: command.args,
      env: command.env,
      clearEnv: true,
      cwd: PROJECT_DIR,
      stdin: "null",
      stdout: "piped",
      stderr: "piped",
    }).spawn();
    const collect = async (stream: ReadableStream<Uint8Array>, add: (text: string) => void) => {
      for await (const text of stream.pipeThrough(new TextDecoderStream())) add(text);
    };
    this.#read = Promise.all([
      collect(this.#child.stdout, (text) => this.output += text),
      collect(this.#child.stderr, (text) => this.errors += text),
    ]);
    test.producers.push(this);
  }

  /** Waits for the end and returns the exit code. */
  async ended(): Promise<number> {
    const { code } = await this.#child.status;
    await this.#read;
    return code;
  }

  async signalled(signal: Deno.Signal): Promise<number> {
    this.signal(signal);
    return await this.ended();
  }

  signal(signal: Deno.Signal): void {
    try {
      this.#child.kill(signal);
    } catch (error) {
      if (!(error instanceof TypeError)) throw error; // It has ended already.
    }
  }
}

/** Waits for a condition; fails saying what it waited for. */
export async function eventually(what: string, condition: () => boolean | Promise<boolean>): Promise<void> {
  const deadline = performance.now() + WAIT_MS;
  while (!await condition()) {
    if (performance.now() > deadline) throw new Error(`Not within ${WAIT_MS / 1000} s: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}
