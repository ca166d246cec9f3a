/**
 * Compaction of the embedded log: of a compacted topic's records only the last of each key is kept, at its offset.
 *
 * As in Kafka, records are appended like any others and a background pass drops what newer ones replace:
 * 1. Read what was appended since the last pass and remember the last offset of each key.
 * 2. Walk the partition from its start in bites. Each bite, under the lock: drop the records of remembered keys that
 *    have a newer one, drop tombstones that every reader had time to see, and put small batches together.
 * 3. Note how far the partition is clean.
 *
 * A bite depends only on facts that stay true (a newer record of that key exists), so a pass may end anywhere, and
 * several at once do no harm; a lease merely spares the double work.
 *
 * @module
 */

import { setImmediate } from "node:timers/promises";
import {
  BATCH_COLUMNS,
  BatchCursor,
  type BatchRow,
  BODY_UNITS_MAX,
  type KeyStrings,
  packPlaced,
  type PlacedRecord,
} from "./_sqlite_batch.ts";
import type { Connection, Database } from "./_sqlite_database.ts";
import { whileBusy } from "./_sqlite_database.ts";
import { insertBatch } from "./_sqlite_records.ts";
import type { WriteQueue } from "./_sqlite_write_queue.ts";
import type { LogRecord } from "./event_log.ts";

/** Keys that a pass remembers; bounds its memory. What exceeds it is left to the next pass. */
const KEYS_MAX = 250_000;
const BITE_BATCHES = 64;
const LEASE_MS = 60_000;
/** How long a tombstone stays for readers that saw the record which it deletes. */
const TOMBSTONE_KEPT_MS = 3_600_000;

const NEXT_BATCHES = `SELECT ${BATCH_COLUMNS} FROM batches
  WHERE id >= (?1 << 40) | ?2 AND id < ((?1 + 1) << 40) ORDER BY id LIMIT ?3`;

/** What a pass knows. */
interface Pass {
  partitionId: number;
  /** The last offset of each key that was appended since the last pass, up to `mapEnd`. */
  lastOffsets: Map<string, number>;
  mapEnd: number;
  dirtyBytes: number;
  tombstonesBeforeMs: number;
}

/** Runs one pass over a partition; `false` when another process is at it. */
export async function compactPartition(
  database: Database,
  queue: WriteQueue,
  partitionId: number,
  options: { nowMs: number; signal: AbortSignal; keysMax?: number },
): Promise<boolean> {
  const { nowMs, signal, keysMax = KEYS_MAX } = options;
  const cleanEnd = await queue.run((connection) =>
    connection.row<[number]>(
      `UPDATE partitions SET compacting_until_ms = ?2 + ?3
        WHERE id = ?1 AND NOT compacting_until_ms BETWEEN ?2 AND ?2 + ?3 RETURNING clean_end`,
      partitionId,
      nowMs,
      LEASE_MS,
    )?.[0]
  );
  if (cleanEnd === undefined) return false;
  const pass: Pass = {
    partitionId,
    lastOffsets: new Map(),
    mapEnd: cleanEnd,
    dirtyBytes: 0,
    tombstonesBeforeMs: nowMs - TOMBSTONE_KEPT_MS,
  };
  await remember(database, pass, keysMax, signal);
  let keptBytes = 0;
  for (let from = 0; from < pass.mapEnd && !signal.aborted;) {
    const bite = await queue.run((connection) => compactBite(connection, pass, from), BODY_UNITS_MAX);
    from = bite.next;
    keptBytes += bite.keptBytes;
    await setImmediate();
  }
  if (signal.aborted) return true;
  await queue.run((connection) =>
    connection.run(
      `UPDATE partitions SET clean_end = max(clean_end, ?2), clean_bytes = ?3,
        dirty_bytes = max(0, dirty_bytes - ?4), compacting_until_ms = 0 WHERE id = ?1`,
      partitionId,
      pass.mapEnd,
      keptBytes,
      pass.dirtyBytes,
    )
  );
  return true;
}

/** Step 1: the last offset of each key that was appended since the last pass. */
async function remember(database: Database, pass: Pass, keysMax: number, signal: AbortSignal): Promise<void> {
  while (pass.lastOffsets.size < keysMax && !signal.aborted) {
    const row = await whileBusy(
      database.file,
      () => database.reading.row<BatchRow>(NEXT_BATCHES, pass.partitionId, pass.mapEnd, 1),
    );
    if (row === undefined) return;
    for (const { key, offset } of recordsOf(row, "own")) pass.lastOffsets.set(key!, offset);
    pass.mapEnd = row[1] + 1;
    pass.dirtyBytes += bytesOf(row);
    await setImmediate();
  }
}

/** Step 2: one bite from `from` on; under the write lock. */
function compactBite(connection: Connection, pass: Pass, from: number): { next: number; keptBytes: number } {
  const rows: BatchRow[] = [];
  let units = 0;
  const found = connection.statement(NEXT_BATCHES).iterate(pass.partitionId, from, BITE_BATCHES);
  for (const row of found as unknown as Iterable<BatchRow>) {
    if (row[0] >= pass.mapEnd || (rows.length > 0 && units + row[6].length > BODY_UNITS_MAX)) break;
    units += row[6].length;
    rows.push(row);
  }
  if (rows.length === 0) return { next: pass.mapEnd, keptBytes: 0 };
  const all = rows.flatMap((row) => recordsOf(row, "cut"));
  const kept = all.filter((record) => isKept(record, pass));
  const [first, , timestampMs] = rows[0]!;
  const last = rows.at(-1)![1];
  const next = last + 1;
  if (kept.length === all.length && rows.length === 1) return { next, keptBytes: bytesOf(rows[0]!) };
  connection.run(
    "DELETE FROM batches WHERE id BETWEEN (?1 << 40) | ?2 AND (?1 << 40) | ?3",
    pass.partitionId,
    first,
    last,
  );
  if (kept.length === 0) return { next, keptBytes: 0 };
  const batch = packPlaced(kept, first, timestampMs);
  insertBatch(connection, pass.partitionId, first, last, timestampMs, batch);
  return { next, keptBytes: batch.lengths.length + batch.body.length };
}

function isKept({ key, value, offset, timestampMs }: PlacedRecord, pass: Pass): boolean {
  const lastOffset = pass.lastOffsets.get(key!);
  if (lastOffset !== undefined && offset < lastOffset) return false;
  // What an old tombstone deletes lay before it, and this pass has dropped it already.
  return value !== null || timestampMs >= pass.tombstonesBeforeMs;
}

function recordsOf(row: BatchRow, keys: KeyStrings): LogRecord[] {
  const records: LogRecord[] = [];
  const cursor = new BatchCursor(row, keys);
  while (cursor.take("", 0, Infinity, records) > 0);
  return records;
}

function bytesOf(row: BatchRow): number {
  return row[3].length + row[6].length;
}
