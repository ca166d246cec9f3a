/** The decisions that were read, each once; the newest of them can be listed. */

import type { PromotionTriggered } from "../events/promo_decisions.ts";

/** A decision with what is known of its flight. */
export interface Decision extends PromotionTriggered {
  airline_code: string | null;
  origin_airport: string | null;
  destination_airport: string | null;
}

/** What a decision takes over of its flight. */
type Route = Pick<Decision, "airline_code" | "origin_airport" | "destination_airport">;

/** At least so many are kept, and at most twice as many. */
const DECISIONS_KEPT = 2000;

/** See the module. */
export class DecisionList {
  readonly #decisions: Decision[] = [];
  readonly #ids = new Set<string>();
  #new: Decision[] = [];
  #total = 0;

  /** As far back as the log goes. */
  get total(): number {
    return this.#total;
  }

  /** Takes a decision; `false` for one that is listed. Other programs give no id, and ours never sends one twice. */
  add(event: PromotionTriggered, route: Route | undefined): boolean {
    const { event_id: id } = event;
    if (id !== undefined && this.#ids.has(id)) return false;
    if (id !== undefined) this.#ids.add(id);
    const decision: Decision = {
      ...event,
      airline_code: route?.airline_code ?? null,
      origin_airport: route?.origin_airport ?? null,
      destination_airport: route?.destination_airport ?? null,
    };
    this.#decisions.push(decision);
    this.#new.push(decision);
    this.#total++;
    if (this.#decisions.length < 2 * DECISIONS_KEPT) return true;
    for (const { event_id } of this.#decisions.splice(0, DECISIONS_KEPT)) {
      if (event_id !== undefined) this.#ids.delete(event_id);
    }
    return true;
  }

  /** Newest first, by the time they were read. */
  newest(): Decision[] {
    return this.#decisions.toReversed();
  }

  /** Those that came since the last call. */
  takeNew(): Decision[] {
    const taken = this.#new;
    this.#new = [];
    return taken;
  }
}
