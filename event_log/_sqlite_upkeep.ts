/** What keeps the embedded log's file small: done beside the appends, in bites of a few milliseconds. */

import { compactPartition } from "./_sqlite_compaction.ts";
import type { Database } from "./_sqlite_database.ts";
import { sweepExpired } from "./_sqlite_retention.ts";
import type { WriteQueue } from "./_sqlite_write_queue.ts";

const SWEEP_INTERVAL_MS = 60_000;

/** Runs retention and compaction in the background of a process that appends. */
export class Upkeep {
  readonly #database: Database;
  readonly #queue: WriteQueue;
  readonly #closing = new AbortController();
  readonly #compacting = new Set<number>();
  #work: Promise<void> = Promise.resolve();
  #sweptAtMs = -Infinity;

  constructor(database: Database, queue: WriteQueue) {
    this.#database = database;
    this.#queue = queue;
  }

  /** To be called after each append, with the partitions that have grown enough to be compacted. */
  appended(compactionDue: number[]): void {
    for (const partitionId of compactionDue) {
      if (this.#compacting.has(partitionId)) continue;
      this.#compacting.add(partitionId);
      this.#do(async (signal) => {
        try {
          await compactPartition(this.#database, this.#queue, partitionId, { signal, nowMs: Date.now() });
        } finally {
          this.#compacting.delete(partitionId);
        }
      });
    }
    if (performance.now() - this.#sweptAtMs < SWEEP_INTERVAL_MS) return;
    this.#sweptAtMs = performance.now();
    this.#do(async (signal) => {
      const nowMs = Date.now();
      if (await this.#claimSweep(nowMs)) await sweepExpired(this.#database, this.#queue, { signal, nowMs });
    });
  }

  /** Ends what is going on after its current bite. */
  async close(): Promise<void> {
    this.#closing.abort();
    await this.#work;
  }

  /** One after another. What fails now is tried again after later appends, which fail themselves if it matters. */
  #do(work: (signal: AbortSignal) => Promise<void>): void {
    const { signal } = this.#closing;
    this.#work = this.#work.then(() => signal.aborted ? undefined : work(signal)).catch(() => {});
  }

  /** Whether it is our turn to sweep: one process does it for all. A clock that was set back does not stop it. */
  #claimSweep(nowMs: number): Promise<boolean> {
    return this.#queue.run((connection) =>
      connection.run(
        `INSERT INTO meta VALUES ('swept_at_ms', ?1) ON CONFLICT (key) DO UPDATE SET value = ?1
          WHERE abs(?1 - CAST(value AS INTEGER)) >= ?2`,
        String(nowMs),
        SWEEP_INTERVAL_MS,
      ) > 0
    );
  }
}
