/** Promotes a flight that is expected to miss its target, if the discount is expected to pay. */

import { bestDiscount, DISCOUNT_CHOICE, withoutHistory } from "./discount_choice.ts";
import type { DiscountChoiceOptions } from "./discount_choice.ts";
import type { Observation, PromotionDecision, PromotionPolicy } from "./policy.ts";

/**
 * Looks at the forecast final load factor. Where it misses the target, the smallest discount that is expected to close the
 * gap, else the one that is expected to earn most, if it earns more than no discount. A flight without history is left to
 * the published rule.
 */
export function forecastPolicy(options: Partial<DiscountChoiceOptions> = {}): PromotionPolicy {
  const choice = { ...DISCOUNT_CHOICE, ...options };
  return {
    name: "FORECAST",
    version: 1,
    guards: ["minimum_fare", "dilution", "ahead_of_curve"],
    usesFares: true,
    evaluate(observation: Observation): PromotionDecision | undefined {
      const { forecast } = observation;
      if (forecast === null || forecast === undefined) return withoutHistory(observation);
      return bestDiscount(observation, forecast, choice);
    },
  };
}
