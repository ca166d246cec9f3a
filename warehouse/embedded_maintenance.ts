/**
 * What a Postgres does in the background and the embedded engine, having no background, does not: checkpoints, without
 * which its log grows for ever, and statistics and clean-up of the tables.
 *
 * @module
 */

import type { PGlite } from "@electric-sql/pglite";

/** Who gives the engine away for a while; see `PostgresServer.exclusively`. */
export interface EngineShare {
  exclusively<T>(work: (engine: PGlite) => Promise<T>): Promise<T>;
}

const LOOK_EVERY_MS = 60_000;
/** Bytes of log after which a checkpoint is made: replaying so much takes about a second. */
const CHECKPOINT_BYTES = 64 * 1024 * 1024;
/** Bytes of log after which the tables are analysed and cleaned up. */
const VACUUM_BYTES = 256 * 1024 * 1024;

/** Looks once a minute whether there is something to do. Returns what ends it, and resolves when no work is left. */
export function startMaintenance(share: EngineShare, lookEveryMs = LOOK_EVERY_MS): () => Promise<void> {
  let vacuumedAt = 0;
  let checkpointAt = 0;
  let working = Promise.resolve();
  const look = async (engine: PGlite) => {
    const { rows } = await engine.query<{ at: number }>(
      "select (pg_current_wal_insert_lsn() - '0/0'::pg_lsn)::float8 as at",
    );
    const at = rows[0]!.at;
    if (vacuumedAt === 0) vacuumedAt = checkpointAt = at;
    if (at - vacuumedAt >= VACUUM_BYTES) {
      await engine.exec("vacuum (analyze)");
      vacuumedAt = at;
    }
    if (at - checkpointAt >= CHECKPOINT_BYTES) {
      await engine.exec("checkpoint");
      checkpointAt = at;
    }
  };
  const timer = setInterval(() => {
    // An engine that has ended itself is reported by the server.
    working = working.then(() => share.exclusively(look)).catch(() => {});
  }, lookEveryMs);
  return () => {
    clearInterval(timer);
    return working;
  };
}
