/** `deno task dead-letters`: lists records that were refused, explains them, and drives them again. */

import { HelpRequested, UsageError } from "../process/command_line.ts";
import { openEventLog } from "../process/open_event_log.ts";
import { runProcess } from "../process/run_process.ts";
import { listDeadLetters } from "./_dead_letters_list.ts";
import { replayDeadLetters } from "./_dead_letters_replay.ts";
import { showDeadLetter } from "./_dead_letters_show.ts";
import type { EventLog } from "../event_log/event_log.ts";

const HELP = `Usage: deno task dead-letters list|show|replay [options]

Records that were refused, whole, with the reason: what there are, what to do about one, and driving them again.

  list             what was refused, and how much for which reason
  show ID          one record as it came, the reason in plain words, what to do
  replay ID …      appends records again to their topics, each exactly once

Each has --help.`;

/** A command: reads its own command line first, then asks for the log. */
type Command = (
  args: readonly string[],
  openLog: () => Promise<EventLog>,
  signal: AbortSignal,
) => Promise<number>;

const COMMANDS: Record<string, Command> = {
  list: listDeadLetters,
  show: showDeadLetter,
  replay: replayDeadLetters,
};

await runProcess(async (signal) => {
  const [name, ...args] = Deno.args;
  if (name === "--help" || name === "-h") throw new HelpRequested(HELP);
  if (name === undefined || !Object.hasOwn(COMMANDS, name)) {
    const got = name === undefined ? "none" : `"${name}"`;
    throw new UsageError(
      `deno task dead-letters takes list, show or replay, got ${got} (deno task dead-letters --help explains them)`,
    );
  }
  let log: EventLog | undefined;
  try {
    return await COMMANDS[name]!(args, async () => log = await openEventLog("airline-dead-letters"), signal);
  } finally {
    await log?.close();
  }
});
