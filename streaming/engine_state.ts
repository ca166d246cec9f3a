/**
 * What an inventory engine remembers, and its form in the changelog: one small entry per flight; the bookings of a step
 * are entries of their own, never written again; a waiting event is an entry; and the partition's clock.
 *
 * @module
 */

import type { BookingCurvesPublished } from "../events/booking_curves.ts";
import { EventError } from "../events/event_error.ts";
import { CurveLibrary } from "./curve_library.ts";
import { FlightState } from "./flight_state.ts";
import type { FlightFacts } from "./flight_state.ts";
import type { OpenFare } from "./policies/policy.ts";
import type { StateChange } from "./state_change.ts";
import { WAITING_PREFIX, WaitingEvents } from "./waiting_events.ts";

/** One remembered booking: id, event time in milliseconds, seats (0: cancelled). */
type BookingEntry = [string, number, number];

/** Raised when the form of the stored state changes. */
const STATE_FORMAT = "1";
const FORMAT_KEY = "format";
const CLOCK_KEY = "clock";
const FLIGHT_PREFIX = "flight/";
const BOOKINGS_PREFIX = "bookings/";
const FARES_PREFIX = "fares/";
const CURVES_PREFIX = "curves/";
/** An id has up to 256 characters of up to three bytes: so many always fit into one record of the changelog. */
const BOOKINGS_PER_ENTRY_MAX = 1000;

/** Flights, waiting events and the clock of one partition number, and what of them changed since the last commit. */
export class EngineState {
  readonly flights = new Map<string, FlightState>();
  readonly waiting = new WaitingEvents();
  readonly curves = new CurveLibrary();
  /** The partition's clock: the newest event time of all. Milliseconds since 1970. */
  clockMs = -Infinity;
  /** The hour of the clock in which flights that are over were let go last. */
  sweptHour = -Infinity;
  /** Changes that waiting events add themselves, and all others once they are taken. */
  changes: StateChange[] = [];
  readonly #changedFlights = new Set<FlightState>();
  readonly #newBookings = new Map<FlightState, BookingEntry[]>();
  #clockChanged = false;
  #formatStored = false;

  moveClock(clockMs: number): void {
    this.clockMs = clockMs;
    this.#clockChanged = true;
  }

  addFlight(flight: FlightState): void {
    this.flights.set(flight.flightId, flight);
    this.touch(flight);
  }

  /** The flight's facts have changed. */
  touch(flight: FlightState): void {
    flight.facts.touchedMs = this.clockMs;
    this.#changedFlights.add(flight);
  }

  /** Remembers that a booking was counted, or with no seats that it was cancelled. */
  rememberBooking(flight: FlightState, bookingId: string, eventTimeMs: number, seats: number): void {
    flight.seatsByBooking.set(bookingId, seats);
    const entries = this.#newBookings.get(flight);
    if (entries === undefined) this.#newBookings.set(flight, [[bookingId, eventTimeMs, seats]]);
    else entries.push([bookingId, eventTimeMs, seats]);
  }

  /** Remembers what a flight has on sale, where that is news. */
  setFares(flight: FlightState, fares: readonly OpenFare[]): void {
    const value = JSON.stringify(fares);
    if (flight.fares !== null && JSON.stringify(flight.fares) === value) return;
    flight.fares = fares;
    this.changes.push({ key: FARES_PREFIX + flight.flightId, value });
  }

  /** Takes the booking curves of a route in. */
  takeCurves(event: BookingCurvesPublished): void {
    if (!this.curves.take(event)) return;
    this.changes.push({ key: CURVES_PREFIX + event.route, value: JSON.stringify(event) });
  }

  /** Lets go of a flight and its bookings. */
  forgetFlight(flight: FlightState): void {
    for (let entry = 0; entry < flight.facts.bookingEntries; entry++) {
      this.changes.push({ key: `${BOOKINGS_PREFIX}${flight.flightId}/${entry}`, value: null });
    }
    flight.facts.bookingEntries = 0;
    flight.seatsByBooking.clear();
    this.#newBookings.delete(flight);
    this.flights.delete(flight.flightId);
    this.#changedFlights.delete(flight);
    if (flight.fares !== null) this.changes.push({ key: FARES_PREFIX + flight.flightId, value: null });
    this.changes.push({ key: FLIGHT_PREFIX + flight.flightId, value: null });
  }

  /** The changes since the last call. Bookings of a step are one entry per flight, or a few. */
  takeChanges(): StateChange[] {
    const { changes } = this;
    for (const [flight, entries] of this.#newBookings) {
      for (let at = 0; at < entries.length; at += BOOKINGS_PER_ENTRY_MAX) {
        const key = `${BOOKINGS_PREFIX}${flight.flightId}/${flight.facts.bookingEntries++}`;
        changes.push({ key, value: JSON.stringify(entries.slice(at, at + BOOKINGS_PER_ENTRY_MAX)) });
      }
    }
    this.#newBookings.clear();
    for (const flight of this.#changedFlights) {
      changes.push({ key: FLIGHT_PREFIX + flight.flightId, value: JSON.stringify(flight.facts) });
    }
    this.#changedFlights.clear();
    if (this.#clockChanged) {
      const { clockMs, sweptHour } = this;
      changes.push({ key: CLOCK_KEY, value: JSON.stringify({ clockMs, sweptHour }) });
    }
    this.#clockChanged = false;
    if (!this.#formatStored) changes.push({ key: FORMAT_KEY, value: STATE_FORMAT });
    this.#formatStored = true;
    this.changes = [];
    return changes;
  }

  /** Puts back what was stored: the last value of each key, in the order of the writes. Once, on a new state. */
  restore(entries: Iterable<StateChange>): void {
    const bookings: [flightId: string, entries: BookingEntry[]][] = [];
    const fares: [flightId: string, fares: OpenFare[]][] = [];
    for (const { key, value } of entries) {
      if (value === null) continue;
      if (key === FORMAT_KEY) {
        if (value !== STATE_FORMAT) {
          throw new Error(
            `The stored state has format ${value}, this consumer knows ${STATE_FORMAT}: run the version that wrote it`,
          );
        }
        this.#formatStored = true;
      } else if (key === CLOCK_KEY) {
        ({ clockMs: this.clockMs, sweptHour: this.sweptHour } = JSON.parse(value));
      } else if (key.startsWith(FLIGHT_PREFIX)) {
        const flightId = key.slice(FLIGHT_PREFIX.length);
        this.flights.set(flightId, new FlightState(flightId, JSON.parse(value) as FlightFacts));
      } else if (key.startsWith(BOOKINGS_PREFIX)) {
        bookings.push([key.slice(BOOKINGS_PREFIX.length, key.lastIndexOf("/")), JSON.parse(value)]);
      } else if (key.startsWith(FARES_PREFIX)) {
        fares.push([key.slice(FARES_PREFIX.length), JSON.parse(value)]);
      } else if (key.startsWith(CURVES_PREFIX)) {
        this.curves.take(JSON.parse(value) as BookingCurvesPublished);
      } else if (key.startsWith(WAITING_PREFIX)) {
        this.waiting.restore(key, value);
      }
    }
    for (const [flightId, list] of bookings) this.#restoreBookings(flightId, list);
    for (const [flightId, list] of fares) {
      const flight = this.flights.get(flightId);
      if (flight !== undefined) flight.fares = list;
    }
  }

  #restoreBookings(flightId: string, entries: BookingEntry[]): void {
    const flight = this.flights.get(flightId);
    if (flight === undefined) {
      throw new EventError("unknown_flight", `State holds bookings of ${flightId}, but no such flight`);
    }
    for (const [bookingId, eventTimeMs, seats] of entries) {
      // A cancellation is remembered by its own time, which is no booking's.
      if (seats > 0) flight.countBooking(eventTimeMs);
      flight.seatsByBooking.set(bookingId, seats);
    }
  }
}
