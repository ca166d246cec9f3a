/**
 * Everything that a process writes to the embedded log, one after another: what waits when the lock is got is
 * written in one transaction, which makes one fsync serve many.
 *
 * Order of one round:
 * 1. Get the lock (`BEGIN IMMEDIATE`), in short tries.
 * 2. Do the waiting jobs, each within a savepoint, so that one that throws takes only itself back.
 * 3. `COMMIT`: only then the jobs' callers are answered.
 * 4. Pause, so that other processes get the lock; SQLite gives no one his turn.
 *
 * @module
 */

import { Checkpoint } from "./_sqlite_checkpoint.ts";
import { type Connection, type Database, explain, jitter, whileBusy } from "./_sqlite_database.ts";
import { LogUnavailableError } from "./event_log.ts";

/** Jobs are gathered into one transaction up to about this many bytes. */
const TRANSACTION_BYTES_MAX = 4 * 1024 * 1024;

interface Job {
  work: (connection: Connection) => unknown;
  bytes: number;
  resolve: (value: unknown) => void;
  reject: (reason: unknown) => void;
}

/** Runs jobs under the log's write lock. */
export class WriteQueue {
  readonly #database: Database;
  readonly #committed: () => void;
  readonly #waiting: Job[] = [];
  #draining: Promise<void> | undefined;
  readonly #checkpoint: Checkpoint;
  #closed = false;

  /** `committed` is called after each commit. */
  constructor(database: Database, committed: () => void) {
    this.#database = database;
    this.#committed = committed;
    this.#checkpoint = new Checkpoint(database.writing);
  }

  /**
   * Runs `work` under the write lock and resolves with what it returned once that is durable. Whatever `work`
   * throws takes its changes back and rejects. It must be short: nobody else writes meanwhile.
   */
  run<T>(work: (connection: Connection) => T, bytes = 0): Promise<T> {
    if (this.#closed) {
      return Promise.reject(new LogUnavailableError(`The event log "${this.#database.file}" is closed`));
    }
    return new Promise((resolve, reject) => {
      this.#waiting.push({ work, bytes, resolve: resolve as (value: unknown) => void, reject });
      this.#draining ??= this.#drain();
    });
  }

  /** Refuses further jobs and resolves when those that wait are done. */
  async close(): Promise<void> {
    this.#closed = true;
    await this.#draining;
  }

  async #drain(): Promise<void> {
    await Promise.resolve();
    while (this.#waiting.length > 0) {
      await this.#round();
      await jitter(0, 1);
    }
    this.#draining = undefined;
  }

  async #round(): Promise<void> {
    const { writing, file } = this.#database;
    try {
      await whileBusy(file, () => writing.exec("BEGIN IMMEDIATE"));
    } catch (error) {
      for (const job of this.#waiting.splice(0)) job.reject(explain(error, file));
      return;
    }
    const jobs = this.#take();
    const answers: (() => void)[] = [];
    try {
      for (const job of jobs) answers.push(this.#do(job));
      writing.exec("COMMIT");
    } catch (error) {
      this.#rollback();
      for (const job of jobs) job.reject(explain(error, file));
      return;
    }
    for (const answer of answers) answer();
    this.#committed();
    this.#checkpoint.committed(jobs.reduce((sum, { bytes }) => sum + bytes, 0));
  }

  /** Runs one job and returns how its caller is to be answered after the commit. */
  #do(job: Job): () => void {
    const { writing, file } = this.#database;
    writing.exec("SAVEPOINT job");
    try {
      const result = job.work(writing);
      writing.exec("RELEASE job");
      return () => job.resolve(result);
    } catch (error) {
      try {
        writing.exec("ROLLBACK TO job; RELEASE job");
      } catch {
        throw error; // SQLite rolled the whole transaction back by itself, as it does when the disk is full.
      }
      return () => job.reject(explain(error, file));
    }
  }

  #take(): Job[] {
    let bytes = 0;
    let count = 0;
    while (count < this.#waiting.length && (count === 0 || bytes < TRANSACTION_BYTES_MAX)) {
      bytes += this.#waiting[count]!.bytes;
      count++;
    }
    return this.#waiting.splice(0, count);
  }

  /** After some errors (a full disk) SQLite has rolled back by itself, and a second time is an error. */
  #rollback(): void {
    try {
      this.#database.writing.exec("ROLLBACK");
    } catch {
      // Nothing is open: what was to be achieved.
    }
  }
}
