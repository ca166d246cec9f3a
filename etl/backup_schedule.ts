/** Backups at their times, beside the ETL's runs. One that fails is told, counted, and made up for by the next. */

import { Cron } from "croner";
import { listBackups } from "../backup/backup_file.ts";
import { backupPlaces } from "../backup/backup_places.ts";
import { createBackup } from "../backup/create_backup.ts";
import type { BackupResult } from "../backup/create_backup.ts";
import { UsageError } from "../process/command_line.ts";
import { logger } from "../process/logger.ts";
import { Counter, Gauge } from "../process/metrics_server.ts";
import type { Registry } from "../process/metrics_server.ts";

export interface BackupScheduleOptions {
  /** Minute, hour, day, month, weekday, in UTC. */
  cron: string;
  /** Milliseconds that backups are kept. */
  keepMs: number;
  registry: Registry;
  /** Ends one that is being made, which then is none. */
  signal: AbortSignal;
}

/**
 * Starts the schedule; `stop` waits for one that is being made.
 *
 * @throws {UsageError} for a pattern that is none.
 */
export function scheduleBackups(options: BackupScheduleOptions): { stop(): Promise<void> } {
  const { cron, keepMs, registry, signal } = options;
  const registers = [registry];
  const lastSuccess = new Gauge({
    name: "backup_last_success_timestamp_seconds",
    help: "When the last backup was complete, seconds since 1970; 0 where there is none yet",
    registers,
  });
  const lastDuration = new Gauge({
    name: "backup_last_duration_seconds",
    help: "How long the last backup took",
    registers,
  });
  const lastBytes = new Gauge({ name: "backup_last_bytes", help: "What the last backup holds", registers });
  const failures = new Counter({
    name: "backup_failures_total",
    help: "Backups that could not be made",
    registers,
  });
  let current: Promise<void> = lastBackup().then((endedMs) => lastSuccess.set(endedMs / 1000));
  const make = async (): Promise<void> => {
    if (signal.aborted) return;
    const startedMs = performance.now();
    let result: BackupResult;
    try {
      result = await createBackup(backupPlaces(), { keepMs, signal });
    } catch (error) {
      if (signal.aborted) return;
      failures.inc();
      logger.error(`✖ No backup was made: ${error instanceof Error ? error.message : String(error)}`);
      return;
    }
    const { backup, retention } = result;
    const seconds = (performance.now() - startedMs) / 1000;
    lastSuccess.set(Date.now() / 1000);
    lastDuration.set(seconds);
    lastBytes.set(backup.bytes);
    logger.info(
      `💾 Backup ${backup.id}: ${(backup.bytes / 1e6).toFixed(1)} MB, ${
        (backup.added_bytes / 1e6).toFixed(1)
      } MB new, ` +
        `${seconds.toFixed(1)} s; ${retention.kept} kept`,
    );
    if (retention.problem !== undefined) logger.warn(`⚠ ${retention.problem}`);
  };
  let job: Cron;
  try {
    job = new Cron(cron, { protect: true, timezone: "UTC" }, () => current = current.then(make));
  } catch (error) {
    throw new UsageError(`--backup-cron is "${cron}": ${(error as Error).message}`);
  }
  return {
    async stop() {
      job.stop();
      await current;
    },
  };
}

/** When the newest backup that is there ended, made here or by hand; 0 where there is none. */
async function lastBackup(): Promise<number> {
  try {
    const { backups } = await listBackups(backupPlaces().backupFolder);
    return backups[0] === undefined ? 0 : Date.parse(backups[0].backup.finished_at);
  } catch {
    // The next backup says what is wrong with the folder.
    return 0;
  }
}
