/** Tells readers of the embedded log that something was committed, by this process or another. */

import type { Database } from "./_sqlite_database.ts";

/** How often a change by another process is looked for while somebody waits. */
const WATCH_INTERVAL_MS = 20;

/** Watches the file's version; costs a timer only while somebody waits. */
export class ChangeWatch {
  readonly #database: Database;
  readonly #waiting = new Set<() => void>();
  #timer: ReturnType<typeof setInterval> | undefined;
  #seen = -1;

  constructor(database: Database) {
    this.#database = database;
  }

  /** The version of the file's content now. To be read before the content. */
  version(): number {
    return this.#database.reading.row<[number]>("PRAGMA data_version")![0];
  }

  /** Resolves once the version is not `seen` any more, `maxWaitMs` have passed, or one of `signals` aborts. */
  changedSince(seen: number, maxWaitMs: number, signals: AbortSignal[]): Promise<void> {
    if (signals.some(({ aborted }) => aborted) || maxWaitMs <= 0 || this.version() !== seen) {
      return Promise.resolve();
    }
    return new Promise((resolve) => {
      const done = () => {
        clearTimeout(timeout);
        for (const signal of signals) signal.removeEventListener("abort", done);
        this.#waiting.delete(done);
        if (this.#waiting.size === 0) clearInterval(this.#timer);
        resolve();
      };
      const timeout = setTimeout(done, maxWaitMs);
      for (const signal of signals) signal.addEventListener("abort", done);
      if (this.#waiting.size === 0) {
        this.#seen = seen;
        this.#timer = setInterval(() => this.look(), WATCH_INTERVAL_MS);
      }
      this.#waiting.add(done);
    });
  }

  /** Looks now. Called by the timer, and after each commit of this process. */
  look(): void {
    if (this.#waiting.size === 0) return;
    try {
      const version = this.version();
      if (version === this.#seen) return;
      this.#seen = version;
    } catch {
      // The file is locked for a moment or broken: who waits will find out when it reads.
    }
    for (const done of [...this.#waiting]) done();
  }
}
