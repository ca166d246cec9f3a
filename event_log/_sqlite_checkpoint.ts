/**
 * Keeps the embedded log's write-ahead file bounded.
 *
 * SQLite's automatic checkpoint never gets to the end where several processes write without a pause (measured: two
 * writers, 1 GB in 8 s). So a checkpoint runs every few MiB of writes, and where it falls behind, one that makes the
 * other writers wait for some milliseconds.
 *
 * @module
 */

import type { Connection } from "./_sqlite_database.ts";

const BYTES_BETWEEN = 4 * 1024 * 1024;
const COMMITS_BETWEEN = 256;
/** Pages of the write-ahead file above which the others must wait: 32 MiB. */
const PAGES_MAX = 4096;
/** How long readers are waited for, with this process standing still. */
const READERS_WAIT_MS = 100;

/** Decides after each commit whether to checkpoint. */
export class Checkpoint {
  readonly #connection: Connection;
  #bytes = 0;
  #commits = 0;
  #pagesAllowed = PAGES_MAX;

  constructor(connection: Connection) {
    this.#connection = connection;
  }

  /** To be called after each commit of about `bytes`. */
  committed(bytes: number): void {
    this.#bytes += bytes;
    this.#commits++;
    if (this.#bytes < BYTES_BETWEEN && this.#commits < COMMITS_BETWEEN) return;
    this.#bytes = 0;
    this.#commits = 0;
    try {
      this.#checkpoint();
    } catch {
      // What was committed is safe in the write-ahead file. If the disk is the reason, the next commit says so.
    }
  }

  #checkpoint(): void {
    const [, pages] = this.#connection.row<[number, number]>("PRAGMA wal_checkpoint(PASSIVE)")!;
    if (pages <= this.#pagesAllowed) return;
    this.#connection.exec(`PRAGMA busy_timeout = ${READERS_WAIT_MS}`);
    try {
      const [busy] = this.#connection.row<[number]>("PRAGMA wal_checkpoint(TRUNCATE)")!;
      // A process that was stopped while it read holds the file: do not stand still for it each time.
      this.#pagesAllowed = busy === 0 ? PAGES_MAX : pages + PAGES_MAX;
    } finally {
      this.#connection.exec("PRAGMA busy_timeout = 0");
    }
  }
}
