/**
 * Puts a backup back.
 *
 * 1. every piece of it is read and held against its hash: a damaged backup changes nothing
 * 2. nothing of ours may run, and what is there is only overwritten when that was allowed
 * 3. files are written under other names beside their places, and made durable
 * 4. dumps are put back, each database in one transaction
 * 5. the new files take the old ones' places: warehouse and summaries, then the lake, then the log
 * 6. what is derived from the lake is removed: the next ETL run builds it anew
 *
 * At no moment is a part ahead of what it reads: after a crash between two steps what was put back is older than the
 * rest, and goes on from there; doing it again completes it.
 *
 * @module
 */

import { basename, dirname, join } from "node:path";
import { lockGold, RunLockedError } from "../etl/run_lock.ts";
import { syncFolder } from "../lake/durable_files.ts";
import { LakeLockedError, lockLake } from "../lake/lake_folder.ts";
import { isThere, removeIfThere } from "../process/files.ts";
import { lockFile } from "../process/lock_file.ts";
import { OperatorError } from "../process/run_process.ts";
import { onDisk } from "./disk_fault.ts";
import { objectsOf, readBackup } from "./backup_file.ts";
import type { BackedUpPart, Backup } from "./backup_file.ts";
import type { BackupPlaces } from "./backup_places.ts";
import type { ObjectStore } from "./object_store.ts";
import { databaseState, restoreDatabase } from "./postgres_dump.ts";
import { checkSqlite, isOpenElsewhere } from "./sqlite_snapshot.ts";
import { restoreFile, safeSegments } from "./store_files.ts";
import { syncFiles, syncFolders } from "./sync_files.ts";
import { checkBackup } from "./verify_backup.ts";

export interface RestoreOptions {
  /** Whether what is there may be overwritten, asked with what that is. */
  mayOverwrite: (existing: string[]) => Promise<boolean>;
  signal: AbortSignal;
  onProgress?: (step: string, done: number, total: number, unit: string) => void;
}

const RESTORING = ".restoring";
const REPLACED = ".replaced";
const SQLITE_ENDINGS = ["-wal", "-shm"];

/** One part and where it goes. */
interface PlacedPart {
  part: BackedUpPart;
  /** Its folder or file. */
  place: string;
  /** What would be overwritten; null where nothing is there. */
  existing: () => Promise<string | null>;
  /** Writes it beside its place. */
  prepare: (context: Context) => Promise<void>;
  /** Puts it into its place. */
  swap: () => Promise<void>;
}

interface Context {
  store: ObjectStore;
  signal: AbortSignal;
  onBytes: (bytes: number) => void;
}

/**
 * Restores the backup whose file is `path` and whose pieces lie in `folder`.
 *
 * @throws {OperatorError} where it is damaged, does not fit the settings, something runs, or may not be overwritten.
 */
export async function restoreBackup(
  places: BackupPlaces,
  source: { path: string; folder: string },
  options: RestoreOptions,
): Promise<Backup> {
  const { signal, onProgress = () => {} } = options;
  const backup = await readBackup(source.path);
  const store = objectsOf(source.folder);
  const placed = backup.parts.map((part) => place(part, places));

  // Step 1.
  const check = await checkBackup(backup, store, {
    signal,
    onProgress: (done, total) => onProgress("Verifying", done, total, "pieces"),
  });
  if (check.damaged.length > 0) {
    throw new OperatorError(
      `The backup "${source.path}" is damaged, nothing was changed: ${check.damaged[0]!.reason}` +
        `${
          check.damaged.length > 1 ? ` (and ${check.damaged.length - 1} more)` : ""
        }. Take another one: deno task backup --list`,
    );
  }

  // Step 2.
  const locks = await lockPlaces(places, source.folder);
  try {
    const existing = (await Promise.all(placed.map((one) => one.existing()))).filter((text) => text !== null);
    if (existing.length > 0 && !await options.mayOverwrite(existing)) {
      throw new OperatorError("Nothing was changed: what is there may not be overwritten");
    }

    // Step 3, step 4.
    const total = backup.parts.flatMap(({ files }) => files).reduce((sum, { bytes }) => sum + bytes, 0);
    let done = 0;
    const onBytes = (bytes: number) => {
      done += bytes;
      onProgress("Restoring", Math.round(done / 1e6), Math.max(1, Math.round(total / 1e6)), "MB");
    };
    const context = { store, signal, onBytes };
    const files = placed.filter(({ part }) => part.kind !== "pg_dump");
    for (const { prepare, place } of files) await onDisk(place, () => prepare(context));
    for (const { part, prepare } of placed) if (part.kind === "pg_dump") await prepare(context);

    // Step 5, in the order of the backup. Step 6.
    for (const { swap } of placed) await swap();
    for (const folder of places.derivedFolders) await emptyFolder(folder);
  } finally {
    for (const lock of locks) lock.close();
  }
  return backup;
}

async function lockPlaces(places: BackupPlaces, backupFolder: string): Promise<Deno.FsFile[]> {
  const locks: Deno.FsFile[] = [];
  const runs = (what: string) =>
    new OperatorError(`${what}: stop everything before a restore (deno task stop). Nothing was changed`);
  try {
    // On another disk, perhaps one that cannot be written, nobody makes backups.
    if (backupFolder === places.backupFolder) {
      const { lock } = await lockFile(join(backupFolder, ".lock"));
      if (lock === undefined) throw runs("A backup or another restore works on these backups");
      locks.push(lock);
    }
    locks.push(await lockLake(places.rawFolder));
    locks.push(await lockGold(places.derivedFolders[0]!));
    if (places.warehouse !== null) {
      await Deno.mkdir(places.warehouse.folder, { recursive: true });
      const { lock } = await lockFile(join(places.warehouse.folder, "lock"));
      if (lock === undefined) throw runs("The warehouse runs");
      locks.push(lock);
    }
    for (const file of [places.logFile, places.summariesFile]) {
      if (file !== null && await isThere(file) && isOpenElsewhere(file)) {
        throw runs(`Another process has "${file}" open`);
      }
    }
    return locks;
  } catch (error) {
    for (const lock of locks) lock.close();
    if (error instanceof LakeLockedError) throw runs("The lake writer runs");
    if (error instanceof RunLockedError) throw runs("An ETL run is at work");
    throw error;
  }
}

function place(part: BackedUpPart, places: BackupPlaces): PlacedPart {
  const misfit = (what: string, remedy: string) =>
    new OperatorError(`The backup holds ${what}, which these settings have no place for: ${remedy}`);
  switch (part.kind) {
    case "files":
      return lakePart(part, places.rawFolder);
    case "embedded_postgres":
      if (places.warehouse === null) throw misfit("an embedded warehouse", "take DATABASE_URL away");
      return warehousePart(part, places.warehouse.folder);
    case "sqlite": {
      const file = part.name === "log" ? places.logFile : places.summariesFile;
      if (file !== null) return sqlitePart(part, file);
      throw part.name === "log"
        ? misfit("an embedded event log", "take KAFKA_BROKERS away")
        : misfit("a file of flight summaries", "take DATABASE_URL and TRACKER_DATABASE_URL away");
    }
    case "pg_dump": {
      const database = places.databases.find(({ name }) => name === part.name);
      if (database !== undefined) return dumpPart(part, database.url);
      throw misfit(
        `a dump of the database "${part.name}"`,
        "give its address as it was (DATABASE_URL and the like)",
      );
    }
  }
}

function sqlitePart(part: BackedUpPart, file: string): PlacedPart {
  const folder = dirname(file);
  const restoring = `${file}${RESTORING}`;
  return {
    part,
    place: file,
    existing: async () => await isThere(file) ? file : null,
    async prepare(context) {
      await Deno.mkdir(folder, { recursive: true });
      for (const ending of ["", ...SQLITE_ENDINGS]) await removeIfThere(restoring + ending);
      await restoreFile({ ...part.files[0]!, path: basename(restoring) }, folder, context.store, context);
      checkSqlite(restoring);
      await syncFiles([restoring]);
    },
    async swap() {
      // The old one's write-ahead file would be taken for the new one's.
      for (const ending of SQLITE_ENDINGS) await removeIfThere(file + ending);
      await Deno.rename(restoring, file);
      for (const ending of SQLITE_ENDINGS) await removeIfThere(restoring + ending);
      await syncFolder(folder);
    },
  };
}

function warehousePart(part: BackedUpPart, folder: string): PlacedPart {
  const data = join(folder, "postgres");
  const restoring = join(folder, `postgres${RESTORING}`);
  const replaced = join(folder, `postgres${REPLACED}`);
  return {
    part,
    place: folder,
    existing: async () => await isThere(data) ? data : null,
    async prepare(context) {
      await removeIfThere(restoring, { recursive: true });
      await Deno.mkdir(restoring, { recursive: true });
      for (const path of part.folders ?? []) {
        await Deno.mkdir(join(restoring, ...safeSegments(path)), { recursive: true });
      }
      for (const file of part.files) await restoreFile(file, restoring, context.store, context);
      await syncFolders(restoring);
    },
    async swap() {
      // How the replaced one was left says nothing of this one: its log is replayed, and it is looked at.
      for (const mark of ["stopped", "running"]) await removeIfThere(join(folder, mark));
      await removeIfThere(replaced, { recursive: true });
      if (await isThere(data)) await Deno.rename(data, replaced);
      await Deno.rename(restoring, data);
      await syncFolder(folder);
      await removeIfThere(replaced, { recursive: true });
    },
  };
}

function lakePart(part: BackedUpPart, rawFolder: string): PlacedPart {
  const restoring = join(rawFolder, RESTORING);
  const replaced = join(rawFolder, REPLACED);
  const topics = async () => {
    const names: string[] = [];
    for await (const { name, isDirectory, isSymlink } of Deno.readDir(rawFolder)) {
      if ((isDirectory || isSymlink) && !name.startsWith(".")) names.push(name);
    }
    return names;
  };
  return {
    part,
    place: rawFolder,
    existing: async () => (await topics()).length > 0 ? rawFolder : null,
    async prepare(context) {
      await removeIfThere(restoring, { recursive: true });
      await Deno.mkdir(restoring);
      for (const file of part.files) await restoreFile(file, restoring, context.store, context);
      await syncFolders(restoring);
    },
    async swap() {
      await removeIfThere(replaced, { recursive: true });
      await Deno.mkdir(replaced);
      for (const topic of await topics()) await Deno.rename(join(rawFolder, topic), join(replaced, topic));
      for await (const { name } of Deno.readDir(restoring)) {
        await Deno.rename(join(restoring, name), join(rawFolder, name));
      }
      await syncFolder(rawFolder);
      await removeIfThere(restoring, { recursive: true });
      await removeIfThere(replaced, { recursive: true });
    },
  };
}

function dumpPart(part: BackedUpPart, url: string): PlacedPart {
  return {
    part,
    place: part.name,
    async existing() {
      const { tables } = await databaseState(url);
      return tables === 0 ? null : `${tables} tables in the database of the ${part.name}`;
    },
    prepare: (context) => restoreDatabase(part, url, context.store, context),
    swap: () => Promise.resolve(),
  };
}

/** Leaves the folder itself, with its lock. */
async function emptyFolder(folder: string): Promise<void> {
  if (!await isThere(folder)) return;
  const names: string[] = [];
  for await (const { name } of Deno.readDir(folder)) if (!name.endsWith(".lock")) names.push(name);
  for (const name of names) await removeIfThere(join(folder, name), { recursive: true });
}
