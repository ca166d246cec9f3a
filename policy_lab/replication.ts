/** One replication: every flight of the lab sold once under each policy, to the same shoppers. */

import type { BookingCurvesPublished } from "../events/booking_curves.ts";
import type { Flight } from "../producer/flight.ts";
import { networkFlight } from "../producer/network_simulation.ts";
import type { NetworkDemand } from "../producer/network_demand.ts";
import { randomKey, randomUint32 } from "../producer/random.ts";
import { type BoundedFlight, dynamicRevenue, linearRevenue, perfectRevenue } from "./bounds.ts";
import { runFlight } from "./flight_run.ts";
import { type LabChoices, labPolicy } from "./lab_choices.ts";
import { PolicyEngine } from "./policy_engine.ts";

const DAY_MS = 24 * 60 * 60 * 1000;
const HISTOGRAM_BINS = 20;
/** Dynamic programs take long: so many replications have one for each flight. */
export const DYNAMIC_REPLICATIONS = 2;

/** Sums over the flights of a replication under one policy. */
export interface PolicyResult {
  revenue: number;
  seatsSold: number;
  bookings: number;
  cancellations: number;
  spilledSeats: number;
  discountedSeats: number;
  dilutedSeats: number;
  promotions: number;
  /** Sum of booked seats at each of {@link curveDays}. */
  curve: number[];
  /** Flights by load factor at departure, in steps of 5 %; the last holds 95 % and more. */
  histogram: number[];
}

/** A replication's figures. */
export interface ReplicationResult {
  replication: number;
  /** Shoppers of one policy: they are the same under each. */
  shoppers: number;
  perfect: number;
  linear: number;
  /** In the first replications only. */
  dynamic: number | null;
  policies: PolicyResult[];
}

/** When booked seats are looked at: twice a day of the sale, days before departure, falling to 0. */
export function curveDays(horizonDays: number): number[] {
  return Array.from({ length: horizonDays * 2 + 1 }, (_, at) => horizonDays - at / 2);
}

/** The seed of a replication's flights and shoppers; that of the history is replication −1. */
export function flightSeedOf(seed: number, replication: number): number {
  const key = randomKey(seed, "policy lab");
  // 53 bits: replications do not meet by chance.
  return (randomUint32(key, 1, replication + 1) & 0x1fffff) * 2 ** 32 + randomUint32(key, 2, replication + 1);
}

/** Runs one replication. */
export function runReplication(
  replication: number,
  lab: { choices: LabChoices; flights: readonly Flight[]; curves: readonly BookingCurvesPublished[] },
): ReplicationResult {
  const { choices, flights, curves } = lab;
  const sale = {
    seed: choices.seed,
    flightSeed: flightSeedOf(choices.seed, replication),
    bookingHorizonMs: choices.horizonDays * DAY_MS,
    lookToBook: choices.lookToBook,
  };
  const days = curveDays(choices.horizonDays);
  const result: ReplicationResult = {
    replication,
    shoppers: 0,
    perfect: 0,
    linear: 0,
    dynamic: replication < DYNAMIC_REPLICATIONS ? 0 : null,
    policies: choices.policies.map(() => emptyResult(days.length)),
  };
  const engines = choices.policies.map((name) =>
    new PolicyEngine(labPolicy(name, choices), curves, choices.targetLoadFactor)
  );
  for (const flight of flights) {
    for (const [at, engine] of engines.entries()) {
      const sums = result.policies[at]!;
      const curve = { days, seen: (point: number, booked: number) => void (sums.curve[point]! += booked) };
      const outcome = runFlight(flight, engine, { sale, curve });
      addOutcome(sums, outcome, flight.totalSeats);
      if (at === 0) result.shoppers += outcome.shoppers;
    }
    addBounds(result, flight, sale);
  }
  return result;
}

function emptyResult(points: number): PolicyResult {
  return {
    revenue: 0,
    seatsSold: 0,
    bookings: 0,
    cancellations: 0,
    spilledSeats: 0,
    discountedSeats: 0,
    dilutedSeats: 0,
    promotions: 0,
    curve: new Array<number>(points).fill(0),
    histogram: new Array<number>(HISTOGRAM_BINS).fill(0),
  };
}

function addOutcome(sums: PolicyResult, outcome: ReturnType<typeof runFlight>, totalSeats: number): void {
  sums.revenue += outcome.revenue;
  sums.seatsSold += outcome.seatsSold;
  sums.bookings += outcome.bookings;
  sums.cancellations += outcome.cancellations;
  sums.spilledSeats += outcome.spilledSeats;
  sums.discountedSeats += outcome.discountedSeats;
  sums.dilutedSeats += outcome.dilutedSeats;
  sums.promotions += outcome.promotions;
  const bin = Math.min(HISTOGRAM_BINS - 1, Math.floor(outcome.seatsSold / totalSeats * HISTOGRAM_BINS));
  sums.histogram[bin]!++;
}

function addBounds(
  result: ReplicationResult,
  flight: Flight,
  sale: Parameters<typeof networkFlight>[1],
): void {
  let shoppers: NetworkDemand | undefined;
  networkFlight(flight, { ...sale, watch: (demand) => shoppers = demand }).simulate([]);
  const bounded: BoundedFlight = {
    totalSeats: flight.totalSeats,
    fares: shoppers!.fares,
    demand: shoppers!.level,
  };
  result.perfect += perfectRevenue(bounded, shoppers!.fromTheFirst(), flight.scheduledDepartureMs);
  result.linear += linearRevenue(bounded);
  if (result.dynamic !== null) result.dynamic += dynamicRevenue(bounded);
}
