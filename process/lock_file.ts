/**
 * A lock that one process holds on a file, and that the operating system drops when the process ends, however it ends.
 * The file holds its owner's process number, for messages.
 *
 * @module
 */

const RETRY_MS = 250;
/** Always of one length: another process that reads it while it is written never finds it empty. */
const OWNER_LENGTH = 10;

/** The lock, to be closed when it is given back, or who has it: `process 4711`, or nothing where that is not known. */
export type LockAttempt =
  | { lock: Deno.FsFile; owner?: undefined }
  | { lock?: undefined; owner: string };

/**
 * Tries to lock a file, which is made where it is missing; waits up to `waitMs` for another owner to end.
 *
 * @throws whatever the operating system says when the file cannot be made or written.
 */
export async function lockFile(
  path: string,
  options: { waitMs?: number; signal?: AbortSignal } = {},
): Promise<LockAttempt> {
  const { waitMs = 0, signal } = options;
  const file = await Deno.open(path, { read: true, write: true, create: true });
  try {
    const untilMs = performance.now() + waitMs;
    while (!await file.tryLock(true)) {
      if (performance.now() >= untilMs || signal?.aborted) {
        file.close();
        return { owner: await ownerOf(path) };
      }
      await new Promise((resolve) => setTimeout(resolve, RETRY_MS));
    }
    await file.write(new TextEncoder().encode(`${String(Deno.pid).padEnd(OWNER_LENGTH)}\n`));
    return { lock: file };
  } catch (error) {
    file.close();
    throw error;
  }
}

async function ownerOf(path: string): Promise<string> {
  // Where a lock is binding (Windows), the file cannot be read either.
  const number = (await Deno.readTextFile(path).catch(() => "")).trim();
  return /^\d+$/.test(number) ? `process ${number}` : "";
}
