/** When a process that ended is started again, and when that is given up. */

/** What to do after an end: wait and start again, or end it all. */
export type Verdict = { restartAfterMs: number; failures: number } | { giveUp: true; failures: number };

/** Failures in a row that end it all. */
const FAILURES_MAX = 5;
/** A process that ran this long was well: its failures are forgotten. */
const WELL_AFTER_MS = 60_000;

const FIRST_PAUSE_MS = 1000;
const WRONG_USAGE = 2;

/** Pauses of 1 s, 2 s, 4 s and 8 s; the fifth failure in a row is the last. */
export class RestartPolicy {
  #failures = 0;

  /** A process ended by itself after `ranMs` with an exit code. Wrong usage never mends itself. */
  ended(ranMs: number, code: number): Verdict {
    if (ranMs >= WELL_AFTER_MS) this.#failures = 0;
    this.#failures++;
    if (code === WRONG_USAGE || this.#failures >= FAILURES_MAX) {
      return { giveUp: true, failures: this.#failures };
    }
    return { restartAfterMs: FIRST_PAUSE_MS * 2 ** (this.#failures - 1), failures: this.#failures };
  }
}
