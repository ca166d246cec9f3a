/**
 * The shell that every program runs in: command line, one clear line for an error, shutdown that drains,
 * exit codes.
 *
 * Exit codes: 0 done (also after Ctrl+C), 1 failed, 2 wrong usage.
 *
 * @module
 */

import { HelpRequested, UsageError } from "./command_line.ts";
import { logger, PROCESS_NAME } from "./logger.ts";

/** A failure that an operator can mend: its message is all there is to say, no stack is shown. Exit code 1. */
export class OperatorError extends Error {
  override name = "OperatorError";
}

/** Errors whose message is all that a person needs. */
const PLAIN_ERRORS = new Set([
  "OperatorError",
  "LogUnavailableError",
  "UnknownTopicError",
  "ReplacedTopicError",
  "PortError",
  "WarehouseUnavailableError",
]);

/** Set by the supervisor for its children: they stop when their standard input closes. Works on Windows too. */
export const STOP_ON_STDIN_CLOSE = "AIRLINE_STOP_ON_STDIN_CLOSE";

/**
 * Runs a program's `main` and ends the process with its exit code. `signal` aborts at Ctrl+C, SIGTERM (SIGBREAK
 * on Windows) or, below the supervisor, when standard input closes (and not at Ctrl+C then); `main` then drains and
 * returns. A second Ctrl+C after two seconds ends at once.
 */
export async function runProcess(main: (signal: AbortSignal) => Promise<number | void>): Promise<never> {
  const stop = new AbortController();
  let stoppedAtMs = 0;
  const onSignal = () => {
    // Ctrl+C may reach a process twice, from the terminal and from its parent: only a later one means "now".
    if (stop.signal.aborted && Date.now() - stoppedAtMs > 2000) {
      logger.error("Stopped at once, without draining");
      Deno.exit(1);
    }
    stop.abort();
  };
  // However it came: standard input that closed counts as the first Ctrl+C, too.
  stop.signal.addEventListener("abort", () => stoppedAtMs = Date.now());
  const supervised = Deno.env.get(STOP_ON_STDIN_CLOSE) !== undefined;
  // Ctrl+C at the terminal reaches every process at once; below the supervisor the order of stopping is its own.
  Deno.addSignalListener("SIGINT", supervised ? () => {} : onSignal);
  Deno.addSignalListener(Deno.build.os === "windows" ? "SIGBREAK" : "SIGTERM", onSignal);
  if (supervised) void stopWhenStdinCloses(stop);
  let code = 0;
  try {
    code = (await main(stop.signal)) ?? 0;
  } catch (error) {
    code = report(error);
  }
  Deno.exit(code);
}

async function stopWhenStdinCloses(stop: AbortController): Promise<void> {
  const buffer = new Uint8Array(64);
  try {
    while (await Deno.stdin.read(buffer) !== null);
  } catch {
    // A broken pipe is a closed one.
  }
  stop.abort();
}

/** Says what went wrong and returns the exit code. */
export function report(error: unknown): number {
  if (error instanceof HelpRequested) {
    logger.info(isProcess() ? `${error.message}\n\n${PROCESS_HELP}` : error.message);
    return 0;
  }
  if (error instanceof UsageError) {
    logger.error(`✖ ${error.message}`);
    return 2;
  }
  if (error instanceof Error) {
    const plain = PLAIN_ERRORS.has(error.name) || error instanceof Deno.errors.NotCapable;
    logger.error(`✖ ${plain ? error.message : error.stack ?? error.message}`);
    return 1;
  }
  logger.error(`✖ ${String(error)}`);
  return 1;
}

/** What the launcher does for everything that runs on; the parts' own options do not name it. */
const PROCESS_HELP =
  "Every process also takes --log-format text|json (LOG_FORMAT): what it prints as lines, or as JSON objects, one a line.";

function isProcess(): boolean {
  try {
    return Deno.env.get(PROCESS_NAME) !== undefined;
  } catch {
    return false;
  }
}
