/** Ages records out of the embedded log, and clears away what deleted topics left. */

import type { Connection, Database } from "./_sqlite_database.ts";
import { whileBusy } from "./_sqlite_database.ts";
import type { WriteQueue } from "./_sqlite_write_queue.ts";

/** Batches that are deleted under one lock. */
const BITE_BATCHES = 16;

/** Deletes from the start of each partition the batches that are older than their topic keeps them. */
export async function sweepExpired(
  database: Database,
  queue: WriteQueue,
  options: { nowMs: number; signal: AbortSignal },
): Promise<void> {
  const { nowMs, signal } = options;
  const partitions = await whileBusy(database.file, () =>
    database.reading.rows<[number, number]>(
      `SELECT partitions.id, retention_ms FROM partitions JOIN topics ON topics.id = topic_id
        WHERE cleanup = 'delete' AND retention_ms >= 0 AND start_offset < end_offset`,
    ));
  for (const [id, retentionMs] of partitions) {
    const beforeMs = nowMs - retentionMs;
    const isDue = () => whileBusy(database.file, () => oldBatches(database.reading, id, beforeMs).length > 0);
    while (!signal.aborted && await isDue()) {
      await queue.run((connection) => deleteOldest(connection, id, beforeMs));
    }
  }
  await clearDropped(database, queue, signal);
}

/** The last offsets of the oldest batches, as far as they are older than `beforeMs`. */
function oldBatches(connection: Connection, partitionId: number, beforeMs: number): number[] {
  const rows = connection.rows<[number, number]>(
    `SELECT last_offset, timestamp_ms FROM batches
      WHERE id >= ?1 << 40 AND id < (?1 + 1) << 40 ORDER BY id LIMIT ${BITE_BATCHES}`,
    partitionId,
  );
  const young = rows.findIndex(([, timestampMs]) => timestampMs >= beforeMs);
  return (young < 0 ? rows : rows.slice(0, young)).map(([lastOffset]) => lastOffset);
}

function deleteOldest(connection: Connection, partitionId: number, beforeMs: number): void {
  const last = oldBatches(connection, partitionId, beforeMs).at(-1);
  if (last === undefined) return;
  connection.run("DELETE FROM batches WHERE id BETWEEN ?1 << 40 AND (?1 << 40) | ?2", partitionId, last);
  connection.run("UPDATE partitions SET start_offset = ?2 WHERE id = ?1", partitionId, last + 1);
}

async function clearDropped(database: Database, queue: WriteQueue, signal: AbortSignal): Promise<void> {
  const dropped = await whileBusy(
    database.file,
    () => database.reading.rows<[number]>("SELECT id FROM dropped_partitions"),
  );
  for (const [id] of dropped) {
    let left = true;
    while (left && !signal.aborted) {
      left = await queue.run((connection) => {
        const deleted = connection.run(
          `DELETE FROM batches WHERE id IN (SELECT id FROM batches
            WHERE id >= ?1 << 40 AND id < (?1 + 1) << 40 ORDER BY id LIMIT ${BITE_BATCHES})`,
          id,
        );
        if (deleted === 0) connection.run("DELETE FROM dropped_partitions WHERE id = ?", id);
        return deleted > 0;
      });
    }
  }
}
