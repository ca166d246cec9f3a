/** The terminal of `deno task start`: lines that scroll by, each whole and with its process in front, and a status line. */

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

/** Prefixes lines and keeps the status below them. Plain lines, and a status every ten seconds, where it is piped. */
export class Screen {
  readonly #output: ScreenOutput;
  readonly #terminal: boolean;
  readonly #colored: boolean;
  readonly #width: number;
  readonly #columns: () => number;
  readonly #nowMs: () => number;
  readonly #names: string[];
  #status = "";
  #statusMs: number;
  #readerGone = false;

  constructor(
    names: string[],
    options: { output?: ScreenOutput; columns?: () => number; nowMs?: () => number } = {},
  ) {
    const {
      output = Deno.stdout,
      columns = terminalColumns,
      nowMs = () => performance.now(),
    } = options;
    this.#output = output;
    this.#terminal = output.isTerminal();
    this.#colored = colored(output);
    this.#columns = columns;
    this.#nowMs = nowMs;
    this.#names = names;
    this.#width = Math.max(...names.map((name) => name.length));
    this.#statusMs = nowMs();
  }

  /** A line of a process. */
  line(name: string, text: string): void {
    const color = COLORS[this.#names.indexOf(name) % COLORS.length];
    const prefix = `${name.padEnd(this.#width)} |`;
    this.#scroll(`${this.#colored ? `\x1b[${color}m${prefix}\x1b[0m` : prefix} ${text}\n`);
  }

  /** Lines of the supervisor itself. */
  say(text: string): void {
    this.#scroll(`${text}\n`);
  }

  /** Sets the status line; drawn at once on a terminal, every ten seconds where piped. */
  status(text: string): void {
    if (!this.#terminal) {
      if (this.#nowMs() - this.#statusMs < STATUS_EVERY_MS_PIPED) return;
      this.#statusMs = this.#nowMs();
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
