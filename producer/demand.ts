/** What every demand model offers a flight: parties that would like to book, one after another. */

import type { Promotion } from "./fares.ts";

/**
 * The candidates of one flight, in the order of time. Every candidate is there whatever was decided about the
 * ones before; a promotion only changes which of the later ones are accepted.
 */
export interface Demand {
  /** When the candidate asks, milliseconds since 1970; it may lie behind the end of the sale. */
  readonly timeMs: number;
  /** The candidate's number: its draws depend on it. */
  readonly index: number;
  /** Goes on to the next candidate. */
  advance(): void;
  /** Whether the candidate books while demand is raised by this factor. */
  accepts(promotionFactor: number): boolean;
  /** Passengers of the candidate's booking. */
  partySize(): number;
  /** The probability that somebody books within a second at this time. */
  bookingProbability(atMs: number, promotionFactor: number): number;
}

/** The highest of {@link promotionFactor}. */
export const PROMOTION_FACTOR_MAX = 1.35;

/** How much a promotion raises demand (the published factors): 1.35 from 25 %, 1.15 from 10 %, else 1. */
export function promotionFactor(promotion: Promotion | undefined): number {
  if (promotion === undefined) return 1;
  if (promotion.discountPercentage >= 25) return PROMOTION_FACTOR_MAX;
  return promotion.discountPercentage >= 10 ? 1.15 : 1;
}
