/** Sees when the consumers commit: reads the order topic, of which each commit writes one record, as it grows. */

import type { EventLog, Reader } from "../../event_log/event_log.ts";

const TOPIC = "inventory-engine-order";
const POLL_MS = 250;

/** Follows a log until it is closed. */
export class ProgressWatch {
  readonly #stop = new AbortController();
  readonly #done: Promise<void>;
  /** By partition, when the newest commit was made, wall clock. */
  readonly #newestMs: number[];
  #commits = 0;

  private constructor(reader: Reader, partitions: number) {
    this.#newestMs = Array.from({ length: partitions }, () => 0);
    this.#done = this.#follow(reader);
    this.#done.catch(() => {});
  }

  /** Begins to watch a log's partitions. */
  static async open(log: EventLog): Promise<ProgressWatch> {
    const ranges = await log.ranges([TOPIC]);
    const positions = ranges.map(({ partition, end }) => ({ topic: TOPIC, partition, offset: end }));
    const reader = await log.reader({ positions });
    reader.resume([TOPIC]);
    return new ProgressWatch(reader, ranges.length);
  }

  /** Commits seen so far. */
  get commits(): number {
    return this.#commits;
  }

  /** Whether every partition has a commit that was made after a moment of the wall clock. */
  allSince(wallMs: number): boolean {
    return this.#newestMs.every((newestMs) => newestMs > wallMs);
  }

  async close(): Promise<void> {
    this.#stop.abort();
    await this.#done;
  }

  async #follow(reader: Reader): Promise<void> {
    const { signal } = this.#stop;
    try {
      while (!signal.aborted) {
        for (const { partition, records } of await reader.poll({ maxWaitMs: POLL_MS, signal })) {
          this.#commits += records.length;
          this.#newestMs[partition] = Math.max(this.#newestMs[partition]!, records.at(-1)!.timestampMs);
        }
      }
    } finally {
      await reader.close();
    }
  }
}
