/** `deno task backup`: a backup of everything, while all of it runs; also lists and verifies those that are there. */

import { createBackup } from "../backup/create_backup.ts";
import { backupPlaces } from "../backup/backup_places.ts";
import { findBackup, listBackups, objectsOf, readBackup } from "../backup/backup_file.ts";
import type { Backup } from "../backup/backup_file.ts";
import { isGood } from "../backup/retention.ts";
import { checkBackup } from "../backup/verify_backup.ts";
import { parseCommandLine, UsageError } from "../process/command_line.ts";
import type { CommandLineSpec } from "../process/command_line.ts";
import { logger } from "../process/logger.ts";
import { ProgressBar } from "../process/progress_bar.ts";
import { OperatorError, runProcess } from "../process/run_process.ts";
import { alignedTable } from "./_table.ts";

const COMMAND_LINE = {
  usage: "deno task backup",
  description:
    "Backs up warehouse, minute windows, flight summaries, the lake's raw events and the embedded event log, while all of it runs.",
  options: {
    keep: {
      type: "duration",
      default: "30d",
      minMs: 0,
      description: "Older backups are deleted, never the last good one",
    },
    list: { type: "flag", description: "Only show the backups that are there" },
    verify: {
      type: "text",
      value: "BACKUP",
      description: "Only read a backup whole and hold it against its checksums: an id, or latest",
    },
    json: { type: "flag", description: "Print JSON" },
  },
  notes: [
    "Goes to BACKUP_DIR (default backups), better on another disk. What earlier backups hold is not kept twice.",
    "Events on Kafka are not in it: its replicas are their copies. Gold tables are not: they are built from the raw events.",
    "A real Postgres is dumped by pg_dump of its own version (POSTGRES_BIN). Put back: deno task restore latest.",
    "Exit code 0: done, or all is whole; 1: it failed, or something is damaged.",
  ],
} as const satisfies CommandLineSpec;

async function main(signal: AbortSignal): Promise<number> {
  const { values } = parseCommandLine(COMMAND_LINE, Deno.args);
  if (values.list && values.verify !== undefined) {
    throw new UsageError("--list and --verify do not go together");
  }
  const places = backupPlaces();
  if (values.list) return await list(places.backupFolder, values.json);
  if (values.verify !== undefined) {
    return await verify(places.backupFolder, values.verify, values.json, signal);
  }
  const startedMs = performance.now();
  let bar: { part: string; bar: ProgressBar } | undefined;
  let result;
  try {
    result = await createBackup(places, {
      keepMs: values.keep,
      signal,
      onProgress(part, { bytes }) {
        if (bar?.part !== part) {
          bar?.bar.close();
          bar = { part, bar: new ProgressBar(`Backing up ${part}`, 0, "MB") };
        }
        bar.bar.update(Math.round(bytes / 1e6));
      },
    });
  } catch (error) {
    if (!signal.aborted) throw error;
    throw new OperatorError("Stopped: no backup was made, and the earlier ones are as they were");
  } finally {
    bar?.bar.close();
  }
  const { path, backup, retention } = result;
  if (values.json) {
    logger.info(JSON.stringify({ path, ...summary(backup), deleted: retention.deleted }, null, 2));
  } else {
    const seconds = ((performance.now() - startedMs) / 1000).toFixed(1);
    logger.info(
      `✔ ${backup.id}: ${backup.parts.map(({ name }) => name).join(", ")}; ${shownBytes(backup.bytes)}, ` +
        `${shownBytes(backup.added_bytes)} of them new and compressed, ${seconds} s`,
    );
    const gone = retention.deleted.length === 0 ? "" : `, ${retention.deleted.length} older ones deleted`;
    logger.info(`  ${retention.kept} backups are kept${gone}. Put it back: deno task restore ${backup.id}`);
  }
  if (retention.problem !== undefined) logger.warn(`⚠ ${retention.problem}`);
  return 0;
}

function summary(backup: Backup) {
  const { id, started_at, finished_at, bytes, added_bytes, log_engine, log_id } = backup;
  const parts = backup.parts.map(({ name, kind, as_of, files }) => ({
    name,
    kind,
    as_of,
    files: files.length,
  }));
  return { id, started_at, finished_at, bytes, added_bytes, log_engine, log_id, parts };
}

async function list(folder: string, json: boolean): Promise<number> {
  const { backups, unreadable } = await listBackups(folder);
  const store = objectsOf(folder);
  const rows = await Promise.all(backups.map(async (stored) => ({
    ...summary(stored.backup),
    path: stored.path,
    good: await isGood(stored, store),
  })));
  if (json) logger.info(JSON.stringify(rows, null, 2));
  else if (rows.length === 0) {
    logger.info(`There is no backup in "${folder}" yet: deno task backup makes one`);
  } else {
    const headings = ["backup", "holds", "size", "added", ""];
    logger.info(alignedTable(
      headings,
      rows.map(({ id, parts, bytes, added_bytes, good }) => [
        id,
        parts.map(({ name }) => name).join(", "),
        shownBytes(bytes),
        shownBytes(added_bytes),
        good ? "" : "pieces are missing",
      ]),
      ["size", "added"],
    ));
  }
  for (const { reason } of unreadable) logger.warn(`⚠ ${reason}`);
  return unreadable.length === 0 && rows.every(({ good }) => good) ? 0 : 1;
}

async function verify(folder: string, name: string, json: boolean, signal: AbortSignal): Promise<number> {
  const found = await findBackup(folder, name);
  const backup = await readBackup(found.path);
  const store = objectsOf(found.folder);
  let bar: ProgressBar | undefined;
  const { pieces, damaged } = await checkBackup(backup, store, {
    signal,
    onProgress(done, total) {
      bar ??= new ProgressBar("Verifying", total, "pieces");
      bar.update(done);
    },
  }).finally(() => bar?.close());
  // The next backup keeps anew what it still finds.
  for (const { piece } of damaged) await store.drop(piece);
  if (json) {
    logger.info(JSON.stringify({ id: backup.id, pieces, damaged: damaged.map(({ reason }) => reason) }));
  } else if (damaged.length === 0) {
    logger.info(`✔ ${backup.id} is whole: ${pieces} pieces fit their checksums`);
  }
  for (const { reason } of damaged) logger.error(`✖ ${reason}`);
  if (damaged.length > 0) {
    logger.error(
      "✖ This backup cannot be put back. Damaged pieces are removed; make a new one now: deno task backup",
    );
  }
  return damaged.length === 0 ? 0 : 1;
}

/** Bytes as a person reads them. */
export function shownBytes(bytes: number): string {
  if (bytes < 1e6) return `${(bytes / 1e3).toFixed(0)} kB`;
  return bytes < 1e9 ? `${(bytes / 1e6).toFixed(1)} MB` : `${(bytes / 1e9).toFixed(2)} GB`;
}

if (import.meta.main) await runProcess(main);
