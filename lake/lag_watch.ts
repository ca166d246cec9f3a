/** How far the lake writer is behind the log, and whether the log answers at all: asked every few seconds. */

import type { EventLog, TopicPartition } from "../event_log/event_log.ts";
import type { LakeMetrics } from "./lake_metrics.ts";
import { placeName } from "./_slot.ts";

const INTERVAL_MS = 5000;

/** A partition and the next offset to be read of it. */
export interface ReadPosition extends TopicPartition {
  position: number;
}

/**
 * What a check found: `not due`; `new partitions` that nobody reads; `quiet` where neither a record was read nor
 * the log grew since the check before; else `busy`.
 */
export type LagCheck = "not due" | "new partitions" | "quiet" | "busy";

export class LagWatch {
  readonly #log: EventLog;
  readonly #gauge: LakeMetrics["lagRecords"];
  readonly #now: () => number;
  #checkedMs = -Infinity;
  #foundRecords = true;
  #endsSum = NaN;

  constructor(log: EventLog, gauge: LakeMetrics["lagRecords"], now: () => number) {
    this.#log = log;
    this.#gauge = gauge;
    this.#now = now;
  }

  /** Told when a poll brought records. */
  found(): void {
    this.#foundRecords = true;
  }

  /**
   * Sets the gauge when its time has come.
   *
   * @throws {LogUnavailableError} when the log does not answer.
   */
  async check(positions: readonly ReadPosition[]): Promise<LagCheck> {
    if (this.#now() - this.#checkedMs < INTERVAL_MS) return "not due";
    const known = new Map(positions.map((place) => [placeName(place), place.position]));
    const ranges = await this.#log.ranges([...new Set(positions.map(({ topic }) => topic))]);
    this.#checkedMs = this.#now();
    const endsSum = ranges.reduce((sum, { end }) => sum + end, 0);
    const quiet = !this.#foundRecords && endsSum === this.#endsSum;
    this.#foundRecords = false;
    this.#endsSum = endsSum;
    const lags = new Map<string, number>();
    for (const range of ranges) {
      const { topic, end } = range;
      const position = known.get(placeName(range));
      if (position === undefined) return "new partitions";
      // What still stands behind the position of a quiet log are marks of transactions, not records.
      const lag = quiet ? 0 : Math.max(0, end - position);
      lags.set(topic, (lags.get(topic) ?? 0) + lag);
    }
    for (const [topic, lag] of lags) this.#gauge.set({ topic }, lag);
    return quiet ? "quiet" : "busy";
  }
}
