/** Counts dead letters by reason; letters of the same record count as one record. */

import type { DeadLetter } from "../events/dead_letters.ts";
import { ByPlace, OffsetSet } from "../verification/offset_sets.ts";

/** Letters of one reason. */
export interface ReasonCount {
  reason: string;
  letters: number;
  /** Distinct records that were refused. */
  records: number;
  /** Of those, the ones that were driven again. */
  drivenAgain: number;
}

export class RefusedRecords {
  readonly #all = new ByPlace(() => new OffsetSet());
  readonly #byReason = new Map<string, { count: ReasonCount; sources: ByPlace<OffsetSet> }>();
  readonly #groups = new Map<string, ByPlace<OffsetSet>>();
  /** All letters. */
  letters = 0;
  /** Distinct records, whatever the reason and whoever refused them. */
  records = 0;
  drivenAgain = 0;

  /** Takes a letter; returns whether it is the first of its group about its record. */
  take(letter: DeadLetter, wasDrivenAgain: boolean): boolean {
    this.letters++;
    let own = this.#byReason.get(letter.reason);
    if (own === undefined) {
      const count = { reason: letter.reason, letters: 0, records: 0, drivenAgain: 0 };
      this.#byReason.set(letter.reason, own = { count, sources: new ByPlace(() => new OffsetSet()) });
    }
    own.count.letters++;
    if (add(own.sources, letter)) {
      own.count.records++;
      if (wasDrivenAgain) own.count.drivenAgain++;
    }
    if (add(this.#all, letter)) {
      this.records++;
      if (wasDrivenAgain) this.drivenAgain++;
    }
    let group = this.#groups.get(letter.group);
    if (group === undefined) this.#groups.set(letter.group, group = new ByPlace(() => new OffsetSet()));
    return add(group, letter);
  }

  /** Whether a group refused a letter's record, as far as its letters were taken. */
  has(group: string, { log_id, topic, partition, offset }: DeadLetter): boolean {
    return this.#groups.get(group)?.existing(log_id, topic, partition)?.has(offset) ?? false;
  }

  /** By reason, most records first. */
  counts(): ReasonCount[] {
    return [...this.#byReason.values()].map(({ count }) => count)
      .sort((a, b) => b.records - a.records || (a.reason < b.reason ? -1 : 1));
  }
}

function add(places: ByPlace<OffsetSet>, { log_id, topic, partition, offset }: DeadLetter): boolean {
  return places.at(log_id, topic, partition).add(offset);
}
