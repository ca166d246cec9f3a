/**
 * What a promotion policy sees and answers. A policy is pure and has a file of its own; it looks only at the
 * rounded values that also go on the wire, so that every decision can be recomputed from its event.
 *
 * @module
 */

/** A flight at one evaluation; values rounded as on the wire. */
export interface Observation {
  /** Booked seats / total seats, 0 to 1, three decimals. */
  load_factor: number;
  /** Whole minutes, at least 0. */
  minutes_to_departure: number;
  /** Days, two decimals, at least 0. */
  days_to_departure: number;
  /** Bookings in the last 60 minutes, per hour, three decimals. */
  booking_velocity_per_hour: number;
  /** The velocity at the flight's previous evaluation; null at the first. */
  previous_velocity_per_hour: number | null;
}

/** A discount, and why. */
export interface PromotionDecision {
  /** Percent off the published price. */
  discount_percentage: number;
  /** What the observation was compared with. */
  thresholds: Record<string, number>;
  /** The reason in plain words. */
  reason: string;
}

/** A named, versioned rule; `decision_source` on the wire is its name. */
export interface PromotionPolicy {
  readonly name: string;
  /** Raised when the same observation would be decided otherwise. */
  readonly version: number;
  /** A decision, or `undefined` where the flight needs none. */
  evaluate(observation: Observation): PromotionDecision | undefined;
}

/** A share as a person reads it: `0.583` is `58.3 %`. */
export function percent(share: number): string {
  return `${Number((share * 100).toFixed(1))} %`;
}
