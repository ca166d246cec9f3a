/** `deno task restore`: puts a backup back, after it was read whole; nothing of ours may run meanwhile. */

import { findBackup } from "../backup/backup_file.ts";
import { backupPlaces } from "../backup/backup_places.ts";
import { restoreBackup } from "../backup/restore_backup.ts";
import { parseCommandLine } from "../process/command_line.ts";
import type { CommandLineSpec } from "../process/command_line.ts";
import { logger } from "../process/logger.ts";
import { ProgressBar } from "../process/progress_bar.ts";
import { OperatorError, runProcess } from "../process/run_process.ts";
import { databaseUrl } from "../process/settings.ts";
import { configuration } from "./_configuration.ts";
import { confirmed } from "./_confirmed.ts";
import { duration } from "./_pipeline_status.ts";
import { knownParts, probe } from "./_process_probe.ts";
import { runningNow, SUPERVISORS } from "./_run_record.ts";

const COMMAND_LINE = {
  usage: "deno task restore",
  description: "Puts a backup back: verifies it first, and asks before anything is overwritten.",
  positionals: { usage: "latest|BACKUP|FILE", min: 1, max: 1 },
  options: { yes: { type: "flag", description: "Overwrite what is there without asking" } },
  notes: [
    "BACKUP is an id of deno task backup --list; FILE a …backup.json beside its folder objects, such as on another disk.",
    "Everything must be stopped (deno task stop). The next ETL run builds the gold tables anew from the raw events.",
    "Ctrl+C while it verifies or writes leaves all as it was, but for databases on a real Postgres that are put back already.",
  ],
} as const satisfies CommandLineSpec;

async function assertStopped(): Promise<void> {
  const { logsDir } = configuration(Deno.env.toObject());
  for (const supervisor of SUPERVISORS) {
    const run = await runningNow(logsDir, supervisor);
    if (run === undefined) continue;
    throw new OperatorError(
      `deno task ${supervisor} (process ${run.pid}) runs: stop it first (deno task stop). Nothing was changed`,
    );
  }
  const ours = knownParts([]).filter(({ kind }) => kind !== "warehouse" || databaseUrl().embedded);
  const running = (await Promise.all(ours.map((part) => probe(part))))
    .find(({ state }) => state === "ready" || state === "not ready");
  if (running === undefined) return;
  throw new OperatorError(
    `${running.name} runs, at ${running.address}: stop it first, it would go on from what is overwritten. Nothing was changed`,
  );
}

async function main(signal: AbortSignal): Promise<number> {
  const { values, positionals } = parseCommandLine(COMMAND_LINE, Deno.args);
  const startedMs = performance.now();
  const places = backupPlaces();
  const found = await findBackup(places.backupFolder, positionals[0]!);
  await assertStopped();
  let bar: { step: string; bar: ProgressBar } | undefined;
  try {
    const backup = await restoreBackup(places, found, {
      signal,
      async mayOverwrite(existing) {
        bar?.bar.close();
        bar = undefined;
        if (values.yes) return true;
        logger.info(["There is data already, which this overwrites:", ...existing].join("\n  "));
        return await confirmed("Overwrite it?", signal);
      },
      onProgress(step, done, total, unit) {
        if (bar?.step !== step) {
          bar?.bar.close();
          bar = { step, bar: new ProgressBar(step, total, unit) };
        }
        bar.bar.update(done);
      },
    });
    bar?.bar.close();
    const seconds = (performance.now() - startedMs) / 1000;
    const names = backup.parts.map(({ name }) => name).join(", ");
    logger.info(`✔ ${backup.id} is restored: ${names}; ${seconds.toFixed(1)} s`);
    const log = backup.parts.find(({ name }) => name === "log");
    const asOf = log?.as_of ?? backup.started_at;
    const age = duration(Math.max(0, (Date.now() - Date.parse(asOf)) / 1000));
    logger.info(
      log === undefined
        ? `  It is as of ${asOf}, ${age} ago; lake and tables come up to date from Kafka.`
        : `  The log ends at ${asOf}, ${age} ago: what was appended later is not in it.`,
    );
    logger.info("  To go on: deno task start. Then deno task verify says whether all parts agree.");
    return 0;
  } catch (error) {
    if (!signal.aborted) throw error;
    throw new OperatorError(
      "Stopped before the end: the restore is not complete. Do it again: deno task restore …",
    );
  } finally {
    bar?.bar.close();
  }
}

if (import.meta.main) await runProcess(main);
