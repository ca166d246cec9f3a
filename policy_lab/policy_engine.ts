/** The consumer's engine with a policy, fed with events as they are, without a log. */

import type { BookingCurvesPublished } from "../events/booking_curves.ts";
import type { ParsedEvent } from "../events/parse_event.ts";
import type { PromotionTriggered } from "../events/promo_decisions.ts";
import { InventoryEngine } from "../streaming/inventory_engine.ts";
import type { PromotionPolicy } from "../streaming/policies/policy.ts";

const LOG_ID = "policy-lab";

/** An engine that says at once what it decided. */
export class PolicyEngine {
  readonly #engine: InventoryEngine;
  /** The policy wanted a promotion since the outputs were looked at. */
  #wanted = false;
  #offset = 0;

  /**
   * @param curves What is known of earlier flights, as the ETL publishes it.
   * @param targetLoadFactor What flights are to leave with, 0 to 1. Default: the consumer's.
   */
  constructor(
    policy: PromotionPolicy,
    curves: readonly BookingCurvesPublished[],
    targetLoadFactor?: number,
  ) {
    this.#engine = new InventoryEngine({
      logId: LOG_ID,
      ...(targetLoadFactor === undefined ? {} : { targetLoadFactor }),
      policy: {
        ...policy,
        evaluate: (observation) => {
          const decision = policy.evaluate(observation);
          if (decision !== undefined) this.#wanted = true;
          return decision;
        },
      },
    });
    for (const event of curves) this.apply("booking_curves", event, Date.parse(event.event_time));
    this.flightOver();
  }

  /** Takes an event; returns the promotion that it led to. */
  apply(topic: string, event: ParsedEvent["event"], eventTimeMs: number): PromotionTriggered | undefined {
    const record = {
      topic,
      partition: 0,
      offset: this.#offset++,
      timestampMs: eventTimeMs,
      key: null,
      value: null,
    };
    this.#engine.apply({ event, eventTimeMs }, record);
    if (!this.#wanted) return undefined;
    this.#wanted = false;
    const output = this.#engine.take().outputs.find(({ topic }) => topic === "promo_decisions");
    return output === undefined ? undefined : JSON.parse(output.value) as PromotionTriggered;
  }

  /** Lets go of what went out so far. */
  flightOver(): void {
    this.#engine.take();
  }
}
