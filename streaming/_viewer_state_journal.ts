/**
 * The stored state of one partition as it grows: with each commit the entries that were added, and now and then the whole
 * of it anew, in the place of all before.
 */

import { ViewerStateWriter } from "./viewer_state_chunk.ts";
import type { ClaimedPartition } from "./viewer_store.ts";
import type { StateSink } from "./viewer_windows.ts";

/** The state is written anew when what was added is more than twice of it, and more than this. */
const ADDED_BYTES_MIN = 256 * 1024;

/** What a commit stores of the state. */
export interface JournalEntry {
  /** Entries that were added, or with `compacted` all there are; empty where there are none. */
  chunk: Uint8Array;
  sequence: number;
  compacted: boolean;
}

export class ViewerStateJournal {
  readonly #added = new ViewerStateWriter();
  #sequence: number;
  #snapshotBytes: number;
  #addedBytes: number;

  constructor({ sequence, chunks }: Pick<ClaimedPartition, "sequence" | "chunks">) {
    this.#sequence = sequence;
    this.#snapshotBytes = chunks[0]?.length ?? 0;
    this.#addedBytes = chunks.slice(1).reduce((sum, chunk) => sum + chunk.length, 0);
  }

  /** Where entries that are added go. */
  get sink(): StateSink {
    return this.#added;
  }

  /** What the next commit is to store. `snapshot` writes the whole state. */
  next(snapshot: (sink: StateSink) => void): JournalEntry {
    const compacted = this.#addedBytes + this.#added.length > ADDED_BYTES_MIN + 2 * this.#snapshotBytes;
    let chunk = this.#added.take();
    if (compacted) {
      snapshot(this.#added);
      chunk = this.#added.take();
      this.#snapshotBytes = chunk.length;
      this.#addedBytes = 0;
    } else this.#addedBytes += chunk.length;
    if (chunk.length > 0 || compacted) this.#sequence++;
    return { chunk, sequence: this.#sequence, compacted };
  }
}
