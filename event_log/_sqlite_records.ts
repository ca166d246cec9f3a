/**
 * From records to rows: checks, the choice of partitions, and packing, all before the write lock is taken; then
 * offsets and rows under it.
 *
 * @module
 */

import { Buffer } from "node:buffer";
import { type PackedBatch, packRecords } from "./_sqlite_batch.ts";
import type { Catalog, Topic } from "./_sqlite_catalog.ts";
import type { Connection } from "./_sqlite_database.ts";
import { type NewRecord, RecordTooLargeError } from "./event_log.ts";
import { partitionOf } from "./partitioner.ts";

/** Batches of one partition, ready to be stored. */
export interface PartitionBatches {
  partitionId: number;
  compacted: boolean;
  batches: PackedBatch[];
  bytes: number;
}

/** A partition that was to be written is gone: its topic was deleted, perhaps made again. */
export class StalePartitionError extends Error {
  override name = "StalePartitionError";
}

let nextKeyless = 0;

/**
 * Sorts records by partition and packs them.
 *
 * @throws {RecordTooLargeError} when key, value and headers of one have more than `maxRecordBytes`
 * @throws {UnknownTopicError} when a topic or partition does not exist
 * @throws {TypeError} when a text is no text (half a surrogate pair), or a compacted topic gets a record without key
 */
export function layOut(records: NewRecord[], catalog: Catalog, maxRecordBytes: number): PartitionBatches[] {
  const byPartition = new Map<number, { topic: Topic; records: NewRecord[] }>();
  let topic: Topic | undefined;
  for (const record of records) {
    if (topic?.name !== record.topic) topic = catalog.topic(record.topic);
    check(record, topic, maxRecordBytes);
    const id = choosePartition(record, topic, catalog);
    const own = byPartition.get(id);
    if (own === undefined) byPartition.set(id, { topic, records: [record] });
    else own.records.push(record);
  }
  return [...byPartition].map(([partitionId, own]) => {
    const batches = packRecords(own.records);
    const bytes = batches.reduce((sum, { lengths, body }) => sum + lengths.length + body.length, 0);
    return { partitionId, compacted: own.topic.cleanup === "compact", batches, bytes };
  });
}

/**
 * Gives the batches their offsets and stores them; under the write lock. Returns the ids of compacted partitions
 * that have grown enough to be compacted.
 *
 * @throws {StalePartitionError}
 */
export function storeBatches(
  connection: Connection,
  partitions: PartitionBatches[],
  nowMs: number,
): number[] {
  const due: number[] = [];
  for (const { partitionId, compacted, batches, bytes } of partitions) {
    const count = batches.reduce((sum, batch) => sum + batch.count, 0);
    const grown = connection.row<[number, number, number]>(
      `UPDATE partitions SET end_offset = end_offset + ?2, dirty_bytes = dirty_bytes + ?3 WHERE id = ?1
        RETURNING end_offset, dirty_bytes, clean_bytes`,
      partitionId,
      count,
      compacted ? bytes : 0,
    );
    if (grown === undefined) throw new StalePartitionError(`Partition ${partitionId} was deleted`);
    const [end, dirtyBytes, cleanBytes] = grown;
    let offset = end - count;
    for (const batch of batches) {
      insertBatch(connection, partitionId, offset, offset + batch.count - 1, nowMs, batch);
      offset += batch.count;
    }
    if (compacted && isCompactionDue(dirtyBytes, cleanBytes)) due.push(partitionId);
  }
  return due;
}

/** Stores a batch that covers the offsets `[first, last]`. */
export function insertBatch(
  connection: Connection,
  partitionId: number,
  first: number,
  last: number,
  timestampMs: number,
  batch: PackedBatch,
): void {
  connection.run(
    "INSERT INTO batches VALUES ((?1 << 40) | ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
    partitionId,
    first,
    last,
    timestampMs,
    batch.lengths,
    batch.places,
    batch.headers,
    batch.body,
  );
}

const DIRTY_BYTES_LEAST = 8 * 1024 * 1024;

/** Compacting a partition that has doubled keeps the work in proportion to what is written. */
function isCompactionDue(dirtyBytes: number, cleanBytes: number): boolean {
  return dirtyBytes >= Math.max(DIRTY_BYTES_LEAST, cleanBytes);
}

function choosePartition(record: NewRecord, topic: Topic, catalog: Catalog): number {
  const { partitionIds } = topic;
  if (record.partition !== undefined) return catalog.partitionId(topic.name, record.partition);
  if (record.key === null) return partitionIds[nextKeyless++ % partitionIds.length]!;
  return partitionIds[partitionOf(record.key, partitionIds.length)]!;
}

function check(record: NewRecord, topic: Topic, maxRecordBytes: number): void {
  const { key, value, headers } = record;
  if (key === null && topic.cleanup === "compact") {
    throw new TypeError(
      `Cannot append a record without key to "${topic.name}": the topic keeps the last of each key`,
    );
  }
  if (key?.isWellFormed() === false) refuseHalfPair("key", key, topic);
  if (value?.isWellFormed() === false) refuseHalfPair("value", value, topic);
  let units = (key?.length ?? 0) + (value?.length ?? 0);
  let headersText = "";
  if (headers !== undefined) {
    headersText = JSON.stringify(headers);
    units += headersText.length;
  }
  if (units * 3 <= maxRecordBytes) return;
  const bytes = utf8Bytes(key ?? "") + utf8Bytes(value ?? "") + utf8Bytes(headersText);
  if (bytes <= maxRecordBytes) return;
  throw new RecordTooLargeError(
    `Cannot append a record of ${bytes} bytes to "${topic.name}" (key ${
      JSON.stringify(key?.slice(0, 80) ?? null)
    }): ` +
      `the event log takes ${maxRecordBytes} bytes a record`,
  );
}

function refuseHalfPair(part: string, text: string, topic: Topic): never {
  const at = text.toWellFormed().split("").findIndex((unit, index) => unit !== text[index]);
  throw new TypeError(
    `Cannot append a record to "${topic.name}": its ${part} has half a surrogate pair at ${at}, which UTF-8 cannot ` +
      "carry. Clean or escape the text first",
  );
}

function utf8Bytes(text: string): number {
  return Buffer.byteLength(text, "utf8");
}
