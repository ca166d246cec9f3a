/** How many records were refused, by whom and why; distinct sources are counted, however often one was refused. */

import type { DeadLetter } from "../events/dead_letters.ts";

/** A dead letter as the API lists it: without the record itself, which `deno task dead-letters show` has. */
export interface DeadLetterSummary {
  dead_letter_id: string;
  event_time: string;
  group: string;
  reason: string;
  message: string;
  topic: string;
  partition: number;
  offset: number;
}

const NEWEST_KEPT = 100;
/** Above this many, a record that is refused a second time counts again. */
const IDS_KEPT_MAX = 200_000;

/** See the module. */
export class DeadLetterTally {
  readonly #ids = new Set<string>();
  readonly #byReason = new Map<string, number>();
  readonly #newest: DeadLetterSummary[] = [];
  #total = 0;

  get total(): number {
    return this.#total;
  }

  /** Counts by reason, the most frequent first. */
  byReason(): { reason: string; count: number }[] {
    return [...this.#byReason].map(([reason, count]) => ({ reason, count })).sort((a, b) =>
      b.count - a.count
    );
  }

  /** The newest hundred, newest first. */
  newest(): DeadLetterSummary[] {
    return this.#newest.toReversed();
  }

  add(letter: DeadLetter): void {
    const { dead_letter_id, event_time, group, reason, message, topic, partition, offset } = letter;
    const id = `${letter.log_id} ${dead_letter_id}`;
    if (this.#ids.has(id)) return;
    if (this.#ids.size < IDS_KEPT_MAX) this.#ids.add(id);
    this.#total++;
    this.#byReason.set(reason, (this.#byReason.get(reason) ?? 0) + 1);
    this.#newest.push({ dead_letter_id, event_time, group, reason, message, topic, partition, offset });
    if (this.#newest.length > NEWEST_KEPT) this.#newest.shift();
  }
}
