/** Step 7 of the commit order: the consumer group's offsets, kept for those who watch the group's lag. */

import type { EventLog, PartitionOffset } from "../event_log/event_log.ts";

/** After a failure the next commit is not tried before this time has passed: it may cost many seconds each. */
const RETRY_PAUSE_MS = 10_000;

/** Commits positions of one group; a failure is told once and never stops the work. */
export class GroupOffsets {
  readonly #log: EventLog;
  readonly #group: string;
  readonly #options: { warn?: (message: string) => void; now: () => number };
  #retryAtMs = -Infinity;
  #failing = false;

  constructor(
    log: EventLog,
    group: string,
    options: { warn?: (message: string) => void; now: () => number },
  ) {
    this.#log = log;
    this.#group = group;
    this.#options = options;
  }

  async commit(positions: PartitionOffset[]): Promise<void> {
    const { warn, now } = this.#options;
    if (positions.length === 0 || now() < this.#retryAtMs) return;
    try {
      await this.#log.commitOffsets(this.#group, positions);
      this.#failing = false;
    } catch (error) {
      this.#retryAtMs = now() + RETRY_PAUSE_MS;
      if (!this.#failing) {
        warn?.(
          `Cannot commit the offsets of group ${this.#group} (the lake does not need them): ${
            (error as Error).message
          }`,
        );
      }
      this.#failing = true;
    }
  }
}
