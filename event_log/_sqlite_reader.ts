/** Reads partitions of the embedded log. */

import { setImmediate } from "node:timers/promises";
import { BATCH_COLUMNS, BatchCursor, type BatchRow, type KeyStrings } from "./_sqlite_batch.ts";
import { type Catalog, partitionRange } from "./_sqlite_catalog.ts";
import type { ChangeWatch } from "./_sqlite_change_watch.ts";
import { type Database, explain, whileBusy } from "./_sqlite_database.ts";
import type { LogRecord, PartitionOffset, Reader, RecordBatch, TopicPartition } from "./event_log.ts";
import { LogUnavailableError, UnknownTopicError } from "./event_log.ts";

const MAX_BYTES = 4 * 1024 * 1024;
const MAX_WAIT_MS = 1000;

/** The batch that holds an offset, and all after it. */
const BATCHES_FROM = `SELECT ${BATCH_COLUMNS} FROM batches
  WHERE id >= coalesce((SELECT max(id) FROM batches WHERE id BETWEEN (?1 << 40) AND ((?1 << 40) | ?2)), (?1 << 40) | ?2)
    AND id < ((?1 + 1) << 40) AND last_offset >= ?2 ORDER BY id`;

interface Place {
  topic: string;
  partition: number;
  partitionId: number;
  /** Keys of a compacted topic hardly repeat. */
  keys: KeyStrings;
  /** The offset to be read next; `null` until it is sought. */
  offset: number | null;
  /** The batch that is being handed out. */
  cursor: BatchCursor | undefined;
  /** When a look began that found nothing more; `undefined` where there was more. */
  endSeenMs: number | undefined;
}

/** What a reader needs of its log. */
export interface ReaderContext {
  database: Database;
  catalog: Catalog;
  watch: ChangeWatch;
  /** Aborts when the log is closed. */
  closing: AbortSignal;
}

/**
 * A reader of `places`; those without offset wait until they are sought. A position before the partition's start
 * (its records aged out) goes on at the start: the gap shows in the offsets of the records.
 *
 * @throws {UnknownTopicError}
 */
export function createReader(
  context: ReaderContext,
  places: (TopicPartition & { offset: number | null })[],
  maxBytes = MAX_BYTES,
): Reader {
  return new SqliteReader(context, places, maxBytes);
}

class SqliteReader implements Reader {
  readonly #context: ReaderContext;
  readonly #maxBytes: number;
  readonly #places: Place[];
  readonly #paused = new Set<string>();
  readonly #closing = new AbortController();
  #first = 0;

  constructor(
    context: ReaderContext,
    places: (TopicPartition & { offset: number | null })[],
    maxBytes: number,
  ) {
    this.#context = context;
    this.#maxBytes = maxBytes;
    this.#places = places.map(({ topic, partition, offset }) => {
      const partitionId = context.catalog.partitionId(topic, partition);
      if (offset !== null) checkOffset({ topic, partition, offset });
      const keys: KeyStrings = context.catalog.topic(topic).cleanup === "compact" ? "own" : "remembered";
      return { topic, partition, partitionId, keys, offset, cursor: undefined, endSeenMs: undefined };
    });
  }

  async poll(options: { maxWaitMs?: number; signal?: AbortSignal } = {}): Promise<RecordBatch[]> {
    const { maxWaitMs = MAX_WAIT_MS, signal } = options;
    const { database, watch, closing } = this.#context;
    if (closing.aborted || this.#closing.signal.aborted) {
      throw new LogUnavailableError(`Cannot poll: the reader or its event log "${database.file}" is closed`);
    }
    const deadline = performance.now() + maxWaitMs;
    const stop = [closing, this.#closing.signal];
    if (signal !== undefined) stop.push(signal);
    while (!stop.some(({ aborted }) => aborted)) {
      const [seen, batches] = await this.#reading(() => [watch.version(), this.#fetch()] as const);
      if (batches.length > 0) {
        await setImmediate(); // Whoever polls without a pause must not starve timers and signals.
        return batches;
      }
      const leftMs = deadline - performance.now();
      if (leftMs <= 0) break;
      await whileBusy(database.file, () => watch.changedSince(seen, leftMs, stop));
    }
    return [];
  }

  seek(position: PartitionOffset): void {
    checkOffset(position);
    const place = this.#places.find(({ topic, partition }) =>
      topic === position.topic && partition === position.partition
    );
    if (place === undefined) {
      throw new RangeError(
        `Cannot seek ${position.topic}-${position.partition}: the reader does not read it`,
      );
    }
    place.offset = position.offset;
    place.cursor = undefined;
    place.endSeenMs = undefined;
  }

  endSeenMs(topic: string): number | undefined {
    let earliest = Infinity;
    for (const place of this.#places) {
      if (place.topic !== topic) continue;
      if (place.endSeenMs === undefined) return undefined;
      earliest = Math.min(earliest, place.endSeenMs);
    }
    return earliest;
  }

  nextOffset({ topic, partition }: TopicPartition): number | undefined {
    return this.#places.find((own) => own.topic === topic && own.partition === partition)?.offset ??
      undefined;
  }

  pause(topics: string[]): void {
    for (const topic of topics) this.#paused.add(topic);
  }

  resume(topics: string[]): void {
    for (const topic of topics) this.#paused.delete(topic);
  }

  close(): Promise<void> {
    this.#closing.abort();
    for (const place of this.#places) place.cursor = undefined;
    return Promise.resolve();
  }

  async #reading<T>(work: () => T): Promise<T> {
    const { file } = this.#context.database;
    try {
      return await whileBusy(file, work);
    } catch (error) {
      throw explain(error, file);
    }
  }

  /**
   * Each partition gets its share of the bytes, and another one is first the next time. One read transaction, so
   * that whatever throws throws before a position moved.
   */
  #fetch(): RecordBatch[] {
    const { reading } = this.#context.database;
    const active = this.#places.filter(({ topic, offset }) => offset !== null && !this.#paused.has(topic));
    // One snapshot of all partitions: what is at its end here is at its end as of every record read here.
    const seenMs = performance.now();
    reading.run("BEGIN");
    try {
      const ends = active.map((place) => this.#endOf(place));
      const batches: RecordBatch[] = [];
      let left = this.#maxBytes;
      for (let turn = 0; turn < active.length && left > 0; turn++) {
        const at = (this.#first + turn) % active.length;
        const place = active[at]!;
        const records: LogRecord[] = [];
        left -= this.#read(place, ends[at]!, Math.ceil(left / (active.length - turn)), records);
        place.endSeenMs = place.offset! >= ends[at]! ? seenMs : undefined;
        if (records.length === 0) continue;
        const { topic, partition } = place;
        batches.push({ topic, partition, records, nextOffset: place.offset!, endOffset: ends[at]!, seenMs });
      }
      this.#first++;
      return batches;
    } finally {
      reading.run("COMMIT");
    }
  }

  /** Adds the next records of a partition to `into`, and returns how many UTF-16 units they had. */
  #read(place: Place, end: number, unitsMax: number, into: LogRecord[]): number {
    let left = unitsMax;
    const take = (cursor: BatchCursor) => {
      left -= cursor.take(place.topic, place.partition, left, into);
      place.offset = cursor.nextOffset;
      place.cursor = place.offset > cursor.lastOffset ? undefined : cursor;
    };
    if (place.cursor !== undefined) take(place.cursor);
    if (left <= 0 || place.offset! >= end) return unitsMax - left;
    const { reading } = this.#context.database;
    const rows = reading.statement(BATCHES_FROM).iterate(place.partitionId, place.offset!);
    for (const row of rows as unknown as Iterable<BatchRow>) {
      const cursor = new BatchCursor(row, place.keys);
      cursor.skipTo(place.offset!);
      take(cursor);
      if (left <= 0) return unitsMax - left;
    }
    place.offset = end; // What lay between the last batch and the end was compacted away.
    return unitsMax - left;
  }

  #endOf(place: Place): number {
    const range = partitionRange(this.#context.database.reading, place.partitionId);
    const name = `${place.topic}-${place.partition}`;
    if (range === undefined) {
      throw new UnknownTopicError(`Cannot go on reading ${name}: the topic was deleted`);
    }
    const [start, end] = range;
    if (place.offset! > end) {
      throw new LogUnavailableError(
        `Cannot read ${name} at offset ${place.offset}: it ends at ${end}. The event log was reset or restored; ` +
          "reset the state that remembers the offset, too",
      );
    }
    if (place.offset! < start) {
      place.offset = start;
      place.cursor = undefined;
    }
    return end;
  }
}

function checkOffset({ topic, partition, offset }: PartitionOffset): void {
  if (!Number.isSafeInteger(offset) || offset < 0) {
    throw new RangeError(`Cannot read ${topic}-${partition} at offset ${offset}: not a whole number from 0`);
  }
}
