/**
 * Record batches as they lie in a produce request (magic 2). Formula: Kafka documentation, "Message Format".
 *
 * @module
 */

import { crc32c } from "./_kafka_crc32c.ts";
import { WireWriter } from "./_kafka_wire.ts";

const HEADER_BYTES = 61;
const CRC_AT = 17;
const ATTRIBUTES_AT = 21;
const TRANSACTIONAL = 0x10;
const NO_LEADER_EPOCH = -1;
const MAGIC = 2;
const SCRATCH_BYTES = 64 * 1024;

/** A record to be encoded. */
export interface BatchRecord {
  key: string | null;
  value: string | null;
  headers?: Record<string, string>;
}

/** Whose batch it is; `producerId` -1 stands for none. */
export interface BatchProducer {
  producerId: bigint;
  producerEpoch: number;
  transactional: boolean;
}

/** Room that a record takes in a batch beside its text, an upper bound. */
export const RECORD_OVERHEAD_BYTES_MAX = 40;

/** Writes one uncompressed batch; all records get the time `timestampMs`. */
export function encodeBatch(
  writer: WireWriter,
  records: readonly BatchRecord[],
  producer: BatchProducer,
  baseSequence: number,
  timestampMs: number,
): void {
  const start = writer.offset;
  writer.reserve(HEADER_BYTES);
  // Base offset, length and checksum are filled in by the broker, and below.
  writer.int64(0).int32(0).int32(NO_LEADER_EPOCH).int8(MAGIC).int32(0);
  writer.int16(producer.transactional ? TRANSACTIONAL : 0).int32(records.length - 1);
  writer.int64(timestampMs).int64(timestampMs);
  writer.bigInt64(producer.producerId).int16(producer.producerEpoch).int32(baseSequence).int32(
    records.length,
  );
  for (let i = 0; i < records.length; i++) encodeRecord(writer, records[i]!, i);
  const bytes = writer.written();
  writer.view.setInt32(start + 8, writer.offset - start - 12);
  writer.view.setInt32(start + CRC_AT, crc32c(bytes.subarray(start + ATTRIBUTES_AT)));
}

const scratch = new WireWriter(SCRATCH_BYTES);

function encodeRecord(writer: WireWriter, record: BatchRecord, offsetDelta: number): void {
  // A record starts with its own length as a varint: write it aside, then behind that length.
  scratch.offset = 0;
  scratch.int8(0).varint(0).varint(offsetDelta);
  if (record.key === null) scratch.varint(-1);
  else scratch.varintText(record.key);
  if (record.value === null) scratch.varint(-1);
  else scratch.varintText(record.value);
  if (record.headers === undefined) {
    scratch.varint(0);
  } else {
    const headers = Object.entries(record.headers);
    scratch.varint(headers.length);
    for (const [name, value] of headers) scratch.varintText(name).varintText(value);
  }
  writer.varint(scratch.offset).raw(scratch.written());
}
