/** The published rules of Iteration 2: an early discount on flights that sell slowly. */

import type { Observation, PromotionDecision, PromotionPolicy } from "./policy.ts";
import { percent } from "./policy.ts";

const DAYS_MIN = 2;
const DAYS_MAX = 7;
const LOAD_FACTOR_BELOW = 0.6;
const VELOCITY_BELOW = 5;
const VELOCITY_RATIO_MAX = 0.8;
const DEEP_LOAD_FACTOR_BELOW = 0.3;
const DEEP_DISCOUNT = 25;
const DISCOUNT = 10;

/**
 * Between 2 and 7 days before departure (both included), load factor below 0.60, and a booking velocity that is
 * below 5 per hour, or at most 0.8 times the previous one, or has no previous one: 25 % where the load factor is
 * below 0.30, else 10 %.
 */
export const ruleEngineIteration2: PromotionPolicy = {
  name: "RULE_ENGINE_ITERATION_2",
  version: 1,
  evaluate(observation: Observation): PromotionDecision | undefined {
    const { load_factor, days_to_departure, booking_velocity_per_hour: velocity } = observation;
    const previous = observation.previous_velocity_per_hour;
    if (days_to_departure < DAYS_MIN || days_to_departure > DAYS_MAX || load_factor >= LOAD_FACTOR_BELOW) {
      return undefined;
    }
    const bookings = velocity === 1 ? "booking" : "bookings";
    const pace = velocity < VELOCITY_BELOW
      ? `${velocity} ${bookings} per hour (below ${VELOCITY_BELOW})`
      : previous === null
      ? `${velocity} bookings per hour at the first evaluation`
      : velocity <= VELOCITY_RATIO_MAX * previous
      ? `${velocity} bookings per hour (at most ${VELOCITY_RATIO_MAX} of ${previous} before)`
      : undefined;
    if (pace === undefined) return undefined;
    const deep = load_factor < DEEP_LOAD_FACTOR_BELOW;
    return {
      discount_percentage: deep ? DEEP_DISCOUNT : DISCOUNT,
      thresholds: {
        days_to_departure_min: DAYS_MIN,
        days_to_departure_max: DAYS_MAX,
        load_factor_below: LOAD_FACTOR_BELOW,
        deep_discount_load_factor_below: DEEP_LOAD_FACTOR_BELOW,
        booking_velocity_below: VELOCITY_BELOW,
        previous_velocity_ratio_max: VELOCITY_RATIO_MAX,
      },
      reason: `${days_to_departure} days to departure (${DAYS_MIN} to ${DAYS_MAX}), load factor ${
        percent(load_factor)
      } (below ${percent(deep ? DEEP_LOAD_FACTOR_BELOW : LOAD_FACTOR_BELOW)}), ${pace}`,
    };
  },
};
