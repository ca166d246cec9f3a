/** `deno task verify`: reconciles log, lake, gold tables and warehouse. */

import { LAKE_TOPICS } from "../events/topics.ts";
import { LogUnavailableError } from "../event_log/event_log.ts";
import type { EventLog } from "../event_log/event_log.ts";
import { parseCommandLine, UsageError } from "../process/command_line.ts";
import type { CommandLineSpec } from "../process/command_line.ts";
import { isThere } from "../process/files.ts";
import { colored, logger } from "../process/logger.ts";
import { openEventLog } from "../process/open_event_log.ts";
import { ProgressBar } from "../process/progress_bar.ts";
import { runProcess } from "../process/run_process.ts";
import { databaseUrl, kafkaSettings, lakeFolders, maxEventLeadMs, setting } from "../process/settings.ts";
import { goldIsThere } from "../verification/gold_snapshot.ts";
import { reportText } from "../verification/report_text.ts";
import type { VerificationReport } from "../verification/report.ts";
import { verifyPipeline } from "../verification/verify_pipeline.ts";
import type { Absent } from "../verification/verify_pipeline.ts";
import { unusableTables } from "../verification/warehouse_snapshot.ts";
import { openWarehouse, WarehouseUnavailableError } from "../warehouse/connect.ts";
import type { Warehouse } from "../warehouse/connect.ts";
import { watchVerification } from "./_verify_watch.ts";

const SKIPPABLE = ["log", "gold", "warehouse"] as const;
type Skippable = typeof SKIPPABLE[number];

/** The command line, as `--help` shows it. */
const VERIFY_COMMAND_LINE = {
  usage: "deno task verify",
  description:
    "Compares log, lake, gold tables and warehouse, record by record and row by row, and says what differs.",
  options: {
    json: { type: "flag", description: "Print JSON instead of tables" },
    deep: { type: "flag", description: "Also compare raw files with the SHA-256 of their manifest" },
    complete: {
      type: "flag",
      description: "Also fail on what is only not written yet: for a pipeline that was stopped in order",
    },
    skip: {
      type: "text",
      value: "PARTS",
      description: "Leave out log, gold or warehouse; several by commas",
    },
    "max-promotions-per-flight": {
      type: "number",
      default: 1,
      min: 0,
      integer: true,
      description: "As the consumer was started",
    },
    every: {
      type: "duration",
      minMs: 1000,
      description: "Go on comparing, this long from one start to the next, and serve the result as metrics",
    },
    "metrics-port": {
      type: "number",
      value: "PORT",
      default: 8006,
      min: 0,
      max: 65535,
      integer: true,
      description: "With --every: port of /metrics, /healthz and /readyz on 127.0.0.1; 0 picks a free one",
    },
  },
  notes: [
    "May be called while the pipeline runs: each part is compared as far as it says it has come.",
    "Exit code 0: all agree; 1: something differs or a part is absent; 2: wrong usage.",
    "With --every it runs until Ctrl+C and ends with 0: what differs is told by its lines and by verify_differences.",
    "Environment: KAFKA_BROKERS, EVENT_LOG_FILE, LAKE_DIR, DATABASE_URL, MAX_EVENT_LEAD; see .env.example.",
  ],
} as const satisfies CommandLineSpec;

/**
 * The parts that `--skip` names.
 *
 * @throws {UsageError} for a name that is none of them.
 */
export function skippedParts(text: string | undefined): Set<Skippable> {
  const names = (text ?? "").split(",").map((name) => name.trim()).filter((name) => name !== "");
  for (const name of names) {
    if (!(SKIPPABLE as readonly string[]).includes(name)) {
      throw new UsageError(`--skip is "${name}", expected ${SKIPPABLE.join(", ")}`);
    }
  }
  return new Set(names as Skippable[]);
}

/** The log; an embedded one is not made where there is none. */
async function logOrAbsent(): Promise<EventLog | Absent> {
  const file = setting("EVENT_LOG_FILE")!;
  if (kafkaSettings() === undefined && !await isThere(file)) {
    return { absent: `There is no event log at "${file}" yet: create it with deno task topics` };
  }
  let log: EventLog | undefined;
  try {
    log = await openEventLog("airline-verify");
    // Throws where the log has no id yet.
    void log.logId;
    await log.checkIdentity(LAKE_TOPICS);
    return log;
  } catch (error) {
    await log?.close();
    if (!(error instanceof LogUnavailableError) && log === undefined) throw error;
    return { absent: (error as Error).message };
  }
}

async function warehouseOrAbsent(): Promise<Warehouse | Absent> {
  let warehouse: Warehouse;
  try {
    warehouse = await openWarehouse({ ...databaseUrl(), applicationName: "airline-verify", max: 1 });
  } catch (error) {
    if (!(error instanceof WarehouseUnavailableError)) throw error;
    return { absent: error.message };
  }
  const unusable = await unusableTables(warehouse);
  if (unusable.length === 0) return warehouse;
  await warehouse.close();
  const tables = unusable.map(({ table, reason }) => `${table} (${reason})`).join(", ");
  return { absent: `Tables of the warehouse are not ours: ${tables}. Fill them with deno task etl` };
}

/** Draws one bar for each step. */
function progress(): {
  update: (step: string, done: number, total: number, unit: string) => void;
  close(): void;
} {
  let bar: { step: string; bar: ProgressBar } | undefined;
  return {
    update(step, done, total, unit) {
      if (bar?.step !== step) {
        bar?.bar.close();
        bar = { step, bar: new ProgressBar(step.padEnd(36), total, unit) };
      }
      bar.bar.update(done);
    },
    close: () => bar?.bar.close(),
  };
}

type Values = ReturnType<typeof parseCommandLine<typeof VERIFY_COMMAND_LINE>>["values"];

/** Opens what there is, compares it and closes it. */
async function verifyOnce(values: Values, signal: AbortSignal): Promise<VerificationReport> {
  const skipped = skippedParts(values.skip);
  const { raw, gold } = lakeFolders();
  const unlessSkipped = <T>(part: Skippable, open: () => Promise<T>): Promise<T | Absent> =>
    skipped.has(part) ? Promise.resolve({ skipped: true }) : open();
  const log = await unlessSkipped("log", logOrAbsent);
  const warehouse = await unlessSkipped("warehouse", warehouseOrAbsent);
  const goldFolder = await unlessSkipped(
    "gold",
    async () =>
      await goldIsThere(gold)
        ? gold
        : { absent: `There are no gold tables of ours at "${gold}" yet: build them with deno task etl` },
  );
  const bar = progress();
  try {
    return await verifyPipeline({
      log,
      rawFolder: raw,
      goldFolder,
      warehouse,
      deep: values.deep,
      complete: values.complete,
      eventLeadMsMax: maxEventLeadMs(),
      maxPromotionsPerFlight: values["max-promotions-per-flight"],
      onProgress: values.every === undefined ? bar.update : () => {},
      signal,
    });
  } finally {
    bar.close();
    if ("close" in log) await log.close();
    if ("close" in warehouse) await warehouse.close();
  }
}

async function main(signal: AbortSignal): Promise<number> {
  const { values } = parseCommandLine(VERIFY_COMMAND_LINE, Deno.args);
  skippedParts(values.skip);
  const show = (report: VerificationReport) =>
    logger.info(
      values.json ? JSON.stringify(report, null, 2) : reportText(report, { colors: colored(Deno.stdout) }),
    );
  if (values.every !== undefined) {
    await watchVerification({
      everyMs: values.every,
      metricsPort: values["metrics-port"],
      verify: () => verifyOnce(values, signal),
      onReport: show,
    }, signal);
    return 0;
  }
  try {
    const report = await verifyOnce(values, signal);
    show(report);
    return report.agrees ? 0 : 1;
  } catch (error) {
    if (!signal.aborted) throw error;
    logger.error("✖ Stopped before everything was compared");
    return 1;
  }
}

if (import.meta.main) await runProcess(main);
