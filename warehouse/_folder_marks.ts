/**
 * How the folder of the embedded warehouse was left: in order, by a process that was killed, or by a power cut. Told by
 * two small files, each on the disk before anything that relies on it.
 *
 * @module
 */

import { replaceFile, syncFolder } from "../lake/durable_files.ts";

/** How it was left: all on the disk; by a process that ended while the machine went on; the machine went down. */
export type LeftBehind = "in order" | "process ended" | "power cut";

const RUNNING = "running";
const STOPPED = "stopped";
/** Two readings of when the machine was started differ a little; two starts of a machine differ by more. */
const SAME_START_SECONDS = 10;

/**
 * To be called before the folder is changed: says so in it, and returns how it was left.
 *
 * @param machineStarted When the machine was started, in seconds since 1970.
 */
export async function markRunning(
  folder: string,
  machineStarted = Date.now() / 1000 - Deno.osUptime(),
): Promise<LeftBehind> {
  const left = await leftBehind(folder, machineStarted);
  // Step 1: from here on a power cut is seen to have come in between. Step 2: nothing says any more that all is well.
  await replaceFile(folder, RUNNING, String(Math.round(machineStarted)));
  await unmark(folder, STOPPED);
  await syncFolder(folder);
  return left;
}

async function leftBehind(folder: string, machineStarted: number): Promise<LeftBehind> {
  if (await textOf(`${folder}/${STOPPED}`) !== undefined) return "in order";
  const running = await textOf(`${folder}/${RUNNING}`);
  // Without the mark an earlier version left it, which made none.
  if (running === undefined) return "process ended";
  return Math.abs(Number(running) - machineStarted) <= SAME_START_SECONDS ? "process ended" : "power cut";
}

/** To be called when nothing changes the folder any more: all of it is on the disk once this returns, and says so. */
export async function markStopped(folder: string): Promise<void> {
  await syncAll(folder);
  await replaceFile(folder, STOPPED, "");
  await unmark(folder, RUNNING);
}

/** Makes a folder durable with everything in it. */
async function syncAll(folder: string): Promise<void> {
  for await (const { name, isDirectory, isFile } of Deno.readDir(folder)) {
    if (isDirectory) await syncAll(`${folder}/${name}`);
    if (!isFile) continue;
    using file = await Deno.open(`${folder}/${name}`, { read: true, write: true });
    await file.sync();
  }
  await syncFolder(folder);
}

async function unmark(folder: string, mark: string): Promise<void> {
  if (await textOf(`${folder}/${mark}`) !== undefined) await Deno.remove(`${folder}/${mark}`);
}

async function textOf(path: string): Promise<string | undefined> {
  try {
    return await Deno.readTextFile(path);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return undefined;
    throw error;
  }
}
