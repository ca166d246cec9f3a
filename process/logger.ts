/**
 * What a process says. Lines for a person go to standard output, warnings and errors to standard error, plain
 * where that is no terminal. Per-event lines are rate-limited, so that they never cost more than the work.
 * With `LOG_FORMAT=json` each message of a process (not of a command) is a JSON object on a line of its own.
 *
 * @module
 */

import { jsonLine } from "./log_line.ts";
import type { LogLevel } from "./log_line.ts";
import { setting } from "./settings.ts";

/** Set by the launcher for what runs on, its name: commands print answers, which are no log. */
export const PROCESS_NAME = "AIRLINE_PROCESS";

/** Whether a stream takes colours: a terminal, and `NO_COLOR` is not set. */
export function colored(stream: { isTerminal(): boolean }): boolean {
  return stream.isTerminal() && setting("NO_COLOR") === undefined;
}

const encoder = new TextEncoder();

function write(stream: { writeSync(bytes: Uint8Array): number }, text: string): boolean {
  const bytes = encoder.encode(text);
  let at = 0;
  try {
    while (at < bytes.length) at += stream.writeSync(bytes.subarray(at));
  } catch (error) {
    // A reader that closed its end of the pipe (`| head`) is no fault of ours.
    if (error instanceof Deno.errors.BrokenPipe) return false;
    throw error;
  }
  return true;
}

let structuredAs: string | null | undefined;

/** The process's name where its messages are to be JSON lines. */
function structured(): string | null {
  if (structuredAs === undefined) {
    try {
      const name = setting("LOG_FORMAT") === "json" ? Deno.env.get(PROCESS_NAME) : undefined;
      structuredAs = name ?? null;
    } catch {
      // Started by hand with fewer permissions: text.
      structuredAs = null;
    }
  }
  return structuredAs;
}

function say(
  stream: { isTerminal(): boolean; writeSync(bytes: Uint8Array): number },
  level: LogLevel,
  message: string,
  color?: number,
): boolean {
  const process = structured();
  if (process !== null) return write(stream, jsonLine({ timeMs: Date.now(), level, process, message }));
  return write(
    stream,
    color !== undefined && colored(stream) ? `\x1b[${color}m${message}\x1b[0m\n` : `${message}\n`,
  );
}

export const logger = {
  /** A line for the person at the terminal. Returns whether somebody still reads. */
  info(message: string): boolean {
    return say(Deno.stdout, "info", message);
  },
  /** Something is not as it should be, and work goes on. */
  warn(message: string): void {
    say(Deno.stderr, "warn", message, 33);
  },
  /** Something failed. */
  error(message: string): void {
    say(Deno.stderr, "error", message, 31);
  },
};

/**
 * Prints at most `perSecondMax` lines a second; the ones left out are counted and told with the next.
 * For the per-event lines that are meant for a person.
 */
export class RateLimitedLines {
  readonly #perSecondMax: number;
  readonly #now: () => number;
  readonly #print: (line: string) => unknown;
  #second = -1;
  #printed = 0;
  #left = 0;

  constructor(
    options: { perSecondMax?: number; now?: () => number; print?: (line: string) => unknown } = {},
  ) {
    const { perSecondMax = 5, now = Date.now, print = logger.info } = options;
    this.#perSecondMax = perSecondMax;
    this.#now = now;
    this.#print = print;
  }

  /** Prints the line, or counts it. `line` is only called when it is printed. */
  say(line: () => string): void {
    const second = Math.floor(this.#now() / 1000);
    if (second !== this.#second) {
      this.#second = second;
      this.#printed = 0;
      if (this.#left > 0) {
        this.#print(
          `… and ${this.#left.toLocaleString("en")} more ${this.#left === 1 ? "line" : "lines"} like this`,
        );
      }
      this.#left = 0;
    }
    if (this.#printed >= this.#perSecondMax) {
      this.#left++;
      return;
    }
    this.#printed++;
    this.#print(line());
  }
}
