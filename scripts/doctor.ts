/** `deno task doctor`: looks at everything once, says what is wrong and how to mend it, and changes nothing. */

import type { EventLog } from "../event_log/event_log.ts";
import { parseCommandLine } from "../process/command_line.ts";
import type { CommandLineSpec } from "../process/command_line.ts";
import { isThere } from "../process/files.ts";
import { colored, logger } from "../process/logger.ts";
import { openEventLog } from "../process/open_event_log.ts";
import { runProcess } from "../process/run_process.ts";
import { kafkaSettings, setting } from "../process/settings.ts";
import { configuration } from "./_configuration.ts";
import { examined, findingsText, fine, wrong } from "./_doctor_check.ts";
import type { Finding } from "./_doctor_check.ts";
import {
  lagFindings,
  recordFindings,
  redisFinding,
  topicFindings,
  warehouseFindings,
  warehouseOrFinding,
} from "./_doctor_engines.ts";
import {
  backupFinding,
  diskFindings,
  folderFindings,
  librariesFinding,
  processFindings,
  versionFinding,
} from "./_doctor_machine.ts";
import { systemStatus } from "./status.ts";

const COMMAND_LINE = {
  usage: "deno task doctor",
  description:
    "Looks at versions, folders, disk, processes, ports, topics, records, lag, warehouse, clock and backups, and says what is wrong and how to mend it. Changes nothing.",
  options: { json: { type: "flag", description: "Print JSON" } },
  notes: [
    "Whether log, lake and warehouse agree record by record: deno task verify.",
    "Exit code 0: nothing to mend (there may be things to look at); 1: something is to be mended.",
  ],
} as const satisfies CommandLineSpec;

/** The log, or why it cannot be opened. */
async function logOrFinding(): Promise<{ log?: EventLog; finding: Finding }> {
  const kafka = kafkaSettings();
  const file = setting("EVENT_LOG_FILE")!;
  if (kafka === undefined && !await isThere(file)) {
    return {
      finding: wrong(
        "event log",
        "warn",
        `embedded; "${file}" is not there yet`,
        "deno task topics, or deno task start",
      ),
    };
  }
  try {
    const log = await openEventLog("airline-doctor", { readOnly: true });
    const where = kafka === undefined ? `embedded, ${file}` : `Kafka at ${kafka.brokers.join(", ")}`;
    return { log, finding: fine("event log", where) };
  } catch (error) {
    return { finding: wrong("event log", "fail", (error as Error).message, "See RUNBOOK.md, Common errors") };
  }
}

/** Every finding, in the order of what depends on what. */
async function findings(): Promise<Finding[]> {
  const given = configuration(Deno.env.toObject());
  const status = await systemStatus(given.logsDir);
  const runs = (name: string) =>
    status.processes.some((part) =>
      part.name === name && (part.state === "ready" || part.state === "not ready")
    );
  const found = [
    versionFinding(),
    await librariesFinding(),
    ...await examined("folder", () => folderFindings(given)),
    ...await examined("disk", () => diskFindings(given)),
    ...processFindings(status),
  ];
  const expected = status.runs.some(({ parts }) => parts.some(({ name }) => name === "warehouse"));
  const { warehouse, finding: warehouseAway } = await warehouseOrFinding({ expected });
  const { log, finding: logFinding } = await logOrFinding();
  found.push(logFinding);
  try {
    if (log !== undefined) {
      const topics = await examined("topics", () => topicFindings(log));
      found.push(...topics);
      if (!topics.some(({ severity }) => severity === "fail")) {
        const options = { producing: runs("producer"), nowMs: Date.now() };
        found.push(...await examined("last records", () => recordFindings(log, options)));
        found.push(...await examined("lag", () => lagFindings(log, warehouse)));
      }
    }
    if (warehouse === undefined) found.push(warehouseAway!);
    else {
      const loading = runs("etl-runner");
      found.push(
        ...await examined("warehouse", () => warehouseFindings(warehouse, { loading, nowMs: Date.now })),
      );
    }
    found.push(...await examined("redis", redisFinding));
    found.push(...await examined("backup", () => backupFinding(given.backupDir, Date.now())));
  } finally {
    await log?.close();
    await warehouse?.close();
  }
  return found;
}

if (import.meta.main) {
  await runProcess(async () => {
    const { values } = parseCommandLine(COMMAND_LINE, Deno.args);
    const found = await findings();
    const failed = found.some(({ severity }) => severity === "fail");
    logger.info(
      values.json
        ? JSON.stringify({ ok: !failed, findings: found }, null, 2)
        : findingsText(found, { colors: colored(Deno.stdout) }),
    );
    return failed ? 1 : 0;
  });
}
