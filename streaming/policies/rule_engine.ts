/** The published rules of Iteration 1: last-minute discounts on flights that leave half empty. */

import type { Observation, PromotionDecision, PromotionPolicy } from "./policy.ts";
import { percent } from "./policy.ts";

interface Band {
  minutesBelow: number;
  loadFactorBelow: number;
  discountPercentage: number;
}

/** In the published order: where both fit, the later one wins. */
const BANDS: readonly Band[] = [
  { minutesBelow: 90, loadFactorBelow: 0.7, discountPercentage: 10 },
  { minutesBelow: 45, loadFactorBelow: 0.8, discountPercentage: 25 },
];

/**
 * Fewer than 90 minutes to departure and load factor below 0.70: 10 %; fewer than 45 minutes and load factor
 * below 0.80: 25 %.
 */
export const ruleEngine: PromotionPolicy = {
  name: "RULE_ENGINE",
  version: 1,
  evaluate(observation: Observation): PromotionDecision | undefined {
    const { load_factor, minutes_to_departure } = observation;
    const band = BANDS.findLast((band) =>
      minutes_to_departure < band.minutesBelow && load_factor < band.loadFactorBelow
    );
    if (band === undefined) return undefined;
    return {
      discount_percentage: band.discountPercentage,
      thresholds: { minutes_to_departure_below: band.minutesBelow, load_factor_below: band.loadFactorBelow },
      reason: `${minutes_to_departure} minutes to departure (below ${band.minutesBelow}) and load factor ${
        percent(load_factor)
      } (below ${percent(band.loadFactorBelow)})`,
    };
  },
};
