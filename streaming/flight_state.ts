/** What the engine knows of one flight. */

import { BookingTable } from "./booking_table.ts";
import type { KnownCurve } from "./curve_library.ts";
import type { Guard, OpenFare } from "./policies/policy.ts";

const HOUR_MS = 60 * 60 * 1000;
/** Bookings within these spans of event time make the velocities. */
const SHORT_MS = HOUR_MS;
const MIDDLE_MS = 6 * HOUR_MS;
const LONG_MS = 24 * HOUR_MS;

/** A flight's stage: on sale, or over. */
export type FlightPhase = "scheduled" | "departed" | "cancelled";

/** The part of a flight that is stored as one small entry. */
export interface FlightFacts {
  phase: FlightPhase;
  /** Event time of its departure or cancellation; null while it is on sale. Later bookings are refused. */
  overMs: number | null;
  totalSeats: number;
  /** Scheduled departure, milliseconds since 1970. */
  departureMs: number;
  bookedSeats: number;
  /** Event time of the flight's newest event; never goes back. */
  clockMs: number;
  /** Velocity at the last evaluation, per hour; null before the first. */
  lastVelocity: number | null;
  promotions: number;
  lastPromotionMs: number | null;
  /** Entries of remembered bookings written so far; numbers the next one. */
  bookingEntries: number;
  /** The partition's clock when the flight was last touched; decides when its entry may go. */
  touchedMs: number;
  /** `LHR-BOS`; states of former versions lack it. */
  route?: string;
  /** The guard that was told last, since the last promotion. */
  heldBackBy?: Guard;
  /** Promotions held back that were told. */
  heldBackTold?: number;
}

/** A flight on sale. Bookings are remembered by id, so that a repeated one does not count twice. */
export class FlightState {
  readonly flightId: string;
  /** `flight_id` as a JSON string, ready to be put into outputs. */
  readonly flightIdJson: string;
  facts: FlightFacts;
  /** Seats by booking id; 0 once the booking was cancelled. */
  readonly seatsByBooking = new BookingTable();
  /** Buckets on sale by the last snapshot, where the policy looks at them. */
  fares: readonly OpenFare[] | null = null;
  /** The curve that was found, and the library's generation then. */
  curve: KnownCurve | undefined = undefined;
  curveGeneration = -1;
  /** Event times of the bookings within the longest span, rising. */
  #recent: number[] = [];
  /** Where the bookings within each span begin. */
  #shortFrom = 0;
  #middleFrom = 0;
  #longFrom = 0;

  constructor(flightId: string, facts: FlightFacts) {
    this.flightId = flightId;
    this.flightIdJson = JSON.stringify(flightId);
    this.facts = facts;
  }

  /** Moves the flight's clock on; an older event leaves it where it is. */
  advance(eventTimeMs: number): void {
    if (eventTimeMs <= this.facts.clockMs) return;
    this.facts.clockMs = eventTimeMs;
    this.#shortFrom = this.#firstAfter(eventTimeMs - SHORT_MS, this.#shortFrom);
    this.#middleFrom = this.#firstAfter(eventTimeMs - MIDDLE_MS, this.#middleFrom);
    this.#longFrom = this.#firstAfter(eventTimeMs - LONG_MS, this.#longFrom);
    const gone = this.#longFrom;
    if (gone <= 64 || gone * 2 <= this.#recent.length) return;
    this.#recent = this.#recent.slice(gone);
    this.#shortFrom -= gone;
    this.#middleFrom -= gone;
    this.#longFrom = 0;
  }

  #firstAfter(timeMs: number, from: number): number {
    const recent = this.#recent;
    let at = from;
    while (at < recent.length && recent[at]! <= timeMs) at++;
    return at;
  }

  /** Takes a booking's time into the spans that it is inside of; times may come in any order. */
  countBooking(bookingTimeMs: number): void {
    const { clockMs } = this.facts;
    if (bookingTimeMs <= clockMs - LONG_MS) return;
    let at = this.#recent.length;
    while (at > this.#longFrom && this.#recent[at - 1]! > bookingTimeMs) at--;
    if (at === this.#recent.length) this.#recent.push(bookingTimeMs);
    else this.#recent.splice(at, 0, bookingTimeMs);
    if (bookingTimeMs <= clockMs - SHORT_MS) this.#shortFrom++;
    if (bookingTimeMs <= clockMs - MIDDLE_MS) this.#middleFrom++;
  }

  /** Bookings in the 60 minutes up to the flight's clock. */
  velocityPerHour(): number {
    return this.#recent.length - this.#shortFrom;
  }

  /** Bookings in the 6 hours up to the flight's clock. */
  bookingsOf6Hours(): number {
    return this.#recent.length - this.#middleFrom;
  }

  /** Bookings in the 24 hours up to the flight's clock. */
  bookingsOf24Hours(): number {
    return this.#recent.length - this.#longFrom;
  }

  /** Seats booked in the 24 hours up to the flight's clock, at the seats that its bookings have on average. */
  seatsOfLastDay(): number {
    const bookings = this.seatsByBooking.size;
    return bookings === 0 ? 0 : this.bookingsOf24Hours() * this.facts.bookedSeats / bookings;
  }
}
