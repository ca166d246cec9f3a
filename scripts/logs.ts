/** `deno task logs`: what the processes below `start` and `tracker` printed, by time. */

import { parseCommandLine, UsageError } from "../process/command_line.ts";
import type { CommandLineSpec } from "../process/command_line.ts";
import { jsonLine, LOG_LEVELS } from "../process/log_line.ts";
import type { LogLevel, LogMessage } from "../process/log_line.ts";
import { colored, logger } from "../process/logger.ts";
import { pause } from "../process/pause.ts";
import { runProcess } from "../process/run_process.ts";
import { configuration } from "./_configuration.ts";
import { LogFileReader, loggedProcesses } from "./_log_files.ts";
import { shownTime } from "./_shown_text.ts";

const COMMAND_LINE = {
  usage: "deno task logs",
  description: "Shows what the processes below deno task start and deno task tracker printed, by time.",
  options: {
    process: {
      type: "text",
      value: "NAMES",
      description: "Only these, separated by commas, such as consumer,lake",
    },
    level: {
      type: "text",
      value: "LEVEL",
      choices: LOG_LEVELS,
      default: "info",
      description: "At least this much: warn leaves out what is as it should be",
    },
    since: { type: "duration", description: "Only the last 10m, 2h, 7d" },
    grep: {
      type: "text",
      value: "TEXT",
      description: "Only messages that contain this text; case does not count",
    },
    max: { type: "number", default: 200, min: 1, integer: true, description: "Only the newest so many" },
    follow: { type: "flag", short: "f", description: "Go on with what comes, until Ctrl+C" },
    json: { type: "flag", description: "Print JSON objects, one a line" },
  },
  notes: [
    "The messages are in data/logs, beside the embedded log (EVENT_LOG_FILE): of each process the last 4 to 8 MB.",
    "A process that was started by itself prints to its own terminal only.",
  ],
} as const satisfies CommandLineSpec;

const LOOK_INTERVAL_MS = 500;

/** What is asked for. */
export interface LogFilter {
  level: LogLevel;
  sinceMs?: number | undefined;
  contains?: string | undefined;
}

/** Whether a message is among what is asked for. */
export function matches(message: LogMessage, { level, sinceMs, contains }: LogFilter): boolean {
  return LOG_LEVELS.indexOf(message.level) >= LOG_LEVELS.indexOf(level) &&
    (sinceMs === undefined || message.timeMs >= sinceMs) &&
    (contains === undefined || message.message.toLowerCase().includes(contains.toLowerCase()));
}

const COLORS: Record<LogLevel, number | undefined> = { info: undefined, warn: 33, error: 31 };

function shown(message: LogMessage, { width, colors }: { width: number; colors: boolean }): string {
  const head = `${shownTime(message.timeMs)} ${message.level.padEnd(5)} ${message.process.padEnd(width)} |`;
  const color = colors ? COLORS[message.level] : undefined;
  return message.message.split("\n").map((line) =>
    color === undefined ? `${head} ${line}` : `${head} \x1b[${color}m${line}\x1b[0m`
  ).join("\n");
}

async function main(signal: AbortSignal): Promise<number> {
  const { values } = parseCommandLine(COMMAND_LINE, Deno.args);
  const folder = configuration(Deno.env.toObject()).logsDir;
  const kept = await loggedProcesses(folder);
  const wanted = values.process?.split(",").map((name) => name.trim()).filter((name) => name !== "");
  for (const name of wanted ?? []) {
    if (kept.includes(name)) continue;
    const there = kept.length === 0 ? "There are none yet" : `There are those of ${kept.join(", ")}`;
    throw new UsageError(`There are no messages of a process "${name}". ${there}`);
  }
  if (kept.length === 0) {
    logger.warn(`⚠ No messages are kept in "${folder}" yet: deno task start and deno task tracker keep them`);
    if (!values.follow) return 1;
  }
  const filter: LogFilter = {
    level: values.level as LogLevel,
    sinceMs: values.since === undefined ? undefined : Date.now() - values.since,
    contains: values.grep,
  };
  const names = wanted ?? kept;
  const readers = new Map(names.map((name) => [name, new LogFileReader(folder, name)]));
  const read = async (): Promise<LogMessage[]> => {
    if (wanted === undefined) {
      for (const name of await loggedProcesses(folder)) {
        if (!readers.has(name)) readers.set(name, new LogFileReader(folder, name));
      }
    }
    const found = (await Promise.all([...readers.values()].map((reader) => reader.read()))).flat();
    return found.filter((message) => matches(message, filter)).sort((a, b) => a.timeMs - b.timeMs);
  };
  const colors = colored(Deno.stdout);
  // Returns whether somebody still reads.
  const print = (messages: LogMessage[]): boolean => {
    const width = Math.max(...[...readers.keys()].map((name) => name.length), 0);
    return messages.every((message) =>
      logger.info(values.json ? jsonLine(message).trimEnd() : shown(message, { width, colors }))
    );
  };
  let goesOn = print((await read()).slice(-values.max));
  while (values.follow && goesOn && !signal.aborted) {
    await pause(LOOK_INTERVAL_MS, signal);
    goesOn = print(await read());
  }
  return 0;
}

if (import.meta.main) await runProcess(main);
