/** A SQLite database as it is at one moment, while others write it. */

import { join } from "node:path";
import { backup, DatabaseSync } from "node:sqlite";
import { removeIfThere } from "../process/files.ts";
import { OperatorError } from "../process/run_process.ts";
import type { BackedUpFile } from "./backup_file.ts";
import { storeFile } from "./store_files.ts";
import type { Storing } from "./store_files.ts";

/** All pages in one go, under one read transaction: with several, each commit of another process begins it anew. */
const ALL_PAGES = 2 ** 31 - 1;
const BUSY_TIMEOUT_MS = 30_000;

/**
 * Stores the database in `file` as of now, by SQLite's online backup: writers go on meanwhile. The copy lies beside the
 * backups while it is stored.
 *
 * @throws {OperatorError} where it is no sound database.
 */
export async function storeSqlite(
  file: string,
  name: string,
  temporaryFolder: string,
  storing: Storing,
): Promise<BackedUpFile> {
  const copy = join(temporaryFolder, `.${name}.${crypto.randomUUID().slice(0, 8)}.tmp`);
  const source = new DatabaseSync(file, { readOnly: true });
  try {
    source.exec(`PRAGMA busy_timeout = ${BUSY_TIMEOUT_MS}`);
    await backup(source, copy, { rate: ALL_PAGES });
  } catch (error) {
    await removeIfThere(copy).catch(() => {});
    throw new OperatorError(`Cannot copy the database "${file}": ${(error as Error).message}`, {
      cause: error,
    });
  } finally {
    source.close();
  }
  try {
    return { ...await storeFile(copy, name, storing, undefined), modified_ms: null };
  } finally {
    for (const ending of ["", "-wal", "-shm", "-journal"]) await removeIfThere(copy + ending).catch(() => {});
  }
}

/**
 * Asks a restored copy whether it is whole.
 *
 * @throws {OperatorError} where it is not.
 */
export function checkSqlite(file: string): void {
  const database = new DatabaseSync(file);
  try {
    const row = database.prepare("PRAGMA quick_check(1)").get() as Record<string, unknown>;
    const answer = Object.values(row)[0];
    if (answer !== "ok") throw new OperatorError(`The restored database "${file}" is not whole: ${answer}`);
    // Its write-ahead file, empty, is gone once it is closed.
    database.exec("PRAGMA wal_checkpoint(TRUNCATE)");
  } finally {
    database.close();
  }
}

/**
 * Whether another connection has a database open, so that replacing its file would take it away underneath. Ends its
 * write-ahead mode for that, which is possible to a single connection only; the next program that opens it begins it anew.
 */
export function isOpenElsewhere(file: string): boolean {
  const database = new DatabaseSync(file);
  try {
    database.exec("PRAGMA busy_timeout = 1000; PRAGMA journal_mode = DELETE");
    return false;
  } catch (error) {
    // Whatever else is wrong with it, it is about to be replaced.
    return /locked/.test((error as Error).message);
  } finally {
    database.close();
  }
}
