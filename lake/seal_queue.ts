/** Finishes files one after another beside the reading, so that an fsync does not hold it up. */

/** How many files may wait to be finished, the one at work included, before reading pauses. */
const OUTSTANDING_MAX = 2;

/**
 * A queue of jobs that run strictly one after another: a later range must never be finished before an earlier
 * one. After a job failed none runs any more, and every call throws its error.
 */
export class SealQueue {
  #tail: Promise<void> = Promise.resolve();
  #outstanding = 0;
  #failure: { error: unknown } | undefined;

  /** Resolves once `job` is accepted, which is at once while fewer than two are outstanding. */
  async add(job: () => Promise<void>): Promise<void> {
    while (this.#outstanding >= OUTSTANDING_MAX) await this.#tail;
    this.check();
    this.#outstanding++;
    this.#tail = this.#tail.then(async () => {
      try {
        if (this.#failure === undefined) await job();
      } catch (error) {
        this.#failure = { error };
      } finally {
        this.#outstanding--;
      }
    });
  }

  /** Throws what a job failed of. */
  check(): void {
    if (this.#failure !== undefined) throw this.#failure.error;
  }

  /** Resolves once all jobs are done. */
  async drain(): Promise<void> {
    await this.#tail;
    this.check();
  }

  /** Resolves once no job runs, failed or not. */
  async idle(): Promise<void> {
    await this.#tail;
  }
}
