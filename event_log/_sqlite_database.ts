/**
 * The embedded log's file: opening, schema, statements, and errors in the operator's words.
 *
 * A process has two connections: one writes, one reads. So `PRAGMA data_version` of the reading one changes with
 * every commit, of this process or another, and a read never waits for a write.
 *
 * @module
 */

import { mkdir } from "node:fs/promises";
import { dirname } from "node:path";
import { DatabaseSync, type StatementSync } from "node:sqlite";
import { LogUnavailableError } from "./event_log.ts";

/** The format that this program writes. A log of a higher one is refused. */
export const FORMAT_VERSION = 1;
/** How long a lock of another process is waited for. */
const LOCK_DEADLINE_MS = 30_000;

const PAGE_BYTES = 8192;
const WAL_KEPT_BYTES = 64 * 1024 * 1024;
const CACHE_KIB = 16 * 1024;

/**
 * A batch's id holds its partition's id above 40 bits and the offset of its first record below, so that reading a
 * partition is one walk along one B-tree. Offsets that a batch covers are `[id & OFFSET_MASK, last_offset]`.
 */
const SCHEMA = `
CREATE TABLE IF NOT EXISTS meta (key TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT, WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS topics (
  id INTEGER PRIMARY KEY AUTOINCREMENT, name TEXT NOT NULL UNIQUE, partitions INTEGER NOT NULL,
  cleanup TEXT NOT NULL CHECK (cleanup IN ('delete', 'compact')), retention_ms INTEGER NOT NULL) STRICT;
CREATE TABLE IF NOT EXISTS partitions (
  id INTEGER PRIMARY KEY AUTOINCREMENT, topic_id INTEGER NOT NULL, partition INTEGER NOT NULL,
  start_offset INTEGER NOT NULL DEFAULT 0, end_offset INTEGER NOT NULL DEFAULT 0,
  clean_end INTEGER NOT NULL DEFAULT 0, clean_bytes INTEGER NOT NULL DEFAULT 0,
  dirty_bytes INTEGER NOT NULL DEFAULT 0, compacting_until_ms INTEGER NOT NULL DEFAULT 0,
  UNIQUE (topic_id, partition)) STRICT;
CREATE TABLE IF NOT EXISTS batches (
  id INTEGER PRIMARY KEY, last_offset INTEGER NOT NULL, timestamp_ms INTEGER NOT NULL, lengths BLOB NOT NULL,
  places BLOB, headers TEXT, body BLOB NOT NULL) STRICT;
CREATE TABLE IF NOT EXISTS dropped_partitions (id INTEGER PRIMARY KEY) STRICT;
CREATE TABLE IF NOT EXISTS transactors (id TEXT PRIMARY KEY, epoch INTEGER NOT NULL) STRICT, WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS group_offsets (
  group_name TEXT NOT NULL, topic TEXT NOT NULL, partition INTEGER NOT NULL, next_offset INTEGER NOT NULL,
  PRIMARY KEY (group_name, topic, partition)) STRICT, WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS members (
  seat INTEGER PRIMARY KEY AUTOINCREMENT, group_name TEXT NOT NULL, id TEXT NOT NULL UNIQUE,
  beat INTEGER NOT NULL, heartbeat_ms INTEGER NOT NULL, session_timeout_ms INTEGER NOT NULL) STRICT;
CREATE INDEX IF NOT EXISTS members_of_group ON members (group_name);
CREATE TABLE IF NOT EXISTS assignments (
  group_name TEXT NOT NULL, partition INTEGER NOT NULL, owner TEXT, holder TEXT,
  PRIMARY KEY (group_name, partition)) STRICT, WITHOUT ROWID;
`;

/** Deno's types of `node:sqlite` do not know this method of Node's yet. */
type ArrayStatement = StatementSync & { setReturnArrays(enabled: boolean): void };

/** A connection whose statements are prepared once. Rows come as arrays. */
export class Connection {
  readonly #database: DatabaseSync;
  readonly #statements = new Map<string, StatementSync>();

  constructor(file: string, options: { readOnly?: boolean } = {}) {
    this.#database = new DatabaseSync(file, { readOnly: options.readOnly ?? false });
    this.#database.exec("PRAGMA busy_timeout = 0");
  }

  exec(sql: string): void {
    this.#database.exec(sql);
  }

  /** The statement of `sql`, from the cache. It must not be used again while it is being iterated. */
  statement(sql: string): StatementSync {
    let statement = this.#statements.get(sql);
    if (statement === undefined) {
      statement = this.#database.prepare(sql);
      (statement as ArrayStatement).setReturnArrays(true);
      this.#statements.set(sql, statement);
    }
    return statement;
  }

  /** The first row, or `undefined`. `Row` is the caller's word for the columns' types. */
  row<Row extends unknown[]>(
    sql: string,
    ...values: (string | number | Uint8Array | null)[]
  ): Row | undefined {
    return this.statement(sql).get(...values) as unknown as Row | undefined;
  }

  rows<Row extends unknown[]>(sql: string, ...values: (string | number | Uint8Array | null)[]): Row[] {
    return this.statement(sql).all(...values) as unknown as Row[];
  }

  /** Runs a change and returns how many rows it changed. */
  run(sql: string, ...values: (string | number | Uint8Array | null)[]): number {
    return Number(this.statement(sql).run(...values).changes);
  }

  close(): void {
    this.#statements.clear();
    this.#database.close();
  }
}

/** The open file. */
export interface Database {
  file: string;
  logId: string;
  writing: Connection;
  reading: Connection;
  close(): void;
}

/**
 * Opens the log's file and makes folder, file and tables where they are missing; safe when several do it at once.
 * With `readOnly` nothing is made, and every change is refused.
 *
 * @throws {LogUnavailableError} when it cannot be opened, is no event log, or was written by a newer program
 */
export async function openDatabase(file: string, options: { readOnly?: boolean } = {}): Promise<Database> {
  const connections: Connection[] = [];
  const close = () => connections.splice(0).forEach((connection) => connection.close());
  try {
    if (options.readOnly === true) {
      return await whileBusy(file, () => {
        close();
        const reading = new Connection(file, { readOnly: true });
        connections.push(reading);
        reading.exec(`PRAGMA cache_size = -${CACHE_KIB}; PRAGMA query_only = ON`);
        if (checkTables(file, reading) === 0) {
          throw new LogUnavailableError(
            `There is no event log in "${file}" yet: create it with deno task topics`,
          );
        }
        return { file, logId: readLogId(file, reading), writing: reading, reading, close };
      });
    }
    await mkdir(dirname(file), { recursive: true });
    return await whileBusy(file, () => {
      close();
      const writing = new Connection(file);
      connections.push(writing);
      const logId = prepareFile(file, writing);
      const reading = new Connection(file);
      connections.push(reading);
      for (const connection of connections) connection.exec(`PRAGMA cache_size = -${CACHE_KIB}`);
      reading.exec("PRAGMA query_only = ON");
      return { file, logId, writing, reading, close };
    });
  } catch (error) {
    close();
    throw explain(error, file);
  }
}

/** How many tables the file has; throws where they are those of something else. */
function checkTables(file: string, connection: Connection): number {
  const tables = connection.row<[number, number]>(
    "SELECT count(*), sum(name = 'meta' OR name = 'batches') FROM sqlite_schema WHERE type = 'table'",
  )!;
  if (tables[0] > 0 && tables[1] < 2) {
    throw new LogUnavailableError(
      `Cannot use "${file}" as event log: it is a database of something else. Give another file`,
    );
  }
  return tables[0];
}

/** Makes the tables where they are missing and returns the log's id. */
function prepareFile(file: string, connection: Connection): string {
  const tables = checkTables(file, connection);
  connection.exec(`PRAGMA page_size = ${PAGE_BYTES}; PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL;
    PRAGMA wal_autocheckpoint = 0; PRAGMA journal_size_limit = ${WAL_KEPT_BYTES}`);
  if (tables === 0) {
    connection.exec("BEGIN IMMEDIATE");
    try {
      connection.exec(SCHEMA);
      const insert = "INSERT OR IGNORE INTO meta VALUES (?, ?)";
      connection.run(insert, "format_version", String(FORMAT_VERSION));
      connection.run(insert, "log_id", crypto.randomUUID());
      connection.exec("COMMIT");
    } catch (error) {
      connection.exec("ROLLBACK");
      throw error;
    }
  }
  return readLogId(file, connection);
}

/** The log's id; throws where the file has another format than ours. */
function readLogId(file: string, connection: Connection): string {
  const meta = new Map(connection.rows<[string, string]>("SELECT key, value FROM meta"));
  const version = Number(meta.get("format_version"));
  if (version !== FORMAT_VERSION) {
    throw new LogUnavailableError(
      `Cannot open the event log "${file}": its format is ${version}, this program knows ${FORMAT_VERSION}. ` +
        "Use the version of the program that wrote it, or give another file",
    );
  }
  return meta.get("log_id")!;
}

/** Whether another connection held the lock that was needed. */
export function isBusy(error: unknown): boolean {
  return error instanceof Error && /database (table |schema )?is locked/.test(error.message);
}

/** Waits a moment, shorter or longer by chance, so that those who wait do not step on each other again. */
export function jitter(leastMs: number, mostMs: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, leastMs + Math.random() * (mostMs - leastMs)));
}

/**
 * Tries until no other connection is in the way. SQLite's lock is not fair, so short tries, spread by chance.
 *
 * @throws {LogUnavailableError} after {@link LOCK_DEADLINE_MS}
 */
export async function whileBusy<T>(file: string, attempt: () => T): Promise<T> {
  const start = performance.now();
  while (true) {
    try {
      return attempt();
    } catch (error) {
      if (!isBusy(error)) throw error;
      if (performance.now() - start > LOCK_DEADLINE_MS) {
        throw new LogUnavailableError(
          `Cannot get hold of the event log "${file}": other processes held its lock for ` +
            `${LOCK_DEADLINE_MS} ms. Look for a process that hangs or is stopped`,
          { cause: error },
        );
      }
    }
    await jitter(1, 4);
  }
}

const REMEDIES: [RegExp, string][] = [
  [/database is not open/, "it is closed"],
  [/database or disk is full/, "the disk is full. Make room or move the data folder"],
  [/readonly database/, "it may only be read. Allow writing to the file and its folder"],
  [/unable to open database/, "it cannot be opened. Check that the folder exists and may be written"],
  [/not a database/, "it is not a database. Give another file"],
  [/malformed/, "it is damaged. Restore it from a backup or remove it to start a new log"],
  [/disk I\/O error/, "reading or writing failed. Check the disk and its free space"],
];

/** The error in the operator's words where it comes from the file; any other as it is. */
export function explain(error: unknown, file: string): unknown {
  if (!(error instanceof Error) || error instanceof LogUnavailableError) return error;
  const code = (error as { code?: string }).code ?? "";
  if (/^E[A-Z]+$/.test(code)) {
    return new LogUnavailableError(
      `Cannot make the folder of the event log "${file}" (${code}). Check that it may be written`,
      { cause: error },
    );
  }
  const remedy = REMEDIES.find(([pattern]) => pattern.test(error.message));
  if (remedy === undefined) return error;
  return new LogUnavailableError(`Cannot use the event log "${file}": ${remedy[1]}`, { cause: error });
}
