/** Which discount a flight that misses its target should get, by what it is expected to sell. */

import { PRICE_ELASTICITY } from "./dilution.ts";
import type { FlightForecast, Observation, PromotionDecision } from "./policy.ts";
import { percent } from "./policy.ts";
import { ruleEngineIteration2 } from "./rule_engine_iteration_2.ts";

/** What policies with a forecast go by. */
export interface DiscountChoiceOptions {
  /** Discounts to choose from, in percent, rising. */
  discounts: readonly number[];
  /** Buyers more, in percent, that a price lower by one percent brings. */
  priceElasticity: number;
}

/** What holds where nothing else is said. */
export const DISCOUNT_CHOICE: DiscountChoiceOptions = {
  discounts: [10, 25],
  priceElasticity: PRICE_ELASTICITY,
};

/** What a discount is expected to bring, against none. */
interface Prospect {
  discount: number;
  /** Seats sold more. */
  extraSeats: number;
  /** Revenue still to come more, as a share of it without a discount. */
  gain: number;
}

function prospectOf(
  discount: number,
  pickupSeats: number,
  freeSeats: number,
  priceElasticity: number,
): Prospect {
  const wanted = priceElasticity * discount / 100 * pickupSeats;
  const extraSeats = Math.max(0, Math.min(wanted, freeSeats - pickupSeats));
  const gain = pickupSeats === 0 ? 0 : (1 + extraSeats / pickupSeats) * (1 - discount / 100) - 1;
  return { discount, extraSeats, gain };
}

/** The discount for a flight that is expected to miss its target; `undefined` where it is not. */
export function bestDiscount(
  observation: Observation,
  forecast: FlightForecast,
  { discounts, priceElasticity }: DiscountChoiceOptions,
): PromotionDecision | undefined {
  const { final_load_factor: final, target_load_factor: target } = forecast;
  if (final >= target || observation.minutes_to_departure === 0) return undefined;
  const totalSeats = observation.total_seats ?? 0;
  const freeSeats = Math.max(0, totalSeats - (observation.booked_seats ?? 0));
  const pickupSeats = Math.min(freeSeats, Math.max(0, forecast.expected_pickup_seats));
  const missingSeats = (target - final) * totalSeats;
  const prospects = discounts.map((discount) =>
    prospectOf(discount, pickupSeats, freeSeats, priceElasticity)
  );
  const best = prospects.find(({ gain, extraSeats }) => gain > 0 && extraSeats >= missingSeats) ??
    prospects.reduce((a, b) => (b.gain > a.gain ? b : a));
  const pays = best.gain > 0;
  const gain = percent(Math.abs(best.gain));
  return {
    discount_percentage: best.discount,
    thresholds: { target_load_factor: target, price_elasticity: priceElasticity },
    inputs: {
      booked_seats: observation.booked_seats ?? null,
      total_seats: totalSeats,
      forecast_load_factor: final,
      forecast_load_factor_low: forecast.low,
      forecast_load_factor_high: forecast.high,
      expected_pickup_seats: forecast.expected_pickup_seats,
      curve_version: forecast.version,
    },
    reason: `Load factor ${percent(final)} is expected at departure (${percent(forecast.low)} to ${
      percent(forecast.high)
    }), below the target ${percent(target)}; ${best.discount} % should bring ${
      best.extraSeats.toFixed(1)
    } seats to the ${pickupSeats.toFixed(1)} still expected and ${gain} ${
      pays ? "more" : "less or no more"
    } revenue from them`,
    ...(pays ? {} : { heldBackBy: "does_not_pay" as const }),
  };
}

/** What the published rule decides, for flights of which there is no history; the reason says so. */
export function withoutHistory(observation: Observation): PromotionDecision | undefined {
  const decision = ruleEngineIteration2.evaluate(observation);
  if (decision === undefined) return undefined;
  return {
    ...decision,
    reason:
      `There is no history of such flights yet, so ${ruleEngineIteration2.name} decides: ${decision.reason}`,
  };
}
