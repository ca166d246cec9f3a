/** What the engine knows of one flight. */

import { BookingTable } from "./booking_table.ts";
import type { KnownCurve } from "./curve_library.ts";
import type { Guard, OpenFare } from "./policies/policy.ts";

const HOUR_MS = 60 * 60 * 1000;
/** Bookings within these spans of event time make the velocities. */
const WINDOW_HOURS = [1, 6, 24] as const;
const LONGEST = WINDOW_HOURS.length - 1;

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
  /** Event times of the bookings within the longest window, rising. */
  #recent: number[] = [];
  /** By window: where its bookings begin. */
  readonly #from = WINDOW_HOURS.map(() => 0);

  constructor(flightId: string, facts: FlightFacts) {
    this.flightId = flightId;
    this.flightIdJson = JSON.stringify(flightId);
    this.facts = facts;
  }

  /** Moves the flight's clock on; an older event leaves it where it is. */
  advance(eventTimeMs: number): void {
    if (eventTimeMs <= this.facts.clockMs) return;
    this.facts.clockMs = eventTimeMs;
    const recent = this.#recent;
    for (let window = 0; window < WINDOW_HOURS.length; window++) {
      const oldest = eventTimeMs - WINDOW_HOURS[window]! * HOUR_MS;
      let from = this.#from[window]!;
      while (from < recent.length && recent[from]! <= oldest) from++;
      this.#from[window] = from;
    }
    const gone = this.#from[LONGEST]!;
    if (gone > 64 && gone * 2 > recent.length) {
      this.#recent = recent.slice(gone);
      for (let window = 0; window < WINDOW_HOURS.length; window++) this.#from[window]! -= gone;
    }
  }

  /** Takes a booking's time into the windows that it is inside of; times may come in any order. */
  countBooking(bookingTimeMs: number): void {
    const { clockMs } = this.facts;
    if (bookingTimeMs <= clockMs - WINDOW_HOURS[LONGEST]! * HOUR_MS) return;
    let at = this.#recent.length;
    while (at > this.#from[LONGEST]! && this.#recent[at - 1]! > bookingTimeMs) at--;
    if (at === this.#recent.length) this.#recent.push(bookingTimeMs);
    else this.#recent.splice(at, 0, bookingTimeMs);
    for (let window = 0; window < LONGEST; window++) {
      if (bookingTimeMs <= clockMs - WINDOW_HOURS[window]! * HOUR_MS) this.#from[window]!++;
    }
  }

  /** Bookings in the 60 minutes up to the flight's clock. */
  velocityPerHour(): number {
    return this.#recent.length - this.#from[0]!;
  }

  /** Bookings in the 6 hours up to the flight's clock. */
  bookingsOf6Hours(): number {
    return this.#recent.length - this.#from[1]!;
  }

  /** Bookings in the 24 hours up to the flight's clock. */
  bookingsOf24Hours(): number {
    return this.#recent.length - this.#from[2]!;
  }

  /** Seats booked in the 24 hours up to the flight's clock, at the seats that its bookings have on average. */
  seatsOfLastDay(): number {
    const bookings = this.seatsByBooking.size;
    return bookings === 0 ? 0 : this.bookingsOf24Hours() * this.facts.bookedSeats / bookings;
  }
}
