/** What keeps the embedded log's file small: done beside the appends, in bites of a few milliseconds. */

import { compactPartition } from "./_sqlite_compaction.ts";
import type { Database } from "./_sqlite_database.ts";
import { sweepExpired } from "./_sqlite_retention.ts";
import type { WriteQueue } from "./_sqlite_write_queue.ts";

const SWEEP_INTERVAL_MS = 60_000;
/** When to try again to compact a partition that another process compacts, or after a failure. */
const RETRY_MS = 10_000;
const RETRY_AFTER_FAILURE_MS = 60_000;

/** Runs retention and compaction in the background of a process that appends. */
export class Upkeep {
  readonly #database: Database;
  readonly #queue: WriteQueue;
  readonly #closing = new AbortController();
  /** Partitions not to be compacted before a time of the steady clock. */
  readonly #notBeforeMs = new Map<number, number>();
  #work: Promise<void> = Promise.resolve();
  #sweptAtMs = -Infinity;

  constructor(database: Database, queue: WriteQueue) {
    this.#database = database;
    this.#queue = queue;
  }

  /** To be called after each append, with the partitions that have grown enough to be compacted. */
  appended(compactionDue: number[]): void {
    for (const partitionId of compactionDue) {
      if (performance.now() < (this.#notBeforeMs.get(partitionId) ?? 0)) continue;
      this.#notBeforeMs.set(partitionId, Infinity);
      this.#do("compaction", async (signal) => {
        let pauseMs = RETRY_AFTER_FAILURE_MS;
        try {
          const options = { signal, nowMs: Date.now() };
          pauseMs = await compactPartition(this.#database, this.#queue, partitionId, options) ? 0 : RETRY_MS;
        } finally {
          this.#notBeforeMs.set(partitionId, performance.now() + pauseMs);
        }
      });
    }
    if (performance.now() - this.#sweptAtMs < SWEEP_INTERVAL_MS) return;
    this.#sweptAtMs = performance.now();
    this.#do("retention", async (signal) => {
      const nowMs = Date.now();
      if (await this.#claimSweep(nowMs)) await sweepExpired(this.#database, this.#queue, { signal, nowMs });
    });
  }

  /** Ends what is going on after its current bite. */
  async close(): Promise<void> {
    this.#closing.abort();
    await this.#work;
  }

  /** One after another. A failure loses nothing: the file stays larger until a later try succeeds. */
  #do(what: string, work: (signal: AbortSignal) => Promise<void>): void {
    const { signal } = this.#closing;
    this.#work = this.#work.then(() => signal.aborted ? undefined : work(signal)).catch((error) => {
      console.error(`The event log's ${what} failed and will be tried again: ${error?.message ?? error}`);
    });
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
