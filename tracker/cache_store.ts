/** Where cached answers are kept: in this process, or in Redis, where every instance finds them. */

/** A kept answer, as text, with the times it was made and is kept until. */
export interface CacheStore {
  readonly name: "memory" | "redis";
  /** The text of a key, or undefined. */
  get(key: string): Promise<string | undefined>;
  /** Keeps a text for so long. */
  set(key: string, value: string, ttlMs: number): Promise<void>;
  delete(key: string): Promise<void>;
  close(): Promise<void>;
}

const ENTRIES_MAX = 10_000;

/** In this process; the entries used longest ago leave when there are too many. */
export class MemoryStore implements CacheStore {
  readonly name = "memory";
  readonly #entries = new Map<string, { value: string; untilMs: number }>();
  readonly #entriesMax: number;
  readonly #now: () => number;

  constructor(options: { entriesMax?: number; now?: () => number } = {}) {
    this.#entriesMax = options.entriesMax ?? ENTRIES_MAX;
    this.#now = options.now ?? Date.now;
  }

  get size(): number {
    return this.#entries.size;
  }

  get(key: string): Promise<string | undefined> {
    const entry = this.#entries.get(key);
    if (entry === undefined) return Promise.resolve(undefined);
    this.#entries.delete(key);
    if (entry.untilMs <= this.#now()) return Promise.resolve(undefined);
    // Read last is kept longest.
    this.#entries.set(key, entry);
    return Promise.resolve(entry.value);
  }

  set(key: string, value: string, ttlMs: number): Promise<void> {
    this.#entries.delete(key);
    this.#entries.set(key, { value, untilMs: this.#now() + ttlMs });
    while (this.#entries.size > this.#entriesMax) this.#entries.delete(this.#entries.keys().next().value!);
    return Promise.resolve();
  }

  delete(key: string): Promise<void> {
    this.#entries.delete(key);
    return Promise.resolve();
  }

  close(): Promise<void> {
    this.#entries.clear();
    return Promise.resolve();
  }
}
