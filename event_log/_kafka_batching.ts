/**
 * From records to requests: which partition each goes to, and how much fits into one batch.
 *
 * @module
 */

import { Buffer } from "node:buffer";
import { type NewRecord, RecordTooLargeError } from "./event_log.ts";
import { partitionOf } from "./partitioner.ts";
import { type BatchRecord, RECORD_OVERHEAD_BYTES_MAX } from "./_kafka_batch_encoding.ts";

/** Bytes of one record (key, value, headers) that fit the broker's default `message.max.bytes` of 1 MiB. */
const RECORD_BYTES_MAX = 1_048_000;
/** Bytes that a batch of several records is filled up to. */
const BATCH_BYTES_MAX = 900_000;

/** Records of one partition, small enough for one batch. */
export interface Slice {
  topic: string;
  partition: number;
  records: BatchRecord[];
  bytes: number;
}

/** Chooses the partition of keyless records: each topic's in turn. */
export class Rotation {
  readonly #next = new Map<string, number>();

  next(topic: string, partitions: number): number {
    const turn = this.#next.get(topic) ?? Math.floor(Math.random() * partitions);
    this.#next.set(topic, (turn + 1) % partitions);
    return turn % partitions;
  }
}

/**
 * Sorts records into rounds: each round holds at most one slice of a partition, and a partition's slices follow each
 * other in order.
 *
 * @param partitionsOf The number of partitions of a topic.
 * @throws {RecordTooLargeError}
 */
export function intoRounds(
  records: readonly NewRecord[],
  partitionsOf: (topic: string) => number,
  rotation: Rotation,
): Slice[][] {
  const rounds: Slice[][] = [];
  const open = new Map<string, Map<number, { slice: Slice; round: number }>>();
  for (const record of records) {
    const { topic } = record;
    const partition = choosePartition(record, partitionsOf(topic), rotation);
    const bytes = recordBytes(record);
    let ofTopic = open.get(topic);
    if (!ofTopic) open.set(topic, ofTopic = new Map());
    let current = ofTopic.get(partition);
    if (!current || current.slice.bytes + bytes > BATCH_BYTES_MAX) {
      const round = current ? current.round + 1 : 0;
      current = { slice: { topic, partition, records: [], bytes: 0 }, round };
      ofTopic.set(partition, current);
      (rounds[round] ??= []).push(current.slice);
    }
    current.slice.records.push(record);
    current.slice.bytes += bytes;
  }
  return rounds;
}

function choosePartition(record: NewRecord, partitions: number, rotation: Rotation): number {
  if (record.partition !== undefined) {
    if (record.partition >= 0 && record.partition < partitions) return record.partition;
    throw new RangeError(
      `Cannot append to partition ${record.partition} of topic "${record.topic}": it has ${partitions} partitions`,
    );
  }
  return record.key === null ? rotation.next(record.topic, partitions) : partitionOf(record.key, partitions);
}

function recordBytes(record: NewRecord): number {
  if (record.key?.isWellFormed() === false || record.value?.isWellFormed() === false) {
    throw new TypeError(
      `Cannot append a record to topic "${record.topic}": its key or value holds half a surrogate pair, ` +
        "which UTF-8 cannot carry",
    );
  }
  let bytes = RECORD_OVERHEAD_BYTES_MAX;
  if (record.key !== null) bytes += Buffer.byteLength(record.key);
  if (record.value !== null) bytes += Buffer.byteLength(record.value);
  if (record.headers !== undefined) {
    for (const [name, value] of Object.entries(record.headers)) {
      bytes += Buffer.byteLength(name) + Buffer.byteLength(value) + 10;
    }
  }
  if (bytes <= RECORD_BYTES_MAX) return bytes;
  throw new RecordTooLargeError(
    `Cannot append a record of ${bytes} bytes to topic "${record.topic}": Kafka takes up to ${RECORD_BYTES_MAX}`,
  );
}
