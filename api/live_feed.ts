/**
 * Live updates for any number of listeners, each at its own pace. Updates are numbered and kept in a ring; a
 * listener holds nothing but the number it has come to. An update that a later one of the same subject has made
 * superfluous is skipped, so a slow listener gets the newest state of each subject and memory stays bounded.
 *
 * @module
 */

/** One update. */
export interface FeedUpdate {
  /** Rises by one with each update of this feed. */
  number: number;
  /** `flight`, `decision`, `window`, `pipeline`. */
  kind: string;
  /** What it is about; an update replaces the earlier ones of the same kind and subject. Null: stands for itself. */
  subject: string | null;
  /** As JSON text, made once for all listeners; empty once a later update has replaced it. */
  data: string;
}

const KEPT_MAX = 20_000;
/** What the texts of all updates may hold together, in UTF-16 units. */
const KEPT_UNITS_MAX = 16 * 1024 * 1024;

/** See the module. */
export class LiveFeed {
  /** Told apart from a feed of an earlier run of the process, whose numbers mean nothing here. */
  readonly id: string;
  #updates: FeedUpdate[] = [];
  #next = 1;
  #units = 0;
  readonly #latest = new Map<string, number>();
  #waiting: (() => void)[] = [];

  constructor(id: string = crypto.randomUUID().slice(0, 8)) {
    this.id = id;
  }

  /** The number of the newest update; 0 before the first. */
  get newest(): number {
    return this.#next - 1;
  }

  publish(updates: readonly Omit<FeedUpdate, "number">[]): void {
    if (updates.length === 0) return;
    for (const update of updates) {
      const number = this.#next++;
      if (update.subject !== null) this.#replace(`${update.kind}\n${update.subject}`, number);
      this.#updates.push({ number, ...update });
      this.#units += update.data.length;
    }
    this.#trim();
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const wake of waiting) wake();
  }

  /** What is replaced is given to nobody any more, so its text goes at once. */
  #replace(key: string, by: number): void {
    const known = this.#latest.get(key);
    this.#latest.set(key, by);
    if (known === undefined) return;
    const replaced = this.#updates[known - this.#updates[0]!.number]!;
    this.#units -= replaced.data.length;
    replaced.data = "";
  }

  #trim(): void {
    let gone = this.#updates.length > 2 * KEPT_MAX ? this.#updates.length - KEPT_MAX : 0;
    let units = this.#units;
    for (const { data } of this.#updates.slice(0, gone)) units -= data.length;
    if (units > KEPT_UNITS_MAX) {
      while (units > KEPT_UNITS_MAX / 2) units -= this.#updates[gone++]!.data.length;
    }
    if (gone === 0) return;
    this.#units = units;
    for (const { kind, subject, number } of this.#updates.splice(0, gone)) {
      const key = `${kind}\n${subject}`;
      if (subject !== null && this.#latest.get(key) === number) this.#latest.delete(key);
    }
  }

  /** Whether everything after `number` is still here. */
  holds(number: number): boolean {
    return number <= this.newest && number >= (this.#updates[0]?.number ?? this.#next) - 1;
  }

  /** Up to `max` updates after `number` that were not replaced since, and the number the listener has come to. */
  after(number: number, max: number): { updates: FeedUpdate[]; reached: number } {
    const first = this.#updates[0]?.number ?? this.#next;
    const updates: FeedUpdate[] = [];
    let reached = Math.max(number, first - 1);
    for (let at = reached - first + 1; at < this.#updates.length && updates.length < max; at++) {
      const update = this.#updates[at]!;
      reached = update.number;
      const replaced = update.subject !== null &&
        this.#latest.get(`${update.kind}\n${update.subject}`) !== update.number;
      if (!replaced) updates.push(update);
    }
    return { updates, reached };
  }

  /** Resolves when there is an update after `number`, at the latest after `withinMs`, or when `signal` aborts. */
  async changed(number: number, withinMs: number, signal: AbortSignal): Promise<void> {
    if (number < this.newest || signal.aborted) return;
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#waiting.push(resolve);
    const timer = setTimeout(resolve, withinMs);
    const onAbort = () => resolve();
    signal.addEventListener("abort", onAbort, { once: true });
    try {
      await promise;
    } finally {
      clearTimeout(timer);
      signal.removeEventListener("abort", onAbort);
      const at = this.#waiting.indexOf(resolve);
      if (at >= 0) this.#waiting.splice(at, 1);
    }
  }
}
