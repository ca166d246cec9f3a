/**
 * One backup of everything, while all of it runs.
 *
 * Each part is fixed before the one that it was made from, so that restored parts are never ahead of what they read:
 * 1. the databases: warehouse, minute windows and flight summaries, with how far they have read
 * 2. the lake's raw events
 * 3. the event log
 * 4. the new pieces are made durable
 * 5. the backup's own file is written: from here on it counts
 * 6. backups that are old enough go, and pieces that nobody needs
 *
 * @module
 */

import { join } from "node:path";
import { isThere } from "../process/files.ts";
import { lockFile } from "../process/lock_file.ts";
import { openEventLog } from "../process/open_event_log.ts";
import { OperatorError } from "../process/run_process.ts";
import { BACKUP_FORMAT, backupId, listBackups, objectsOf, writeBackup } from "./backup_file.ts";
import type { BackedUpFile, BackedUpPart, Backup } from "./backup_file.ts";
import type { BackupPlaces } from "./backup_places.ts";
import { onDisk } from "./disk_fault.ts";
import { storeLake } from "./lake_part.ts";
import type { ObjectStore } from "./object_store.ts";
import { dumpDatabase } from "./postgres_dump.ts";
import { applyRetention } from "./retention.ts";
import type { RetentionResult } from "./retention.ts";
import { storeSqlite } from "./sqlite_snapshot.ts";
import { withStillWarehouse } from "./still_warehouse.ts";
import { storeFile } from "./store_files.ts";
import type { Storing, Tally } from "./store_files.ts";

export interface BackupOptions {
  /** Backups that ended longer ago may go, but for the last good one. Milliseconds. */
  keepMs: number;
  signal: AbortSignal;
  /** Told what is at hand, and how many bytes were read in all. */
  onProgress?: (part: string, tally: Tally) => void;
}

/** What was made. */
export interface BackupResult {
  path: string;
  backup: Backup;
  retention: RetentionResult;
}

/**
 * Makes a backup.
 *
 * @throws {OperatorError} where another one is being made, or there is nothing to back up.
 */
export async function createBackup(places: BackupPlaces, options: BackupOptions): Promise<BackupResult> {
  const { backupFolder } = places;
  await Deno.mkdir(backupFolder, { recursive: true });
  const { lock, owner } = await lockFile(join(backupFolder, ".lock"));
  if (lock === undefined) {
    throw new OperatorError(
      `Another backup or restore${
        owner === "" ? "" : ` (${owner})`
      } works on "${backupFolder}": wait for its end`,
    );
  }
  const store = objectsOf(backupFolder);
  try {
    return await onDisk(backupFolder, () => create(places, store, options));
  } catch (error) {
    await store.discard();
    throw error;
  } finally {
    lock.close();
  }
}

async function create(
  places: BackupPlaces,
  store: ObjectStore,
  options: BackupOptions,
): Promise<BackupResult> {
  const { backupFolder } = places;
  const { signal, onProgress = () => {} } = options;
  const startedMs = Date.now();
  await removeLeftovers(backupFolder);
  const tally: Tally = { bytes: 0, addedBytes: 0 };
  const { backups } = await listBackups(backupFolder);
  const before = (name: string) => backups[0]?.backup.parts.find((part) => part.name === name);
  const storing = (part: string): Storing => ({
    store,
    tally,
    signal,
    onProgress: (tally) => onProgress(part, tally),
  });
  const parts: BackedUpPart[] = [];
  const add = (part: BackedUpPart | undefined) => {
    if (part !== undefined) parts.push(part);
  };

  // Step 1: what others are read into.
  if (places.warehouse !== null) {
    add(await storeWarehouse(places.warehouse, storing("warehouse"), before("warehouse")));
  }
  for (const { name, url } of places.databases) add(await dumpDatabase(name, url, storing(name)));
  if (places.summariesFile !== null) {
    add(await sqlitePart("tracker", places.summariesFile, backupFolder, storing("tracker")));
  }
  // Step 2, step 3.
  if (await isThere(places.rawFolder)) {
    add(await storeLake(places.rawFolder, storing("lake"), before("lake")));
  }
  if (places.logFile !== null) add(await sqlitePart("log", places.logFile, backupFolder, storing("log")));
  if (parts.length === 0) {
    throw new OperatorError(
      "There is nothing to back up yet: no log, no lake, no database. Start the pipeline first",
    );
  }

  // Step 4, step 5.
  await store.sync();
  const backup: Backup = {
    format: BACKUP_FORMAT,
    id: backupId(startedMs),
    started_at: new Date(startedMs).toISOString(),
    finished_at: new Date().toISOString(),
    log_engine: places.logFile === null ? "kafka" : "sqlite",
    log_id: await logIdOf(places),
    parts,
    bytes: tally.bytes,
    added_bytes: tally.addedBytes,
  };
  signal.throwIfAborted();
  const path = await writeBackup(backupFolder, backup);

  // Step 6.
  const retention = await applyRetention(backupFolder, Date.now() - options.keepMs);
  return { path, backup, retention };
}

/** Copies that a crash left. */
async function removeLeftovers(folder: string): Promise<void> {
  const names: string[] = [];
  for await (const { name, isFile } of Deno.readDir(folder)) {
    if (isFile && name.startsWith(".") && /\.tmp(-\w+)?$/.test(name)) names.push(name);
  }
  for (const name of names) await Deno.remove(join(folder, name));
}

async function sqlitePart(
  name: string,
  file: string,
  backupFolder: string,
  storing: Storing,
): Promise<BackedUpPart | undefined> {
  if (!await isThere(file)) return undefined;
  const as_of = new Date().toISOString();
  return { name, kind: "sqlite", files: [await storeSqlite(file, name, backupFolder, storing)], as_of };
}

/** Files of the embedded warehouse that its next start makes anew. */
const NOT_KEPT = new Set(["postmaster.pid", "postmaster.opts"]);

async function storeWarehouse(
  { folder, url }: { folder: string; url: string },
  storing: Storing,
  before: BackedUpPart | undefined,
): Promise<BackedUpPart | undefined> {
  const known = new Map((before?.files ?? []).map((file) => [file.path, file]));
  const part: BackedUpPart & { folders: string[] } = {
    name: "warehouse",
    kind: "embedded_postgres",
    files: [] as BackedUpFile[],
    folders: [],
    as_of: "",
  };
  const walk = async (source: string, path: string): Promise<void> => {
    for await (const { name, isDirectory, isFile } of Deno.readDir(source)) {
      const inside = path === "" ? name : `${path}/${name}`;
      if (isDirectory) {
        part.folders.push(inside);
        await walk(join(source, name), inside);
      } else if (isFile && !NOT_KEPT.has(inside)) {
        part.files.push(await storeFile(join(source, name), inside, storing, known.get(inside)));
      }
    }
  };
  const found = await withStillWarehouse(folder, url, async (data) => {
    part.as_of = new Date().toISOString();
    await walk(data, "");
    part.server_version = Number.parseInt(await Deno.readTextFile(join(data, "PG_VERSION")));
  }, { signal: storing.signal });
  return found ? part : undefined;
}

/** The id of the log that the parts have read; a log that is away cannot be asked, and is no reason to have no backup. */
async function logIdOf(places: BackupPlaces): Promise<string | null> {
  if (places.logFile !== null && !await isThere(places.logFile)) return null;
  try {
    const log = await openEventLog("airline-backup", { readOnly: true });
    try {
      return log.logId;
    } finally {
      await log.close();
    }
  } catch {
    return null;
  }
}
