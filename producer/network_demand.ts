/**
 * Demand of the `network` profile: parties arrive as a non-homogeneous Poisson process on each flight's capacity.
 *
 * - Arrival pattern: the share of demand that has come at a share x of the booking period is x^a, the
 *   distribution Beta(a, 1). Beta-shaped arrivals: Weatherford, Bodily and Pfeifer, "Modeling the customer
 *   arrival process and comparing decision rules in perishable asset revenue management situations",
 *   Transportation Science 27 (1993). a varies by flight from 1.2 to 2.2: half to three quarters of the bookings
 *   come in the second half of the period.
 * - Demand level: the seats that would be sold without a limit and without promotions are a share of the capacity
 *   that varies by flight, 0.35 + 0.75 (u + v) / 2 with u and v even on (0, 1): mean 0.725, 8 % of the flights
 *   below 0.5 and 14 % above 0.9, before the chance of the arrivals themselves.
 * - Intensity at x, per millisecond of a period of H ms: n a x^(a−1) f / H, with n = expected seats / mean party
 *   size and f the promotion's factor.
 * - Drawing: thinning. Candidates come at the constant rate n a f_max / H and one at x is accepted with
 *   probability x^(a−1) f / f_max. Lewis and Shedler, "Simulation of nonhomogeneous Poisson processes by
 *   thinning", Naval Research Logistics Quarterly 26 (1979).
 * - Parties of 1, 2, 3 and 4 with probability 0.62, 0.25, 0.07 and 0.06 (an assumption; mean 1.57).
 *
 * @module
 */

import { type Demand, PROMOTION_FACTOR_MAX } from "./demand.ts";
import { PURPOSE, type RandomKey, randomUnit } from "./random.ts";

/** Cumulative probabilities of parties of 1, 2, 3; all others are 4. */
const PARTY_SIZES = [0.62, 0.87, 0.94] as const;
export const PARTY_SIZE_MEAN = 1.57;

/** A flight's demand without promotions: expected seats as a share of the capacity, and the curve's exponent. */
export function demandLevel(key: RandomKey): { loadFactor: number; exponent: number } {
  const spread = (randomUnit(key, PURPOSE.demandLevel, 0) + randomUnit(key, PURPOSE.demandLevel, 1)) / 2;
  return { loadFactor: 0.35 + 0.75 * spread, exponent: 1.2 + randomUnit(key, PURPOSE.bookingCurve) };
}

/** The candidates of a flight from the opening of its sale to its scheduled departure. */
export class NetworkDemand implements Demand {
  readonly #key: RandomKey;
  readonly #opensMs: number;
  readonly #periodMs: number;
  readonly #exponent: number;
  /** Candidates per millisecond. */
  readonly #candidateRate: number;
  #index = -1;
  #timeMs: number;

  constructor(key: RandomKey, totalSeats: number, opensMs: number, scheduledDepartureMs: number) {
    const { loadFactor, exponent } = demandLevel(key);
    const bookings = totalSeats * loadFactor / PARTY_SIZE_MEAN;
    this.#key = key;
    this.#opensMs = opensMs;
    this.#periodMs = scheduledDepartureMs - opensMs;
    this.#exponent = exponent;
    this.#candidateRate = bookings * exponent * PROMOTION_FACTOR_MAX / this.#periodMs;
    this.#timeMs = opensMs;
    this.advance();
  }

  get timeMs(): number {
    return this.#timeMs;
  }

  get index(): number {
    return this.#index;
  }

  advance(): void {
    this.#index++;
    this.#timeMs -= Math.log(randomUnit(this.#key, PURPOSE.arrivalGap, this.#index)) / this.#candidateRate;
  }

  accepts(promotionFactor: number): boolean {
    return randomUnit(this.#key, PURPOSE.acceptance, this.#index) <
      this.#acceptance(this.#timeMs, promotionFactor);
  }

  partySize(): number {
    const u = randomUnit(this.#key, PURPOSE.partySize, this.#index);
    return u < PARTY_SIZES[0] ? 1 : u < PARTY_SIZES[1] ? 2 : u < PARTY_SIZES[2] ? 3 : 4;
  }

  bookingProbability(atMs: number, promotionFactor: number): number {
    return 1 - Math.exp(-this.#candidateRate * this.#acceptance(atMs, promotionFactor) * 1000);
  }

  #acceptance(atMs: number, promotionFactor: number): number {
    const share = Math.min(1, Math.max(0, (atMs - this.#opensMs) / this.#periodMs));
    return share ** (this.#exponent - 1) * promotionFactor / PROMOTION_FACTOR_MAX;
  }
}
