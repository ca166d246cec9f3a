/**
 * Topic `policy_evaluations`: promotions that a policy wanted and a guard held back, keyed by `flight_id`. Written where the
 * answer changes, so a flight has a few. With the decisions they tell why a flight was promoted and why not.
 *
 * @module
 */

import { checkNumber, checkOptionalJson, checkOptionalText, checkText } from "./_check.ts";
import type { JsonObject } from "./_check.ts";
import type { EventSource } from "./promo_decisions.ts";

/** A promotion was wanted and held back. */
export interface PromotionHeldBack {
  event_type: "PromotionHeldBack";
  event_time: string;
  flight_id: string;
  /** What held it back: `cooldown`, `maximum_per_flight`, `minimum_fare`, `dilution`, `ahead_of_curve`, … */
  guard: string;
  /** Percent off the published price that was wanted. */
  discount_percentage: number;
  /** The policy's name and version. */
  policy: string;
  inputs: Record<string, number | string | null>;
  thresholds: Record<string, number>;
  reason: string;
  /** The probability with which this was done, more than 0 to 1. */
  propensity: number;
  event_id: string;
  source: EventSource;
}

/** Field checks by event type; see `parse_event.ts`. */
export const policyEvaluationChecks = {
  PromotionHeldBack(event: JsonObject): void {
    checkText(event, "guard");
    checkText(event, "policy");
    checkNumber(event, "discount_percentage", 0, 100);
    checkNumber(event, "propensity", 0, 1);
    checkOptionalText(event, "reason");
    checkOptionalText(event, "event_id");
    checkOptionalJson(event, "inputs");
    checkOptionalJson(event, "thresholds");
  },
};

/** One event of the topic as it travels. */
export const promotionHeldBackExample: PromotionHeldBack = {
  event_type: "PromotionHeldBack",
  event_time: "2025-11-24T11:15:30.000Z",
  flight_id: "BA210_2025-11-28",
  guard: "maximum_per_flight",
  discount_percentage: 10,
  policy: "RULE_ENGINE_ITERATION_2/1",
  inputs: { load_factor: 0.35, minutes_to_departure: 5924, days_to_departure: 4.11 },
  thresholds: { max_promotions_per_flight: 1 },
  reason: "The flight has had 1 of at most 1 promotions. Wanted because: load factor 35 % (below 60 %)",
  propensity: 1,
  event_id: "bookings-2-31-2@1f3a9c2e",
  source: { log_id: "1f3a9c2e-5b1d-4d36-8f0e-2f6f0d9f4c11", topic: "bookings", partition: 2, offset: 31 },
};
