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
import type { FlightScheduled } from "../events/flight_lifecycle.ts";
import { formatInstant } from "../events/instant.ts";
import { parseEvent } from "../events/parse_event.ts";
import type { ParsedEvent } from "../events/parse_event.ts";
import type { CabinInventorySnapshot } from "../events/seat_inventory.ts";
import { EngineState } from "./engine_state.ts";
import { moveOn, reschedule, scheduledFlight } from "./flight_changes.ts";
import type { FlightState } from "./flight_state.ts";
import type { EngineOutput } from "./engine_outputs.ts";
import { FlightEvaluator } from "./flight_evaluator.ts";
import { GUARD_LIMITS } from "./guards.ts";
import { openFares } from "./open_fares.ts";
import type { InventoryEngineOptions } from "./inventory_engine_options.ts";
import type { PromotionPolicy } from "./policies/policy.ts";
import { flightIsOver, noRoomToWait, tooLargeToWait, waitedInVain } from "./refusals.ts";
import type { Refusal } from "./refusals.ts";
import type { StateChange } from "./state_change.ts";

const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;
const DAY_MS = 24 * HOUR_MS;

export type { InventoryEngineOptions };

/** What happened since the last {@link InventoryEngine.take}. */
export interface EngineStep {
  outputs: EngineOutput[];
  refusals: Refusal[];
  changes: StateChange[];
  /** Bookings and cancellations that had been counted before. */
  duplicates: number;
}

/** The engine's state is what {@link InventoryEngine.restore} was given and {@link InventoryEngine.apply} made of it. */
export class InventoryEngine {
  readonly #policy: PromotionPolicy;
  readonly #evaluator: FlightEvaluator;
  readonly #waitMs: number;
  readonly #waitingMax: number;
  readonly #departedKeptMs: number;

  readonly #state = new EngineState();
  #outputs: EngineOutput[] = [];
  #refusals: Refusal[] = [];
  #duplicates = 0;

  constructor(options: InventoryEngineOptions) {
    const {
      maxPromotionsPerFlight = 1,
      promoCooldownMs = HOUR_MS,
      unknownFlightWaitMs = DAY_MS,
      unknownFlightWaitingMax = 10_000,
      departedFlightKeptMs = DAY_MS,
    } = options;
    this.#policy = options.policy;
    this.#evaluator = new FlightEvaluator({
      policy: options.policy,
      limits: {
        ...GUARD_LIMITS,
        ...options.guards,
        maxPromotionsPerFlight,
        promoCooldownMinutes: promoCooldownMs / MINUTE_MS,
      },
      logId: options.logId,
      curves: this.#state.curves,
      targetLoadFactor: options.targetLoadFactor ?? 0.8,
      explore: options.explore ?? 0,
    });
    this.#waitMs = unknownFlightWaitMs;
    this.#waitingMax = unknownFlightWaitingMax;
    this.#departedKeptMs = departedFlightKeptMs;
  }

  /** Flights on sale. */
  get flightsTracked(): number {
    let tracked = 0;
    for (const flight of this.#state.flights.values()) if (flight.facts.phase === "scheduled") tracked++;
    return tracked;
  }

  /** The partition's clock: its newest event time; -Infinity before the first event. */
  get clockMs(): number {
    return this.#state.clockMs;
  }

  /** Events that wait for their flight. */
  get eventsWaiting(): number {
    return this.#state.waiting.size;
  }

  /** The flights on sale and their last velocity per hour. */
  *velocities(): Iterable<[flightId: string, velocityPerHour: number]> {
    for (const flight of this.#state.flights.values()) {
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
    // What history says of flights is no flight's time.
    if (parsed.event.event_type === "BookingCurvesPublished") {
      this.#state.takeCurves(parsed.event);
      return;
    }
    if (parsed.eventTimeMs > this.#state.clockMs) {
      this.#state.moveClock(parsed.eventTimeMs);
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
        const flight = this.#state.flights.get(event.flight_id);
        if (flight === undefined) this.#wait(event.flight_id, record);
        else if (event.event_type === "BookingCreated") this.#book(flight, event, parsed.eventTimeMs, record);
        else if (event.event_type === "BookingCancelled") {
          this.#cancel(flight, event, parsed.eventTimeMs, record);
        } else if (event.event_type === "CabinInventorySnapshot") {
          this.#snapshot(flight, event, parsed.eventTimeMs, record);
        } else {
          moveOn(flight, event, parsed.eventTimeMs);
          this.#state.touch(flight);
        }
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
    const known = this.#state.flights.get(event.flight_id);
    if (known !== undefined) {
      reschedule(known, event, eventTimeMs);
      this.#state.touch(known);
      return;
    }
    this.#state.addFlight(scheduledFlight(event, eventTimeMs, this.#state.clockMs));
    for (const record of this.#state.waiting.takeFlight(event.flight_id, this.#state.changes)) {
      this.#dispatch(parseEvent(record, { eventLeadMsMax: Infinity }), record);
    }
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
    this.#state.rememberBooking(flight, event.booking_id, eventTimeMs, seats);
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
    this.#state.rememberBooking(flight, event.booking_id, eventTimeMs, 0);
    this.#evaluate(flight, event.event_time, eventTimeMs, record);
  }

  #snapshot(
    flight: FlightState,
    event: CabinInventorySnapshot,
    eventTimeMs: number,
    record: RefusedRecord,
  ): void {
    if (flight.facts.phase !== "scheduled") return;
    if (this.#policy.usesFares === true) this.#state.setFares(flight, openFares(event));
    flight.advance(eventTimeMs);
    this.#evaluate(flight, undefined, eventTimeMs, record);
  }

  /** Whether a sale was made after the flight was over; one from before may still come in late. */
  #isTooLate(flight: FlightState, eventTimeMs: number, record: RefusedRecord): boolean {
    const { overMs } = flight.facts;
    if (overMs === null || eventTimeMs <= overMs) return false;
    this.#refusals.push(flightIsOver(flight, record));
    return true;
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
    this.#evaluator.evaluate(flight, time, record, this.#outputs);
    this.#state.touch(flight);
  }

  #wait(flightId: string, record: RefusedRecord): void {
    const { waiting, changes, clockMs } = this.#state;
    if (waiting.size >= this.#waitingMax) {
      this.#refusals.push(noRoomToWait(flightId, record, this.#waitingMax));
    } else if (!waiting.add({ flightId, record, sinceMs: clockMs }, changes)) {
      this.#refusals.push(tooLargeToWait(flightId, record));
    }
  }

  /** Lets go of what the partition's clock has passed: events that waited too long, flights that are over. */
  #letGo(): void {
    const { waiting, changes, clockMs } = this.#state;
    for (const { flightId, record } of waiting.takeOlder(clockMs - this.#waitMs, changes)) {
      this.#refusals.push(waitedInVain(flightId, record, this.#waitMs));
    }
    const hour = Math.floor(this.#state.clockMs / HOUR_MS);
    if (hour === this.#state.sweptHour) return;
    this.#state.sweptHour = hour;
    for (const flight of this.#state.flights.values()) {
      const { phase, departureMs, touchedMs } = flight.facts;
      const overSinceMs = phase === "scheduled" ? Math.max(departureMs, touchedMs) : touchedMs;
      if (this.#state.clockMs - overSinceMs <= this.#departedKeptMs) continue;
      this.#state.forgetFlight(flight);
    }
  }

  /** What happened since the last call, to be stored as one. */
  take(): EngineStep {
    const step = {
      outputs: this.#outputs,
      refusals: this.#refusals,
      changes: this.#state.takeChanges(),
      duplicates: this.#duplicates,
    };
    this.#duplicates = 0;
    this.#outputs = [];
    this.#refusals = [];
    return step;
  }

  /**
   * Puts back a stored state: the last value of each key, in the order of the writes. Call it once, on a new
   * engine.
   */
  restore(entries: Iterable<StateChange>): void {
    this.#state.restore(entries);
  }
}
