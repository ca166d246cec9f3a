/** How much demand a flight has, of whom: what is fixed before the first shopper comes. */

import {
  BUSINESS_SHARE_BY_WEEKDAY,
  DEMAND_BY_WEEKDAY,
  DEMAND_LEVEL_MEAN,
  DEMAND_LEVEL_SPREAD,
  type Segment,
  SEGMENTS,
} from "./demand_parameters.ts";
import type { Flight } from "./flight.ts";
import { PURPOSE, type RandomKey, randomKey, randomUnit } from "./random.ts";

/** One segment's shoppers of a flight. */
export interface SegmentDemand {
  readonly segment: Segment;
  /** Shoppers expected over the whole sale, those who only look included. */
  readonly shoppers: number;
  /** Mean willingness to pay of those who want to fly, in pounds. */
  readonly meanWillingness: number;
}

/** A flight's demand. */
export interface FlightDemand {
  /** Seats that would be booked at the lowest fare without a limit, as a share of the capacity. */
  readonly level: number;
  /** The share of shoppers who want to fly; the others only look. */
  readonly wantToFly: number;
  /** Leisure, then business. */
  readonly segments: readonly [SegmentDemand, SegmentDemand];
}

/**
 * A flight's demand under a seed. The level is a mean × a factor of the route × one of the weekday × one of the
 * flight; those of route and flight are log-normal.
 *
 * @param lowestFare The lowest published fare, in pounds.
 * @param lookToBook Shoppers beside each who would book at that fare, himself included.
 */
export function flightDemand(
  flight: Pick<Flight, "flightId" | "originAirport" | "destinationAirport" | "totalSeats">,
  options: { seed: number; key: RandomKey; lowestFare: number; lookToBook: number },
): FlightDemand {
  const { seed, key, lowestFare, lookToBook } = options;
  const route = randomKey(seed, `${flight.originAirport}-${flight.destinationAirport}`);
  const weekday = weekdayOf(flight.flightId);
  const level = DEMAND_LEVEL_MEAN * DEMAND_BY_WEEKDAY[weekday]! *
    logNormal(route, PURPOSE.demandLevel, DEMAND_LEVEL_SPREAD.route) *
    logNormal(key, PURPOSE.demandLevel, DEMAND_LEVEL_SPREAD.flight);
  const seats = level * flight.totalSeats;
  const businessShare = BUSINESS_SHARE_BY_WEEKDAY[weekday]!;
  const parts = [
    { segment: SEGMENTS.leisure, seats: seats * (1 - businessShare) },
    { segment: SEGMENTS.business, seats: seats * businessShare },
  ].map(({ segment, seats }) => {
    const bookings = seats / meanPartySize(segment);
    // Of those who want to fly exp(−elasticity) pay the lowest fare.
    return { segment, bookings, wanting: bookings * Math.exp(segment.elasticity) };
  });
  const bookings = parts.reduce((sum, part) => sum + part.bookings, 0);
  const wanting = parts.reduce((sum, part) => sum + part.wanting, 0);
  const wantToFly = wanting / (bookings * lookToBook);
  const segments = parts.map(({ segment, wanting }) => ({
    segment,
    shoppers: wanting / wantToFly,
    meanWillingness: lowestFare / segment.elasticity,
  }));
  return { level, wantToFly, segments: segments as [SegmentDemand, SegmentDemand] };
}

/** Passengers of a party on average. */
export function meanPartySize({ partySizes }: Segment): number {
  return partySizes.reduce((sum, probability, index) => sum + probability * (index + 1), 0);
}

/** A factor of mean 1 whose logarithm is normal with this standard deviation (Box and Muller, 1958). */
function logNormal(key: RandomKey, purpose: number, spread: number): number {
  const normal = Math.sqrt(-2 * Math.log(randomUnit(key, purpose, 0))) *
    Math.cos(2 * Math.PI * randomUnit(key, purpose, 1));
  return Math.exp(spread * normal - spread * spread / 2);
}

/** The weekday of the departure date at the origin, which the flight's id carries; Sunday is 0. */
function weekdayOf(flightId: string): number {
  const date = flightId.slice(flightId.indexOf("_") + 1).slice(0, 10);
  return new Date(`${date}T00:00:00Z`).getUTCDay();
}
