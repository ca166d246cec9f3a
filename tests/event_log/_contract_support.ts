/** Shared by the parts of the contract suite: connections, topics and groups that are cleaned up, and patience. */

import type {
  EventLog,
  LogRecord,
  NewRecord,
  PartitionOffset,
  Reader,
  RecordBatch,
  TopicSpec,
} from "../../event_log/event_log.ts";

/** How long a test waits for what must come. Generous: only a broken log ever waits this long. */
export const PATIENCE_MS = 60_000;

export type Open = () => Promise<EventLog>;

/** What a test works with; everything it made is closed and deleted when the test ends. */
export interface Bench {
  /** A connection that is open already. */
  log: EventLog;
  /** A further connection, as another process would have. */
  connect(): Promise<EventLog>;
  /** Creates a topic under a name that occurs once. Default: 3 partitions, kept for an hour. */
  topic(options?: Partial<TopicSpec>): Promise<string>;
  /** A name that occurs once, for a topic, group or transactor. */
  unique(what: string): string;
  /** Runs at the end of the test, last registered first. */
  defer(cleanUp: () => Promise<unknown>): void;
}

/** Registers one test of the contract; `name` reads as a sentence. */
export function contractTest(
  engine: string,
  open: Open,
  name: string,
  body: (bench: Bench) => Promise<void>,
): void {
  Deno.test(`${engine} event log: ${name}`, async () => {
    const cleanUps: (() => Promise<unknown>)[] = [];
    const topics: string[] = [];
    const connect = async () => {
      const log = await open();
      cleanUps.push(() => log.close());
      return log;
    };
    const unique = (what: string) => `${what}-${crypto.randomUUID().slice(0, 8)}`;
    try {
      const log = await connect();
      cleanUps.push(async () => {
        if (topics.length > 0) await log.deleteTopics(topics);
      });
      await body({
        log,
        connect,
        unique,
        topic: async (options = {}) => {
          const spec: TopicSpec = {
            name: unique("contract"),
            partitions: 3,
            cleanup: "delete",
            retentionMs: options.cleanup === "compact" ? -1 : 3_600_000,
            ...options,
          };
          topics.push(spec.name);
          await log.createTopics([spec]);
          return spec.name;
        },
        defer: (cleanUp) => void cleanUps.push(cleanUp),
      });
    } finally {
      for (const cleanUp of cleanUps.reverse()) await cleanUp();
    }
  });
}

/** `count` records of a topic, with keys `key-0`, `key-1`, … that repeat and values that tell their number. */
export function numbered(
  topic: string,
  count: number,
  options: { from?: number; keys?: number } = {},
): NewRecord[] {
  const { from = 0, keys = 17 } = options;
  return Array.from({ length: count }, (_, at) => ({
    topic,
    key: `key-${(from + at) % keys}`,
    value: JSON.stringify({ number: from + at }),
  }));
}

/** The number in a value of {@link numbered}. */
export function numberOf(record: LogRecord): number {
  return JSON.parse(record.value!).number;
}

/** The first offset of each partition of the topics. */
export async function starts(log: EventLog, topics: string[]): Promise<PartitionOffset[]> {
  const ranges = await log.ranges(topics);
  return ranges.map(({ topic, partition, start }) => ({ topic, partition, offset: start }));
}

/** Polls until `count` records came, and once more so that a record too many would show. */
export async function readCount(reader: Reader, count: number): Promise<RecordBatch[]> {
  const deadline = Date.now() + PATIENCE_MS;
  const batches: RecordBatch[] = [];
  let seen = 0;
  while (seen < count) {
    if (Date.now() > deadline) throw new Error(`Only ${seen} of ${count} records came in ${PATIENCE_MS} ms`);
    for (const batch of await reader.poll({ maxWaitMs: 500 })) {
      batches.push(batch);
      seen += batch.records.length;
    }
  }
  batches.push(...await reader.poll({ maxWaitMs: 100 }));
  return batches;
}

/** Reads the topics from their starts until `count` records came. */
export async function readTopics(log: EventLog, topics: string[], count: number): Promise<LogRecord[]> {
  const reader = await log.reader({ positions: await starts(log, topics) });
  try {
    return (await readCount(reader, count)).flatMap((batch) => batch.records);
  } finally {
    await reader.close();
  }
}

/** Everything that is visible in the topics now: read until a marker that is appended to each partition came. */
export async function readAll(log: EventLog, topic: string): Promise<LogRecord[]> {
  const marker = `marker-${crypto.randomUUID()}`;
  const positions = await starts(log, [topic]);
  const appender = await log.appender();
  await appender.append(positions.map(({ partition }) => ({ topic, partition, key: marker, value: marker })));
  await appender.close();
  const reader = await log.reader({ positions });
  const records: LogRecord[] = [];
  let markers = 0;
  const deadline = Date.now() + PATIENCE_MS;
  try {
    while (markers < positions.length) {
      if (Date.now() > deadline) throw new Error(`The end of ${topic} was not reached in ${PATIENCE_MS} ms`);
      for (const { records: found } of await reader.poll({ maxWaitMs: 500 })) {
        for (const record of found) {
          if (record.value === marker) markers++;
          else if (!record.key?.startsWith("marker-")) records.push(record);
        }
      }
    }
    return records;
  } finally {
    await reader.close();
  }
}

/** Waits until `condition` holds. */
export async function until(what: string, condition: () => boolean | Promise<boolean>): Promise<void> {
  const deadline = Date.now() + PATIENCE_MS;
  while (!await condition()) {
    if (Date.now() > deadline) throw new Error(`Waited ${PATIENCE_MS} ms in vain until ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 25));
  }
}

/** Resolves once `signal` aborts. */
export function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve();
    else signal.addEventListener("abort", () => resolve(), { once: true });
  });
}
