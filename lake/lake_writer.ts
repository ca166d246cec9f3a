/**
 * Process: writes every topic to `lake/raw/<topic>/`, each record exactly once, in files that appear whole.
 * `segment_writer.ts` has the commit order, `keep_writing.ts` what happens when something fails.
 *
 * @module
 */

import { dirname } from "node:path";
import { GROUPS, LAKE_TOPICS } from "../events/topics.ts";
import { parseCommandLine } from "../process/command_line.ts";
import type { CommandLineSpec } from "../process/command_line.ts";
import { addDiskMetrics } from "../process/disk_metrics.ts";
import { logger, RateLimitedLines } from "../process/logger.ts";
import { processRegistry, serveMetrics } from "../process/metrics_server.ts";
import { openEventLog } from "../process/open_event_log.ts";
import { OperatorError, runProcess } from "../process/run_process.ts";
import { kafkaSettings, lakeFolders, maxEventLeadMs, setting } from "../process/settings.ts";
import { StorageError } from "./durable_files.ts";
import { keepWriting } from "./keep_writing.ts";
import { LakeLockedError, lockLake } from "./lake_folder.ts";
import { lakeMetrics } from "./lake_metrics.ts";
import { Readiness } from "./readiness.ts";

/** The command line, as `--help` shows it. */
const LAKE_COMMAND_LINE = {
  usage: "deno task lake",
  description: "Write every topic to lake/raw as JSON lines, each record exactly once.",
  options: {
    "seal-bytes": {
      type: "number",
      value: "BYTES",
      default: 64 * 1024 * 1024,
      min: 1,
      integer: true,
      description: "Finish a file at this size",
    },
    "seal-events": {
      type: "number",
      value: "EVENTS",
      default: 250_000,
      min: 1,
      integer: true,
      description: "Finish a file after this many records",
    },
    "seal-age": {
      type: "duration",
      default: "60s",
      minMs: 100,
      description: "Finish a file this long after its first record",
    },
    "merge-below": {
      type: "number",
      value: "BYTES",
      default: 8 * 1024 * 1024,
      min: 0,
      integer: true,
      description:
        "Merge finished files smaller than this: those of an hour that is over into one, then those of a day; 0 merges none",
    },
    "merge-after": {
      type: "duration",
      default: "5m",
      minMs: 0,
      description: "How long after its end an hour or a day is merged",
    },
    "from-beginning": {
      type: "flag",
      description:
        "Where the lake has no file of this log, start at the log's beginning, whatever the group committed",
    },
    "metrics-port": {
      type: "number",
      value: "PORT",
      default: 8003,
      min: 0,
      max: 65535,
      integer: true,
      description: "Port of /metrics, /healthz and /readyz on 127.0.0.1; 0 picks a free one",
    },
  },
  notes: [
    "A file is also finished when the hour (UTC) of its records ends, and at Ctrl+C.",
    "Environment: KAFKA_BROKERS, EVENT_LOG_FILE, LAKE_DIR, MAX_EVENT_LEAD; see .env.example.",
  ],
} as const satisfies CommandLineSpec;

async function main(signal: AbortSignal): Promise<void> {
  const { values } = parseCommandLine(LAKE_COMMAND_LINE, Deno.args);
  const rawFolder = lakeFolders().raw;
  const registry = processRegistry();
  const metrics = lakeMetrics(registry);
  addDiskMetrics(registry, {
    lake: rawFolder,
    ...(kafkaSettings() === undefined ? { log: dirname(setting("EVENT_LOG_FILE")!) } : {}),
  });
  const readiness = new Readiness();
  using _lock = await lockLake(rawFolder).catch((error) => {
    const known = error instanceof StorageError || error instanceof LakeLockedError;
    throw known ? new OperatorError(error.message) : error;
  });
  const server = serveMetrics({
    port: values["metrics-port"],
    registry,
    notReady: () => readiness.notReady(),
  });
  const lines = new RateLimitedLines({ perSecondMax: 3 });
  try {
    await keepWriting({
      openLog: () => openEventLog("airline-lake-writer"),
      rawFolder,
      topics: LAKE_TOPICS,
      group: GROUPS.lake,
      limits: { bytes: values["seal-bytes"], events: values["seal-events"], ageMs: values["seal-age"] },
      ...(values["merge-below"] === 0 ? {} : {
        merging: {
          belowBytes: values["merge-below"],
          bytesMax: values["seal-bytes"],
          afterMs: values["merge-after"],
        },
      }),
      fromBeginning: values["from-beginning"],
      metrics,
      eventLeadMsMax: maxEventLeadMs(),
      onStarted() {
        readiness.setProblem(undefined);
        logger.info("🪣 Lake ingestion started");
        logger.info(`   into ${rawFolder}, metrics on port ${server.port}`);
      },
      onSealed: (topic, { name, lines: events }) =>
        lines.say(() =>
          `🪣 ${topic}: ${events.toLocaleString("en")} ${events === 1 ? "event" : "events"} in ${name}`
        ),
      onProblem: (reason) => readiness.setProblem(reason),
      onHeard: () => readiness.heard(),
      say: logger.info,
      warn: logger.warn,
    }, signal);
  } finally {
    await server.close();
  }
  logger.info("🪣 Lake ingestion stopped; all that was read is in finished files");
}

if (import.meta.main) await runProcess(main);
