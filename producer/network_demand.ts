/**
 * Demand of the `network` profile: shoppers of two segments, leisure early and business late, who look at a flight,
 * see its lowest open fare at its current price, and buy or leave.
 *
 * - Shoppers of a segment arrive as a non-homogeneous Poisson process: n·F(x) of them are expected up to a share x
 *   of the sale, F(x) = 1 − (1 − x^a)^b. The i-th comes where n·F(x) is the sum of i exponential draws of mean 1
 *   (time change; Çınlar, "Introduction to Stochastic Processes", 1975, section 4.7).
 * - A share s of the shoppers wants to fly. Their willingness to pay is exponential, of a mean that grows with the
 *   distance as fares do. So a shopper has one draw u on (0, 1) and pays up to m·ln(s/u); one whose u is s or more
 *   only looks.
 * - A shopper books if that is not below the price of the cheapest fare that has the seats for the whole party. So a
 *   discount sells to more, and sells cheaper to those who would have paid the full price.
 * - Some give their booking back, at a time that is even between booking and departure; some do not come.
 *
 * Every draw is a function of seed, flight, shopper and purpose, never of what was sold or decided: under two policies
 * the same shoppers come, at the same times, and are willing to pay the same.
 *
 * @module
 */

import type { AfterBooking, Demand } from "./demand.ts";
import { type FareBucket, priceOf, type Promotion } from "./fares.ts";
import type { FlightDemand, SegmentDemand } from "./flight_demand.ts";
import { PURPOSE, type RandomKey, randomUnit } from "./random.ts";

const PASSENGERS_MAX = 4;

/** What a flight's shoppers follow from. */
export interface NetworkDemandOptions {
  key: RandomKey;
  demand: FlightDemand;
  /** The published fares, without promotions. */
  fares: readonly FareBucket[];
  opensMs: number;
  scheduledDepartureMs: number;
}

/** A segment's shoppers, one after another. */
interface Arrivals {
  readonly of: SegmentDemand;
  /** The shopper at hand among those of the segment. */
  shopper: number;
  /** Sum of the exponential draws so far. */
  expected: number;
  /** `Infinity` when no more come. */
  timeMs: number;
}

/** The shoppers of a flight from the opening of its sale to its scheduled departure. */
export class NetworkDemand implements Demand, AfterBooking {
  readonly #options: NetworkDemandOptions;
  readonly #periodMs: number;
  readonly #leisure: Arrivals;
  readonly #business: Arrivals;
  #next: Arrivals;

  constructor(options: NetworkDemandOptions) {
    const { demand, opensMs, scheduledDepartureMs } = options;
    this.#options = options;
    this.#periodMs = scheduledDepartureMs - opensMs;
    const [leisure, business] = demand.segments;
    this.#leisure = { of: leisure, shopper: -1, expected: 0, timeMs: 0 };
    this.#business = { of: business, shopper: -1, expected: 0, timeMs: 0 };
    this.#goOn(this.#leisure);
    this.#goOn(this.#business);
    this.#next = this.#earlier();
  }

  get timeMs(): number {
    return this.#next.timeMs;
  }

  get index(): number {
    return indexOf(this.#next.shopper, this.#next === this.#business);
  }

  /** The published fares. */
  get fares(): readonly FareBucket[] {
    return this.#options.fares;
  }

  /** How much demand there is. */
  get level(): FlightDemand {
    return this.#options.demand;
  }

  /** The same shoppers, from the first on. */
  fromTheFirst(): NetworkDemand {
    return new NetworkDemand(this.#options);
  }

  /** Whose the shopper at hand is. */
  get segment(): SegmentDemand {
    return this.#next.of;
  }

  advance(): void {
    this.#goOn(this.#next);
    this.#next = this.#earlier();
  }

  partySize(): number {
    const u = randomUnit(this.#options.key, PURPOSE.partySize, this.index);
    const { partySizes } = this.#next.of.segment;
    let below = 0;
    for (let size = 1; size < PASSENGERS_MAX; size++) {
      below += partySizes[size - 1]!;
      if (u < below) return size;
    }
    return PASSENGERS_MAX;
  }

  /** The most that the shopper pays for a seat, in pounds; 0 for one who only looks. */
  willingnessToPay(): number {
    const { key, demand: { wantToFly } } = this.#options;
    const u = randomUnit(key, PURPOSE.acceptance, this.index);
    return u < wantToFly ? this.#next.of.meanWillingness * Math.log(wantToFly / u) : 0;
  }

  fareBooked(available: readonly number[], promotion: Promotion | undefined): number | undefined {
    const willingness = this.willingnessToPay();
    if (willingness === 0) return undefined;
    const fare = this.#cheapest(available, promotion, this.partySize());
    return fare !== undefined && priceOf(this.#options.fares[fare]!, promotion) <= willingness
      ? fare
      : undefined;
  }

  bookingProbability(
    atMs: number,
    available: readonly number[],
    promotion: Promotion | undefined,
  ): number {
    const { demand, fares, opensMs } = this.#options;
    const fare = this.#cheapest(available, promotion, 1);
    if (fare === undefined) return 0;
    const price = priceOf(fares[fare]!, promotion);
    const share = Math.min(1, Math.max(0, (atMs - opensMs) / this.#periodMs));
    let bookingsPerMs = 0;
    for (const { segment, shoppers, meanWillingness } of demand.segments) {
      bookingsPerMs += shoppers * arrivalDensity(segment.arrival, share) / this.#periodMs *
        demand.wantToFly * Math.exp(-price / meanWillingness);
    }
    return 1 - Math.exp(-bookingsPerMs * 1000);
  }

  get afterBooking(): AfterBooking {
    return this;
  }

  cancelledMs(bookedMs: number): number {
    const { key, scheduledDepartureMs } = this.#options;
    const { index } = this;
    if (randomUnit(key, PURPOSE.cancellation, index) >= this.#next.of.segment.cancellation) return Infinity;
    const share = randomUnit(key, PURPOSE.cancellationTime, index);
    return bookedMs + Math.ceil(share * (scheduledDepartureMs - bookedMs));
  }

  noShows(passengers: number): number {
    const { key } = this.#options;
    const { index } = this;
    const { noShow } = this.#next.of.segment;
    let missing = 0;
    for (let passenger = 0; passenger < passengers; passenger++) {
      if (randomUnit(key, PURPOSE.noShow, index * PASSENGERS_MAX + passenger) < noShow) missing++;
    }
    return missing;
  }

  /** The fare of the lowest price that has seats for the party. */
  #cheapest(
    available: readonly number[],
    promotion: Promotion | undefined,
    passengers: number,
  ): number | undefined {
    const { fares } = this.#options;
    let cheapest: number | undefined;
    let price = Infinity;
    for (let fare = fares.length - 1; fare >= 0; fare--) {
      if (available[fare]! < passengers) continue;
      const asked = priceOf(fares[fare]!, promotion);
      if (asked < price) [cheapest, price] = [fare, asked];
    }
    return cheapest;
  }

  #goOn(arrivals: Arrivals): void {
    const { shoppers, segment } = arrivals.of;
    const shopper = ++arrivals.shopper;
    const index = indexOf(shopper, arrivals === this.#business);
    arrivals.expected -= Math.log(randomUnit(this.#options.key, PURPOSE.arrivalGap, index));
    const come = arrivals.expected / shoppers;
    arrivals.timeMs = come < 1
      ? this.#options.opensMs + this.#periodMs * arrivalTime(segment.arrival, come)
      : Infinity;
  }

  #earlier(): Arrivals {
    return this.#leisure.timeMs <= this.#business.timeMs ? this.#leisure : this.#business;
  }
}

/** A shopper's number among all of the flight: leisure even, business odd. */
function indexOf(shopper: number, business: boolean): number {
  return shopper * 2 + (business ? 1 : 0);
}

/** The share of a segment's shoppers that has come at a share of the sale: F. */
export function arrivalShare({ rise, fall }: { rise: number; fall: number }, share: number): number {
  return 1 - (1 - share ** rise) ** fall;
}

/** The share of the sale at which a share of the shoppers has come: F⁻¹. */
function arrivalTime({ rise, fall }: { rise: number; fall: number }, come: number): number {
  return (fall === 1 ? come : 1 - (1 - come) ** (1 / fall)) ** (1 / rise);
}

/** F′ at a share of the sale. */
function arrivalDensity({ rise, fall }: { rise: number; fall: number }, share: number): number {
  return rise * fall * share ** (rise - 1) * (1 - share ** rise) ** (fall - 1);
}
