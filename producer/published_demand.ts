/**
 * Demand of the profiles `iteration-1` and `iteration-2`, as published: each second, a flight is booked by one
 * passenger with a probability.
 *
 * - `iteration-1`: 0.02, always.
 * - `iteration-2`: 0.02 × time factor × promotion factor, at most 0.8.
 *
 * @module
 */

import { type Demand, promotionFactor } from "./demand.ts";
import type { FareBucket, Promotion } from "./fares.ts";
import { PURPOSE, type RandomKey, randomUnit } from "./random.ts";

const BASE_PROBABILITY = 0.02;
const PROBABILITY_MAX = 0.8;
const SECOND_MS = 1000;
const DAY_MS = 24 * 60 * 60 * SECOND_MS;

export type PublishedProfile = "iteration-1" | "iteration-2";

/** How demand grows towards departure (iteration 2). */
export function timeFactor(daysToDeparture: number): number {
  if (daysToDeparture > 10) return 0.5;
  if (daysToDeparture > 7) return 0.7;
  if (daysToDeparture > 4) return 1.0;
  return daysToDeparture >= 2 ? 1.3 : 1.6;
}

/** The probability of a booking in one second. */
export function publishedProbability(
  profile: PublishedProfile,
  daysToDeparture: number,
  promotionFactor: number,
): number {
  if (profile === "iteration-1") return BASE_PROBABILITY;
  return Math.min(PROBABILITY_MAX, BASE_PROBABILITY * timeFactor(daysToDeparture) * promotionFactor);
}

/** One candidate a second from the opening of the sale on. */
export class PublishedDemand implements Demand {
  readonly #key: RandomKey;
  readonly #profile: PublishedProfile;
  readonly #opensMs: number;
  readonly #departsMs: number;
  readonly #fares: readonly FareBucket[];
  #index = 1;

  constructor(
    key: RandomKey,
    profile: PublishedProfile,
    fares: readonly FareBucket[],
    opensMs: number,
    departsMs: number,
  ) {
    this.#key = key;
    this.#profile = profile;
    this.#fares = fares;
    this.#opensMs = opensMs;
    this.#departsMs = departsMs;
  }

  get timeMs(): number {
    return this.#opensMs + this.#index * SECOND_MS;
  }

  get index(): number {
    return this.#index;
  }

  advance(): void {
    this.#index++;
  }

  partySize(): number {
    return 1;
  }

  /** A candidate that books takes a fare by weight among those that have seats. */
  fareBooked(available: readonly number[], promotion: Promotion | undefined): number | undefined {
    const probability = this.bookingProbability(this.timeMs, available, promotion);
    if (randomUnit(this.#key, PURPOSE.acceptance, this.#index) >= probability) return undefined;
    const fares = this.#fares;
    let weights = 0;
    for (let i = 0; i < fares.length; i++) {
      if (available[i]! > 0) weights += fares[i]!.weight;
    }
    let at = randomUnit(this.#key, PURPOSE.fareBucket, this.#index) * weights;
    let chosen: number | undefined;
    for (let i = 0; i < fares.length; i++) {
      if (available[i] === 0) continue;
      chosen = i;
      at -= fares[i]!.weight;
      if (at < 0) break;
    }
    return chosen;
  }

  bookingProbability(
    atMs: number,
    _available: readonly number[],
    promotion: Promotion | undefined,
  ): number {
    const days = (this.#departsMs - atMs) / DAY_MS;
    return publishedProbability(this.#profile, days, promotionFactor(promotion));
  }
}
