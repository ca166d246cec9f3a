/** `deno task explain`: the story of a flight, its promotions and why it had none. Reads the log and changes nothing. */

import { parseCommandLine } from "../process/command_line.ts";
import type { CommandLineSpec } from "../process/command_line.ts";
import { logger } from "../process/logger.ts";
import { openEventLog } from "../process/open_event_log.ts";
import { ProgressBar } from "../process/progress_bar.ts";
import { runProcess } from "../process/run_process.ts";
import { flightRecords } from "./_flight_records.ts";
import { flightStory } from "./_flight_story.ts";

const COMMAND_LINE = {
  usage: "deno task explain",
  description: "Tells the story of a flight: how it filled, what was decided and why, and why not.",
  positionals: { usage: "FLIGHT_ID", min: 1, max: 1 },
  options: {
    json: { type: "flag", description: "Print one JSON object instead of the story" },
  },
  notes: [
    "As far back as the log goes: metrics 7 days, decisions and what was held back 30 days.",
    "KAFKA_BROKERS chooses Kafka; without it the embedded log (EVENT_LOG_FILE) is read.",
  ],
} as const satisfies CommandLineSpec;

await runProcess(async (signal) => {
  const { values, positionals } = parseCommandLine(COMMAND_LINE, Deno.args);
  const log = await openEventLog("airline-explain", { readOnly: true });
  let bar: ProgressBar | undefined;
  try {
    const records = await flightRecords(log, positionals[0]!, {
      signal,
      onRecords: (done, total) => {
        bar ??= new ProgressBar("Reading the log", total, "records");
        bar.update(done);
      },
    });
    bar?.close();
    logger.info(values.json ? JSON.stringify(records) : flightStory(records));
  } finally {
    bar?.close();
    await log.close();
  }
});
