/** Records of a list as a replay reads them. */

import type { LogRecord } from "../../event_log/event_log.ts";
import type { RecordScan } from "../../replay/record_scan.ts";

/** Hands over `records`, buffered two at a time. */
export class ArrayScan implements RecordScan {
  readonly topic: string;
  readonly partition: number;
  readonly end: number;
  closed = false;
  readonly #all: LogRecord[];
  #next = 0;
  #buffer: LogRecord[] = [];

  constructor(topic: string, partition: number, records: Partial<LogRecord>[], end?: number) {
    this.topic = topic;
    this.partition = partition;
    this.#all = records.map((record, at) => ({
      topic,
      partition,
      offset: at,
      timestampMs: Date.UTC(2026, 0, 5),
      key: null,
      value: null,
      ...record,
    }));
    this.end = end ?? (this.#all.at(-1)?.offset ?? -1) + 1;
  }

  get head(): LogRecord | undefined {
    return this.#buffer[0];
  }

  next(): LogRecord | undefined {
    return this.#buffer.shift();
  }

  fill(): Promise<boolean> {
    if (this.#buffer.length === 0) this.#buffer = this.#all.slice(this.#next, this.#next += 2);
    return Promise.resolve(this.#buffer.length > 0);
  }

  seek(offset: number): void {
    this.#buffer = [];
    const at = this.#all.findIndex((record) => record.offset >= offset);
    this.#next = at === -1 ? this.#all.length : at;
  }

  close(): Promise<void> {
    this.closed = true;
    return Promise.resolve();
  }
}
