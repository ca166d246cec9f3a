/** A progress bar for work above two seconds: rate and time left, only on a terminal. */

import { colored } from "./logger.ts";

const WIDTH = 28;
const REDRAW_MS = 100;
const FIRST_DRAW_MS = 300;

/** Draws on standard error, so that standard output can be piped; draws nothing where that is no terminal. */
export class ProgressBar {
  readonly #label: string;
  readonly #total: number;
  readonly #unit: string;
  readonly #startedMs = performance.now();
  readonly #shown = Deno.stderr.isTerminal();
  #drawnMs = 0;

  constructor(label: string, total: number, unit: string) {
    this.#label = label;
    this.#total = total;
    this.#unit = unit;
  }

  /** Draws `done` of the total, at most ten times a second. */
  update(done: number): void {
    const nowMs = performance.now();
    if (!this.#shown || nowMs - this.#startedMs < FIRST_DRAW_MS || nowMs - this.#drawnMs < REDRAW_MS) return;
    this.#drawnMs = nowMs;
    Deno.stderr.writeSync(
      new TextEncoder().encode(`\r\x1b[2K${this.line(done, (nowMs - this.#startedMs) / 1000)}`),
    );
  }

  /** The bar as text. */
  line(done: number, seconds: number): string {
    const share = this.#total === 0 ? 1 : Math.min(1, done / this.#total);
    const filled = Math.round(share * WIDTH);
    const rate = seconds === 0 ? 0 : done / seconds;
    const left = rate === 0 ? "" : `, ${Math.ceil((this.#total - done) / rate)} s left`;
    const bar = "█".repeat(filled) + "░".repeat(WIDTH - filled);
    const shownBar = colored(Deno.stderr) ? `\x1b[36m${bar}\x1b[0m` : bar;
    return `${this.#label} ${shownBar} ${(share * 100).toFixed(0).padStart(3)} %  ${
      Math.round(rate).toLocaleString("en")
    } ${this.#unit}/s${left}`;
  }

  /** Takes the bar away. */
  close(): void {
    if (this.#drawnMs > 0) Deno.stderr.writeSync(new TextEncoder().encode("\r\x1b[2K"));
  }
}
