/**
 * Record batches as they lie in a fetch response (magic 2). Formula: Kafka documentation, "Message Format". Written here
 * and not taken from kafkajs, whose decoder builds a dozen objects per record: this is the hottest code of the log.
 *
 * @module
 */

import type { LogRecord } from "./event_log.ts";
import { codecName, decompress } from "./_kafka_compression.ts";
import { WireReader } from "./_kafka_wire.ts";

const HEADER_BYTES = 61;
const MAGIC_AT = 16;
const ATTRIBUTES_AT = 21;
const CODEC_MASK = 0x07;
const LOG_APPEND_TIME = 0x08;
const TRANSACTIONAL = 0x10;
const CONTROL = 0x20;
const ABORT_MARKER = 0;

const strict = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });
const lossy = new TextDecoder("utf-8", { ignoreBOM: true });

/** An aborted transaction that a fetch response names. */
export interface AbortedTransaction {
  producerId: bigint;
  firstOffset: number;
}

/** What the record set of one partition held. */
export interface DecodedBatches {
  records: LogRecord[];
  /** Bytes of the keys and values handed over. */
  bytes: number;
  /** The offset behind the last whole batch (markers and aborted records included). */
  nextOffset: number;
  /** Bytes of the first batch where even that one was cut off; else 0. */
  bytesNeeded: number;
}

/** Where a record set was read, and from which offset. */
export interface FetchedFrom {
  topic: string;
  partition: number;
  offset: number;
}

/**
 * Decodes the record set of one partition: committed records at or above `from.offset`, in order. A batch that was cut
 * off at the end is left out. Where a batch cannot be decoded, what lies before it is returned first.
 *
 * @throws {Error} When the first batch cannot be decoded, naming topic, partition, offset and codec.
 */
export function decodeBatches(
  recordSet: Uint8Array,
  from: FetchedFrom,
  aborted: AbortedTransaction[],
): DecodedBatches {
  const result: DecodedBatches = { records: [], bytes: 0, nextOffset: from.offset, bytesNeeded: 0 };
  const filter = new AbortFilter(aborted);
  const reader = new WireReader(recordSet);
  while (reader.offset + HEADER_BYTES <= recordSet.length) {
    const start = reader.offset;
    const baseOffset = reader.int64();
    const end = start + 12 + reader.int32();
    if (end > recordSet.length) {
      if (start === 0) result.bytesNeeded = end;
      break;
    }
    const { length } = result.records;
    try {
      decodeBatch(reader, { start, end, baseOffset }, from, filter, result);
    } catch (error) {
      if (start === 0) throw error;
      result.records.length = length;
      break;
    }
    reader.offset = end;
  }
  return result;
}

/** Knows which producers' records are part of aborted transactions, batch after batch. */
class AbortFilter {
  readonly #pending: AbortedTransaction[];
  readonly #producers = new Set<bigint>();

  constructor(aborted: AbortedTransaction[]) {
    this.#pending = aborted.toSorted((a, b) => a.firstOffset - b.firstOffset);
  }

  advanceTo(lastOffset: number): void {
    while (this.#pending.length > 0 && this.#pending[0]!.firstOffset <= lastOffset) {
      this.#producers.add(this.#pending.shift()!.producerId);
    }
  }

  end(producerId: bigint): void {
    this.#producers.delete(producerId);
  }

  drops(producerId: bigint): boolean {
    return this.#producers.has(producerId);
  }
}

function decodeBatch(
  reader: WireReader,
  { start, end, baseOffset }: { start: number; end: number; baseOffset: number },
  from: FetchedFrom,
  filter: AbortFilter,
  result: DecodedBatches,
): void {
  const magic = reader.view.getInt8(start + MAGIC_AT);
  if (magic !== 2) throw undecodable(from, baseOffset, `its format is ${magic}, known is 2 (Kafka ≥ 0.11)`);
  reader.offset = start + ATTRIBUTES_AT;
  const attributes = reader.int16();
  const lastOffset = baseOffset + reader.int32();
  const firstTimestampMs = reader.int64();
  const maxTimestampMs = reader.int64();
  const producerId = reader.bigInt64();
  reader.raw(2 + 4);
  const count = reader.int32();
  filter.advanceTo(lastOffset);
  const aborted = (attributes & TRANSACTIONAL) !== 0 && filter.drops(producerId);
  if (attributes & CONTROL) {
    if (markerType(reader) === ABORT_MARKER) filter.end(producerId);
  } else if (!aborted && lastOffset >= from.offset) {
    const appendTimeMs = attributes & LOG_APPEND_TIME ? maxTimestampMs : undefined;
    const body = batchReader(reader, end, attributes & CODEC_MASK, from, baseOffset);
    decodeRecords(body, { count, baseOffset, firstTimestampMs, appendTimeMs }, from, result);
  }
  result.nextOffset = Math.max(result.nextOffset, lastOffset + 1);
}

function markerType(reader: WireReader): number {
  reader.varint();
  reader.int8();
  reader.varint();
  reader.varint();
  reader.varint();
  reader.int16();
  return reader.int16();
}

function batchReader(
  reader: WireReader,
  end: number,
  codec: number,
  from: FetchedFrom,
  baseOffset: number,
): WireReader {
  const body = reader.bytes.subarray(reader.offset, end);
  if (codec === 0) return new WireReader(body);
  try {
    return new WireReader(decompress(codec, body));
  } catch (error) {
    throw undecodable(
      from,
      baseOffset,
      `${codecName(codec)}: ${error instanceof Error ? error.message : error}`,
    );
  }
}

interface BatchFrame {
  count: number;
  baseOffset: number;
  firstTimestampMs: number;
  appendTimeMs: number | undefined;
}

function decodeRecords(
  reader: WireReader,
  frame: BatchFrame,
  from: FetchedFrom,
  result: DecodedBatches,
): void {
  const { bytes } = reader;
  const { topic, partition } = from;
  try {
    for (let i = 0; i < frame.count; i++) {
      const end = reader.varint() + reader.offset;
      reader.offset++;
      const timestampDelta = reader.varint();
      const offset = frame.baseOffset + reader.varint();
      if (offset < from.offset) {
        reader.offset = end;
        continue;
      }
      const keyLength = reader.varint();
      let key: string | null = null;
      if (keyLength >= 0) {
        key = lossy.decode(bytes.subarray(reader.offset, reader.offset + keyLength));
        reader.offset += keyLength;
      }
      const valueLength = reader.varint();
      const record: LogRecord = {
        topic,
        partition,
        offset,
        timestampMs: frame.appendTimeMs ?? frame.firstTimestampMs + timestampDelta,
        key,
        value: null,
      };
      if (valueLength >= 0) {
        const value = bytes.subarray(reader.offset, reader.offset + valueLength);
        try {
          record.value = strict.decode(value);
        } catch {
          record.value = lossy.decode(value);
          record.bytes = value.slice();
        }
        reader.offset += valueLength;
      }
      if (bytes[reader.offset] !== 0) record.headers = decodeHeaders(reader);
      result.records.push(record);
      result.bytes += Math.max(keyLength, 0) + Math.max(valueLength, 0);
      reader.offset = end;
    }
  } catch (error) {
    throw undecodable(from, frame.baseOffset, error instanceof Error ? error.message : String(error));
  }
}

function decodeHeaders(reader: WireReader): Record<string, string> {
  const headers: Record<string, string> = {};
  for (let count = reader.varint(); count > 0; count--) {
    const name = lossy.decode(reader.raw(reader.varint()));
    const length = reader.varint();
    headers[name] = length < 0 ? "" : lossy.decode(reader.raw(length));
  }
  return headers;
}

function undecodable(from: FetchedFrom, baseOffset: number, reason: string): Error {
  return new Error(
    `Cannot decode the record batch at offset ${baseOffset} of ${from.topic}-${from.partition}: ${reason}; ` +
      "seek behind it to go on without it",
  );
}
