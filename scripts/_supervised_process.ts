/** One process below the supervisor: started, its lines handed on, started again when it dies, stopped by its stdin. */

import { parseJsonLine } from "../process/log_line.ts";
import type { LogLevel, LogMessage } from "../process/log_line.ts";
import { eachLine } from "./_lines.ts";
import type { ProcessCommand } from "./launcher.ts";
import { PROJECT_DIR, stoppable } from "./launcher.ts";
import { RestartPolicy } from "./_restart_policy.ts";

/** What the supervisor hears of a process. */
export interface SupervisedEvents {
  /** A message that it printed; what is not of its logger is one a line. */
  onMessage: (message: LogMessage) => void;
  /** It died and is started again after the pause. */
  onRestart: (code: number, pauseMs: number, failures: number) => void;
  /** It is not started again. `lastLines` tell why: of the last ones it printed, errors if it printed any. */
  onGiveUp: (code: number, failures: number, lastLines: string[]) => void;
}

const REMEMBERED_LINES = 40;
/** Room for a message of as many characters as are shown, as JSON. */
const LINE_LENGTH_MAX = 16 * 1024;
const SHOWN_LINES = 6;

/** Runs a command until it is stopped, or has failed too often. */
export class SupervisedProcess {
  readonly name: string;
  readonly #command: ProcessCommand;
  readonly #events: SupervisedEvents;
  readonly #policy = new RestartPolicy();
  #child: Deno.ChildProcess | undefined;
  #ended: Promise<void> = Promise.resolve();
  #timer: ReturnType<typeof setTimeout> | undefined;
  #stopping = false;

  constructor(name: string, command: ProcessCommand, events: SupervisedEvents) {
    this.name = name;
    this.#command = command;
    this.#events = events;
  }

  /** Whether its process runs now. */
  get running(): boolean {
    return this.#child !== undefined;
  }

  start(): void {
    if (this.#stopping) return;
    const startedMs = performance.now();
    const child = new Deno.Command(Deno.execPath(), {
      args: this.#command.args,
      // Its messages go through pipes, with their levels, and get their colours from the supervisor.
      env: { ...stoppable(this.#command.env), NO_COLOR: "1", LOG_FORMAT: "json" },
      cwd: PROJECT_DIR,
      stdin: "piped",
      stdout: "piped",
      stderr: "piped",
    }).spawn();
    this.#child = child;
    const errors: string[] = [];
    const others: string[] = [];
    const keep = (list: string[], level: LogLevel) => (line: string) => {
      const message = parseJsonLine(line) ?? { timeMs: Date.now(), level, process: this.name, message: line };
      list.push(...message.message.split("\n"));
      list.splice(0, Math.max(0, list.length - REMEMBERED_LINES));
      this.#events.onMessage(message);
    };
    this.#ended = (async () => {
      const [{ code }] = await Promise.all([
        child.status,
        eachLine(child.stdout, keep(others, "info"), LINE_LENGTH_MAX),
        eachLine(child.stderr, keep(errors, "error"), LINE_LENGTH_MAX),
      ]);
      await child.stdin.close().catch(() => {});
      this.#child = undefined;
      if (!this.#stopping) {
        this.#died(code, performance.now() - startedMs, errors.length > 0 ? errors : others);
      }
    })();
  }

  #died(code: number, ranMs: number, lastLines: string[]): void {
    const verdict = this.#policy.ended(ranMs, code);
    if ("giveUp" in verdict) {
      this.#events.onGiveUp(code, verdict.failures, lastWords(lastLines));
      return;
    }
    this.#events.onRestart(code, verdict.restartAfterMs, verdict.failures);
    this.#timer = setTimeout(() => this.start(), verdict.restartAfterMs);
  }

  /** Closes its standard input, so that it drains, and waits; kills it after `deadlineMs`. Returns whether it had to. */
  async stop(deadlineMs: number): Promise<boolean> {
    this.#stopping = true;
    clearTimeout(this.#timer);
    const child = this.#child;
    if (child === undefined) return false;
    await child.stdin.close().catch(() => {});
    let killed = false;
    const timer = setTimeout(() => {
      killed = true;
      this.kill();
    }, deadlineMs);
    await this.#ended;
    clearTimeout(timer);
    return killed;
  }

  /** Ends it at once. */
  kill(): void {
    try {
      this.#child?.kill("SIGKILL");
    } catch {
      // It has ended already.
    }
  }
}

/** The lines that tell why a process died: from its last error on, without the depths of a stack. */
export function lastWords(lines: readonly string[]): string[] {
  const error = lines.findLastIndex((line) => /^(✖|error:)/.test(line));
  return error === -1 ? lines.slice(-SHOWN_LINES) : lines.slice(error, error + SHOWN_LINES);
}
