/**
 * The inventory engine: from lifecycle events, bookings and inventory snapshots to metrics and promotions.
 *
 * Pure: time comes from the events, nothing is read or written, so live runs, replays and tests take the same
 * steps, and the same input in the same order gives the same outputs byte for byte. One engine serves one
 * partition number, which holds all events of its flights.
 *
 * Clocks. Each flight has a clock, its newest event time; metrics and decisions are taken at that time. The
 * partition's clock is the newest event time of all; it only decides when waiting events and departed flights
 * are let go, so that history that is filled in later (older event times) is treated like everything else.
 *
 * @module
 */

import type { BookingCancelled, BookingCreated } from "../events/bookings.ts";
import type { RefusedRecord } from "../events/dead_letters.ts";
import { EventError } from "../events/event_error.ts";
import type { EventErrorReason } from "../events/event_error.ts";
import type { FlightLifecycleEvent, FlightScheduled } from "../events/flight_lifecycle.ts";
import { formatInstant, parseInstant } from "../events/instant.ts";
import { parseEvent } from "../events/parse_event.ts";
import type { ParsedEvent } from "../events/parse_event.ts";
import { FlightState } from "./flight_state.ts";
import type { FlightFacts } from "./flight_state.ts";
import { metricsOutput, observationOf, promotionOutput } from "./engine_outputs.ts";
import type { EngineOutput } from "./engine_outputs.ts";
import type { PromotionPolicy } from "./policies/policy.ts";
import type { StateChange } from "./state_change.ts";
import { WAITING_PREFIX, WaitingEvents } from "./waiting_events.ts";

const HOUR_MS = 60 * 60 * 1000;
const DAY_MS = 24 * HOUR_MS;

export interface InventoryEngineOptions {
  policy: PromotionPolicy;
  /** Part of output ids and of a decision's source. */
  logId: string;
  /** Default 1. */
  maxPromotionsPerFlight?: number;
  /** Event time between two promotions of a flight. Default 60 minutes. */
  promoCooldownMs?: number;
  /** How long an event waits for its flight, of the partition's clock. Default 24 hours. */
  unknownFlightWaitMs?: number;
  /** How many events may wait in this partition. Default 10,000. */
  unknownFlightWaitingMax?: number;
  /** How long a flight that is over is remembered for late events, of the partition's clock. Default 24 hours. */
  departedFlightKeptMs?: number;
}

/** A record that the engine gave up on. */
export interface Refusal {
  record: RefusedRecord;
  reason: EventErrorReason;
  message: string;
}

/** What happened since the last {@link InventoryEngine.take}. */
export interface EngineStep {
  outputs: EngineOutput[];
  refusals: Refusal[];
  changes: StateChange[];
  /** Bookings and cancellations that had been counted before. */
  duplicates: number;
}

/** One remembered booking: id, event time in milliseconds, seats (0: cancelled). */
type BookingEntry = [string, number, number];

/** Raised when the form of the stored state changes. */
const STATE_FORMAT = "1";
const FORMAT_KEY = "format";
const CLOCK_KEY = "clock";
const FLIGHT_PREFIX = "flight/";
const BOOKINGS_PREFIX = "bookings/";
/** An id has up to 256 characters of up to three bytes: so many always fit into one record of the changelog. */
const BOOKINGS_PER_ENTRY_MAX = 1000;

/** The engine's state is what {@link InventoryEngine.restore} was given and {@link InventoryEngine.apply} made of it. */
export class InventoryEngine {
  readonly #policy: PromotionPolicy;
  readonly #logId: string;
  readonly #maxPromotions: number;
  readonly #promoCooldownMs: number;
  readonly #waitMs: number;
  readonly #waitingMax: number;
  readonly #departedKeptMs: number;

  readonly #flights = new Map<string, FlightState>();
  readonly #waiting = new WaitingEvents();
  #clockMs = -Infinity;
  #sweptHour = -Infinity;

  #outputs: EngineOutput[] = [];
  #refusals: Refusal[] = [];
  #changes: StateChange[] = [];
  #duplicates = 0;
  readonly #changedFlights = new Set<FlightState>();
  readonly #newBookings = new Map<FlightState, BookingEntry[]>();
  #clockChanged = false;
  #formatStored = false;

  constructor(options: InventoryEngineOptions) {
    const {
      maxPromotionsPerFlight = 1,
      promoCooldownMs = HOUR_MS,
      unknownFlightWaitMs = DAY_MS,
      unknownFlightWaitingMax = 10_000,
      departedFlightKeptMs = DAY_MS,
    } = options;
    this.#policy = options.policy;
    this.#logId = options.logId;
    this.#maxPromotions = maxPromotionsPerFlight;
    this.#promoCooldownMs = promoCooldownMs;
    this.#waitMs = unknownFlightWaitMs;
    this.#waitingMax = unknownFlightWaitingMax;
    this.#departedKeptMs = departedFlightKeptMs;
  }

  /** Flights on sale. */
  get flightsTracked(): number {
    let tracked = 0;
    for (const flight of this.#flights.values()) if (flight.facts.phase === "scheduled") tracked++;
    return tracked;
  }

  /** Events that wait for their flight. */
  get eventsWaiting(): number {
    return this.#waiting.size;
  }

  /** The flights on sale and their last velocity per hour. */
  *velocities(): Iterable<[flightId: string, velocityPerHour: number]> {
    for (const flight of this.#flights.values()) {
      if (flight.facts.phase === "scheduled" && flight.facts.lastVelocity !== null) {
        yield [flight.flightId, flight.facts.lastVelocity];
      }
    }
  }

  /**
   * Takes one event. `record` is where it stood first, whole, for outputs' ids and for dead letters.
   *
   * @throws never for an event that passed its checks; what cannot be applied is a {@link Refusal}.
   */
  apply(parsed: ParsedEvent, record: RefusedRecord): void {
    if (parsed.eventTimeMs > this.#clockMs) {
      this.#clockMs = parsed.eventTimeMs;
      this.#clockChanged = true;
      this.#letGo();
    }
    this.#dispatch(parsed, record);
  }

  #dispatch(parsed: ParsedEvent, record: RefusedRecord): void {
    const event = parsed.event;
    switch (event.event_type) {
      case "BookingCreated":
      case "BookingCancelled":
      case "CabinInventorySnapshot":
      case "FlightDelayed":
      case "FlightDeparted":
      case "FlightArrived":
      case "FlightCancelled": {
        const flight = this.#flights.get(event.flight_id);
        if (flight === undefined) this.#wait(event.flight_id, record);
        else if (event.event_type === "BookingCreated") this.#book(flight, event, parsed.eventTimeMs, record);
        else if (event.event_type === "BookingCancelled") {
          this.#cancel(flight, event, parsed.eventTimeMs, record);
        } else if (event.event_type === "CabinInventorySnapshot") {
          this.#snapshot(flight, parsed.eventTimeMs, record);
        } else this.#lifecycle(flight, event, parsed.eventTimeMs);
        return;
      }
      case "FlightScheduled":
        this.#schedule(event, parsed.eventTimeMs);
        return;
      default:
        throw new Error(`The engine does not read ${event.event_type} events; its input topics are wrong`);
    }
  }

  #schedule(event: FlightScheduled, eventTimeMs: number): void {
    const departureMs = parseInstant(event.scheduled_departure_time);
    const known = this.#flights.get(event.flight_id);
    if (known !== undefined) {
      known.advance(eventTimeMs);
      known.facts.totalSeats = event.total_seats;
      known.facts.departureMs = departureMs;
      if (known.facts.phase === "cancelled") {
        known.facts.phase = "scheduled";
        known.facts.overMs = null;
      }
      this.#touch(known);
      return;
    }
    const flight = new FlightState(event.flight_id, {
      phase: "scheduled",
      overMs: null,
      totalSeats: event.total_seats,
      departureMs,
      bookedSeats: 0,
      clockMs: eventTimeMs,
      lastVelocity: null,
      promotions: 0,
      lastPromotionMs: null,
      bookingEntries: 0,
      touchedMs: this.#clockMs,
    });
    this.#flights.set(event.flight_id, flight);
    this.#touch(flight);
    for (const record of this.#waiting.takeFlight(event.flight_id, this.#changes)) {
      this.#dispatch(parseEvent(record, { eventLeadMsMax: Infinity }), record);
    }
  }

  #lifecycle(
    flight: FlightState,
    event: Exclude<FlightLifecycleEvent, FlightScheduled>,
    eventTimeMs: number,
  ): void {
    flight.advance(eventTimeMs);
    const { facts } = flight;
    if (event.event_type === "FlightCancelled") {
      if (facts.phase === "scheduled") facts.phase = "cancelled";
    } else if (event.event_type !== "FlightDelayed") {
      facts.phase = "departed";
    }
    if (facts.phase !== "scheduled") facts.overMs ??= eventTimeMs;
    this.#touch(flight);
  }

  #book(flight: FlightState, event: BookingCreated, eventTimeMs: number, record: RefusedRecord): void {
    if (this.#isTooLate(flight, eventTimeMs, record)) return;
    if (flight.seatsByBooking.get(event.booking_id) !== undefined) {
      this.#duplicates++;
      return;
    }
    const seats = event.passengers.length;
    flight.advance(eventTimeMs);
    flight.countBooking(eventTimeMs);
    flight.facts.bookedSeats += seats;
    this.#remember(flight, event.booking_id, eventTimeMs, seats);
    this.#evaluate(flight, event.event_time, eventTimeMs, record);
  }

  #cancel(flight: FlightState, event: BookingCancelled, eventTimeMs: number, record: RefusedRecord): void {
    if (this.#isTooLate(flight, eventTimeMs, record)) return;
    const seats = flight.seatsByBooking.get(event.booking_id);
    if (seats === 0) {
      this.#duplicates++;
      return;
    }
    flight.advance(eventTimeMs);
    // A cancellation that overtook its booking is remembered, so that the booking does not count when it comes.
    if (seats !== undefined) flight.facts.bookedSeats -= seats;
    this.#remember(flight, event.booking_id, eventTimeMs, 0);
    this.#evaluate(flight, event.event_time, eventTimeMs, record);
  }

  #snapshot(flight: FlightState, eventTimeMs: number, record: RefusedRecord): void {
    if (flight.facts.phase !== "scheduled") return;
    flight.advance(eventTimeMs);
    this.#evaluate(flight, undefined, eventTimeMs, record);
  }

  /** Whether a sale was made after the flight was over; one from before may still come in late. */
  #isTooLate(flight: FlightState, eventTimeMs: number, record: RefusedRecord): boolean {
    const { phase, overMs } = flight.facts;
    if (overMs === null || eventTimeMs <= overMs) return false;
    this.#refusals.push({
      record,
      reason: "flight_departed",
      message: `Flight ${flight.flightId} was ${phase} at ${
        formatInstant(overMs)
      }: nothing can be booked or cancelled later`,
    });
    return true;
  }

  #remember(flight: FlightState, bookingId: string, eventTimeMs: number, seats: number): void {
    flight.seatsByBooking.set(bookingId, seats);
    const entries = this.#newBookings.get(flight);
    if (entries === undefined) this.#newBookings.set(flight, [[bookingId, eventTimeMs, seats]]);
    else entries.push([bookingId, eventTimeMs, seats]);
  }

  #evaluate(
    flight: FlightState,
    eventTime: string | undefined,
    eventTimeMs: number,
    record: RefusedRecord,
  ): void {
    const { facts } = flight;
    // The event's own text serves again where it has the form that we write.
    const time = eventTime !== undefined && eventTimeMs === facts.clockMs && eventTime.length === 24
      ? eventTime
      : formatInstant(facts.clockMs);
    const context = { observation: observationOf(flight), time, record, logId: this.#logId };
    this.#outputs.push(metricsOutput(flight, context));
    const decision = this.#mayPromote(facts) ? this.#policy.evaluate(context.observation) : undefined;
    if (decision !== undefined) {
      facts.promotions++;
      facts.lastPromotionMs = facts.clockMs;
      this.#outputs.push(promotionOutput(flight, decision, this.#policy, context));
    }
    facts.lastVelocity = context.observation.booking_velocity_per_hour;
    this.#touch(flight);
  }

  #mayPromote(facts: FlightFacts): boolean {
    return facts.phase === "scheduled" && facts.promotions < this.#maxPromotions &&
      (facts.lastPromotionMs === null || facts.clockMs - facts.lastPromotionMs >= this.#promoCooldownMs);
  }

  #wait(flightId: string, record: RefusedRecord): void {
    if (this.#waiting.size >= this.#waitingMax) {
      this.#refusals.push({
        record,
        reason: "unknown_flight",
        message: `Flight ${flightId} is not known, and ${this.#waitingMax} events wait for theirs already`,
      });
      return;
    }
    if (this.#waiting.add({ flightId, record, sinceMs: this.#clockMs }, this.#changes)) return;
    this.#refusals.push({
      record,
      reason: "too_large",
      message: `Flight ${flightId} is not known, and the record is too large to wait for it`,
    });
  }

  /** Lets go of what the partition's clock has passed: events that waited too long, flights that are over. */
  #letGo(): void {
    for (const { flightId, record } of this.#waiting.takeOlder(this.#clockMs - this.#waitMs, this.#changes)) {
      this.#refusals.push({
        record,
        reason: "unknown_flight",
        message: `Flight ${flightId} did not become known within ${this.#waitMs / HOUR_MS} hours`,
      });
    }
    const hour = Math.floor(this.#clockMs / HOUR_MS);
    if (hour === this.#sweptHour) return;
    this.#sweptHour = hour;
    for (const flight of this.#flights.values()) {
      const { phase, departureMs, touchedMs } = flight.facts;
      const overSinceMs = phase === "scheduled" ? Math.max(departureMs, touchedMs) : touchedMs;
      if (this.#clockMs - overSinceMs <= this.#departedKeptMs) continue;
      this.#forgetBookings(flight);
      this.#flights.delete(flight.flightId);
      this.#changedFlights.delete(flight);
      this.#changes.push({ key: FLIGHT_PREFIX + flight.flightId, value: null });
    }
  }

  #forgetBookings(flight: FlightState): void {
    for (let entry = 0; entry < flight.facts.bookingEntries; entry++) {
      this.#changes.push({ key: `${BOOKINGS_PREFIX}${flight.flightId}/${entry}`, value: null });
    }
    flight.facts.bookingEntries = 0;
    flight.seatsByBooking.clear();
    this.#newBookings.delete(flight);
  }

  #touch(flight: FlightState): void {
    flight.facts.touchedMs = this.#clockMs;
    this.#changedFlights.add(flight);
  }

  /** What happened since the last call, to be stored as one. Bookings of a step are one entry per flight, or a few. */
  take(): EngineStep {
    for (const [flight, entries] of this.#newBookings) {
      for (let at = 0; at < entries.length; at += BOOKINGS_PER_ENTRY_MAX) {
        const key = `${BOOKINGS_PREFIX}${flight.flightId}/${flight.facts.bookingEntries++}`;
        this.#changes.push({ key, value: JSON.stringify(entries.slice(at, at + BOOKINGS_PER_ENTRY_MAX)) });
      }
    }
    this.#newBookings.clear();
    for (const flight of this.#changedFlights) {
      this.#changes.push({ key: FLIGHT_PREFIX + flight.flightId, value: JSON.stringify(flight.facts) });
    }
    this.#changedFlights.clear();
    if (this.#clockChanged) {
      this.#changes.push({
        key: CLOCK_KEY,
        value: JSON.stringify({ clockMs: this.#clockMs, sweptHour: this.#sweptHour }),
      });
    }
    this.#clockChanged = false;
    if (!this.#formatStored) this.#changes.push({ key: FORMAT_KEY, value: STATE_FORMAT });
    this.#formatStored = true;
    const step = {
      outputs: this.#outputs,
      refusals: this.#refusals,
      changes: this.#changes,
      duplicates: this.#duplicates,
    };
    this.#duplicates = 0;
    this.#outputs = [];
    this.#refusals = [];
    this.#changes = [];
    return step;
  }

  /**
   * Puts back a stored state: the last value of each key, in the order of the writes. Call it once, on a new
   * engine.
   */
  restore(entries: Iterable<StateChange>): void {
    const bookings: [flightId: string, entries: BookingEntry[]][] = [];
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
        ({ clockMs: this.#clockMs, sweptHour: this.#sweptHour } = JSON.parse(value));
      } else if (key.startsWith(FLIGHT_PREFIX)) {
        const flightId = key.slice(FLIGHT_PREFIX.length);
        this.#flights.set(flightId, new FlightState(flightId, JSON.parse(value) as FlightFacts));
      } else if (key.startsWith(BOOKINGS_PREFIX)) {
        bookings.push([key.slice(BOOKINGS_PREFIX.length, key.lastIndexOf("/")), JSON.parse(value)]);
      } else if (key.startsWith(WAITING_PREFIX)) {
        this.#waiting.restore(key, value);
      }
    }
    for (const [flightId, list] of bookings) {
      const flight = this.#flights.get(flightId);
      if (flight === undefined) {
        throw new EventError("unknown_flight", `State holds bookings of ${flightId}, but no such flight`);
      }
      for (const [bookingId, eventTimeMs, seats] of list) {
        // A cancellation is remembered by its own time, which is no booking's.
        if (seats > 0) flight.countBooking(eventTimeMs);
        flight.seatsByBooking.set(bookingId, seats);
      }
    }
  }
}
