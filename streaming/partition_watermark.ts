/**
 * How late is too late, for one partition: an event more than ten minutes older than the newest one before it in the
 * partition where it was appended.
 *
 * A record that landed in another partition than its stream's is judged where it landed and then passed on, so it is
 * late or not whatever way it takes. The partition that it is passed on to must only not have forgotten its minute: it
 * forgets what is ten minutes behind the slowest of the partitions that pass on to it. One that stays silent is waited
 * for only when too much is kept, and for a bounded time.
 *
 * @module
 */

/** An event so much older than the newest one of its partition is late. */
export const WATERMARK_MS = 10 * 60_000;
/** Entries of the state that are kept for partitions that lag behind; beyond, one that goes on is waited for. */
const ENTRIES_KEPT_MAX = 100_000;
/** Event time that is kept for partitions that are silent. */
const LAG_KEPT_MS_MAX = 6 * 3_600_000;
/** Silent is a partition that was not heard of for so long: longer than it takes until another member owns it. */
const SILENCE_MS_MAX = 15_000;

/** What is stored of it: numbers that can be infinite are `null` then. */
export interface WatermarkState {
  clockMs: number | null;
  passesOn: boolean;
  sources: { partition: number; offset: number; newestMs: number }[];
}

interface Source {
  /** The last offset that was taken. */
  offset: number;
  newestMs: number;
  heardMs: number;
}

/** The clocks of one partition. `nowMs` is any clock that goes steadily. */
export class PartitionWatermark {
  readonly #partition: number;
  readonly #startedMs: number;
  readonly #partitions: number;
  readonly #sources = new Map<number, Source>();
  #clockMs = -Infinity;
  #passesOn = false;

  constructor(partition: number, partitions: number, nowMs: number, stored?: WatermarkState) {
    this.#partition = partition;
    this.#partitions = partitions;
    this.#startedMs = nowMs;
    if (stored === undefined) return;
    this.#clockMs = stored.clockMs ?? -Infinity;
    this.#passesOn = stored.passesOn;
    for (const { partition, offset, newestMs } of stored.sources) {
      this.#sources.set(partition, { offset, newestMs, heardMs: nowMs });
    }
  }

  /** Event times before this one are late; `-Infinity` before the first event. */
  get watermarkMs(): number {
    return this.#clockMs - WATERMARK_MS;
  }

  /** Takes the time of an event that landed here; `false` where it is late. */
  take(eventTimeMs: number): boolean {
    if (eventTimeMs < this.watermarkMs) return false;
    if (eventTimeMs > this.#clockMs) this.#clockMs = eventTimeMs;
    return true;
  }

  /** A record that landed here belongs to another partition: then others do the same with ours. */
  passedOn(): void {
    this.#passesOn = true;
  }

  /**
   * Takes the place of a record that another partition has passed on; `false` where it was taken before. Where a
   * partition changes hands, records may be passed on again, each time in the order of their offsets.
   */
  received(partition: number, offset: number, eventTimeMs: number, nowMs: number): boolean {
    const source = this.#sources.get(partition);
    if (source === undefined) {
      this.#sources.set(partition, { offset, newestMs: eventTimeMs, heardMs: nowMs });
      return true;
    }
    source.heardMs = nowMs;
    if (offset <= source.offset) return false;
    source.offset = offset;
    source.newestMs = Math.max(source.newestMs, eventTimeMs);
    return true;
  }

  /**
   * What can be forgotten, and whether this partition is so far ahead of another that it should wait.
   *
   * @param entries Entries of the state now.
   */
  floor(entries: number, nowMs: number): { floorMs: number; mustWait: boolean } {
    const own = this.watermarkMs;
    if (!this.#passesOn && this.#sources.size === 0) return { floorMs: own, mustWait: false };
    const awaitedMs = this.#slowestMs(nowMs - SILENCE_MS_MAX);
    if (entries > ENTRIES_KEPT_MAX) {
      return { floorMs: Math.min(own, awaitedMs - WATERMARK_MS), mustWait: awaitedMs < own };
    }
    const silentMs = Math.max(this.#slowestMs(-Infinity), this.#clockMs - LAG_KEPT_MS_MAX);
    return { floorMs: Math.min(own, awaitedMs - WATERMARK_MS, silentMs - WATERMARK_MS), mustWait: false };
  }

  stored(): WatermarkState {
    return {
      clockMs: this.#clockMs === -Infinity ? null : this.#clockMs,
      passesOn: this.#passesOn,
      sources: Array.from(
        this.#sources,
        ([partition, { offset, newestMs }]) => ({ partition, offset, newestMs }),
      ),
    };
  }

  /** The newest event time of the slowest other partition among those heard of since `sinceMs`. */
  #slowestMs(sinceMs: number): number {
    let slowestMs = Infinity;
    for (let partition = 0; partition < this.#partitions; partition++) {
      if (partition === this.#partition) continue;
      const source = this.#sources.get(partition);
      if ((source?.heardMs ?? this.#startedMs) < sinceMs) continue;
      // Where records of ours are passed on, those of others to us are on their way.
      if (source === undefined && !this.#passesOn) continue;
      slowestMs = Math.min(slowestMs, source?.newestMs ?? -Infinity);
    }
    return slowestMs;
  }
}
