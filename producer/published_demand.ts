/**
 * Demand of the profiles `iteration-1` and `iteration-2`, as published: each second, a flight is booked by one
 * passenger with a probability.
 *
 * - `iteration-1`: 0.02, always.
 * - `iteration-2`: 0.02 × time factor × promotion factor, at most 0.8.
 *
 * @module
 */

import type { Demand } from "./demand.ts";
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
  #index = 1;

  constructor(key: RandomKey, profile: PublishedProfile, opensMs: number, departsMs: number) {
    this.#key = key;
    this.#profile = profile;
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

  accepts(promotionFactor: number): boolean {
    return randomUnit(this.#key, PURPOSE.acceptance, this.#index) <
      this.bookingProbability(this.timeMs, promotionFactor);
  }

  partySize(): number {
    return 1;
  }

  bookingProbability(atMs: number, promotionFactor: number): number {
    return publishedProbability(this.#profile, (this.#departsMs - atMs) / DAY_MS, promotionFactor);
  }
}
