/** A whole database of a real Postgres, by pg_dump and pg_restore of the server's version. */

import { OperatorError } from "../process/run_process.ts";
import { openWarehouse } from "../warehouse/connect.ts";
import { parseDatabaseUrl } from "../warehouse/database_address.ts";
import type { BackedUpFile, BackedUpPart } from "./backup_file.ts";
import type { ObjectStore } from "./object_store.ts";
import { programOf, startProgram } from "./postgres_programs.ts";
import { storeStream } from "./store_files.ts";
import type { Storing } from "./store_files.ts";

const DUMP_NAME = "database.dump";

/** What is known of the database before it is dumped or overwritten. */
export interface DatabaseState {
  majorVersion: number;
  /** Tables that hold rows would be overwritten. */
  tables: number;
}

/** Asks a database for its version and its tables. */
export async function databaseState(url: string): Promise<DatabaseState> {
  const database = await openWarehouse({ url, embedded: false, applicationName: "airline-backup", max: 1 });
  try {
    const [row] = await database.sql`
      select current_setting('server_version_num')::int / 10000 as major,
        (select count(*)::int from pg_catalog.pg_tables
          where schemaname not in ('pg_catalog', 'information_schema')) as tables`;
    return { majorVersion: row!.major as number, tables: row!.tables as number };
  } finally {
    await database.close();
  }
}

/** Dumps the database at `url` as of one moment, while others write it. */
export async function dumpDatabase(name: string, url: string, storing: Storing): Promise<BackedUpPart> {
  const { majorVersion } = await databaseState(url);
  const program = await programOf("pg_dump", majorVersion);
  const as_of = new Date().toISOString();
  // Not compressed: that is done to its pieces.
  const args = ["--format=custom", "--compress=0", "--no-password"];
  const dump = startProgram(program, args, parseDatabaseUrl(url), { input: false });
  let file: BackedUpFile;
  try {
    file = { path: DUMP_NAME, modified_ms: null, ...await storeStream(dump.stdout, storing) };
  } catch (error) {
    dump.kill();
    throw error;
  }
  await dump.ended;
  return { name, kind: "pg_dump", files: [file], server_version: majorVersion, as_of };
}

/**
 * Puts a dump back, in one transaction: either all of it is there, or nothing has changed.
 *
 * @throws {OperatorError} where the server is older than the one that was dumped, or pg_restore fails.
 */
export async function restoreDatabase(
  part: BackedUpPart,
  url: string,
  store: ObjectStore,
  options: { signal: AbortSignal; onBytes: (bytes: number) => void },
): Promise<void> {
  const { majorVersion } = await databaseState(url);
  if (part.server_version !== undefined && majorVersion < part.server_version) {
    throw new OperatorError(
      `The dump "${part.name}" is of Postgres ${part.server_version}, the server is ${majorVersion}: give it one of at least ${part.server_version}`,
    );
  }
  const program = await programOf("pg_restore", majorVersion);
  const address = parseDatabaseUrl(url);
  const args = [
    "--clean",
    "--if-exists",
    "--no-owner",
    "--single-transaction",
    "--exit-on-error",
    "--no-password",
    `--dbname=${address.database}`,
  ];
  const restore = startProgram(program, args, address, { input: true });
  const writer = restore.stdin!.getWriter();
  try {
    for (const { pieces } of part.files) {
      for (const piece of pieces) {
        options.signal.throwIfAborted();
        const bytes = await store.get(piece);
        await writer.write(bytes);
        options.onBytes(bytes.length);
      }
    }
    await writer.close();
  } catch (error) {
    // Where it ended early, its own words say why.
    await writer.abort().catch(() => {});
    if (options.signal.aborted) restore.kill();
    await Promise.all([restore.ended, restore.stdout.cancel()]);
    throw error;
  }
  await Promise.all([restore.ended, restore.stdout.cancel()]);
}
