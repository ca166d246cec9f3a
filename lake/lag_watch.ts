/** How far the lake writer is behind the log, asked every few seconds. */

import type { EventLog, TopicPartition } from "../event_log/event_log.ts";
import type { LakeMetrics } from "./lake_metrics.ts";
import { placeName } from "./_slot.ts";

const INTERVAL_MS = 5000;
/** A poll that waited this long and found nothing has seen the end. */
const QUIET_WAIT_MS = 500;

/** A partition and the next offset to be read of it. */
export interface ReadPosition extends TopicPartition {
  position: number;
}

export class LagWatch {
  readonly #log: EventLog;
  readonly #gauge: LakeMetrics["lagRecords"];
  readonly #now: () => number;
  #checkedMs = -Infinity;

  constructor(log: EventLog, gauge: LakeMetrics["lagRecords"], now: () => number) {
    this.#log = log;
    this.#gauge = gauge;
    this.#now = now;
  }

  /**
   * Sets the gauge when its time has come.
   *
   * @returns Whether a topic has partitions that are not among `positions`.
   */
  async check(positions: readonly ReadPosition[]): Promise<boolean> {
    if (this.#now() - this.#checkedMs < INTERVAL_MS) return false;
    const known = new Map(positions.map((place) => [placeName(place), place.position]));
    const ranges = await this.#log.ranges([...new Set(positions.map(({ topic }) => topic))]);
    this.#checkedMs = this.#now();
    const lags = new Map<string, number>();
    for (const range of ranges) {
      const { topic, end } = range;
      const position = known.get(placeName(range));
      if (position === undefined) return true;
      lags.set(topic, (lags.get(topic) ?? 0) + Math.max(0, end - position));
    }
    for (const [topic, lag] of lags) this.#gauge.set({ topic }, lag);
    return false;
  }

  /** A poll found nothing: what still stands between position and end are marks of transactions, not records. */
  nothingFound(waitedMs: number, positions: readonly ReadPosition[]): void {
    if (waitedMs < QUIET_WAIT_MS) return;
    for (const { topic } of positions) this.#gauge.set({ topic }, 0);
  }
}
