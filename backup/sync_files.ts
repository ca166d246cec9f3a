/** Many files made durable at once. */

import { join } from "node:path";
import { syncFolder } from "../lake/durable_files.ts";

/** Waiting for the disk is one wait for many files that are waited for at once. */
const SYNCED_AT_ONCE = 16;

/** Makes files durable: content, not names. */
export async function syncFiles(paths: readonly string[]): Promise<void> {
  const left = paths.values();
  await Promise.all(Array.from({ length: SYNCED_AT_ONCE }, async () => {
    for (const path of left) {
      using file = await Deno.open(path, { read: true, write: true });
      await file.sync();
    }
  }));
}

/** Makes a folder durable with everything in it. */
export async function syncFolders(folder: string): Promise<void> {
  const files: string[] = [];
  for await (const { name, isDirectory, isFile } of Deno.readDir(folder)) {
    if (isDirectory) await syncFolders(join(folder, name));
    else if (isFile) files.push(join(folder, name));
  }
  await syncFiles(files);
  await syncFolder(folder);
}
