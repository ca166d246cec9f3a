/**
 * Merges the input topics of one partition number by event time, waiting a bounded time for a topic that lags,
 * as Kafka Streams does (`max.task.idle.ms`). Offsets within a topic keep their order.
 *
 * @module
 */

/** An entry of one topic, as the merge compares it. */
export interface MergeItem {
  /** Milliseconds since 1970; `-Infinity` goes out as soon as it is the topic's next. */
  eventTimeMs: number;
  offset: number;
  /** By when it had been read, of the caller's clock. */
  seenMs: number;
}

export interface EventTimeMergeOptions {
  /** How long an empty topic that is known to hold more, or was not looked at yet, is waited for. Default 1,000 ms. */
  lagWaitMs?: number;
  /** How long an empty topic is waited for that was read to its end, but before the entry was read. Default 50 ms. */
  idleWaitMs?: number;
}

interface Lane<T> {
  topic: string;
  items: T[];
  head: number;
  /** When it ran empty; decides how long it is waited for. */
  emptySinceMs: number;
  /** When a look began that found the topic at its end; `undefined` where it holds more. */
  endSeenMs: number | undefined;
}

/** Entries come out by (event time, topic's place in the list, offset). */
export class EventTimeMerge<T extends MergeItem> {
  readonly #lanes: Lane<T>[];
  readonly #lagWaitMs: number;
  readonly #idleWaitMs: number;

  constructor(topics: readonly string[], nowMs: number, options: EventTimeMergeOptions = {}) {
    const { lagWaitMs = 1000, idleWaitMs = 50 } = options;
    this.#lagWaitMs = lagWaitMs;
    this.#idleWaitMs = idleWaitMs;
    this.#lanes = topics.map((topic) => ({
      topic,
      items: [],
      head: 0,
      emptySinceMs: nowMs,
      endSeenMs: undefined,
    }));
  }

  #lane(topic: string): Lane<T> {
    const lane = this.#lanes.find((lane) => lane.topic === topic);
    if (lane === undefined) throw new Error(`Topic "${topic}" is not merged here`);
    return lane;
  }

  /** Says when a look began that found nothing of a topic beyond what was pushed; `undefined`: there is more. */
  setEndSeen(topic: string, endSeenMs: number | undefined): void {
    this.#lane(topic).endSeenMs = endSeenMs;
  }

  /** Adds a topic's next entries, in offset order. */
  push(topic: string, items: T[]): void {
    const lane = this.#lane(topic);
    if (lane.head === lane.items.length) {
      lane.items = items;
      lane.head = 0;
    } else {
      lane.items = lane.items.slice(lane.head).concat(items);
      lane.head = 0;
    }
  }

  /** Entries of a topic that have not come out yet. */
  buffered(topic: string): number {
    const lane = this.#lane(topic);
    return lane.items.length - lane.head;
  }

  /** The next entry and its topic's place in the list, or `undefined` when there is none or one must be waited for. */
  next(nowMs: number): { item: T; lane: number } | undefined {
    let best: T | undefined;
    let bestLane = -1;
    for (let i = 0; i < this.#lanes.length; i++) {
      const lane = this.#lanes[i]!;
      const item = lane.items[lane.head];
      if (item !== undefined && (best === undefined || item.eventTimeMs < best.eventTimeMs)) {
        best = item;
        bestLane = i;
      }
    }
    if (best === undefined || (best.eventTimeMs !== -Infinity && this.#mayBeOvertaking(best, nowMs))) {
      return undefined;
    }
    const lane = this.#lanes[bestLane]!;
    lane.head++;
    if (lane.head === lane.items.length) {
      lane.items = [];
      lane.head = 0;
      lane.emptySinceMs = nowMs;
    }
    return { item: best, lane: bestLane };
  }

  /** Whether an empty topic may hold an older entry, and the time to wait for it is not over. */
  #mayBeOvertaking(best: T, nowMs: number): boolean {
    for (const lane of this.#lanes) {
      if (lane.head < lane.items.length) continue;
      const { endSeenMs } = lane;
      if (endSeenMs !== undefined && endSeenMs >= best.seenMs) continue;
      const waitMs = endSeenMs === undefined ? this.#lagWaitMs : this.#idleWaitMs;
      if (nowMs - Math.max(lane.emptySinceMs, best.seenMs) < waitMs) return true;
    }
    return false;
  }
}
