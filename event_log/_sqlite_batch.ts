/**
 * How records of one partition are stored: a batch a row, as Kafka does.
 *
 * - `lengths`: for each record two 32-bit numbers, the key's length and the value's; -1 for `null`.
 * - `body`: keys and values one after another as UTF-8. Lengths count UTF-16 units, so that the body is decoded
 *   once and cut, whatever it contains.
 * - `places`: only where the offsets or times of the records are not those of the batch (after compaction): for
 *   each record two 64-bit floats, its offset less the batch's first, and its time less the batch's.
 * - `headers`: only where a record has some: JSON `[[index, {…}], …]`.
 *
 * @module
 */

import type { LogRecord, NewRecord } from "./event_log.ts";

/** A body is closed once it has reached this many UTF-16 units. */
export const BODY_UNITS_MAX = 1024 * 1024;

/** What a record counts beside its key and value, so that empty ones fill a batch, too. */
const RECORD_UNITS = 16;

/** A record with its place, as compaction stores it again. */
export type PlacedRecord = Pick<LogRecord, "offset" | "timestampMs" | "key" | "value" | "headers">;

/** A batch as it goes into its row. */
export interface PackedBatch {
  count: number;
  lengths: Uint8Array;
  places: Uint8Array | null;
  headers: string | null;
  body: Uint8Array;
}

/** A batch as it comes out of its row: first offset, last offset, time, and the columns above. */
export type BatchRow = [
  firstOffset: number,
  lastOffset: number,
  timestampMs: number,
  lengths: Uint8Array,
  places: Uint8Array | null,
  headers: string | null,
  body: Uint8Array,
];

/** The columns of {@link BatchRow}. */
export const BATCH_COLUMNS = "id & 1099511627775, last_offset, timestamp_ms, lengths, places, headers, body";

const encoder = new TextEncoder();
const decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/** Packs records of one partition into batches of about {@link BODY_UNITS_MAX}. */
export function packRecords(records: Pick<NewRecord, "key" | "value" | "headers">[]): PackedBatch[] {
  const batches: PackedBatch[] = [];
  let from = 0;
  let units = 0;
  for (let at = 0; at < records.length; at++) {
    const record = records[at]!;
    const added = RECORD_UNITS + (record.key?.length ?? 0) + (record.value?.length ?? 0);
    if (units + added > BODY_UNITS_MAX && at > from) {
      batches.push(packSlice(records, from, at));
      from = at;
      units = 0;
    }
    units += added;
  }
  if (from < records.length) batches.push(packSlice(records, from, records.length));
  return batches;
}

/** Packs records that keep their places, as one batch. */
export function packPlaced(records: PlacedRecord[], firstOffset: number, timestampMs: number): PackedBatch {
  const places = new Float64Array(records.length * 2);
  records.forEach((record, at) => {
    places[at * 2] = record.offset - firstOffset;
    places[at * 2 + 1] = record.timestampMs - timestampMs;
  });
  return { ...packSlice(records, 0, records.length), places: new Uint8Array(places.buffer) };
}

function packSlice(
  records: Pick<NewRecord, "key" | "value" | "headers">[],
  from: number,
  to: number,
): PackedBatch {
  const lengths = new Int32Array((to - from) * 2);
  const headers: [number, Record<string, string>][] = [];
  let text = "";
  for (let at = from, slot = 0; at < to; at++) {
    const { key, value, headers: own } = records[at]!;
    if (key === null) lengths[slot++] = -1;
    else {
      lengths[slot++] = key.length;
      text += key;
    }
    if (value === null) lengths[slot++] = -1;
    else {
      lengths[slot++] = value.length;
      text += value;
    }
    if (own !== undefined) {
      for (const _ in own) {
        headers.push([at - from, own]);
        break;
      }
    }
  }
  return {
    count: to - from,
    lengths: new Uint8Array(lengths.buffer),
    places: null,
    headers: headers.length > 0 ? JSON.stringify(headers) : null,
    body: encoder.encode(text),
  };
}

/**
 * What the keys of records are made of: `cut` from the batch's text and as short-lived as the values, copied to memory of
 * their `own`, or `remembered` copies for keys that repeat; see {@link ownString}.
 */
export type KeyStrings = "cut" | "own" | "remembered";

/** Hands out the records of a stored batch, some at a time. */
export class BatchCursor {
  readonly lastOffset: number;
  readonly #firstOffset: number;
  readonly #timestampMs: number;
  readonly #lengths: Int32Array;
  readonly #places: Float64Array | undefined;
  readonly #headers: Map<number, Record<string, string>> | undefined;
  readonly #text: string;
  readonly #keys: KeyStrings;
  #at = 0;
  #textAt = 0;

  constructor(row: BatchRow, keys: KeyStrings = "remembered") {
    const [firstOffset, lastOffset, timestampMs, lengths, places, headers, body] = row;
    this.#firstOffset = firstOffset;
    this.lastOffset = lastOffset;
    this.#timestampMs = timestampMs;
    this.#lengths = new Int32Array(aligned(lengths), 0, lengths.length >> 2);
    if (places !== null) this.#places = new Float64Array(aligned(places), 0, places.length >> 3);
    if (headers !== null) this.#headers = new Map(JSON.parse(headers));
    this.#text = decoder.decode(body);
    this.#keys = keys;
  }

  /** The offset of the next record, or where reading goes on after the batch. */
  get nextOffset(): number {
    return this.#at * 2 < this.#lengths.length ? this.#offsetAt(this.#at) : this.lastOffset + 1;
  }

  /** Passes over the records before `offset`. */
  skipTo(offset: number): void {
    while (this.#at * 2 < this.#lengths.length && this.#offsetAt(this.#at) < offset) {
      this.#textAt += Math.max(0, this.#lengths[this.#at * 2]!) +
        Math.max(0, this.#lengths[this.#at * 2 + 1]!);
      this.#at++;
    }
  }

  /**
   * Adds the next records to `into`, about `unitsMax` UTF-16 units of keys and values but at least one record,
   * and returns how many units they had; 0 at the end.
   */
  take(topic: string, partition: number, unitsMax: number, into: LogRecord[]): number {
    const lengths = this.#lengths;
    const text = this.#text;
    let textAt = this.#textAt;
    let at = this.#at;
    for (; at * 2 < lengths.length && textAt - this.#textAt < unitsMax; at++) {
      const keyLength = lengths[at * 2]!;
      const valueLength = lengths[at * 2 + 1]!;
      const cut = keyLength < 0 ? null : text.substring(textAt, textAt + keyLength);
      const key = cut === null || this.#keys === "cut" ? cut : ownString(cut, this.#keys === "remembered");
      if (keyLength > 0) textAt += keyLength;
      const value = valueLength < 0 ? null : text.substring(textAt, textAt + valueLength);
      if (valueLength > 0) textAt += valueLength;
      const record: LogRecord = {
        topic,
        partition,
        offset: this.#offsetAt(at),
        timestampMs: this.#timestampMs + (this.#places === undefined ? 0 : this.#places[at * 2 + 1]!),
        key,
        value,
      };
      const headers = this.#headers?.get(at);
      if (headers !== undefined) record.headers = headers;
      into.push(record);
    }
    const units = Math.max(textAt - this.#textAt, at - this.#at);
    this.#textAt = textAt;
    this.#at = at;
    return units;
  }

  #offsetAt(at: number): number {
    return this.#firstOffset + (this.#places === undefined ? at : this.#places[at * 2]!);
  }
}

/** The bytes in a buffer of their own where their place does not suit typed arrays. */
function aligned(bytes: Uint8Array): ArrayBuffer {
  return (bytes.byteOffset === 0 ? bytes.buffer : bytes.slice().buffer) as ArrayBuffer;
}

const KEYS_REMEMBERED_MAX = 20_000;
const remembered = new Map<string, string>();

/**
 * The same string with memory of its own. A substring keeps the whole text alive from which it was cut, and keys
 * are what programs keep; most repeat (one per flight), so copies are remembered. Those of a compacted topic do not.
 */
function ownString(cut: string, remember: boolean): string {
  let own = remember ? remembered.get(cut) : undefined;
  if (own === undefined) {
    own = decoder.decode(encoder.encode(cut));
    if (!remember) return own;
    if (remembered.size >= KEYS_REMEMBERED_MAX) remembered.clear();
    remembered.set(own, own);
  }
  return own;
}
