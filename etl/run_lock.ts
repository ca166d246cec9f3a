/** One run at a time on one lake: a lock that the operating system drops when the process ends, however it ends. */

import { onStorage, writeAll } from "../lake/durable_files.ts";

/** The lock file's name in the gold folder. */
export const LOCK_NAME = ".etl.lock";

/** Another run works on this lake, or loads this warehouse. */
export class RunLockedError extends Error {
  override name = "RunLockedError";
}

const RETRY_MS = 250;

/**
 * Locks the gold folder, making it where it is missing; waits up to `waitMs` for another run to end.
 *
 * @returns The open lock; closing it gives the folder free.
 * @throws {RunLockedError} when another run holds it still.
 * @throws {StorageError} when the folder cannot be written.
 */
export async function lockGold(
  goldFolder: string,
  options: { waitMs?: number; signal?: AbortSignal } = {},
): Promise<Deno.FsFile> {
  const { waitMs = 0, signal } = options;
  const path = `${goldFolder}/${LOCK_NAME}`;
  const file = await onStorage("write the gold folder", goldFolder, async () => {
    await Deno.mkdir(goldFolder, { recursive: true });
    return await Deno.open(path, { read: true, write: true, create: true });
  });
  try {
    const untilMs = Date.now() + waitMs;
    while (!await file.tryLock(true)) {
      if (Date.now() >= untilMs || signal?.aborted) {
        const owner = (await Deno.readTextFile(path).catch(() => "")).trim();
        throw new RunLockedError(
          `Another ETL run${
            owner === "" ? "" : ` (process ${owner})`
          } works on "${goldFolder}": try again when it has ended`,
        );
      }
      await new Promise((resolve) => setTimeout(resolve, RETRY_MS));
    }
    // Always of one length: another process that reads it meanwhile never finds it empty.
    const owner = new TextEncoder().encode(`${String(Deno.pid).padEnd(10)}\n`);
    await onStorage("write the gold folder", goldFolder, () => writeAll(file, owner));
  } catch (error) {
    file.close();
    throw error;
  }
  return file;
}
