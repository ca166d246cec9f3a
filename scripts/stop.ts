/** `deno task stop`: stops what `start` and `tracker` run, from another terminal; with `no` the data is deleted, too. */

import { parseCommandLine, UsageError } from "../process/command_line.ts";
import type { CommandLineSpec } from "../process/command_line.ts";
import { logger } from "../process/logger.ts";
import { OperatorError, runProcess } from "../process/run_process.ts";
import { databaseUrl } from "../process/settings.ts";
import { configuration } from "./_configuration.ts";
import { confirmed } from "./_confirmed.ts";
import { knownParts, probe } from "./_process_probe.ts";
import type { PartHealth } from "./_process_probe.ts";
import { resetData, whatResetDeletes } from "./_reset_data.ts";
import { askToStop, runningNow, SUPERVISORS } from "./_run_record.ts";

const COMMAND_LINE = {
  usage: "deno task stop",
  description:
    "Stops what deno task start and deno task tracker run, part by part, so that nothing is lost; the data stays.",
  positionals: { usage: "[yes|no]", min: 0, max: 1 },
  options: {
    yes: { type: "flag", description: "With no: delete without asking" },
    within: {
      type: "duration",
      default: "3m",
      minMs: 1000,
      description: "How long draining may take before this gives up; the processes then go on stopping",
    },
  },
  notes: [
    "yes (without a word, too) keeps the data. no deletes log, lake, warehouse and tables of the tracker, and the cache:",
    "the next start begins afresh. Backups are kept. On Kafka and Postgres it deletes the topics with KAFKA_TOPIC_PREFIX",
    "and the tables of this system, no others.",
    "Exit code 0: nothing runs any more; 1: something still does, or the data could not be deleted.",
  ],
} as const satisfies CommandLineSpec;

/** Stops what runs below a supervisor; returns how many there were. */
async function stopSupervisors(logsDir: string, deadlineMs: number, signal: AbortSignal): Promise<number> {
  let stopped = 0;
  // The pipeline last: it does not need the tracker, and the tracker's records still find the log.
  for (const supervisor of SUPERVISORS.toReversed()) {
    const run = await runningNow(logsDir, supervisor);
    if (run === undefined) continue;
    const names = run.parts.map(({ name }) => name).join(", ");
    logger.info(`Stopping ${supervisor} (process ${run.pid})${names === "" ? "" : `: ${names}`} …`);
    const startedMs = performance.now();
    if (!await askToStop(logsDir, supervisor, { deadlineMs, signal })) {
      if (signal.aborted) throw new OperatorError("Left waiting; it goes on stopping");
      throw new OperatorError(
        `deno task ${supervisor} (process ${run.pid}) has not stopped within ${
          deadlineMs / 1000
        } s. See what it does: ` +
          `deno task logs --process ${supervisor}. What is committed is safe: it may be ended by Ctrl+C twice in its terminal`,
      );
    }
    logger.info(
      `✔ ${supervisor} has stopped, after ${((performance.now() - startedMs) / 1000).toFixed(1)} s`,
    );
    stopped++;
  }
  return stopped;
}

/** Parts that still answer: they were started by hand, each in a terminal of its own. */
async function othersRunning(): Promise<PartHealth[]> {
  // A real Postgres is no part of ours.
  const ours = knownParts([]).filter(({ kind }) => kind !== "warehouse" || databaseUrl().embedded);
  const health = await Promise.all(ours.map((part) => probe(part)));
  return health.filter(({ state }) => state === "ready" || state === "not ready");
}

async function main(signal: AbortSignal): Promise<number> {
  const { values, positionals } = parseCommandLine(COMMAND_LINE, Deno.args);
  const keep = positionals[0] ?? "yes";
  if (keep !== "yes" && keep !== "no") {
    throw new UsageError(`"${keep}" is neither yes (keep the data) nor no (delete it)`);
  }
  const given = configuration(Deno.env.toObject());
  const stopped = await stopSupervisors(given.logsDir, values.within, signal);
  const others = await othersRunning();
  for (const { name, address } of others) {
    logger.warn(
      `⚠ ${name} still answers at ${address}: it was started by itself, Ctrl+C in its terminal ends it`,
    );
  }
  if (keep === "yes") {
    if (stopped === 0 && others.length === 0) logger.info("Nothing runs. The data is kept");
    else if (others.length === 0) logger.info("The data is kept. To go on: deno task start");
    return others.length === 0 ? 0 : 1;
  }
  if (others.length > 0) {
    throw new OperatorError("Nothing is deleted while a part runs: it would write on. Stop it first");
  }
  logger.info(["This deletes, for good:", ...await whatResetDeletes(given)].join("\n  "));
  if (!values.yes && !await confirmed("Delete all of it?", signal)) {
    logger.info("Nothing is deleted");
    return 1;
  }
  for (const done of await resetData(given)) logger.info(`✔ ${done}`);
  logger.info("All is reset. To begin afresh: deno task start");
  return 0;
}

if (import.meta.main) await runProcess(main);
