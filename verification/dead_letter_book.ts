/** Dead letters: how many, why, and whether a record is among them. */

import type { DeadLetter } from "../events/dead_letters.ts";
import { logId8Of } from "../lake/raw_files.ts";
import { ByPlace, OffsetSet } from "./offset_sets.ts";

/** Dead letters of one group for one reason. */
export interface DeadLetterCount {
  group: string;
  reason: string;
  letters: number;
  /** Records that were refused; a letter may be written twice when its writer was killed. */
  sources: number;
  /** Records of those that were driven again. */
  driven_again: number;
}

export class DeadLetterBook {
  readonly #counts = new Map<string, DeadLetterCount>();
  /** By group. */
  readonly #sources = new Map<string, ByPlace<OffsetSet>>();
  readonly #wasDrivenAgain: (letter: DeadLetter) => boolean;

  /** @param wasDrivenAgain Whether a letter's record was driven again. */
  constructor(wasDrivenAgain: (letter: DeadLetter) => boolean = () => false) {
    this.#wasDrivenAgain = wasDrivenAgain;
  }

  take(letter: DeadLetter): void {
    const { group, reason, log_id, topic, partition, offset } = letter;
    const key = `${group}\n${reason}`;
    let count = this.#counts.get(key);
    if (count === undefined) {
      this.#counts.set(key, count = { group, reason, letters: 0, sources: 0, driven_again: 0 });
    }
    count.letters++;
    if (typeof topic !== "string" || !Number.isSafeInteger(partition) || !Number.isSafeInteger(offset)) {
      return;
    }
    let places = this.#sources.get(group);
    if (places === undefined) this.#sources.set(group, places = new ByPlace(() => new OffsetSet()));
    const log = /^[0-9a-f]{8}/i.test(log_id) ? logId8Of(log_id) : "unknown";
    if (!places.at(log, topic, partition).add(offset)) return;
    count.sources++;
    if (this.#wasDrivenAgain(letter)) count.driven_again++;
  }

  /** Whether `group` refused the record. */
  has(group: string, log: string, topic: string, partition: number, offset: number): boolean {
    return this.#sources.get(group)?.existing(log, topic, partition)?.has(offset) ?? false;
  }

  /** Records of a topic that `group` refused, of all logs. */
  sourcesOf(group: string, topic: string): number {
    let sources = 0;
    for (const place of this.#sources.get(group)?.all() ?? []) {
      if (place.topic === topic) sources += place.value.size;
    }
    return sources;
  }

  counts(): DeadLetterCount[] {
    return [...this.#counts.values()].sort((a, b) =>
      a.group === b.group ? b.letters - a.letters : a.group < b.group ? -1 : 1
    );
  }
}
