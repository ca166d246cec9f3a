/** What every demand model offers a flight: parties that would like to book, one after another. */

import type { Promotion } from "./fares.ts";

/**
 * The candidates of one flight, in the order of time. Every candidate is there whatever was decided about the
 * ones before; a promotion only changes which of the later ones book.
 */
export interface Demand {
  /** When the candidate decides, milliseconds since 1970; it may lie behind the end of the sale. */
  readonly timeMs: number;
  /** The candidate's number: its draws depend on it. */
  readonly index: number;
  /** Goes on to the next candidate. */
  advance(): void;
  /** Passengers of the candidate's booking. */
  partySize(): number;
  /**
   * The fare that the candidate books, by its place; `undefined`: it books none.
   *
   * @param available Seats on sale by fare.
   */
  fareBooked(available: readonly number[], promotion: Promotion | undefined): number | undefined;
  /** The probability that somebody books within a second at this time. */
  bookingProbability(
    atMs: number,
    available: readonly number[],
    promotion: Promotion | undefined,
  ): number;
  /** What becomes of the candidate's booking; a model without it sells for good. */
  readonly afterBooking?: AfterBooking;
}

/** A booking after it was made. */
export interface AfterBooking {
  /** When the candidate gives the booking back, milliseconds since 1970; `Infinity` where never. */
  cancelledMs(bookedMs: number): number;
  /** Passengers of it that do not come to the departure. */
  noShows(passengers: number): number;
}

/** How much a promotion raises demand in the published profiles: 1.35 from 25 %, 1.15 from 10 %, else 1. */
export function promotionFactor(promotion: Promotion | undefined): number {
  if (promotion === undefined) return 1;
  if (promotion.discountPercentage >= 25) return 1.35;
  return promotion.discountPercentage >= 10 ? 1.15 : 1;
}
