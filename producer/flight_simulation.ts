/**
 * The whole event sequence of one flight, one event at a time: a function of the plan (made from the seed and the
 * flight) and the promotions with their times. The same plan and promotions give the same sequence, so a flight
 * can be taken up anywhere by going through it without sending.
 *
 * @module
 */

import type { BookingCreated } from "../events/bookings.ts";
import { formatInstant } from "../events/instant.ts";
import type { CabinInventorySnapshot } from "../events/seat_inventory.ts";
import type { SeatMapSnapshot } from "../events/seat_map.ts";
import { type Demand, promotionFactor } from "./demand.ts";
import { CABIN_CODE, CURRENCY, type FareBucket, priceOf, type Promotion, totalPriceOf } from "./fares.ts";
import type { Flight } from "./flight.ts";
import type { FlightTimes, Milestone } from "./lifecycle.ts";
import { PURPOSE, type RandomKey, randomUnit, randomUuid } from "./random.ts";
import { SeatMap } from "./seat_map.ts";
import type { Shoppers } from "./shoppers.ts";
import type { SnapshotClock } from "./snapshot_plan.ts";

/** All that a flight's sequence follows from, except promotions. */
export interface FlightPlan {
  flight: Flight;
  key: RandomKey;
  times: FlightTimes;
  milestones: readonly Milestone[];
  fares: readonly FareBucket[];
  demand: Demand;
  snapshots: SnapshotClock;
  /** Those who look at the flight; without it nobody does. */
  shoppers?: Shoppers;
}

/** An event on its way to a topic; the key is the flight's id. */
export interface EventRecord {
  topic: string;
  key: string;
  value: string;
}

/** No booking in the last second before the sale closes, so that the closing snapshots show all. */
const LAST_SALE_MS = 1000;

interface NextBooking {
  timeMs: number;
  passengers: number;
  fare: number;
}

type Next = "milestone" | "booking" | "inventory" | "seatMap" | "shopper" | "end";

/** A flight as it goes. */
export class FlightSimulation {
  readonly plan: FlightPlan;
  readonly #promotions: readonly Promotion[];
  readonly #seats: SeatMap;
  readonly #available: number[];
  #milestone = 0;
  #booking: NextBooking | undefined;
  #inventoryChanged = true;
  #seatMapChanged = false;
  #next: Next = "end";
  #nextMs = Infinity;
  /** What the flight itself does next; shoppers may come before. */
  #nextOfFlight: Next = "end";
  #nextOfFlightMs = Infinity;

  /** @param promotions By time, oldest first; the newest that has begun counts. */
  constructor(plan: FlightPlan, promotions: readonly Promotion[] = []) {
    this.plan = plan;
    this.#promotions = promotions;
    this.#seats = new SeatMap(plan.flight.totalSeats);
    this.#available = plan.fares.map((fare) => fare.seats);
    this.#booking = this.#findBooking();
    this.#findNext();
  }

  /** When the next event happens, milliseconds since 1970; `Infinity` after the last. */
  get nextMs(): number {
    return this.#nextMs;
  }

  /** The probability of a booking within a second at `atMs`, 0 when the flight is not on sale or full. */
  bookingProbability(atMs: number): number {
    const { opensMs, closesMs } = this.plan.times;
    if (atMs < opensMs || atMs >= closesMs || this.#seats.freeSeats === 0) return 0;
    return this.plan.demand.bookingProbability(atMs, promotionFactor(this.promotionAt(atMs)));
  }

  /** The promotion that runs at `atMs`. */
  promotionAt(atMs: number): Promotion | undefined {
    return this.#promotions.findLast((promotion) => promotion.fromMs <= atMs);
  }

  /** The next event, as a record; the flight goes on behind it. */
  take(): EventRecord {
    const record = this.#record();
    this.skip();
    return record;
  }

  /** Goes on behind the next event without making it. */
  skip(): void {
    switch (this.#next) {
      case "milestone":
        this.#milestone++;
        break;
      case "booking":
        this.#bookedSeats ??= this.#takeSeats();
        this.#bookedSeats = undefined;
        this.#available[this.#booking!.fare]! -= this.#booking!.passengers;
        this.#inventoryChanged = true;
        this.#seatMapChanged = true;
        this.plan.demand.advance();
        this.#booking = this.#findBooking();
        break;
      case "inventory":
        this.plan.snapshots.inventorySent();
        this.#inventoryChanged = false;
        break;
      case "seatMap":
        this.plan.snapshots.seatMapSent();
        this.#seatMapChanged = false;
        break;
      case "shopper":
        this.plan.shoppers!.skip();
        this.#chooseNext();
        return;
      case "end":
        return;
    }
    this.#findNext();
  }

  /** Seats of the booking at hand, once taken. */
  #bookedSeats: string[] | undefined;

  #takeSeats(): string[] {
    const start = randomUnit(this.plan.key, PURPOSE.seatStart, this.plan.demand.index);
    return this.#seats.take(this.#booking!.passengers, start);
  }

  /** The next candidate that books. One for whose party no fare has the seats is lost. */
  #findBooking(): NextBooking | undefined {
    const { demand, times } = this.plan;
    if (this.#seats.freeSeats === 0) return undefined;
    while (demand.timeMs < times.closesMs - LAST_SALE_MS) {
      const timeMs = Math.floor(demand.timeMs);
      if (demand.accepts(promotionFactor(this.promotionAt(timeMs)))) {
        const passengers = demand.partySize();
        const fare = this.#chooseFare(passengers);
        if (fare !== undefined) return { timeMs, passengers, fare };
      }
      demand.advance();
    }
    return undefined;
  }

  /** A fare bucket by weight among those that have seats for the party. */
  #chooseFare(passengers: number): number | undefined {
    const { fares, key, demand } = this.plan;
    let weights = 0;
    for (let i = 0; i < fares.length; i++) {
      if (this.#available[i]! >= passengers) weights += fares[i]!.weight;
    }
    if (weights === 0) return undefined;
    let at = randomUnit(key, PURPOSE.fareBucket, demand.index) * weights;
    let chosen: number | undefined;
    for (let i = 0; i < fares.length; i++) {
      if (this.#available[i]! < passengers) continue;
      chosen = i;
      at -= fares[i]!.weight;
      if (at < 0) break;
    }
    return chosen;
  }

  /** At the same millisecond: lifecycle, then booking, then inventory, then seat map, then shoppers. */
  #findNext(): void {
    const { milestones, snapshots } = this.plan;
    const milestoneMs = milestones[this.#milestone]?.timeMs ?? Infinity;
    const bookingMs = this.#booking?.timeMs ?? Infinity;
    const othersMs = Math.min(milestoneMs, bookingMs);
    while (snapshots.atMs < othersMs) {
      if (snapshots.inventoryDue(this.#inventoryChanged)) {
        return this.#setNext("inventory", snapshots.atMs);
      }
      if (snapshots.seatMapDue(this.#seatMapChanged)) return this.#setNext("seatMap", snapshots.atMs);
      snapshots.advance();
    }
    if (othersMs === Infinity) this.#setNext("end", Infinity);
    else if (milestoneMs <= bookingMs) this.#setNext("milestone", milestoneMs);
    else this.#setNext("booking", bookingMs);
  }

  #setNext(next: Next, atMs: number): void {
    this.#nextOfFlight = next;
    this.#nextOfFlightMs = atMs;
    this.#chooseNext();
  }

  #chooseNext(): void {
    const shopperMs = this.plan.shoppers?.nextMs ?? Infinity;
    const isShopper = shopperMs < this.#nextOfFlightMs;
    this.#next = isShopper ? "shopper" : this.#nextOfFlight;
    this.#nextMs = isShopper ? shopperMs : this.#nextOfFlightMs;
  }

  #record(): EventRecord {
    const { flightId } = this.plan.flight;
    switch (this.#next) {
      case "milestone":
        return {
          topic: "flight_lifecycle",
          key: flightId,
          value: JSON.stringify(this.plan.milestones[this.#milestone]!.event),
        };
      case "booking":
        return { topic: "bookings", key: flightId, value: JSON.stringify(this.#bookingEvent()) };
      case "inventory":
        return { topic: "seat_inventory", key: flightId, value: JSON.stringify(this.#inventoryEvent()) };
      case "seatMap":
        return { topic: "seat_map", key: flightId, value: JSON.stringify(this.#seatMapEvent()) };
      case "shopper":
        return this.plan.shoppers!.record();
      case "end":
        throw new RangeError(`Flight ${flightId} is over: there is no further event`);
    }
  }

  #bookingEvent(): BookingCreated {
    const { flight, fares, key, demand } = this.plan;
    const { timeMs, passengers, fare } = this.#booking!;
    const price = priceOf(fares[fare]!, this.promotionAt(timeMs));
    this.#bookedSeats = this.#takeSeats();
    return {
      event_type: "BookingCreated",
      event_time: formatInstant(timeMs),
      booking_id: randomUuid(key, PURPOSE.bookingId, demand.index),
      flight_id: flight.flightId,
      channel: "WEB",
      fare_bucket: fares[fare]!.bucket,
      currency: CURRENCY,
      total_price: totalPriceOf(price, passengers),
      passengers: this.#bookedSeats.map((seat_id, number) => ({
        passenger_id: `P${number + 1}`,
        seat_id,
        cabin_code: CABIN_CODE,
      })),
    };
  }

  #inventoryEvent(): CabinInventorySnapshot {
    const { flight, fares } = this.plan;
    const promotion = this.promotionAt(this.#nextMs);
    return {
      event_type: "CabinInventorySnapshot",
      event_time: formatInstant(this.#nextMs),
      flight_id: flight.flightId,
      time_to_departure_minutes: Math.floor((flight.scheduledDepartureMs - this.#nextMs) / 60_000),
      cabins: [{
        cabin_code: CABIN_CODE,
        fare_buckets: fares.map((fare, i) => ({
          bucket: fare.bucket,
          available_seats: this.#available[i]!,
          price: priceOf(fare, promotion),
        })),
      }],
      currency: CURRENCY,
    };
  }

  #seatMapEvent(): SeatMapSnapshot {
    return {
      event_type: "SeatMapSnapshot",
      event_time: formatInstant(this.#nextMs),
      flight_id: this.plan.flight.flightId,
      occupied_seats: this.#seats.occupied(),
    };
  }
}

/** Goes through a flight's events before `timeMs` without making them. */
export function upTo(simulation: FlightSimulation, timeMs: number): FlightSimulation {
  while (simulation.nextMs < timeMs) simulation.skip();
  return simulation;
}
