/**
 * What a promotion policy sees and answers. A policy is pure and has a file of its own; it looks only at the
 * rounded values that also go on the wire, so that every decision can be recomputed from its event.
 *
 * @module
 */

/** A flight at one evaluation; values rounded as on the wire. What is optional is knowledge that a flight may lack. */
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
  booked_seats?: number;
  total_seats?: number;
  /** Bookings in the last 6 hours, per hour, three decimals. */
  booking_velocity_6h_per_hour?: number;
  /** Bookings in the last 24 hours, per hour, three decimals. */
  booking_velocity_24h_per_hour?: number;
  /** Buckets with seats on sale, from the flight's last snapshot, highest price first; null before the first. */
  fares?: readonly OpenFare[] | null;
  /** What the flight is expected to come to; null where no history of its route is known. */
  forecast?: FlightForecast | null;
  /** Promotions the flight has had. */
  promotions?: number;
  /** Since the last promotion; null before the first. */
  minutes_since_promotion?: number | null;
}

/** Seats on sale at a price, in the flight's currency. */
export interface OpenFare {
  bucket: string;
  price: number;
  available_seats: number;
}

/** Demand still to come for a fare bucket at its full price, in seats. */
export interface BucketDemand {
  bucket: string;
  mean: number;
  variance: number;
}

/** What a flight is expected to come to without a discount. Load factors are 0 to 1 with three decimals. */
export interface FlightForecast {
  /** Version of the booking curves it was made from. */
  version: string;
  /** Flights behind the curve. */
  flights: number;
  final_load_factor: number;
  /** The final load factor lies in `[low, high]` with a probability of 80 %. */
  low: number;
  high: number;
  target_load_factor: number;
  /** Seats that are usually booked at this time before departure. */
  usual_booked_seats: number;
  /** Seats still to be booked, less those given back. */
  expected_pickup_seats: number;
  /** When the flight is expected to fall below its target, milliseconds since 1970; null where it is not. */
  intervention_expected_ms: number | null;
  /** By fare bucket; empty where the history tells nothing of buckets. */
  readonly demand: readonly BucketDemand[];
}

/** What keeps a promotion back. */
export type Guard =
  | "cooldown"
  | "maximum_per_flight"
  | "minimum_fare"
  | "dilution"
  | "ahead_of_curve"
  | "does_not_pay"
  | "below_bid_price"
  | "exploration";

/** A discount, and why. */
export interface PromotionDecision {
  /** Percent off the published price. */
  discount_percentage: number;
  /** What the observation was compared with. */
  thresholds: Record<string, number>;
  /** The reason in plain words. */
  reason: string;
  /** What the policy looked at beside the five values of every observation. */
  inputs?: Record<string, number | string | null>;
  /** Named where the policy itself keeps the discount back that it looked at. */
  heldBackBy?: Guard;
}

/** A named, versioned rule; `decision_source` on the wire is its name. */
export interface PromotionPolicy {
  readonly name: string;
  /** Raised when the same observation would be decided otherwise. */
  readonly version: number;
  /** Guards that hold for it beside cooldown and maximum, which hold for all. */
  readonly guards?: readonly Guard[];
  /** Whether it or its guards look at fares: only then are they kept. */
  readonly usesFares?: boolean;
  /** A decision, or `undefined` where the flight needs none. */
  evaluate(observation: Observation): PromotionDecision | undefined;
}

/** What became of an evaluation that came near a promotion. */
export interface Evaluation {
  /** The guard that held the promotion back; null where it goes out. */
  guard: Guard | null;
  /** Percent off, given or held back. */
  discount_percentage: number;
  /** `<name>/<version>` of the policy. */
  policy: string;
  /** What the policy looked at. */
  inputs: Record<string, number | string | null>;
  thresholds: Record<string, number>;
  reason: string;
  /** The probability with which exactly this was done, more than 0 to 1; 1 where nothing is left to chance. */
  propensity: number;
}

/** A share as a person reads it: `0.583` is `58.3 %`. */
export function percent(share: number): string {
  return `${Math.round(share * 1000) / 10} %`;
}
