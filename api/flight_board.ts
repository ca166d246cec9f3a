/**
 * The API's own picture of all flights and decisions, made by following the log. Pure: it takes events and answers
 * questions; where they come from and who listens is not its business.
 *
 * Event times decide: an older metrics event never overwrites a newer one, so that partitions may be read at
 * different paces.
 *
 * @module
 */

import type { BookingCancelled, BookingCreated } from "../events/bookings.ts";
import type { FlightLifecycleEvent, FlightScheduled } from "../events/flight_lifecycle.ts";
import { parseInstant } from "../events/instant.ts";
import type { CabinInventoryMetrics } from "../events/inventory_metrics.ts";
import type { AirlineEvent } from "../events/parse_event.ts";
import type { PromotionHeldBack } from "../events/policy_evaluations.ts";
import type { PromotionTriggered } from "../events/promo_decisions.ts";
import type { CabinInventorySnapshot } from "../events/seat_inventory.ts";
import { forecastOf, newBoardFlight, scheduleOf } from "./board_flight.ts";
import type { BoardFlight } from "./board_flight.ts";
import { BookingCurve, UsualCurve } from "./booking_curve.ts";
import { DecisionList } from "./decision_list.ts";
import type { Decision } from "./decision_list.ts";

/** Events about one flight. */
type FlightEvent = Extract<AirlineEvent, { flight_id: string }>;

interface Entry {
  flight: BoardFlight;
  departureMs: number;
  metricMs: number;
  snapshotMs: number;
  /** The day before departure that the usual curve knows of this flight. */
  day: number;
  curve: BookingCurve;
  promotions: PromotionTriggered[];
  heldBack: PromotionHeldBack[];
}

/** Events that were read before their flight, by flight: topics are read side by side. */
const EARLY_FLIGHTS_MAX = 5000;
const EARLY_EVENTS_MAX = 20;
const PROMOTIONS_KEPT = 50;
/** Flights that are over stay so long on the board, of event time. */
const OVER_KEPT_MS = 24 * 60 * 60 * 1000;

/** What changed since it was last asked. */
export interface BoardChanges {
  flights: Set<string>;
  decisions: Decision[];
}

/** See the module. */
export class FlightBoard {
  readonly #entries = new Map<string, Entry>();
  readonly #early = new Map<string, { event: FlightEvent; eventTimeMs: number }[]>();
  readonly #usual = new UsualCurve();
  readonly #decisions = new DecisionList();
  #changedFlights = new Set<string>();
  #clockMs = -Infinity;
  #sweptHour = -Infinity;

  /** The newest event time, milliseconds since 1970; undefined before the first event. */
  get clockMs(): number | undefined {
    return this.#clockMs === -Infinity ? undefined : this.#clockMs;
  }

  get flightCount(): number {
    return this.#entries.size;
  }

  /** Decisions taken as far back as the log goes; the newest 2,000 can be listed. */
  get decisionsTotal(): number {
    return this.#decisions.total;
  }

  /** The load factor that is usual so long before departure; `null` while too few flights were there. */
  usualLoadFactor(minutesToDeparture: number): number | null {
    return this.#usual.loadFactorAt(minutesToDeparture);
  }

  /** Takes one checked event. */
  apply(event: AirlineEvent, eventTimeMs: number): void {
    // What is about no flight says nothing here, and moves no clock.
    if (!("flight_id" in event)) return;
    if (eventTimeMs > this.#clockMs) this.#clockMs = eventTimeMs;
    if (event.event_type !== "FlightScheduled" && !this.#entries.has(event.flight_id)) {
      this.#keepEarly(event, eventTimeMs);
      // A decision counts, whatever is known of its flight.
      if (event.event_type !== "PromotionTriggered") return;
    }
    switch (event.event_type) {
      case "FlightScheduled":
        this.#scheduled(event);
        break;
      case "FlightDelayed":
      case "FlightDeparted":
      case "FlightArrived":
      case "FlightCancelled":
        this.#lifecycle(event);
        break;
      case "CabinInventoryMetrics":
        this.#metrics(event, eventTimeMs);
        break;
      case "CabinInventorySnapshot":
        this.#snapshot(event, eventTimeMs);
        break;
      case "PromotionTriggered":
        this.#promotion(event);
        break;
      case "PromotionHeldBack":
        this.#heldBack(event);
        break;
      default:
        event satisfies BookingCreated | BookingCancelled | { event_type: "SeatMapSnapshot" };
    }
    this.#letGo();
  }

  #scheduled(event: FlightScheduled): void {
    const departureMs = parseInstant(event.scheduled_departure_time);
    const known = this.#entries.get(event.flight_id);
    if (known === undefined) {
      this.#entries.set(event.flight_id, {
        flight: newBoardFlight(event, minutesBetween(parseInstant(event.event_time), departureMs)),
        departureMs,
        metricMs: -Infinity,
        snapshotMs: -Infinity,
        day: Infinity,
        curve: new BookingCurve(),
        promotions: [],
        heldBack: [],
      });
      const early = this.#early.get(event.flight_id) ?? [];
      this.#early.delete(event.flight_id);
      for (const { event, eventTimeMs } of early) this.apply(event, eventTimeMs);
    } else {
      Object.assign(known.flight, scheduleOf(event));
      known.departureMs = departureMs;
    }
    this.#changedFlights.add(event.flight_id);
  }

  #keepEarly(event: FlightEvent, eventTimeMs: number): void {
    const early = this.#early.get(event.flight_id) ?? [];
    if (early.length === 0) {
      if (this.#early.size >= EARLY_FLIGHTS_MAX) this.#early.delete(this.#early.keys().next().value!);
      this.#early.set(event.flight_id, early);
    }
    early.push({ event, eventTimeMs });
    if (early.length > EARLY_EVENTS_MAX) early.shift();
  }

  #lifecycle(event: Exclude<FlightLifecycleEvent, FlightScheduled>): void {
    const entry = this.#entries.get(event.flight_id);
    if (entry === undefined) return;
    const { flight } = entry;
    if (event.event_type === "FlightCancelled") flight.phase = "cancelled";
    else {
      flight.delay_minutes = event.delay_minutes;
      // A delay that is read after the departure does not bring the flight back.
      if (event.event_type === "FlightDeparted" && flight.phase === "scheduled") flight.phase = "departed";
      if (event.event_type === "FlightArrived") flight.phase = "arrived";
    }
    this.#changedFlights.add(event.flight_id);
  }

  #metrics(event: CabinInventoryMetrics, timeMs: number): void {
    const entry = this.#entries.get(event.flight_id);
    if (entry === undefined || timeMs < entry.metricMs) return;
    const { flight } = entry;
    entry.metricMs = timeMs;
    flight.booked_seats = event.booked_seats;
    flight.total_seats = event.total_seats;
    flight.load_factor = event.load_factor;
    flight.minutes_to_departure = event.minutes_to_departure;
    flight.booking_velocity_per_hour = event.booking_velocity_per_hour ?? null;
    flight.metric_time = event.event_time;
    flight.forecast = forecastOf(event);
    const day = Math.floor(event.minutes_to_departure / (24 * 60));
    if (day < entry.day) {
      entry.day = day;
      this.#usual.add(day, event.load_factor);
    }
    flight.usual_load_factor = this.#usual.loadFactorAt(event.minutes_to_departure);
    entry.curve.add({
      timeMs,
      minutesToDeparture: event.minutes_to_departure,
      bookedSeats: event.booked_seats,
      loadFactor: event.load_factor,
      velocityPerHour: event.booking_velocity_per_hour ?? 0,
    });
    this.#changedFlights.add(event.flight_id);
  }

  #snapshot(event: CabinInventorySnapshot, timeMs: number): void {
    const entry = this.#entries.get(event.flight_id);
    if (entry === undefined || timeMs < entry.snapshotMs) return;
    entry.snapshotMs = timeMs;
    let lowest: BoardFlight["lowest_fare"] = null;
    for (const { fare_buckets } of event.cabins) {
      for (const { bucket, available_seats, price } of fare_buckets) {
        if (available_seats > 0 && (lowest === null || price < lowest.price)) {
          lowest = { fare_bucket: bucket, price, currency: event.currency ?? null };
        }
      }
    }
    entry.flight.lowest_fare = lowest;
    this.#changedFlights.add(event.flight_id);
  }

  #promotion(event: PromotionTriggered): void {
    const entry = this.#entries.get(event.flight_id);
    if (this.#decisions.add(event, entry?.flight)) {
      if (entry !== undefined) this.#promoted(entry, event);
      return;
    }
    // Listed already, perhaps before its flight was known.
    const isShown = entry?.promotions.some(({ event_id }) => event_id === event.event_id) ?? true;
    if (!isShown) this.#promoted(entry!, event);
  }

  #heldBack(event: PromotionHeldBack): void {
    const entry = this.#entries.get(event.flight_id);
    if (entry === undefined) return;
    entry.heldBack.push(event);
    if (entry.heldBack.length > PROMOTIONS_KEPT) entry.heldBack.shift();
    this.#changedFlights.add(event.flight_id);
  }

  #promoted(entry: Entry, event: PromotionTriggered): void {
    entry.promotions.push(event);
    if (entry.promotions.length > PROMOTIONS_KEPT) entry.promotions.shift();
    entry.flight.promotion = {
      discount_percentage: event.discount_percentage,
      promo_time: event.event_time,
      reason: event.reason ?? null,
    };
    this.#changedFlights.add(event.flight_id);
  }

  /** Flights that are over leave the board a day later, once an hour of event time. */
  #letGo(): void {
    const hour = Math.floor(this.#clockMs / 3_600_000);
    if (hour === this.#sweptHour) return;
    this.#sweptHour = hour;
    for (const [flightId, { departureMs, flight }] of this.#entries) {
      const delayMs = Math.max(0, flight.delay_minutes) * 60_000;
      if (departureMs + delayMs + OVER_KEPT_MS < this.#clockMs) {
        this.#entries.delete(flightId);
        this.#changedFlights.add(flightId);
      }
    }
  }

  /** What changed since the last call; a changed flight that is not on the board any more has left it. */
  takeChanges(): BoardChanges {
    const flights = this.#changedFlights;
    this.#changedFlights = new Set();
    return { flights, decisions: this.#decisions.takeNew() };
  }

  /** Every flight, in no order. Not copies: read only. */
  *flights(): Iterable<BoardFlight> {
    for (const { flight } of this.#entries.values()) yield flight;
  }

  flight(flightId: string): BoardFlight | undefined {
    return this.#entries.get(flightId)?.flight;
  }

  /** A flight's course, its promotions and those that were held back, oldest first. */
  details(flightId: string):
    | { curve: ReturnType<BookingCurve["points"]> } & Pick<Entry, "promotions" | "heldBack">
    | undefined {
    const entry = this.#entries.get(flightId);
    return entry &&
      { curve: entry.curve.points(), promotions: entry.promotions, heldBack: entry.heldBack };
  }

  /** Decisions by the time they were read, newest first. */
  decisions(): Decision[] {
    return this.#decisions.newest();
  }
}

function minutesBetween(fromMs: number, toMs: number): number {
  return Math.max(0, Math.floor((toMs - fromMs) / 60_000));
}
