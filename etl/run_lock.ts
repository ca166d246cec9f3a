/** One run at a time on one lake: a lock that the operating system drops when the process ends, however it ends. */

import { onStorage } from "../lake/durable_files.ts";
import { lockFile } from "../process/lock_file.ts";

/** The lock file's name in the gold folder. */
export const LOCK_NAME = ".etl.lock";

/** Another run works on this lake, or loads this warehouse. */
export class RunLockedError extends Error {
  override name = "RunLockedError";
}

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
  const path = `${goldFolder}/${LOCK_NAME}`;
  const { lock, owner } = await onStorage("write the gold folder", goldFolder, async () => {
    await Deno.mkdir(goldFolder, { recursive: true });
    return await lockFile(path, options);
  });
  if (lock !== undefined) return lock;
  const who = owner === "" ? "" : ` (${owner})`;
  throw new RunLockedError(`Another ETL run${who} works on "${goldFolder}": try again when it has ended`);
}
