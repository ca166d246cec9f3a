/** An event log over arrays: offsets, gaps and append times are what a test says, and calls can be made to fail. */

import type {
  Appender,
  EventLog,
  LogRecord,
  NewRecord,
  PartitionOffset,
  PartitionRange,
  Reader,
  ReaderOptions,
  RecordBatch,
  TopicDescription,
} from "../../event_log/event_log.ts";
import { LogUnavailableError } from "../../event_log/event_log.ts";

interface ArrayPartition {
  topic: string;
  partition: number;
  start: number;
  end: number;
  records: LogRecord[];
}

/** What a call may be made to fail of. */
export type Call = "poll" | "append" | "commitOffsets" | "ranges";

export class ArrayLog implements EventLog {
  readonly engine = "sqlite";
  readonly logId: string;
  /** Records a partition hands over per poll. */
  batchRecords = 7;
  /** Aborted as soon as a poll finds nothing. */
  stopWhenQuiet: AbortController | undefined;
  /** Called before each call; throws what the call is to fail of. */
  beforeCall: (call: Call) => void = () => {};
  readonly committed = new Map<string, number>();
  readonly #partitions = new Map<string, ArrayPartition>();

  constructor(topics: Record<string, number>, logId = "1f3a9c2e-5b1d-4d36-8f0e-2f6f0d9f4c11") {
    this.logId = logId;
    for (const [topic, count] of Object.entries(topics)) {
      for (let partition = 0; partition < count; partition++) this.addPartition(topic, partition);
    }
  }

  addPartition(topic: string, partition: number): void {
    this.#partitions.set(`${topic}/${partition}`, { topic, partition, start: 0, end: 0, records: [] });
  }

  /** Appends a record; `gap` leaves so many offsets out before it, as markers of transactions do. */
  put(
    topic: string,
    partition: number,
    value: string | null,
    options: { timestampMs?: number; gap?: number; bytes?: Uint8Array } = {},
  ): LogRecord {
    const place = this.#partition(topic, partition);
    const { timestampMs = Date.UTC(2025, 10, 28, 14, 5), gap = 0, bytes } = options;
    const record: LogRecord = { topic, partition, offset: place.end + gap, timestampMs, key: null, value };
    if (bytes !== undefined) record.bytes = bytes;
    place.records.push(record);
    place.end = record.offset + 1;
    return record;
  }

  /** Offsets at the end without a record. */
  addMarkers(topic: string, partition: number, count: number): void {
    this.#partition(topic, partition).end += count;
  }

  /** Removes what is below `start`, as retention does. */
  truncate(topic: string, partition: number, start: number): void {
    const place = this.#partition(topic, partition);
    place.start = start;
    place.records = place.records.filter(({ offset }) => offset >= start);
  }

  topicSettings(): Promise<never[]> {
    return Promise.resolve([]);
  }

  applySettings(): Promise<void> {
    return Promise.resolve();
  }

  checkIdentity(): Promise<void> {
    return Promise.resolve();
  }

  records(topic: string): LogRecord[] {
    return [...this.#partitions.values()].filter((place) => place.topic === topic).flatMap((p) => p.records);
  }

  #partition(topic: string, partition: number): ArrayPartition {
    const place = this.#partitions.get(`${topic}/${partition}`);
    if (place === undefined) throw new Error(`The test's log has no ${topic}/${partition}`);
    return place;
  }

  createTopics = () => Promise.resolve([]);
  deleteTopics = () => Promise.resolve();
  listTopics = (): Promise<TopicDescription[]> => Promise.resolve([]);
  transactor = () => Promise.reject(new Error("The array log has no transactions"));
  member = () => Promise.reject(new Error("The array log has no groups"));
  close = () => Promise.resolve();

  ranges(topics: string[]): Promise<PartitionRange[]> {
    return this.#call(
      "ranges",
      () =>
        [...this.#partitions.values()].filter(({ topic }) => topics.includes(topic))
          .map(({ topic, partition, start, end }) => ({ topic, partition, start, end })),
    );
  }

  committedOffsets(group: string, topics: string[]): Promise<PartitionOffset[]> {
    const positions: PartitionOffset[] = [];
    for (const { topic, partition } of this.#partitions.values()) {
      const offset = this.committed.get(`${group}/${topic}/${partition}`);
      if (offset !== undefined && topics.includes(topic)) positions.push({ topic, partition, offset });
    }
    return Promise.resolve(positions);
  }

  commitOffsets(group: string, positions: PartitionOffset[]): Promise<void> {
    return this.#call("commitOffsets", () => {
      for (const { topic, partition, offset } of positions) {
        this.committed.set(`${group}/${topic}/${partition}`, offset);
      }
    });
  }

  appender(): Promise<Appender> {
    return Promise.resolve({
      append: (records: NewRecord[]) =>
        this.#call("append", () => {
          for (const { topic, value } of records) this.put(topic, 0, value, { timestampMs: Date.now() });
        }),
      close: () => Promise.resolve(),
    });
  }

  reader({ positions }: ReaderOptions): Promise<Reader> {
    const paused = new Set<string>();
    const at = new Map(positions.map((place) => [`${place.topic}/${place.partition}`, place.offset]));
    const read = (): RecordBatch[] => {
      const batches: RecordBatch[] = [];
      for (const [name, offset] of at) {
        const { topic, partition, records, end } = this.#partitions.get(name)!;
        if (paused.has(topic)) continue;
        const next = records.filter((record) => record.offset >= offset).slice(0, this.batchRecords);
        if (next.length === 0) continue;
        const isLast = next.at(-1) === records.at(-1);
        const nextOffset = isLast ? end : next.at(-1)!.offset + 1;
        at.set(name, nextOffset);
        batches.push({
          topic,
          partition,
          records: next,
          nextOffset,
          endOffset: end,
          seenMs: performance.now(),
        });
      }
      return batches;
    };
    return Promise.resolve({
      poll: async () => {
        await new Promise((resolve) => setTimeout(resolve, 0));
        const batches = await this.#call("poll", read);
        if (batches.length === 0) this.stopWhenQuiet?.abort();
        return batches;
      },
      seek: () => {},
      endSeenMs: () => undefined,
      nextOffset: () => undefined,
      pause: (topics) => topics.forEach((topic) => paused.add(topic)),
      resume: (topics) => topics.forEach((topic) => paused.delete(topic)),
      close: () => Promise.resolve(),
    });
  }

  #call<T>(call: Call, work: () => T): Promise<T> {
    try {
      this.beforeCall(call);
      return Promise.resolve(work());
    } catch (error) {
      return Promise.reject(error);
    }
  }
}

/** What a broker that is away answers. */
export function logIsAway(): never {
  throw new LogUnavailableError("Cannot reach the log");
}
