/** What `deno task doctor` looks at on this machine: versions, folders, disk, processes and their ports. */

import { access, statfs } from "node:fs/promises";
import { resolve } from "node:path";
import { listBackups, objectsOf } from "../backup/backup_file.ts";
import { isGood } from "../backup/retention.ts";
import { isThere } from "../process/files.ts";
import type { Configuration } from "./_configuration.ts";
import { fine, wrong } from "./_doctor_check.ts";
import type { Finding } from "./_doctor_check.ts";
import { duration } from "./_pipeline_status.ts";
import { PROJECT_DIR } from "./_permission_lists.ts";
import type { SystemStatus } from "./status.ts";

/** The oldest Deno that this is tried with. */
const DENO_VERSION_MIN = "2.9.6";
const WRITABLE = 2;
const GIBIBYTE = 1024 ** 3;
/** Free space below which something will soon stand still, and below which it is time to look. */
const FREE_FAIL_BYTES = GIBIBYTE;
const FREE_WARN_BYTES = 5 * GIBIBYTE;

/** Deno's version. */
export function versionFinding(version = Deno.version.deno): Finding {
  if (compareVersions(version, DENO_VERSION_MIN) >= 0) return fine("deno", version);
  return wrong(
    "deno",
    "fail",
    `${version}, older than ${DENO_VERSION_MIN}`,
    "deno upgrade, or npm install --global deno",
  );
}

/** Negative where `a` is older than `b`; both as `2.9.6`. */
export function compareVersions(a: string, b: string): number {
  const numbers = (version: string) => version.split(/[-+]/)[0]!.split(".").map(Number);
  const [left, right] = [numbers(a), numbers(b)];
  for (let at = 0; at < 3; at++) {
    const difference = (left[at] ?? 0) - (right[at] ?? 0);
    if (difference !== 0) return difference;
  }
  return 0;
}

/** Whether the libraries are installed. */
export async function librariesFinding(): Promise<Finding> {
  if (await isThere(resolve(PROJECT_DIR, "node_modules", ".deno"))) return fine("libraries", "installed");
  return wrong("libraries", "fail", "not installed", "deno install --frozen");
}

/** Folders that the engines which are used write, with the setting that places each. */
export function dataFolders(given: Configuration): { path: string; setting: string }[] {
  return [
    ...(given.brokers === undefined ? [{ path: given.logDir, setting: "EVENT_LOG_FILE" }] : []),
    { path: given.lakeDir, setting: "LAKE_DIR" },
    ...(given.databaseHost === undefined ? [{ path: given.warehouseDir, setting: "WAREHOUSE_DIR" }] : []),
  ];
}

/** Whether the folders are there and this user may write them. Writes nothing. */
export async function folderFindings(given: Configuration): Promise<Finding[]> {
  return await Promise.all(
    dataFolders(given).map(async ({ path, setting }) => {
      const shown = resolve(PROJECT_DIR, path);
      if (!await isThere(path)) {
        return wrong("folder", "warn", `${shown} is not there yet`, `deno task start makes it (${setting})`);
      }
      try {
        await access(path, WRITABLE);
        return fine("folder", `${shown} may be written`);
      } catch (error) {
        if (error instanceof Deno.errors.NotCapable) throw error;
        return wrong(
          "folder",
          "fail",
          `${shown} may not be written by this user`,
          `Allow it, or choose another by ${setting}`,
        );
      }
    }),
  );
}

/** Free space where the data is; folders of one disk count once. */
export async function diskFindings(given: Configuration): Promise<Finding[]> {
  const findings = new Map<string, Finding>();
  for (const { path } of dataFolders(given)) {
    if (!await isThere(path)) continue;
    const { bavail, blocks, bsize } = await statfs(path);
    findings.set(
      `${bavail}/${blocks}`,
      diskFinding(resolve(PROJECT_DIR, path), bavail * bsize, blocks * bsize),
    );
  }
  return [...findings.values()];
}

/** What free space means. */
export function diskFinding(path: string, freeBytes: number, totalBytes: number): Finding {
  const gibibytes = (bytes: number) => (bytes / GIBIBYTE).toFixed(1);
  const detail = `${path}: ${gibibytes(freeBytes)} of ${gibibytes(totalBytes)} GiB free`;
  if (freeBytes >= FREE_WARN_BYTES) return fine("disk", detail);
  return wrong(
    "disk",
    freeBytes < FREE_FAIL_BYTES ? "fail" : "warn",
    detail,
    "Free some space: every part waits while the disk is full. deno task backup --list shows what backups take",
  );
}

/** A night and two hours: the backup of 02:00 is missing. */
const BACKUP_LATE_SECONDS = 26 * 60 * 60;

/** How old the newest backup is that can be put back. */
export async function backupFinding(folder: string, nowMs: number): Promise<Finding> {
  const remedy = "deno task backup; deno task start makes one at 02:00 UTC";
  const { backups, unreadable } = await listBackups(folder);
  const store = objectsOf(folder);
  for (const [at, stored] of backups.entries()) {
    if (!await isGood(stored, store)) continue;
    const ageSeconds = (nowMs - Date.parse(stored.backup.finished_at)) / 1000;
    const detail = `${stored.backup.id}, ${duration(Math.max(0, ageSeconds))} ago`;
    if (at > 0 || unreadable.length > 0) {
      return wrong("backup", "warn", `the last good one is ${detail}; newer ones are damaged`, remedy);
    }
    return ageSeconds > BACKUP_LATE_SECONDS
      ? wrong("backup", "warn", detail, remedy)
      : fine("backup", detail);
  }
  return wrong("backup", "warn", `there is none in ${resolve(PROJECT_DIR, folder)}`, remedy);
}

/** Whether what was started is ready, and whether the ports of the rest are free. */
export function processFindings({ runs, processes }: SystemStatus): Finding[] {
  const started = new Set(runs.flatMap(({ parts }) => parts.map(({ name }) => name)));
  const findings = processes.flatMap(({ name, state, detail, address }): Finding[] => {
    const check = `process ${name}`;
    if (state === "ready") return [fine(check, `ready at ${address}`)];
    if (state === "taken") {
      return [wrong(
        check,
        "fail",
        `${address} is taken by another program`,
        "Stop that program, or choose another port (deno task start --help, deno task tracker --help)",
      )];
    }
    if (state === "away" && !started.has(name)) return [];
    return [wrong(
      check,
      "fail",
      detail ?? state,
      `deno task logs --process ${name} --level warn; what the words mean is in RUNBOOK.md, Common errors`,
    )];
  });
  if (findings.length > 0) return findings;
  return [wrong("processes", "warn", "nothing runs; the ports are free", "deno task start")];
}
