/** The lake's raw folder as one writer owns it: locked, writable, and cleared of what a crash left. */

import { removeIfThere } from "../process/files.ts";
import { lockFile } from "../process/lock_file.ts";
import { onStorage, syncFolder, writeAll } from "./durable_files.ts";
import { isTemporaryName } from "./segment_writer.ts";

/** The lock file's name in the raw folder; it holds the owner's process number, for the message. */
export const LOCK_NAME = ".lake_writer.lock";

/** Another lake writer owns the folder. */
export class LakeLockedError extends Error {
  override name = "LakeLockedError";
}

/**
 * Locks the raw folder for this process, making it where it is missing. The operating system drops the lock
 * when the process ends, however it ends.
 *
 * @returns The open lock; closing it gives the folder free.
 * @throws {LakeLockedError} when another lake writer owns it.
 * @throws {StorageError} when the folder cannot be made or written.
 */
export async function lockLake(rawFolder: string): Promise<Deno.FsFile> {
  const path = `${rawFolder}/${LOCK_NAME}`;
  const { lock, owner } = await onStorage("write the lake folder", rawFolder, async () => {
    await Deno.mkdir(rawFolder, { recursive: true });
    return await lockFile(path);
  });
  if (lock !== undefined) return lock;
  const who = owner === "" ? "" : ` (${owner})`;
  throw new LakeLockedError(
    `Another lake writer${who} owns "${rawFolder}". Stop it first, or give this one a folder of its own by LAKE_DIR`,
  );
}

/** Bytes that must find room before a run starts. */
const PROBE_BYTES = 4096;

/**
 * Makes the topics' folders, checks that each can be written, and removes temporary files of a crashed run.
 * Only the owner of the lock may call it.
 *
 * @returns How many temporary files were removed.
 * @throws {StorageError} when a folder cannot be written.
 */
export async function prepareTopicFolders(rawFolder: string, topics: readonly string[]): Promise<number> {
  let removed = 0;
  for (const topic of topics) {
    const folder = `${rawFolder}/${topic}`;
    removed += await onStorage("write the lake folder", folder, async () => {
      await Deno.mkdir(folder, { recursive: true });
      return await removeTemporaryFiles(folder);
    });
    await probe(folder);
  }
  await onStorage("write the lake folder", rawFolder, () => syncFolder(rawFolder));
  return removed;
}

async function removeTemporaryFiles(folder: string): Promise<number> {
  const names: string[] = [];
  for await (const entry of Deno.readDir(folder)) if (isTemporaryName(entry.name)) names.push(entry.name);
  for (const name of names) await removeIfThere(`${folder}/${name}`);
  return names.length;
}

/** Writes and removes a few bytes: a full disk or a read-only folder shows before any work is done. */
async function probe(folder: string): Promise<void> {
  const path = `${folder}/._manifest.ndjson.${crypto.randomUUID().slice(0, 8)}.tmp`;
  try {
    await onStorage("write the lake folder", folder, async () => {
      using file = await Deno.open(path, { write: true, createNew: true });
      await writeAll(file, new Uint8Array(PROBE_BYTES));
      await file.sync();
    });
    await onStorage("write the lake folder", folder, () => Deno.remove(path));
  } catch (error) {
    await removeIfThere(path).catch(() => {});
    throw error;
  }
}
