/**
 * `backups/<id>.backup.json`: what one backup holds, and of which pieces. It is written last, whole, so a backup that a
 * crash cut off is none.
 *
 * @module
 */

import { createHash } from "node:crypto";
import { basename, dirname, join, resolve } from "node:path";
import { replaceFile } from "../lake/durable_files.ts";
import { OperatorError } from "../process/run_process.ts";
import { ObjectStore } from "./object_store.ts";
import type { Piece } from "./object_store.ts";

/** The form that this program writes; a backup of another one is refused. */
const FORMAT = 1;
const ENDING = ".backup.json";

/** A file of a part. */
export interface BackedUpFile {
  /** Below the part's own folder, with `/`. */
  path: string;
  bytes: number;
  /** Of the original, for who asks next time whether it has changed; null where that tells nothing. */
  modified_ms: number | null;
  pieces: Piece[];
}

/** What kind of thing a part is, which says how it is put back. */
export type PartKind = "sqlite" | "embedded_postgres" | "pg_dump" | "files";

/** One thing that is put back as a whole. */
export interface BackedUpPart {
  /** `warehouse`, `realtime`, `tracker`, `lake`, `log`. */
  name: string;
  kind: PartKind;
  files: BackedUpFile[];
  /** Folders that must be there although they hold no file. */
  folders?: string[];
  /** Major version of the Postgres that was dumped. */
  server_version?: number;
  /** When its content was fixed: what came later is not in it. */
  as_of: string;
}

/** A backup. */
export interface Backup {
  format: number;
  id: string;
  started_at: string;
  finished_at: string;
  /** Of the log at the time, whether or not it is a part. */
  log_engine: "sqlite" | "kafka";
  /** Null where the log could not be asked. */
  log_id: string | null;
  parts: BackedUpPart[];
  /** Bytes of all files; bytes that this backup added to what was there. */
  bytes: number;
  added_bytes: number;
}

/** A backup as it lies there. */
export interface StoredBackup {
  path: string;
  backup: Backup;
}

/** Where the pieces of the backups in a folder are. */
export function objectsOf(folder: string): ObjectStore {
  return new ObjectStore(join(folder, "objects"));
}

/** The name of a backup begun at a time. */
export function backupId(ms: number): string {
  return new Date(ms).toISOString().replaceAll(":", "-");
}

/** Every piece of a backup, each once. */
export function piecesOf(backup: Backup): Piece[] {
  const pieces = new Map<string, Piece>();
  for (const { files } of backup.parts) {
    for (const file of files) for (const piece of file.pieces) pieces.set(piece[0], piece);
  }
  return [...pieces.values()];
}

/** Writes a backup's file durably; from here on it is one. */
export async function writeBackup(folder: string, backup: Backup): Promise<string> {
  const text = JSON.stringify(backup);
  const name = backup.id + ENDING;
  await replaceFile(folder, name, `{"checksum":"${checksumOf(text)}","backup":${text}}\n`);
  return join(folder, name);
}

/**
 * Reads a backup's file.
 *
 * @throws {OperatorError} where there is none, it is damaged, or of another form.
 */
export async function readBackup(path: string): Promise<Backup> {
  let text: string;
  try {
    text = await Deno.readTextFile(path);
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
    throw new OperatorError(`There is no backup "${path}". Those that are there: deno task backup --list`);
  }
  const match = /^\{"checksum":"([0-9a-f]{64})","backup":(.*)\}\n$/s.exec(text);
  if (match === null || checksumOf(match[2]!) !== match[1]) {
    throw new OperatorError(
      `The backup "${path}" is damaged: its content does not fit its checksum. Take another one`,
    );
  }
  const backup = JSON.parse(match[2]!) as Backup;
  if (backup.format !== FORMAT) {
    throw new OperatorError(
      `The backup "${path}" has form ${backup.format}, this program knows ${FORMAT}: use the version that wrote it`,
    );
  }
  return backup;
}

/** A backup's file that cannot be used, and why. */
export interface UnreadableBackup {
  path: string;
  reason: string;
}

/** The backups of a folder, newest first. */
export async function listBackups(
  folder: string,
): Promise<{ backups: StoredBackup[]; unreadable: UnreadableBackup[] }> {
  const names: string[] = [];
  try {
    for await (const { name, isFile } of Deno.readDir(folder)) {
      if (isFile && name.endsWith(ENDING) && !name.startsWith(".")) names.push(name);
    }
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
  }
  const backups: StoredBackup[] = [];
  const unreadable: UnreadableBackup[] = [];
  for (const name of names.sort().reverse()) {
    const path = join(folder, name);
    try {
      backups.push({ path, backup: await readBackup(path) });
    } catch (error) {
      if (!(error instanceof OperatorError)) throw error;
      unreadable.push({ path, reason: error.message });
    }
  }
  return { backups, unreadable };
}

/** The backup that a person means: `latest`, an id, or a file; with the folder that holds its pieces. */
export async function findBackup(folder: string, name: string): Promise<{ path: string; folder: string }> {
  if (name === "latest") {
    const { backups } = await listBackups(folder);
    if (backups.length === 0) {
      throw new OperatorError(`There is no backup in "${resolve(folder)}" yet: deno task backup makes one`);
    }
    return { path: backups[0]!.path, folder };
  }
  if (/[\\/]/.test(name)) return { path: name, folder: dirname(name) };
  const file = name.endsWith(ENDING) ? basename(name) : name + ENDING;
  return { path: join(folder, file), folder };
}

/** A backup's form, of now. */
export const BACKUP_FORMAT = FORMAT;

function checksumOf(text: string): string {
  return createHash("sha256").update(text).digest("hex");
}
