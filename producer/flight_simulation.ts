/**
 * The whole event sequence of one flight, one event at a time: a function of the plan (made from the seed and the
 * flight) and the promotions with their times. The same plan and promotions give the same sequence, so a flight
 * can be taken up anywhere by going through it without sending.
 *
 * @module
 */

import { STREAM_EVENTS_TOPIC } from "../events/topics.ts";
import type { Demand } from "./demand.ts";
import type { FareBucket, Promotion } from "./fares.ts";
import type { Flight } from "./flight.ts";
import {
  bookingEvent,
  cancellationEvent,
  type FlightEvent,
  inventoryEvent,
  lifecycleEvent,
  type NextBooking,
  seatMapEvent,
} from "./flight_events.ts";
import type { FlightTimes, Milestone } from "./lifecycle.ts";
import { PendingCancellations } from "./pending_cancellations.ts";
import { PURPOSE, type RandomKey, randomUnit } from "./random.ts";
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

type Next = "milestone" | "cancellation" | "booking" | "inventory" | "seatMap" | "shopper" | "end";

const TOPICS = {
  milestone: "flight_lifecycle",
  cancellation: "bookings",
  booking: "bookings",
  inventory: "seat_inventory",
  seatMap: "seat_map",
  shopper: STREAM_EVENTS_TOPIC,
} as const;

/** A flight as it goes. */
export class FlightSimulation {
  readonly plan: FlightPlan;
  readonly #promotions: readonly Promotion[];
  readonly #seats: SeatMap;
  readonly #available: number[];
  #milestone = 0;
  #booking: NextBooking | undefined;
  /** Bookings that will be given back. */
  readonly #cancellations = new PendingCancellations();
  /** Passengers with a seat who will not come. */
  #noShows = 0;
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
    return this.plan.demand.bookingProbability(atMs, this.#available, this.promotionAt(atMs));
  }

  /** The promotion that runs at `atMs`. */
  promotionAt(atMs: number): Promotion | undefined {
    return this.#promotions.findLast((promotion) => promotion.fromMs <= atMs);
  }

  /** The topic of the next event. */
  get nextTopic(): string {
    if (this.#next === "end") throw new RangeError(`Flight ${this.plan.flight.flightId} is over`);
    return TOPICS[this.#next];
  }

  /** The next event, as a record; the flight goes on behind it. */
  take(): EventRecord {
    const topic = this.nextTopic;
    const event = this.takeEvent();
    return { topic, key: this.plan.flight.flightId, value: JSON.stringify(event) };
  }

  /** The next event; the flight goes on behind it. */
  takeEvent(): FlightEvent {
    const event = this.#event();
    this.skip();
    return event;
  }

  /** Goes on behind the next event without making it. */
  skip(): void {
    switch (this.#next) {
      case "milestone":
        this.#milestone++;
        break;
      case "booking":
        this.#book();
        break;
      case "cancellation":
        this.#cancel();
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

  #book(): void {
    const { demand, times } = this.plan;
    const { timeMs, passengers, fare } = this.#booking!;
    const seats = this.#bookedSeats ?? this.#takeSeats();
    this.#bookedSeats = undefined;
    this.#available[fare]! -= passengers;
    this.#inventoryChanged = true;
    this.#seatMapChanged = true;
    const { afterBooking } = demand;
    if (afterBooking !== undefined) {
      const noShows = afterBooking.noShows(passengers);
      this.#noShows += noShows;
      const cancelledMs = afterBooking.cancelledMs(timeMs);
      // Who would give it back later keeps it and is at most a no-show.
      if (cancelledMs < times.closesMs - LAST_SALE_MS) {
        this.#cancellations.add({ timeMs: cancelledMs, candidate: demand.index, fare, seats, noShows });
      }
    }
    demand.advance();
    this.#booking = this.#findBooking();
  }

  /** Seats come back on sale. */
  #cancel(): void {
    const { fare, seats, noShows } = this.#cancellations.take();
    this.#seats.release(seats);
    this.#available[fare]! += seats.length;
    this.#noShows -= noShows;
    this.#inventoryChanged = true;
    this.#seatMapChanged = true;
    this.#booking = this.#findBooking();
  }

  /** Seats of the booking at hand, once taken. */
  #bookedSeats: string[] | undefined;

  #takeSeats(): string[] {
    const start = randomUnit(this.plan.key, PURPOSE.seatStart, this.plan.demand.index);
    return this.#seats.take(this.#booking!.passengers, start);
  }

  /**
   * The next candidate that books before seats come back. One for whose party no fare has the seats is lost.
   * At the same millisecond seats come back first.
   */
  #findBooking(): NextBooking | undefined {
    const { demand, times } = this.plan;
    const cancelledMs = this.#cancellations.nextMs;
    if (this.#seats.freeSeats === 0 && cancelledMs === Infinity) return undefined;
    while (demand.timeMs < times.closesMs - LAST_SALE_MS) {
      const timeMs = Math.floor(demand.timeMs);
      if (timeMs >= cancelledMs) return undefined;
      const fare = demand.fareBooked(this.#available, this.promotionAt(timeMs));
      if (fare !== undefined) return { timeMs, passengers: demand.partySize(), fare };
      demand.advance();
    }
    return undefined;
  }

  /** At the same millisecond: lifecycle, then cancellation, then booking, then inventory, then seat map, then shoppers. */
  #findNext(): void {
    const { milestones, snapshots } = this.plan;
    const milestoneMs = milestones[this.#milestone]?.timeMs ?? Infinity;
    const bookingMs = this.#booking?.timeMs ?? Infinity;
    const cancelledMs = this.#cancellations.nextMs;
    const othersMs = Math.min(milestoneMs, bookingMs, cancelledMs);
    while (snapshots.atMs < othersMs) {
      if (snapshots.inventoryDue(this.#inventoryChanged)) {
        return this.#setNext("inventory", snapshots.atMs);
      }
      if (snapshots.seatMapDue(this.#seatMapChanged)) return this.#setNext("seatMap", snapshots.atMs);
      snapshots.advance();
    }
    if (othersMs === Infinity) this.#setNext("end", Infinity);
    else if (milestoneMs === othersMs) this.#setNext("milestone", milestoneMs);
    else if (cancelledMs === othersMs) this.#setNext("cancellation", cancelledMs);
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

  #event(): FlightEvent {
    const { plan } = this;
    switch (this.#next) {
      case "milestone":
        return lifecycleEvent(plan, this.#milestone, this.#noShows);
      case "booking":
        this.#bookedSeats = this.#takeSeats();
        return bookingEvent(plan, this.#booking!, this.#bookedSeats, this.promotionAt(this.#nextMs));
      case "cancellation":
        return cancellationEvent(plan, this.#cancellations.next!);
      case "inventory":
        return inventoryEvent(plan, this.#nextMs, this.#available, this.promotionAt(this.#nextMs));
      case "seatMap":
        return seatMapEvent(plan, this.#nextMs, this.#seats);
      case "shopper":
        return this.plan.shoppers!.event();
      case "end":
        throw new RangeError(`Flight ${this.plan.flight.flightId} is over: there is no further event`);
    }
  }
}

/** Goes through a flight's events before `timeMs` without making them. */
export function upTo(simulation: FlightSimulation, timeMs: number): FlightSimulation {
  while (simulation.nextMs < timeMs) simulation.skip();
  return simulation;
}
