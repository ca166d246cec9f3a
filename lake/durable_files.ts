/** What makes a file survive a crash or a power cut, and one error for every fault of the lake's disk. */

import { removeIfThere } from "../process/files.ts";

/** The lake's disk or folder failed: full, read-only, not permitted, gone. The message says what and where. */
export class StorageError extends Error {
  override name = "StorageError";
}

/** What went wrong, in an operator's words, and what to do. */
function faultOf(error: unknown): string {
  const code = (error as { code?: string }).code;
  const message = error instanceof Error ? error.message : String(error);
  if (code === "ENOSPC" || message.includes("os error 28")) {
    return "the disk is full; free some space there";
  }
  if (code === "EDQUOT" || message.includes("os error 122")) {
    return "the disk quota is used up; free some space there";
  }
  if (code === "EROFS" || message.includes("os error 30")) {
    return "the file system is read-only; mount it for writing, or choose another folder by LAKE_DIR";
  }
  if (error instanceof Deno.errors.NotCapable) {
    return "this process was started without the permission to write there; start it by its task, or give it --allow-write for that folder";
  }
  if (error instanceof Deno.errors.PermissionDenied) {
    return "the user of this process may not write there; grant it, or choose another folder by LAKE_DIR";
  }
  return message;
}

/**
 * Runs `work` on a path of the lake.
 *
 * @throws {StorageError} whatever it failed of.
 */
export async function onStorage<T>(action: string, path: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (error instanceof StorageError) throw error;
    throw new StorageError(`Cannot ${action} "${path}": ${faultOf(error)}`, { cause: error });
  }
}

/** Writes all of `bytes`: a single write may take only a part. */
export async function writeAll(file: Deno.FsFile, bytes: Uint8Array): Promise<void> {
  for (let at = 0; at < bytes.length;) at += await file.write(bytes.subarray(at));
}

/** Makes new and renamed names of a folder durable. Windows has no such call: there the rename itself must do. */
export async function syncFolder(folder: string): Promise<void> {
  if (Deno.build.os === "windows") return;
  using handle = await Deno.open(folder, { read: true });
  await handle.sync();
}

/** Writes a small file so that its name holds either the old content or the new, never a part. */
export async function replaceFile(folder: string, name: string, text: string): Promise<void> {
  const temporary = `${folder}/.${name}.${crypto.randomUUID().slice(0, 8)}.tmp`;
  try {
    using file = await Deno.open(temporary, { write: true, createNew: true });
    await writeAll(file, new TextEncoder().encode(text));
    await file.sync();
  } catch (error) {
    await removeIfThere(temporary).catch(() => {});
    throw error;
  }
  await Deno.rename(temporary, `${folder}/${name}`);
  await syncFolder(folder);
}
