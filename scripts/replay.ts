/** `deno task replay`: runs the engine again over what was recorded, and touches nothing that runs. */

import { instantGiven } from "../dead_letters/letter_filter.ts";
import { LogUnavailableError } from "../event_log/event_log.ts";
import type { EventLog } from "../event_log/event_log.ts";
import { parseCommandLine, UsageError } from "../process/command_line.ts";
import type { CommandLineSpec } from "../process/command_line.ts";
import { isThere } from "../process/files.ts";
import { colored, logger } from "../process/logger.ts";
import { openEventLog } from "../process/open_event_log.ts";
import { ProgressBar } from "../process/progress_bar.ts";
import { OperatorError, runProcess } from "../process/run_process.ts";
import { kafkaSettings, lakeFolders, maxEventLeadMs, setting } from "../process/settings.ts";
import { runReplay } from "../replay/run_replay.ts";
import { ENGINE_OPTIONS, engineOptions } from "../streaming/engine_options.ts";
import { openOutput } from "./_replay_output.ts";
import { replayText } from "./_replay_text.ts";

/** The command line, as `--help` shows it. */
export const REPLAY_COMMAND_LINE = {
  usage: "deno task replay",
  description:
    "Runs the engine again over the lake or the log, under any policy, without touching topics or offsets: it only reads.",
  options: {
    "from-lake": {
      type: "flag",
      description: "Take the records from the lake; so it is unless told otherwise",
    },
    "from-log": {
      type: "flag",
      description: "Take the records from the event log, as far back as it reaches",
    },
    from: {
      type: "text",
      value: "TIME",
      description:
        "Report from this event time on: a UTC time, a day, or a time ago such as 12h. What came before is still taken, for the state",
    },
    to: { type: "text", value: "TIME", description: "Report up to this event time, without it" },
    ...ENGINE_OPTIONS,
    "max-event-lead": {
      type: "duration",
      description: "An event time further beyond its append time is refused (default MAX_EVENT_LEAD)",
    },
    out: {
      type: "text",
      value: "FILE",
      description: "Write decisions and metrics to this file, one JSON object a line; - is standard output",
    },
    "decisions-only": { type: "flag", description: "Write decisions only" },
    compare: {
      type: "flag",
      description: "Hold decisions and metrics against those that the consumer recorded, byte for byte",
    },
    "by-event-time": {
      type: "flag",
      description: "Take records by event time, not in the order in which the consumer took them",
    },
    json: { type: "flag", description: "Print the summary as JSON" },
  },
  notes: [
    "Where the event log still knows in which order the consumer took its records, they are taken so; else by event time.",
    "Exit code 0: done; 1: failed, or with --compare something differs; 2: wrong usage.",
    "Environment: LAKE_DIR, KAFKA_BROKERS, EVENT_LOG_FILE, MAX_EVENT_LEAD; see .env.example.",
    "Example: deno task replay --policy RULE_ENGINE --from 7d --out decisions.jsonl --decisions-only",
  ],
} as const satisfies CommandLineSpec;

/** The log; an embedded one is not made where there is none. */
async function logIfThere(required: boolean): Promise<EventLog | undefined> {
  const file = setting("EVENT_LOG_FILE")!;
  if (kafkaSettings() === undefined && !await isThere(file)) {
    if (required) throw new OperatorError(`There is no event log at "${file}". Replay the lake: --from-lake`);
    return undefined;
  }
  let log: EventLog | undefined;
  try {
    log = await openEventLog("airline-replay", { readOnly: true });
    // Throws where the log has no id yet.
    void log.logId;
    return log;
  } catch (error) {
    await log?.close();
    if (required || (!(error instanceof LogUnavailableError) && log === undefined)) throw error;
    logger.warn(`Without the event log: ${(error as Error).message}`);
    return undefined;
  }
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
        bar = { step, bar: new ProgressBar(step, total, unit) };
      }
      bar.bar.update(done);
    },
    close: () => bar?.bar.close(),
  };
}

async function main(signal: AbortSignal): Promise<number> {
  const { values } = parseCommandLine(REPLAY_COMMAND_LINE, Deno.args);
  if (values["from-lake"] && values["from-log"]) {
    throw new UsageError("Give --from-lake or --from-log, not both");
  }
  const nowMs = Date.now();
  const time = (option: "from" | "to") => {
    const text = values[option];
    return text === undefined ? undefined : instantGiven(option, text, nowMs);
  };
  const [fromMs, toMs] = [time("from"), time("to")];
  if (fromMs !== undefined && toMs !== undefined && fromMs >= toMs) {
    throw new UsageError(`--from is ${values.from} and --to is ${values.to}: nothing lies between them`);
  }
  const log = await logIfThere(values["from-log"]);
  const output = values.out === undefined ? undefined : await openOutput(values.out);
  const bar = progress();
  try {
    const report = await runReplay({
      source: values["from-log"] ? "log" : "lake",
      rawFolder: lakeFolders().raw,
      log,
      engine: engineOptions(values),
      eventLeadMsMax: values["max-event-lead"] ?? maxEventLeadMs(),
      ...(fromMs === undefined ? {} : { fromMs }),
      ...(toMs === undefined ? {} : { toMs }),
      byEventTime: values["by-event-time"],
      compare: values.compare,
      onOutput({ topic, value }) {
        if (topic === "promo_decisions" || !values["decisions-only"]) output?.write(value);
      },
      onProgress: bar.update,
      signal,
    });
    bar.close();
    await output?.finish();
    const toStderr = values.out === "-";
    const text = values.json
      ? JSON.stringify(report, null, 2)
      : replayText(report, { colors: colored(toStderr ? Deno.stderr : Deno.stdout), out: output?.file });
    // Standard output holds nothing but the events then.
    if (toStderr) Deno.stderr.writeSync(new TextEncoder().encode(`${text}\n`));
    else logger.info(text);
    return report.comparison === null || report.comparison.agrees ? 0 : 1;
  } catch (error) {
    if (!signal.aborted) throw error;
    logger.error("✖ Stopped before all was replayed; nothing was written");
    return 1;
  } finally {
    bar.close();
    await output?.discard();
    await log?.close();
  }
}

if (import.meta.main) await runProcess(main);
