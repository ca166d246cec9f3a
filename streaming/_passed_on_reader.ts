/** Reads what other partitions have passed on to this one, beside its own records. */

import type { EventLog, LogRecord, Reader } from "../event_log/event_log.ts";

const LOOK_INTERVAL_MS = 50;
const BYTES_MAX = 512 * 1024;

export interface PassedOnPlace {
  topic: string;
  partition: number;
  /** `undefined`: from the start. */
  offset: number | undefined;
}

export class PassedOnReader {
  readonly #reader: Reader;
  #nextOffset: number;
  #lookedMs = -Infinity;

  private constructor(reader: Reader, nextOffset: number) {
    this.#reader = reader;
    this.#nextOffset = nextOffset;
  }

  static async open(log: EventLog, { topic, partition, offset }: PassedOnPlace): Promise<PassedOnReader> {
    const range = (await log.ranges([topic])).find((range) => range.partition === partition)!;
    const from = Math.max(range.start, offset ?? range.start);
    const reader = await log.reader({ positions: [{ topic, partition, offset: from }], maxBytes: BYTES_MAX });
    return new PassedOnReader(reader, from);
  }

  /** Where reading goes on after what was taken. */
  get nextOffset(): number {
    return this.#nextOffset;
  }

  /** What is there now, waiting for nothing; looks some times a second only where there was nothing. */
  async take(): Promise<LogRecord[]> {
    if (performance.now() - this.#lookedMs < LOOK_INTERVAL_MS) return [];
    const batches = await this.#reader.poll({ maxWaitMs: 0 });
    if (batches.length === 0) this.#lookedMs = performance.now();
    for (const batch of batches) this.#nextOffset = batch.nextOffset;
    return batches.flatMap(({ records }) => records);
  }

  close(): Promise<void> {
    return this.#reader.close();
  }
}
