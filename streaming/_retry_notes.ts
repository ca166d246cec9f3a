/**
 * Tells of what fails and is tried again, as partitions do while the database is away: the first time, now and then while
 * it goes on, and with a count when it is over. A line for each attempt would bury everything else.
 */

/** Where the lines go. */
export interface NoteLines {
  warn(line: string): void;
  info(line: string): void;
}

/** What goes on failing for the same reason is told again after so long. */
const REMINDER_MS = 10 * 60_000;
/** What was told so recently is not told again, though it went well in between. */
const TOLD_RECENTLY_MS = 60_000;
const REASONS_MAX = 100;

/** See the module. `nowMs` is any clock that goes steadily. */
export class RetryNotes {
  readonly #lines: NoteLines;
  readonly #nowMs: () => number;
  /** When each reason was told last. */
  readonly #toldMs = new Map<string, number>();
  readonly #failing = new Set<string>();
  readonly #over = new Set<string>();
  #attempts = 0;
  #sinceMs = 0;
  #isTold = false;

  constructor(lines: NoteLines, nowMs: () => number = () => performance.now()) {
    this.#lines = lines;
    this.#nowMs = nowMs;
  }

  /** `who` has failed and begins again. */
  failed(who: string, reason: string): void {
    const nowMs = this.#nowMs();
    if (this.#failing.size === 0) {
      this.#attempts = 0;
      this.#sinceMs = nowMs;
      this.#isTold = false;
      this.#over.clear();
    }
    this.#failing.add(who);
    this.#over.delete(who);
    this.#attempts++;
    const toldMs = this.#toldMs.get(reason) ?? -Infinity;
    const quietMs = this.#isTold ? REMINDER_MS : TOLD_RECENTLY_MS;
    if (nowMs - toldMs < quietMs) return;
    if (this.#toldMs.size >= REASONS_MAX) this.#toldMs.clear();
    this.#toldMs.set(reason, nowMs);
    this.#isTold = true;
    const again = this.#attempts === 1 ? "" : ` (attempt ${this.#attempts})`;
    this.#lines.warn(`${who} begins again${again}: ${reason}`);
  }

  /** `who` goes on; or is somebody else's now, and goes on there. */
  recovered(who: string): void {
    if (!this.#failing.delete(who)) return;
    this.#over.add(who);
    if (this.#failing.size > 0 || !this.#isTold) return;
    const names = [...this.#over].sort().join(", ");
    const times = this.#attempts === 1 ? "one failure" : `${this.#attempts} failures`;
    const seconds = ((this.#nowMs() - this.#sinceMs) / 1000).toFixed(1);
    this.#lines.info(`Going on after ${times} in ${seconds} s: ${names}`);
  }
}
