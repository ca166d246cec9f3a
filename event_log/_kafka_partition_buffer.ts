/**
 * What a reader has fetched of one partition and not handed over yet.
 *
 * @module
 */

import type { LogRecord, RecordBatch } from "./event_log.ts";
import type { DecodedBatches } from "./_kafka_batch_decoding.ts";

/** What a fetch said of a partition, and when it was under way (of `performance.now()`). */
export interface FetchedRange {
  lastStableOffset: number;
  highWatermark: number;
  sentMs: number;
  arrivedMs: number;
}

/** The state of one partition of a reader. */
export class PartitionBuffer {
  /** The topic's plain name. */
  readonly topic: string;
  readonly partition: number;
  /** Where the next fetch starts; `undefined` until sought. */
  fetchOffset: number | undefined;
  /** Bytes of keys and values that wait. */
  bytes = 0;
  paused = false;
  /** The broker's id of the topic that is read; `undefined` until it is known. */
  topicId: string | undefined;
  /** The node that leads the partition; `undefined` while it must be looked up. */
  leader: number | undefined;
  /** Counts seeks: what was asked before one is not what is wanted after it. */
  epoch = 0;
  /** Bytes that a fetch must allow for, once a batch did not fit. */
  bytesNeeded = 0;
  /** Why the partition cannot be read on; told by the next poll, and cleared by a seek. */
  failure: Error | undefined;
  /** Since when the broker has not known the partition, of `performance.now()`. */
  unknownSinceMs: number | undefined;
  #endOffset = 0;
  #endSeenMs: number | undefined;
  #chunks: { records: LogRecord[]; bytes: number; seenMs: number }[] = [];
  /** How many records of the first chunk have been handed over. */
  #handedOver = 0;

  constructor(topic: string, partition: number) {
    this.topic = topic;
    this.partition = partition;
  }

  get isEmpty(): boolean {
    return this.#chunks.length === 0;
  }

  /** When a fetch was sent that found nothing beyond what was handed over; see {@link Reader.endSeenMs}. */
  get endSeenMs(): number | undefined {
    return this.isEmpty ? this.#endSeenMs : undefined;
  }

  seek(offset: number): void {
    this.fetchOffset = offset;
    this.#endSeenMs = undefined;
    this.epoch++;
    this.bytes = 0;
    this.failure = undefined;
    this.#chunks = [];
    this.#handedOver = 0;
  }

  /** Takes in what a fetch brought. */
  add({ records, bytes, nextOffset }: DecodedBatches, fetch: FetchedRange): void {
    this.#endOffset = fetch.lastStableOffset;
    this.fetchOffset = nextOffset;
    // Below the high watermark lies at least a transaction under way: more is to come.
    this.#endSeenMs = nextOffset >= fetch.highWatermark ? fetch.sentMs : undefined;
    if (records.length === 0) return;
    this.#chunks.push({ records, bytes, seenMs: fetch.arrivedMs });
    this.bytes += bytes;
  }

  /** Hands over records of about `bytesMax`, at least one. The buffer must not be empty. */
  take(bytesMax: number): RecordBatch {
    const taken: LogRecord[][] = [];
    let bytes = 0;
    let seenMs = 0;
    while (this.#chunks.length > 0 && (bytes === 0 || bytes < bytesMax)) {
      const chunk = this.#chunks[0]!;
      const seenBeforeMs = seenMs;
      seenMs = chunk.seenMs;
      if (bytes + chunk.bytes <= bytesMax) {
        taken.push(this.#handedOver === 0 ? chunk.records : chunk.records.slice(this.#handedOver));
        bytes += chunk.bytes;
        this.bytes -= chunk.bytes;
        this.#chunks.shift();
        this.#handedOver = 0;
        continue;
      }
      const from = this.#handedOver;
      let end = from;
      let partBytes = 0;
      while (end < chunk.records.length) {
        const size = sizeOf(chunk.records[end]!);
        if (bytes + partBytes + size > bytesMax && (bytes > 0 || end > from)) break;
        partBytes += size;
        end++;
      }
      if (end === from) {
        seenMs = seenBeforeMs;
        break;
      }
      taken.push(chunk.records.slice(from, end));
      bytes += partBytes;
      partBytes = Math.min(partBytes, chunk.bytes);
      this.bytes -= partBytes;
      chunk.bytes -= partBytes;
      this.#handedOver = end;
      if (end === chunk.records.length) {
        this.bytes -= chunk.bytes;
        this.#chunks.shift();
        this.#handedOver = 0;
      }
      break;
    }
    const records = taken.length === 1 ? taken[0]! : taken.flat();
    const nextOffset = this.isEmpty ? this.fetchOffset! : records.at(-1)!.offset + 1;
    const { topic, partition } = this;
    return {
      topic,
      partition,
      records,
      nextOffset,
      endOffset: Math.max(this.#endOffset, nextOffset),
      seenMs,
    };
  }
}

function sizeOf(record: LogRecord): number {
  return (record.key?.length ?? 0) + (record.value?.length ?? 0);
}
