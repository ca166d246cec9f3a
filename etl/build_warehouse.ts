/**
 * Process: one run of the ETL. Builds the gold tables from the lake's new events and loads the warehouse.
 *
 * Exit codes: 0 done; 1 something is missing (a raw file could not be read, the warehouse is away, another run holds the
 * lock), the next run makes up for it; 2 wrong usage.
 *
 * @module
 */

import { parseCommandLine } from "../process/command_line.ts";
import type { CommandLineSpec } from "../process/command_line.ts";
import { logger } from "../process/logger.ts";
import { OperatorError, runProcess } from "../process/run_process.ts";
import { databaseUrl, lakeFolders, maxEventLeadMs } from "../process/settings.ts";
import { StorageError } from "../lake/durable_files.ts";
import { RunStoppedError } from "./build_gold.ts";
import { runEtl, RunLockedError, succeeded } from "./etl_run.ts";
import { openCurvesLog } from "./publish_curves.ts";
import { reporting, summaryJson, summaryLines } from "./run_report.ts";

/** The command line, as `--help` shows it. */
const ETL_COMMAND_LINE = {
  usage: "deno task etl",
  description: "Build the gold tables from the lake's new events and load the warehouse, once.",
  options: {
    full: {
      type: "flag",
      description: "Build everything anew from the lake, and fill the warehouse's tables anew",
    },
    "accept-loss": {
      type: "flag",
      description:
        "Go on without the lines that finished raw files have lost; else their partitions wait for them",
    },
    "skip-warehouse": { type: "flag", description: "Only write the gold tables" },
    wait: {
      type: "duration",
      default: "45s",
      description: "How long to wait for another run to end before giving up with exit code 1",
    },
    json: { type: "flag", description: "Print one JSON object instead of lines for a person" },
  },
  notes: [
    "Exit code 1: something is missing (a raw file, the warehouse, or another run works); the next run makes up for it.",
    "Environment: LAKE_DIR, DATABASE_URL, WAREHOUSE_PORT, MAX_EVENT_LEAD; see .env.example.",
  ],
} as const satisfies CommandLineSpec;

async function main(signal: AbortSignal): Promise<number> {
  const { values } = parseCommandLine(ETL_COMMAND_LINE, Deno.args);
  const report = reporting({ quiet: values.json });
  let summary;
  try {
    summary = await runEtl(lakeFolders(), {
      full: values.full,
      acceptLoss: values["accept-loss"],
      eventLeadMsMax: maxEventLeadMs(),
      signal,
      waitMs: values.wait,
      openLog: openCurvesLog,
      ...(values["skip-warehouse"] ? {} : { warehouse: databaseUrl() }),
      ...report,
    });
  } catch (error) {
    const known = error instanceof StorageError || error instanceof RunLockedError;
    if (error instanceof RunStoppedError) logger.info(error.message);
    if (error instanceof RunStoppedError) return 0;
    throw known ? new OperatorError(error.message) : error;
  } finally {
    report.close();
  }
  if (values.json) logger.info(summaryJson(summary));
  else for (const line of summaryLines(summary)) logger.info(line);
  if (summary.loadError !== undefined) {
    logger.error(
      `✖ The gold tables are written, the warehouse is not: ${summary.loadError.message}. ` +
        "Run deno task etl again: it goes on from what is stored there",
    );
  }
  return succeeded(summary) ? 0 : 1;
}

if (import.meta.main) await runProcess(main);
