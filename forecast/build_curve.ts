/** Makes a booking curve of what became of flights. */

import { READING_DAYS } from "./booking_curve.ts";
import type { BookingCurve, BucketPoint, CurvePoint } from "./booking_curve.ts";
import { momentsOf, unconstrained } from "./unconstrain.ts";

/** A flight that has left, as it sold. */
export interface FlightHistory {
  flightId: string;
  totalSeats: number;
  /** From how many days before departure on its sales are known. */
  knownFromDays: number;
  /** Seats sold (positive) and given back (negative), with the days before departure at which that was. */
  sales: readonly { daysBefore: number; seats: number; bucket: string }[];
}

/** Seats booked at each of `days`, which fall, in one pass over the sales; the last is those at departure. */
export function loadsAt(history: FlightHistory, days: readonly number[], bucket?: string): number[] {
  const loads = new Array<number>(days.length).fill(0);
  for (const sale of history.sales) {
    if (bucket !== undefined && sale.bucket !== bucket) continue;
    for (let at = days.length - 1; at >= 0 && days[at]! <= sale.daysBefore; at--) loads[at]! += sale.seats;
  }
  return loads;
}

interface ReadFlight {
  history: FlightHistory;
  /** Shares of the seats, by reading day. */
  loads: number[];
  final: number;
  /** All seats went: more could have been sold. */
  soldOut: boolean;
}

/** The curve of flights of a kind. A flight that sold out counts as one that would have sold more ({@link unconstrained}). */
export function buildCurve(
  histories: readonly FlightHistory[],
  days: readonly number[] = READING_DAYS,
): BookingCurve {
  const flights = histories.map((history): ReadFlight => {
    const loads = loadsAt(history, days).map((seats) => seats / history.totalSeats);
    const final = history.sales.reduce((sum, { seats }) => sum + seats, 0) / history.totalSeats;
    return { history, loads, final, soldOut: final >= 1 };
  });
  const buckets = [...new Set(histories.flatMap(({ sales }) => sales.map(({ bucket }) => bucket)))].sort();
  return {
    flights: flights.length,
    points: days.map((daysBefore, at) => pointOf(known(flights, daysBefore), daysBefore, at))
      .filter((point) => point.flights > 0),
    buckets: buckets.map((bucket) => ({ bucket, points: bucketPoints(flights, bucket, days) })),
  };
}

function known(flights: readonly ReadFlight[], daysBefore: number): ReadFlight[] {
  return flights.filter(({ history }) => history.knownFromDays >= daysBefore);
}

function pointOf(flights: readonly ReadFlight[], daysBefore: number, at: number): CurvePoint {
  const pickup = unconstrained(
    flights.map(({ loads, final, soldOut }) => ({
      value: final - loads[at]!,
      // Sold out by then already: what comes after says nothing.
      censored: soldOut && daysBefore > 0,
    })),
  );
  const meanLoad = momentsOf(flights.map(({ loads }) => loads[at]!)).mean;
  const ratio = meanLoad > 0 ? 1 + pickup.mean / meanLoad : null;
  const errors = ratio === null
    ? []
    : flights.filter(({ soldOut }) => !soldOut).map(({ loads, final }) => final - ratio * loads[at]!);
  const squares = errors.reduce((sum, error) => sum + error * error, 0);
  return {
    daysBefore,
    flights: flights.length,
    meanLoad,
    meanPickup: pickup.mean,
    variancePickup: pickup.variance,
    ratio,
    varianceRatio: errors.length > 1 ? squares / (errors.length - 1) : 0,
  };
}

function bucketPoints(
  flights: readonly ReadFlight[],
  bucket: string,
  days: readonly number[],
): BucketPoint[] {
  const loads = new Map(
    flights.map((flight) => [
      flight,
      loadsAt(flight.history, days, bucket).map((seats) => seats / flight.history.totalSeats),
    ]),
  );
  return days.flatMap((daysBefore, at): BucketPoint[] => {
    const there = known(flights, daysBefore);
    if (there.length === 0) return [];
    const demand = unconstrained(there.map((flight) => ({
      value: loads.get(flight)!.at(-1)! - loads.get(flight)![at]!,
      censored: flight.soldOut && daysBefore > 0,
    })));
    return [{ daysBefore, mean: Math.max(0, demand.mean), variance: demand.variance }];
  });
}
