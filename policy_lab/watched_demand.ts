/** Looks at a flight's shoppers while they shop: how many came, who found no seat, who paid less than he would have. */

import type { AfterBooking, Demand } from "../producer/demand.ts";
import { type FareBucket, priceOf, type Promotion } from "../producer/fares.ts";
import type { NetworkDemand } from "../producer/network_demand.ts";

/** What was seen of one flight's shoppers. */
export interface ShopperTally {
  /** Shoppers who decided. */
  shoppers: number;
  /** Seats asked for by those who would have paid the lowest published fare, and there were none. */
  spilledSeats: number;
  /** Seats sold at a discount. */
  discountedSeats: number;
  /** Of those, seats sold to shoppers who would have paid the full price. */
  dilutedSeats: number;
}

/** A demand that is looked at; it changes nothing. */
export class WatchedDemand implements Demand {
  readonly tally: ShopperTally = { shoppers: 0, spilledSeats: 0, discountedSeats: 0, dilutedSeats: 0 };
  readonly #demand: NetworkDemand;
  readonly #fares: readonly FareBucket[];
  readonly #closesMs: number;
  readonly #lowestFare: number;

  constructor(demand: NetworkDemand, fares: readonly FareBucket[], closesMs: number) {
    this.#demand = demand;
    this.#fares = fares;
    this.#closesMs = closesMs;
    this.#lowestFare = Math.min(...fares.map(({ price }) => price));
  }

  get timeMs(): number {
    return this.#demand.timeMs;
  }

  get index(): number {
    return this.#demand.index;
  }

  get afterBooking(): AfterBooking {
    return this.#demand;
  }

  advance(): void {
    this.tally.shoppers++;
    this.#demand.advance();
  }

  partySize(): number {
    return this.#demand.partySize();
  }

  fareBooked(available: readonly number[], promotion: Promotion | undefined): number | undefined {
    const demand = this.#demand;
    const booked = demand.fareBooked(available, promotion);
    if (booked !== undefined) {
      if (promotion !== undefined) this.#sold(booked, promotion);
    } else if (!available.some((seats) => seats >= 4)) this.#notSold(available);
    return booked;
  }

  bookingProbability(
    atMs: number,
    available: readonly number[],
    promotion: Promotion | undefined,
  ): number {
    return this.#demand.bookingProbability(atMs, available, promotion);
  }

  /** What was seen in the end: those whom a flight that is full for good has not looked at find no seat. */
  rest(): ShopperTally {
    const none = this.#fares.map(() => 0);
    while (this.#demand.timeMs < this.#closesMs) {
      this.#notSold(none);
      this.advance();
    }
    return this.tally;
  }

  #sold(booked: number, promotion: Promotion): void {
    const fare = this.#fares[booked]!;
    if (priceOf(fare, promotion) >= fare.price) return;
    const seats = this.#demand.partySize();
    this.tally.discountedSeats += seats;
    if (this.#demand.willingnessToPay() >= fare.price) this.tally.dilutedSeats += seats;
  }

  #notSold(available: readonly number[]): void {
    if (this.#demand.timeMs >= this.#closesMs) return;
    const seats = this.#demand.partySize();
    if (available.some((free) => free >= seats)) return;
    if (this.#demand.willingnessToPay() >= this.#lowestFare) this.tally.spilledSeats += seats;
  }
}
