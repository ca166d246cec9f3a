/**
 * Summaries in one SQLite file, shared by all processes of one machine.
 *
 * @module
 */

import { mkdir } from "node:fs/promises";
import { dirname } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { FencedError } from "../event_log/event_log.ts";
import { OperatorError } from "../process/run_process.ts";
import type { SummarizedFlight } from "./flight_change.ts";
import { ChangedSummaryError } from "./summary_store.ts";
import type { ClaimedTopicPartition, NewSummary, StoredSummary, SummaryStore } from "./summary_store.ts";
import type { TokenWindow } from "./token_budget.ts";

/** The format that this program writes. A file of another one is refused. */
const FORMAT_VERSION = 1;
/** How long a lock of another process is waited for. */
const LOCK_DEADLINE_MS = 10_000;
const TOKENS_KEPT_MS = 2 * 24 * 60 * 60 * 1000;

const SCHEMA = `
CREATE TABLE IF NOT EXISTS flight_summaries (
  id INTEGER PRIMARY KEY AUTOINCREMENT, flight_ident TEXT NOT NULL, fa_flight_id TEXT NOT NULL UNIQUE,
  summary_text TEXT NOT NULL, model_used TEXT, tokens_used INTEGER, generated_at TEXT NOT NULL, created_at TEXT NOT NULL,
  updated_at TEXT NOT NULL, changes INTEGER NOT NULL DEFAULT 0, told TEXT) STRICT;
CREATE INDEX IF NOT EXISTS flight_summaries_by_ident ON flight_summaries (flight_ident, generated_at DESC);
CREATE TABLE IF NOT EXISTS summary_partition (
  log_id TEXT NOT NULL, partition INTEGER NOT NULL, epoch INTEGER NOT NULL, next_offset INTEGER,
  PRIMARY KEY (log_id, partition)) STRICT, WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS summary_tokens (
  kind TEXT NOT NULL, window_start INTEGER NOT NULL, spent INTEGER NOT NULL,
  PRIMARY KEY (kind, window_start)) STRICT, WITHOUT ROWID;
`;

/** See the module. */
export class SqliteSummaryStore implements SummaryStore {
  readonly #database: DatabaseSync;
  readonly #file: string;

  private constructor(database: DatabaseSync, file: string) {
    this.#database = database;
    this.#file = file;
  }

  /**
   * Opens the file and makes folder, file and tables where they are missing; safe when several do it at once.
   *
   * @throws {OperatorError} when it cannot be opened, or has another format.
   */
  static async open(file: string): Promise<SqliteSummaryStore> {
    let database: DatabaseSync | undefined;
    try {
      await mkdir(dirname(file), { recursive: true });
      database = new DatabaseSync(file);
      database.exec("PRAGMA busy_timeout = 0");
      const store = new SqliteSummaryStore(database, file);
      await store.#prepare();
      return store;
    } catch (error) {
      database?.close();
      if (error instanceof OperatorError) throw error;
      throw new OperatorError(
        `Cannot use "${file}" for the summaries: ${(error as Error).message}. See TRACKER_SUMMARIES_FILE`,
      );
    }
  }

  async #prepare(): Promise<void> {
    const database = this.#database;
    await this.#whileBusy(() => database.exec("PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL"));
    await this.#write(() => {
      const version = Number(database.prepare("PRAGMA user_version").get()!.user_version);
      if (version === FORMAT_VERSION) return;
      const tables = Number(database.prepare("SELECT count(*) AS n FROM sqlite_schema").get()!.n);
      if (version !== 0 || tables > 0) {
        throw new OperatorError(
          `"${this.#file}" holds no summaries that this program knows (format ${version}, expected ${FORMAT_VERSION}): give another file by TRACKER_SUMMARIES_FILE`,
        );
      }
      database.exec(SCHEMA);
      database.exec(`PRAGMA user_version = ${FORMAT_VERSION}`);
    });
  }

  async claim(logId: string, partition: number): Promise<ClaimedTopicPartition> {
    const row = await this.#write(() =>
      this.#database.prepare(
        `INSERT INTO summary_partition (log_id, partition, epoch) VALUES (?, ?, 1)
         ON CONFLICT (log_id, partition) DO UPDATE SET epoch = epoch + 1 RETURNING epoch, next_offset`,
      ).get(logId, partition)!
    );
    return {
      logId,
      partition,
      epoch: row.epoch as number,
      nextOffset: row.next_offset as number | null,
    };
  }

  flights(ids: readonly string[]): Promise<Map<string, SummarizedFlight>> {
    const rows = this.#database.prepare(
      `SELECT fa_flight_id, told, changes FROM flight_summaries
       WHERE fa_flight_id IN (SELECT value FROM json_each(?))`,
    ).all(JSON.stringify(ids));
    return Promise.resolve(
      new Map(rows.map(({ fa_flight_id, told, changes }) => [fa_flight_id as string, {
        told: told === null ? undefined : JSON.parse(told as string),
        changes: changes as number,
      }])),
    );
  }

  async commit(
    { logId, partition, epoch }: ClaimedTopicPartition,
    { nextOffset, summaries }: { nextOffset: number; summaries: readonly NewSummary[] },
  ): Promise<void> {
    await this.#write(() => {
      const owned = this.#database.prepare(
        "UPDATE summary_partition SET next_offset = ? WHERE log_id = ? AND partition = ? AND epoch = ?",
      ).run(nextOffset, logId, partition, epoch);
      if (Number(owned.changes) === 0) {
        throw new FencedError(
          `Another llm-summary-service has taken over partition ${partition}: nothing is stored`,
        );
      }
      const store = this.#database.prepare(
        `INSERT INTO flight_summaries AS old
           (flight_ident, fa_flight_id, summary_text, model_used, tokens_used, generated_at, created_at, updated_at, told, changes)
         VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
         ON CONFLICT (fa_flight_id) DO UPDATE SET
           flight_ident = excluded.flight_ident, summary_text = excluded.summary_text, model_used = excluded.model_used,
           tokens_used = excluded.tokens_used, generated_at = excluded.generated_at, updated_at = excluded.updated_at,
           told = excluded.told, changes = excluded.changes
         WHERE old.changes = ?`,
      );
      for (const summary of summaries) {
        const { told, ident, text, modelUsed, tokensUsed, changes, changesBefore } = summary;
        const at = new Date(summary.generatedMs).toISOString();
        const id = told.fa_flight_id;
        const values = [ident, id, text, modelUsed, tokensUsed, at, at, at, JSON.stringify(told), changes];
        if (Number(store.run(...values, changesBefore).changes) === 0) {
          throw new ChangedSummaryError(`The summary of ${id} was changed by another one: nothing is stored`);
        }
      }
    });
  }

  newest(ident: string): Promise<StoredSummary | undefined> {
    const row = this.#database.prepare(
      `SELECT flight_ident, fa_flight_id, summary_text, model_used, generated_at FROM flight_summaries
       WHERE flight_ident = ?
       ORDER BY generated_at DESC, told ->> '$.scheduled_out' DESC NULLS LAST, id DESC LIMIT 1`,
    ).get(ident);
    return Promise.resolve(
      row === undefined ? undefined : {
        ident: row.flight_ident as string,
        faFlightId: row.fa_flight_id as string,
        text: row.summary_text as string,
        modelUsed: row.model_used as string | null,
        generatedMs: Date.parse(row.generated_at as string),
      },
    );
  }

  async takeTokens(tokens: number, windows: readonly TokenWindow[]): Promise<TokenWindow | undefined> {
    return await this.#write(() => {
      const spent = this.#database.prepare(
        "SELECT spent FROM summary_tokens WHERE kind = ? AND window_start = ?",
      );
      const full = windows.find(({ kind, startMs, most }) =>
        Number(spent.get(kind, startMs)?.spent ?? 0) + tokens > most
      );
      if (full === undefined) this.#add(tokens, windows);
      return full;
    });
  }

  async addTokens(tokens: number, windows: readonly TokenWindow[]): Promise<void> {
    await this.#write(() => this.#add(tokens, windows));
  }

  #add(tokens: number, windows: readonly TokenWindow[]): void {
    const add = this.#database.prepare(
      `INSERT INTO summary_tokens VALUES (?, ?, ?)
       ON CONFLICT (kind, window_start) DO UPDATE SET spent = spent + excluded.spent`,
    );
    for (const { kind, startMs } of windows) add.run(kind, startMs, tokens);
    const newestMs = Math.max(...windows.map(({ startMs }) => startMs));
    this.#database.prepare("DELETE FROM summary_tokens WHERE window_start < ?").run(
      newestMs - TOKENS_KEPT_MS,
    );
  }

  check(): Promise<void> {
    this.#database.prepare("SELECT 1 FROM summary_partition LIMIT 1").get();
    return Promise.resolve();
  }

  close(): Promise<void> {
    this.#database.close();
    return Promise.resolve();
  }

  /** Runs a change as one transaction; `change` must be done when it returns. */
  #write<T>(change: () => T): Promise<T> {
    return this.#whileBusy(() => {
      this.#database.exec("BEGIN IMMEDIATE");
      try {
        const result = change();
        this.#database.exec("COMMIT");
        return result;
      } catch (error) {
        // After a full disk SQLite has rolled back by itself.
        if (this.#database.isTransaction) this.#database.exec("ROLLBACK");
        throw error;
      }
    });
  }

  /** SQLite's lock is not fair, so short tries, spread by chance, and without blocking the process. */
  async #whileBusy<T>(attempt: () => T): Promise<T> {
    const untilMs = performance.now() + LOCK_DEADLINE_MS;
    for (;;) {
      try {
        return attempt();
      } catch (error) {
        const isBusy = error instanceof Error && /database (table |schema )?is locked/.test(error.message);
        if (!isBusy || performance.now() > untilMs) throw error;
      }
      await new Promise((resolve) => setTimeout(resolve, 1 + 4 * Math.random()));
    }
  }
}
