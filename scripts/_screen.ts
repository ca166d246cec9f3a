/** The terminal of `deno task start`: lines that scroll by, each whole and with its process in front, and a status line. */

import { jsonLine } from "../process/log_line.ts";
import type { LogMessage } from "../process/log_line.ts";
import { colored } from "../process/logger.ts";

/** Where the screen writes; standard output, or a test's. */
export interface ScreenOutput {
  isTerminal(): boolean;
  writeSync(bytes: Uint8Array): number;
}

const COLORS = [36, 33, 32, 35, 34, 96, 93];
const STATUS_EVERY_MS_PIPED = 10_000;
const COLUMNS_UNKNOWN = 80;
const ERASE = "\r\x1b[2K";

/**
 * Prefixes lines and keeps the status below them. Plain lines, and a status every ten seconds, where it is piped; there
 * JSON lines, too, where they are asked for.
 */
export class Screen {
  readonly #output: ScreenOutput;
  readonly #terminal: boolean;
  readonly #colored: boolean;
  readonly #width: number;
  readonly #columns: () => number;
  readonly #nowMs: () => number;
  readonly #names: string[];
  readonly #json: boolean;
  readonly #keep: (message: LogMessage) => void;
  #status = "";
  #statusMs: number;
  #readerGone = false;

  constructor(
    names: string[],
    options: {
      output?: ScreenOutput;
      columns?: () => number;
      nowMs?: () => number;
      /** Every line is a JSON object. Default false. */
      json?: boolean;
      /** Is told every message but the status. */
      keep?: (message: LogMessage) => void;
    } = {},
  ) {
    const {
      output = Deno.stdout,
      columns = terminalColumns,
      nowMs = () => performance.now(),
      json = false,
      keep = () => {},
    } = options;
    this.#json = json;
    this.#keep = keep;
    this.#output = output;
    this.#terminal = output.isTerminal() && !json;
    this.#colored = colored(output);
    this.#columns = columns;
    this.#nowMs = nowMs;
    this.#names = names;
    this.#width = Math.max(...names.map((name) => name.length));
    this.#statusMs = nowMs();
  }

  /** A message of a process: each of its lines with the name in front. */
  message(message: LogMessage): void {
    this.#keep(message);
    if (this.#json) return this.#write(jsonLine(message));
    const color = COLORS[this.#names.indexOf(message.process) % COLORS.length];
    const prefix = `${message.process.padEnd(this.#width)} |`;
    const shown = this.#colored ? `\x1b[${color}m${prefix}\x1b[0m` : prefix;
    this.#scroll(message.message.split("\n").map((line) => `${shown} ${line}\n`).join(""));
  }

  /** A line about a process. */
  line(process: string, message: string): void {
    this.message({ timeMs: Date.now(), level: "warn", process, message });
  }

  /** Lines of the supervisor itself, whose name is the first. */
  say(text: string): void {
    const message = { timeMs: Date.now(), level: "info", process: this.#names[0]!, message: text } as const;
    if (this.#json) return this.message(message);
    this.#keep(message);
    this.#scroll(`${text}\n`);
  }

  /** Sets the status line; drawn at once on a terminal, every ten seconds where piped. */
  status(text: string): void {
    if (!this.#terminal) {
      if (this.#nowMs() - this.#statusMs < STATUS_EVERY_MS_PIPED) return;
      this.#statusMs = this.#nowMs();
      if (this.#json) {
        const about = { timeMs: Date.now(), level: "info", process: this.#names[0]! } as const;
        return this.#write(jsonLine({ ...about, message: text }));
      }
      this.#write(`${"status".padEnd(this.#width)} | ${text}\n`);
      return;
    }
    this.#status = text;
    this.#write(ERASE + this.#drawn());
  }

  /** Takes the status line away. */
  close(): void {
    if (this.#terminal && this.#status !== "") this.#write(ERASE);
    this.#status = "";
  }

  #scroll(text: string): void {
    this.#write(this.#terminal && this.#status !== "" ? ERASE + text + this.#drawn() : text);
  }

  /** The status in one row: a longer one would wrap, and erasing takes away only one row. */
  #drawn(): string {
    const room = Math.max(10, this.#columns() - 1);
    const shown = this.#status.length > room ? `${this.#status.slice(0, room - 1)}…` : this.#status;
    return this.#colored ? `\x1b[1m${shown}\x1b[0m` : shown;
  }

  /** One write call for each whole piece, so that nothing comes in between. */
  #write(text: string): void {
    if (this.#readerGone) return;
    const bytes = new TextEncoder().encode(text);
    try {
      for (let at = 0; at < bytes.length;) at += this.#output.writeSync(bytes.subarray(at));
    } catch (error) {
      if (!(error instanceof Deno.errors.BrokenPipe)) throw error;
      this.#readerGone = true;
    }
  }
}

/** Columns of the terminal; some say that they have none. */
function terminalColumns(): number {
  try {
    return Deno.consoleSize().columns || COLUMNS_UNKNOWN;
  } catch {
    return COLUMNS_UNKNOWN;
  }
}
