/** How full the file systems are that a process writes to. */

import { statfs } from "node:fs/promises";
import { Gauge } from "prom-client";
import type { Registry } from "prom-client";

/** What a file system says of itself. */
export interface DiskSpace {
  sizeBytes: number;
  /** What a program without special rights may still write. */
  freeBytes: number;
}

/**
 * The space of the file system that holds `folder`. It needs the permission `sys=statfs`.
 *
 * @throws when the folder is not there, or may not be asked about.
 */
export async function diskSpace(folder: string): Promise<DiskSpace> {
  const { blocks, bavail, bsize } = await statfs(folder);
  return { sizeBytes: blocks * bsize, freeBytes: bavail * bsize };
}

/**
 * Adds `disk_free_bytes{folder}` and `disk_size_bytes{folder}`, asked at each scrape.
 *
 * @param folders What each folder is called in the label, and where it is. One that cannot be asked about has no series.
 */
export function addDiskMetrics(
  registry: Registry,
  folders: Readonly<Record<string, string>>,
  ask: (folder: string) => Promise<DiskSpace> = diskSpace,
): void {
  const gauge = (name: string, help: string, of: (space: DiskSpace) => number) =>
    new Gauge({
      name,
      help,
      labelNames: ["folder"],
      registers: [registry],
      async collect() {
        this.reset();
        for (const [folder, path] of Object.entries(folders)) {
          const space = await ask(path).catch(() => undefined);
          if (space !== undefined) this.set({ folder }, of(space));
        }
      },
    });
  gauge(
    "disk_free_bytes",
    "What can still be written to the folder's file system",
    ({ freeBytes }) => freeBytes,
  );
  gauge("disk_size_bytes", "Size of the folder's file system", ({ sizeBytes }) => sizeBytes);
}
