/**
 * Process: runs the ETL on a schedule, never two at once. A run that fails is told and made up for by the next.
 *
 * @module
 */

import { Cron } from "croner";
import { StorageError } from "../lake/durable_files.ts";
import { parseCommandLine, UsageError } from "../process/command_line.ts";
import type { CommandLineSpec } from "../process/command_line.ts";
import { logger } from "../process/logger.ts";
import { processRegistry, serveMetrics } from "../process/metrics_server.ts";
import { report as reportError, runProcess } from "../process/run_process.ts";
import { databaseUrl, lakeFolders, maxEventLeadMs } from "../process/settings.ts";
import { RunStoppedError } from "./build_gold.ts";
import { etlMetrics } from "./etl_metrics.ts";
import type { EtlMetrics } from "./etl_metrics.ts";
import { runEtl, RunLockedError } from "./etl_run.ts";
import type { EtlRunOptions } from "./etl_run.ts";
import { scheduleBackups } from "./backup_schedule.ts";
import { openCurvesLog } from "./publish_curves.ts";
import { reporting, summaryLines } from "./run_report.ts";

/** The command line, as `--help` shows it. */
const ETL_RUNNER_COMMAND_LINE = {
  usage: "deno task etl-runner",
  description: "Run the ETL on a schedule; the first run comes soon after the start.",
  options: {
    every: {
      type: "duration",
      default: "30m",
      minMs: 1000,
      description: "Time between the starts of two runs",
    },
    cron: {
      type: "text",
      value: "PATTERN",
      description:
        'When to run, instead of --every: minute hour day month weekday, in UTC, such as "0 * * * *"',
    },
    "first-after": { type: "duration", default: "20s", description: "When the first run starts" },
    "skip-warehouse": { type: "flag", description: "Only write the gold tables" },
    "backup-cron": {
      type: "text",
      value: "PATTERN",
      description:
        'When to make a backup, too, such as "0 2 * * *" (02:00 UTC); without it none is made here',
    },
    "backup-keep": {
      type: "duration",
      default: "30d",
      description: "Backups older than this are deleted, never the last good one",
    },
    "metrics-port": {
      type: "number",
      value: "PORT",
      default: 8004,
      min: 0,
      max: 65535,
      integer: true,
      description: "Port of /metrics, /healthz and /readyz on 127.0.0.1; 0 picks a free one",
    },
  },
  notes: [
    "A time that comes while a run is at work is left out. Ctrl+C: a run that reads the lake stops with nothing changed,",
    "one that writes comes to its end.",
    "Environment: LAKE_DIR, DATABASE_URL, WAREHOUSE_PORT, MAX_EVENT_LEAD, with --backup-cron also BACKUP_DIR and what",
    "deno task backup reads; see .env.example.",
  ],
} as const satisfies CommandLineSpec;

/** How long a scheduled run waits for another one; longer than a dead one keeps the warehouse. */
const LOCK_WAIT_MS = 45_000;

async function main(signal: AbortSignal): Promise<void> {
  const { values } = parseCommandLine(ETL_RUNNER_COMMAND_LINE, Deno.args);
  const lake = lakeFolders();
  const options: EtlRunOptions = {
    signal,
    waitMs: LOCK_WAIT_MS,
    openLog: openCurvesLog,
    eventLeadMsMax: maxEventLeadMs(),
    ...(values["skip-warehouse"] ? {} : { warehouse: databaseUrl() }),
  };
  const registry = processRegistry();
  const metrics = etlMetrics(registry);
  let notReady: string | undefined = "No run has come to its end yet";
  let current: Promise<void> | undefined;
  const run = async (): Promise<void> => {
    if (signal.aborted) return;
    current = runOnce(lake, options, metrics).then((reason) => {
      notReady = reason;
    });
    await current;
  };
  const schedule = scheduleOf(values, run);
  const backups = values["backup-cron"] === undefined ? undefined : scheduleBackups({
    cron: values["backup-cron"],
    keepMs: values["backup-keep"],
    registry,
    signal,
  });
  const server = serveMetrics({ port: values["metrics-port"], registry, notReady: () => notReady });
  logger.info(
    `🗓 ETL runs ${
      values.cron === undefined ? `every ${values.every / 1000} s` : `at "${values.cron}" (UTC)`
    }, the first in ${values["first-after"] / 1000} s; metrics on port ${server.port}`,
  );
  try {
    schedule.start();
    await new Promise<void>((resolve) => {
      if (signal.aborted) resolve();
      signal.addEventListener("abort", () => resolve(), { once: true });
    });
  } finally {
    schedule.stop();
    await current;
    await backups?.stop();
    await server.close();
  }
}

type Values = ReturnType<typeof parseCommandLine<typeof ETL_RUNNER_COMMAND_LINE>>["values"];

/** When runs start. Between two, `protect` leaves out what would overlap. */
function scheduleOf(values: Values, run: () => Promise<void>): { start(): void; stop(): void } {
  const firstMs = values["first-after"];
  const common = { paused: true, protect: true, timezone: "UTC" };
  if (values.cron === undefined) {
    const job = new Cron("* * * * * *", {
      ...common,
      interval: Math.round(values.every / 1000),
      startAt: new Date(Date.now() + firstMs),
    }, run);
    return { start: () => void job.resume(), stop: () => job.stop() };
  }
  let job: Cron;
  try {
    job = new Cron(values.cron, common, run);
  } catch (error) {
    throw new UsageError(`--cron is "${values.cron}": ${(error as Error).message}`);
  }
  let first: ReturnType<typeof setTimeout> | undefined;
  return {
    start: () => {
      job.resume();
      first = setTimeout(() => {
        if (!job.isBusy()) void job.trigger();
      }, firstMs);
    },
    stop: () => {
      clearTimeout(first);
      job.stop();
    },
  };
}

/** One run, whatever becomes of it; returns why the process is not ready now. */
async function runOnce(
  lake: ReturnType<typeof lakeFolders>,
  options: EtlRunOptions,
  metrics: EtlMetrics,
): Promise<string | undefined> {
  const report = reporting();
  try {
    const summary = await runEtl(lake, { ...options, ...report });
    report.close();
    metrics.ended(summary);
    for (const line of summaryLines(summary).slice(-2)) logger.info(line);
    if (summary.loadError !== undefined) {
      const problem = `The gold tables are written, the warehouse is not: ${summary.loadError.message}`;
      logger.error(`✖ ${problem}. The next run makes up for it`);
      return problem;
    }
    return summary.partial ? "Raw files could not be read; see the log" : undefined;
  } catch (error) {
    report.close();
    if (error instanceof RunStoppedError) {
      metrics.broke("stopped");
      logger.info(error.message);
      return "Stopped";
    }
    if (error instanceof RunLockedError) {
      metrics.broke("locked");
      logger.warn(`⚠ ${error.message}`);
      return undefined;
    }
    metrics.broke("failed");
    if (error instanceof StorageError) logger.error(`✖ ${error.message}`);
    else reportError(error);
    return `The last run failed: ${error instanceof Error ? error.message : String(error)}`;
  }
}

if (import.meta.main) await runProcess(main);
