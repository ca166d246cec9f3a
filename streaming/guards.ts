/**
 * What keeps a promotion back that a policy wants. Cooldown and maximum hold for every policy; the others for those that
 * name them, so that the published rules decide what they always decided. A guard that lacks the knowledge it needs
 * keeps nothing back.
 *
 * @module
 */

import { dilutionOf, PRICE_ELASTICITY } from "./policies/dilution.ts";
import { percent } from "./policies/policy.ts";
import type { Evaluation, Guard, Observation, PromotionPolicy } from "./policies/policy.ts";

/** How far guards let a policy go. */
export interface GuardLimits {
  /** Promotions that one flight gets at the most. */
  maxPromotionsPerFlight: number;
  /** Event time between two promotions of a flight, in minutes. */
  promoCooldownMinutes: number;
  /** No fare is discounted below this price, in the flight's currency. */
  minimumFare: number;
  /** The largest share of expected buyers who would have paid the full price. */
  dilutionMax: number;
  /** Buyers more, in percent, that a price lower by one percent brings; what dilution is reckoned with. */
  priceElasticity: number;
}

/** What holds where nothing else is said. A minimum fare of 0 and a share of 1 keep nothing back. */
export const GUARD_LIMITS: GuardLimits = {
  maxPromotionsPerFlight: 1,
  promoCooldownMinutes: 60,
  minimumFare: 40,
  dilutionMax: 0.9,
  priceElasticity: PRICE_ELASTICITY,
};

/** A guard's objection. */
export interface Objection {
  guard: Guard;
  thresholds: Record<string, number>;
  reason: string;
}

/** Cooldown or maximum, where one of them keeps every promotion of the flight back. Costs next to nothing. */
export function limitReached(
  { promotions = 0, minutes_since_promotion = null }: Pick<
    Observation,
    "promotions" | "minutes_since_promotion"
  >,
  limits: GuardLimits,
): "maximum_per_flight" | "cooldown" | undefined {
  if (promotions >= limits.maxPromotionsPerFlight) return "maximum_per_flight";
  const { promoCooldownMinutes } = limits;
  if (minutes_since_promotion !== null && minutes_since_promotion < promoCooldownMinutes) return "cooldown";
  return undefined;
}

/** Asks a policy, then its guards. `undefined` where the policy wants nothing. */
export function evaluateFlight(
  policy: PromotionPolicy,
  observation: Observation,
  limits: GuardLimits,
): Evaluation | undefined {
  const decision = policy.evaluate(observation);
  if (decision === undefined) return undefined;
  const objection = decision.heldBackBy === undefined
    ? objectionTo(policy, observation, decision.discount_percentage, limits)
    : { guard: decision.heldBackBy, thresholds: {}, reason: "" };
  return {
    guard: objection?.guard ?? null,
    discount_percentage: decision.discount_percentage,
    policy: `${policy.name}/${policy.version}`,
    inputs: {
      load_factor: observation.load_factor,
      minutes_to_departure: observation.minutes_to_departure,
      days_to_departure: observation.days_to_departure,
      booking_velocity_per_hour: observation.booking_velocity_per_hour,
      previous_velocity_per_hour: observation.previous_velocity_per_hour,
      ...decision.inputs,
    },
    thresholds: objection === undefined
      ? decision.thresholds
      : { ...decision.thresholds, ...objection.thresholds },
    reason: objection === undefined || objection.reason === ""
      ? decision.reason
      : `${objection.reason}. Wanted because: ${decision.reason}`,
    propensity: 1,
  };
}

/** What the guards of a policy have against a discount, in percent; the first of them. */
export function objectionTo(
  policy: PromotionPolicy,
  observation: Observation,
  discountPercentage: number,
  limits: GuardLimits,
): Objection | undefined {
  const limit = limitReached(observation, limits);
  if (limit !== undefined) return limitObjection(limit, observation, limits);
  for (const guard of policy.guards ?? []) {
    const objection = guard === "minimum_fare"
      ? belowMinimumFare(observation, discountPercentage, limits)
      : guard === "dilution"
      ? tooDiluted(discountPercentage, limits)
      : guard === "ahead_of_curve"
      ? aheadOfCurve(observation)
      : undefined;
    if (objection !== undefined) return objection;
  }
  return undefined;
}

function limitObjection(
  guard: "maximum_per_flight" | "cooldown",
  observation: Observation,
  limits: GuardLimits,
): Objection {
  if (guard === "maximum_per_flight") {
    const { maxPromotionsPerFlight: most } = limits;
    return {
      guard,
      thresholds: { max_promotions_per_flight: most },
      reason: `The flight has had ${observation.promotions ?? 0} of at most ${most} promotions`,
    };
  }
  const { promoCooldownMinutes: cooldown } = limits;
  const since = Math.floor(observation.minutes_since_promotion ?? 0);
  return {
    guard,
    thresholds: { promo_cooldown_minutes: cooldown },
    reason: `The last promotion was ${since} minutes ago, the next may come after ${cooldown}`,
  };
}

function belowMinimumFare(
  { fares }: Observation,
  discountPercentage: number,
  { minimumFare }: GuardLimits,
): Objection | undefined {
  const lowest = fares?.at(-1);
  if (lowest === undefined) return undefined;
  const price = lowest.price * (100 - discountPercentage) / 100;
  if (price >= minimumFare) return undefined;
  return {
    guard: "minimum_fare",
    thresholds: { minimum_fare: minimumFare },
    reason: `Bucket ${lowest.bucket} would cost ${price.toFixed(2)}, below the minimum fare ${minimumFare}`,
  };
}

function tooDiluted(
  discountPercentage: number,
  { dilutionMax, priceElasticity }: GuardLimits,
): Objection | undefined {
  const share = dilutionOf(discountPercentage, priceElasticity);
  if (share <= dilutionMax) return undefined;
  return {
    guard: "dilution",
    thresholds: { dilution_max: dilutionMax },
    reason: `${percent(share)} of the buyers would have paid the full price, more than ${
      percent(dilutionMax)
    }`,
  };
}

function aheadOfCurve({ booked_seats, forecast }: Observation): Objection | undefined {
  if (booked_seats === undefined || forecast === undefined || forecast === null) return undefined;
  if (booked_seats <= forecast.usual_booked_seats) return undefined;
  return {
    guard: "ahead_of_curve",
    thresholds: { usual_booked_seats: forecast.usual_booked_seats },
    reason:
      `${booked_seats} seats are booked, ahead of the ${forecast.usual_booked_seats} that are usual now`,
  };
}
