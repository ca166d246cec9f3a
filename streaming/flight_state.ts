/** What the engine knows of one flight. */

import { BookingTable } from "./booking_table.ts";

/** Bookings within this span of event time make the velocity: 60 minutes. */
const VELOCITY_WINDOW_MS = 60 * 60 * 1000;

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
}

/** A flight on sale. Bookings are remembered by id, so that a repeated one does not count twice. */
export class FlightState {
  readonly flightId: string;
  /** `flight_id` as a JSON string, ready to be put into outputs. */
  readonly flightIdJson: string;
  facts: FlightFacts;
  /** Seats by booking id; 0 once the booking was cancelled. */
  readonly seatsByBooking = new BookingTable();
  /** Event times of the bookings within the velocity window, rising. */
  #recent: number[] = [];
  #recentFrom = 0;

  constructor(flightId: string, facts: FlightFacts) {
    this.flightId = flightId;
    this.flightIdJson = JSON.stringify(flightId);
    this.facts = facts;
  }

  /** Moves the flight's clock on; an older event leaves it where it is. */
  advance(eventTimeMs: number): void {
    if (eventTimeMs <= this.facts.clockMs) return;
    this.facts.clockMs = eventTimeMs;
    const oldest = eventTimeMs - VELOCITY_WINDOW_MS;
    while (this.#recentFrom < this.#recent.length && this.#recent[this.#recentFrom]! <= oldest) {
      this.#recentFrom++;
    }
    if (this.#recentFrom > 64 && this.#recentFrom * 2 > this.#recent.length) {
      this.#recent = this.#recent.slice(this.#recentFrom);
      this.#recentFrom = 0;
    }
  }

  /** Takes a booking's time into the velocity window, if it is inside; times may come in any order. */
  countBooking(bookingTimeMs: number): void {
    if (bookingTimeMs <= this.facts.clockMs - VELOCITY_WINDOW_MS) return;
    let at = this.#recent.length;
    while (at > this.#recentFrom && this.#recent[at - 1]! > bookingTimeMs) at--;
    if (at === this.#recent.length) this.#recent.push(bookingTimeMs);
    else this.#recent.splice(at, 0, bookingTimeMs);
  }

  /** Bookings in the 60 minutes up to the flight's clock. */
  velocityPerHour(): number {
    return this.#recent.length - this.#recentFrom;
  }
}
