/** `deno task tail`: prints the records of a topic as they come. */

import type { EventLog, LogRecord } from "../event_log/event_log.ts";
import { parseCommandLine, UsageError } from "../process/command_line.ts";
import type { CommandLineSpec } from "../process/command_line.ts";
import { logger } from "../process/logger.ts";
import { openEventLog } from "../process/open_event_log.ts";
import { OperatorError, runProcess } from "../process/run_process.ts";

const COMMAND_LINE = {
  usage: "deno task tail",
  description: "Prints the records of a topic, one a line, until Ctrl+C.",
  positionals: { usage: "TOPIC", min: 1, max: 1 },
  options: {
    "from-beginning": {
      type: "flag",
      description: "Start with the oldest record; without it, with the next new one",
    },
    max: { type: "number", integer: true, min: 1, value: "RECORDS", description: "Stop after that many" },
    partition: { type: "number", integer: true, min: 0, value: "NUMBER", description: "Only this partition" },
    "with-metadata": { type: "flag", description: "Show partition, offset, time and key before each value" },
    "no-follow": { type: "flag", description: "Stop at the end instead of waiting for more" },
  },
  notes: [
    "Only values go to standard output, so that they can be piped: deno task tail bookings --max 3 | jq .total_price",
    "Topics: deno task topics --list",
  ],
} satisfies CommandLineSpec;

/** What to print of a topic. */
export interface TailOptions {
  topic: string;
  fromBeginning: boolean;
  max?: number | undefined;
  partition?: number | undefined;
  follow: boolean;
  signal: AbortSignal;
  /** Prints one; `false` when nobody reads any more (`| head`), which ends it. */
  print: (record: LogRecord) => boolean;
}

/**
 * Prints records of a topic and returns how many.
 *
 * @throws {OperatorError} for a topic or partition that is not there; the message lists those that are.
 */
export async function tail(log: EventLog, options: TailOptions): Promise<number> {
  const { topic, max = Infinity, signal } = options;
  const known = (await log.listTopics()).map(({ name }) => name).sort();
  if (!known.includes(topic)) {
    throw new OperatorError(
      known.length === 0
        ? `There is no topic "${topic}", and no other. Create them: deno task topics`
        : `There is no topic "${topic}". There are ${known.join(", ")}`,
    );
  }
  const all = await log.ranges([topic]);
  const ranges = all.filter(({ partition }) =>
    options.partition === undefined || partition === options.partition
  );
  if (ranges.length === 0) {
    throw new UsageError(`--partition is ${options.partition}, but "${topic}" has 0 to ${all.length - 1}`);
  }
  const ends = new Map(ranges.map(({ partition, end }) => [partition, end]));
  const positions = ranges.map(({ partition, start, end }) => ({
    topic,
    partition,
    offset: options.fromBeginning ? start : end,
  }));
  // Partitions that still have records below the end as it was at the start; empty: everything is printed.
  const open = new Set(
    positions.filter(({ partition, offset }) => offset < ends.get(partition)!).map((p) => p.partition),
  );
  const reader = await log.reader({ positions });
  let printed = 0;
  try {
    while (!signal.aborted && printed < max && (options.follow || open.size > 0)) {
      const batches = await reader.poll({ maxWaitMs: 1000, signal });
      // The end also counts the markers of transactions, which are never handed over: silence is the end too.
      if (batches.length === 0 && !options.follow) break;
      for (const { records, partition, nextOffset } of batches) {
        for (const record of records) {
          if (printed >= max) break;
          if (!options.print(record)) return printed;
          printed++;
        }
        if (nextOffset >= ends.get(partition)!) open.delete(partition);
      }
    }
  } finally {
    await reader.close();
  }
  return printed;
}

/** A record as one line; a tombstone shows as `null`. */
export function recordLine(record: LogRecord, options: { metadata: boolean }): string {
  const value = record.value ?? "null";
  if (!options.metadata) return value;
  const time = new Date(record.timestampMs).toISOString();
  return `${record.partition}\t${record.offset}\t${time}\t${record.key ?? "-"}\t${value}`;
}

if (import.meta.main) {
  await runProcess(async (signal) => {
    const { values, positionals } = parseCommandLine(COMMAND_LINE, Deno.args);
    const log = await openEventLog("airline-tail");
    try {
      const printed = await tail(log, {
        topic: positionals[0]!,
        fromBeginning: values["from-beginning"],
        max: values.max,
        partition: values.partition,
        follow: !values["no-follow"],
        signal,
        print: (record) => logger.info(recordLine(record, { metadata: values["with-metadata"] })),
      });
      if (Deno.stderr.isTerminal()) {
        Deno.stderr.writeSync(new TextEncoder().encode(`${printed} records\n`));
      }
    } finally {
      await log.close();
    }
  });
}
