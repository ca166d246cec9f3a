/** Why the lake writer is not ready, for `/readyz`: a problem that it told, or silence of the log. */

/** A log that is asked every 5 seconds and has not answered for this long is away. */
const SILENCE_MS_MAX = 20_000;

export class Readiness {
  readonly #now: () => number;
  #problem: string | undefined = "The lake writer is starting";
  #heardMs: number;

  /** @param now A clock that only runs forward, in milliseconds. */
  constructor(now: () => number = () => performance.now()) {
    this.#now = now;
    this.#heardMs = now();
  }

  /** Work stopped for this reason, or goes on (`undefined`). */
  setProblem(reason: string | undefined): void {
    this.#problem = reason;
  }

  /** The log answered. */
  heard(): void {
    this.#heardMs = this.#now();
  }

  /** The reason, or `undefined` while all is well. */
  notReady(): string | undefined {
    if (this.#problem !== undefined) return this.#problem;
    const silentMs = this.#now() - this.#heardMs;
    if (silentMs <= SILENCE_MS_MAX) return undefined;
    return `The event log has not answered for ${Math.floor(silentMs / 1000)} s`;
  }
}
