/** Live updates as text of server-sent events, a piece at a time; listeners that stand at the same place share the piece. */

import type { LiveFeed } from "./live_feed.ts";

/** Some updates as they are sent, and the number of the last one looked at. */
export interface EventChunk {
  /** Empty where none of the updates is of the kinds asked for. */
  bytes: Uint8Array<ArrayBuffer>;
  reached: number;
}

/** One piece at the most, about: what a connection that nobody reads holds several of. */
const CHUNK_UNITS_MAX = 16 * 1024;
const CHUNK_UPDATES_MAX = 100;
/** Listeners stand at few places, the newest mostly. */
const CHUNKS_KEPT = 64;

/** See the module. */
export class EventChunks {
  readonly #feed: LiveFeed;
  readonly #encoder = new TextEncoder();
  readonly #kept = new Map<string, EventChunk>();

  constructor(feed: LiveFeed) {
    this.#feed = feed;
  }

  /** The updates after `number`, of these kinds (undefined: of all). A `reset` is for everybody. */
  after(number: number, kinds: ReadonlySet<string> | undefined): EventChunk {
    const key = `${number} ${kinds === undefined ? "" : [...kinds].join()}`;
    const kept = this.#kept.get(key);
    if (kept !== undefined) return kept;
    const chunk = this.#make(number, kinds);
    // One that holds nothing new yet is another one later.
    if (chunk.reached === number) return chunk;
    if (this.#kept.size >= CHUNKS_KEPT) this.#kept.delete(this.#kept.keys().next().value!);
    this.#kept.set(key, chunk);
    return chunk;
  }

  #make(number: number, kinds: ReadonlySet<string> | undefined): EventChunk {
    const { updates, reached: to } = this.#feed.after(number, CHUNK_UPDATES_MAX);
    let text = "";
    let reached = number;
    for (const update of updates) {
      if (text.length > CHUNK_UNITS_MAX) return { bytes: this.#encoder.encode(text), reached };
      reached = update.number;
      if (kinds === undefined || update.kind === "reset" || kinds.has(update.kind)) {
        text += `id: ${this.#feed.id}-${update.number}\nevent: ${update.kind}\ndata: ${update.data}\n\n`;
      }
    }
    return { bytes: this.#encoder.encode(text), reached: to };
  }
}
