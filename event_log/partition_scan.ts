/** One partition from an offset to the end that it has when it is opened, in bounded memory. */

import type { EventLog, LogRecord, PartitionRange, Reader } from "./event_log.ts";

const BYTES_MAX = 1024 * 1024;
const WAIT_MS = 200;

/**
 * Hands over a partition's records one by one: what is buffered by {@link PartitionScan.next}, after a
 * {@link PartitionScan.fill} that says whether there is any. Records that were appended later are left out.
 */
export class PartitionScan {
  readonly topic: string;
  readonly partition: number;
  /** The end at the opening; on Kafka it also counts transaction markers. */
  readonly end: number;
  readonly #reader: Reader;
  readonly #signal: AbortSignal | undefined;
  #records: LogRecord[] = [];
  #at = 0;
  #done: boolean;

  private constructor({ topic, partition, end }: PartitionRange, reader: Reader, signal?: AbortSignal) {
    this.topic = topic;
    this.partition = partition;
    this.end = end;
    this.#reader = reader;
    this.#signal = signal;
    this.#done = false;
  }

  /** Opens a scan of `range`, which {@link EventLog.ranges} gave; `start` may have been raised. */
  static async open(
    log: EventLog,
    range: PartitionRange,
    options: { signal?: AbortSignal; maxBytes?: number } = {},
  ): Promise<PartitionScan> {
    const { topic, partition, start, end } = range;
    const reader = await log.reader({
      positions: [{ topic, partition, offset: start }],
      maxBytes: options.maxBytes ?? BYTES_MAX,
    });
    const scan = new PartitionScan(range, reader, options.signal);
    scan.#done = start >= end;
    return scan;
  }

  /** The next record, left where it is; only after {@link PartitionScan.fill} said that there is one. */
  get head(): LogRecord | undefined {
    return this.#records[this.#at];
  }

  /** Takes the next record out of the buffer; `undefined` where the buffer is empty. */
  next(): LogRecord | undefined {
    return this.#records[this.#at++];
  }

  /**
   * Whether there is a next record; reads where none is buffered.
   *
   * @throws {DOMException} `AbortError` when the signal aborts.
   */
  async fill(): Promise<boolean> {
    while (this.#at >= this.#records.length) {
      if (this.#done) return false;
      this.#signal?.throwIfAborted();
      const [batch] = await this.#reader.poll({
        maxWaitMs: WAIT_MS,
        ...(this.#signal === undefined ? {} : { signal: this.#signal }),
      });
      if (batch === undefined) {
        // What then still seems to be missing are markers of transactions.
        this.#done = this.#reader.endSeenMs(this.topic) !== undefined;
        continue;
      }
      this.#records = batch.records;
      this.#at = 0;
      this.#done = batch.nextOffset >= this.end;
      const last = batch.records.at(-1);
      if (last !== undefined && last.offset >= this.end) {
        this.#records = batch.records.filter(({ offset }) => offset < this.end);
      }
    }
    return true;
  }

  /** Goes on at another offset. */
  seek(offset: number): void {
    this.#reader.seek({ topic: this.topic, partition: this.partition, offset });
    this.#records = [];
    this.#at = 0;
    this.#done = offset >= this.end;
  }

  close(): Promise<void> {
    return this.#reader.close();
  }
}
