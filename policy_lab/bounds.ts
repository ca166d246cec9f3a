/**
 * What any policy could earn on a flight at most, by what it would have to know.
 *
 * All three let every shopper who keeps his booking be offered any of the flight's prices (published fares, and the
 * lowest one with a discount), at any time, as long as seats are left. Policies can do less, so none earns more, up to
 * chance: who gives his booking back pays nothing and is left out.
 *
 * - Perfect information: all shoppers, and what they would pay, are known beforehand.
 * - Dynamic program: the flight's demand is known as a probability, its shoppers are not.
 * - Linear program: as much demand comes as expected.
 *
 * @module
 */

import type { FareBucket } from "../producer/fares.ts";
import type { FlightDemand } from "../producer/flight_demand.ts";
import { meanPartySize } from "../producer/flight_demand.ts";
import type { NetworkDemand } from "../producer/network_demand.ts";
import { arrivalShare } from "../producer/network_demand.ts";
import { linearBound } from "../revenue/linear_bound.ts";
import { hindsightRevenue } from "../revenue/perfect_information.ts";
import { priceLevels } from "./price_levels.ts";

/** A flight whose bounds are asked for. */
export interface BoundedFlight {
  totalSeats: number;
  fares: readonly FareBucket[];
  demand: FlightDemand;
}

/**
 * The revenue with these shoppers known beforehand; seats of one party may be sold apart.
 *
 * @param shoppers From the first on; used up.
 */
export function perfectRevenue(flight: BoundedFlight, shoppers: NetworkDemand, closesMs: number): number {
  const prices = priceLevels(flight.fares);
  const asked = new Array<number>(prices.length).fill(0);
  for (; shoppers.timeMs < closesMs; shoppers.advance()) {
    const willingness = shoppers.willingnessToPay();
    if (willingness < prices.at(-1)! || shoppers.cancelledMs(Math.floor(shoppers.timeMs)) < closesMs) {
      continue;
    }
    asked[prices.findIndex((price) => price <= willingness)]! += shoppers.partySize();
  }
  return hindsightRevenue(prices, asked, flight.totalSeats);
}

/** The deterministic linear program's revenue. */
export function linearRevenue({ totalSeats, fares, demand }: BoundedFlight): number {
  const prices = priceLevels(fares);
  const seatsAt = (price: number) =>
    demand.segments.reduce(
      (sum, { segment, shoppers, meanWillingness }) =>
        sum + shoppers * demand.wantToFly * Math.exp(-price / meanWillingness) * meanPartySize(segment) *
          (1 - segment.cancellation),
      0,
    );
  return linearBound(
    prices.map((fare, at) => ({ fare, mean: seatsAt(fare) - (at === 0 ? 0 : seatsAt(prices[at - 1]!)) })),
    totalSeats,
  );
}

/** Buyers expected in one step of the dynamic program: two in one are neglected. */
const BUYERS_PER_STEP = 0.2;
const STEPS_MIN = 50;
const SIZES = 4;

/**
 * The best expected revenue of choosing, at any time and by the seats left, one of the prices: V(n) of step k is that of
 * step k+1 plus the highest, over the prices, of what the buyers of the step add. Parties that do not fit are lost.
 *
 * Gallego and van Ryzin, "Optimal dynamic pricing of inventories with stochastic demand over finite horizons",
 * Management Science 40 (1994), section 2; in discrete time, over given prices, with parties.
 */
export function dynamicRevenue({ totalSeats, fares, demand }: BoundedFlight): number {
  const prices = priceLevels(fares);
  const lowest = prices.at(-1)!;
  const keepers = demand.segments.map(({ segment, shoppers }) =>
    shoppers * demand.wantToFly * (1 - segment.cancellation)
  );
  const buyers = demand.segments.reduce(
    (sum, { meanWillingness }, at) => sum + keepers[at]! * Math.exp(-lowest / meanWillingness),
    0,
  );
  const steps = Math.max(STEPS_MIN, Math.ceil(buyers / BUYERS_PER_STEP));
  const ends = stepEnds(
    demand,
    keepers.map((count, at) => count * Math.exp(-lowest / demand.segments[at]!.meanWillingness) / buyers),
    steps,
  );
  const value = new Float64Array(totalSeats + 1);
  const before = new Float64Array(totalSeats + 1);
  const arrivals = new Float64Array(prices.length * SIZES);
  for (let step = steps - 1; step >= 0; step--) {
    arrivals.fill(0);
    demand.segments.forEach(({ segment, meanWillingness }, at) => {
      const share = arrivalShare(segment.arrival, ends[step + 1]!) -
        arrivalShare(segment.arrival, ends[step]!);
      for (let level = 0; level < prices.length; level++) {
        const rate = keepers[at]! * share * Math.exp(-prices[level]! / meanWillingness);
        for (let size = 0; size < SIZES; size++) {
          arrivals[level * SIZES + size]! += rate * segment.partySizes[size]!;
        }
      }
    });
    before.set(value);
    for (let left = 1; left <= totalSeats; left++) {
      const kept = before[left]!;
      const most = Math.min(SIZES, left);
      let best = 0;
      for (let level = 0; level < prices.length; level++) {
        let gain = 0;
        for (let size = 1; size <= most; size++) {
          gain += arrivals[level * SIZES + size - 1]! * (size * prices[level]! + before[left - size]! - kept);
        }
        if (gain > best) best = gain;
      }
      value[left] = kept + best;
    }
  }
  return value[totalSeats]!;
}

/** Shares of the sale between which equal shares of the buyers come; `weights` are those of the segments. */
function stepEnds(demand: FlightDemand, weights: readonly number[], steps: number): Float64Array {
  const ends = new Float64Array(steps + 1);
  const come = (share: number) =>
    demand.segments.reduce(
      (sum, { segment }, at) => sum + weights[at]! * arrivalShare(segment.arrival, share),
      0,
    );
  let share = 0;
  const fine = 1 / (steps * 10);
  for (let step = 1; step < steps; step++) {
    while (come(share) < step / steps) share += fine;
    ends[step] = Math.min(1, share);
  }
  ends[steps] = 1;
  return ends;
}
