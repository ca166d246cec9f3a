/**
 * The verifier's own account of one partition number: what must come out when these events are taken in this order.
 * Written from what ARCHITECTURE.md and the policies promise, as plainly as it can be said; it shares no code with the
 * engine.
 *
 * @module
 */

import type { ReferenceEvent } from "./_reference_input.ts";

const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;
const DAY_MS = 24 * HOUR_MS;

/** Where a record stood first. */
export interface Origin {
  topic: string;
  partition: number;
  offset: number;
}

/** Everything that must come out. Outputs by their ids, in the order in which they must come. */
export interface Expected {
  metrics: Map<string, Record<string, unknown>>;
  decisions: Map<string, Record<string, unknown>>;
  /** Promotions that were wanted and held back. */
  heldBack: Map<string, Record<string, unknown>>;
  /** Ids of dead letters, and the reason of each. */
  deadLetters: Map<string, string>;
}

/** To be filled in by a fold. */
export function nothingExpected(): Expected {
  return { metrics: new Map(), decisions: new Map(), heldBack: new Map(), deadLetters: new Map() };
}

interface Flight {
  stage: "on sale" | "departed" | "cancelled";
  overMs: number;
  totalSeats: number;
  departureMs: number;
  clockMs: number;
  /** Seats of each booking that was seen, by its id; none once it was cancelled. */
  bookings: Map<string, number>;
  bookingTimesMs: number[];
  lastVelocity: number | null;
  promotedAtMs: number[];
  /** Whether it was told that a further promotion is held back: once is enough where the reason stays. */
  heldBackTold: boolean;
}

interface Waiting {
  event: ReferenceEvent;
  origin: Origin;
  sinceMs: number;
}

/** Rules of the consumer that the exam runs: its defaults. */
const PROMOTIONS_MAX = 1;
const COOLDOWN_MS = HOUR_MS;

/** The fold of one partition number. Flights that left are remembered for ever: loads span less than a day. */
export class ReferenceFold {
  readonly expected: Expected;
  readonly #logId: string;
  readonly #flights = new Map<string, Flight>();
  #waiting: Waiting[] = [];
  #clockMs = -Infinity;

  constructor(logId: string, expected: Expected) {
    this.#logId = logId;
    this.expected = expected;
  }

  /** Takes the next event. */
  take(event: ReferenceEvent, origin: Origin): void {
    if (event.timeMs > this.#clockMs) {
      this.#clockMs = event.timeMs;
      const stale = (waiting: Waiting) => waiting.sinceMs < this.#clockMs - DAY_MS;
      for (const { origin } of this.#waiting.filter(stale)) this.refuse(origin, "unknown_flight");
      this.#waiting = this.#waiting.filter((waiting) => !stale(waiting));
    }
    this.#apply(event, origin);
  }

  /** Notes that a record must be a dead letter. */
  refuse({ topic, partition, offset }: Origin, reason: string): void {
    this.expected.deadLetters.set(`inventory-engine-${topic}-${partition}-${offset}`, reason);
  }

  #apply(event: ReferenceEvent, origin: Origin): void {
    const flight = this.#flights.get(event.flightId);
    if (event.type === "FlightScheduled") return this.#schedule(event, flight);
    if (flight === undefined) {
      this.#waiting.push({ event, origin, sinceMs: this.#clockMs });
      return;
    }
    switch (event.type) {
      case "BookingCreated":
      case "BookingCancelled":
        return this.#sale(flight, event, origin);
      case "CabinInventorySnapshot":
        if (flight.stage === "on sale") this.#evaluate(flight, event, origin);
        return;
      case "FlightCancelled":
        if (flight.stage === "on sale") flight.stage = "cancelled";
        break;
      case "FlightDeparted":
      case "FlightArrived":
        flight.stage = "departed";
        break;
    }
    flight.clockMs = Math.max(flight.clockMs, event.timeMs);
    if (flight.stage !== "on sale" && flight.overMs === Infinity) flight.overMs = event.timeMs;
  }

  #schedule({ fields, flightId, timeMs }: ReferenceEvent, known: Flight | undefined): void {
    const totalSeats = fields.total_seats as number;
    const departureMs = Date.parse(fields.scheduled_departure_time as string);
    if (known !== undefined) {
      Object.assign(known, { totalSeats, departureMs, clockMs: Math.max(known.clockMs, timeMs) });
      if (known.stage === "cancelled") Object.assign(known, { stage: "on sale", overMs: Infinity });
      return;
    }
    this.#flights.set(flightId, {
      stage: "on sale",
      overMs: Infinity,
      totalSeats,
      departureMs,
      clockMs: timeMs,
      bookings: new Map(),
      bookingTimesMs: [],
      lastVelocity: null,
      promotedAtMs: [],
      heldBackTold: false,
    });
    const ready = this.#waiting.filter(({ event }) => event.flightId === flightId);
    this.#waiting = this.#waiting.filter(({ event }) => event.flightId !== flightId);
    for (const { event, origin } of ready) this.#apply(event, origin);
  }

  #sale(flight: Flight, event: ReferenceEvent, origin: Origin): void {
    if (event.timeMs > flight.overMs) return this.refuse(origin, "flight_departed");
    const id = event.fields.booking_id as string;
    if (event.type === "BookingCreated") {
      if (flight.bookings.has(id)) return;
      flight.bookings.set(id, (event.fields.passengers as unknown[]).length);
      flight.bookingTimesMs.push(event.timeMs);
    } else {
      if (flight.bookings.get(id) === 0) return;
      flight.bookings.set(id, 0);
    }
    this.#evaluate(flight, event, origin);
  }

  #evaluate(flight: Flight, event: ReferenceEvent, { topic, partition, offset }: Origin): void {
    flight.clockMs = Math.max(flight.clockMs, event.timeMs);
    // The clock never goes back: what has left the day up to it stays out.
    flight.bookingTimesMs = flight.bookingTimesMs.filter((timeMs) => timeMs > flight.clockMs - DAY_MS);
    const bookingsOf = (hours: number) =>
      flight.bookingTimesMs.filter((timeMs) => timeMs > flight.clockMs - hours * HOUR_MS).length;
    const perHour = (hours: number) => Math.round(bookingsOf(hours) / hours * 1000) / 1000;
    const bookedSeats = flight.bookings.values().reduce((sum, seats) => sum + seats, 0);
    const leftMs = Math.max(0, flight.departureMs - flight.clockMs);
    const seen = {
      loadFactor: Math.round(Math.min(1, bookedSeats / flight.totalSeats) * 1000) / 1000,
      minutes: Math.floor(leftMs / MINUTE_MS),
      days: Math.round(leftMs / DAY_MS * 100) / 100,
      velocity: bookingsOf(1),
      previousVelocity: flight.lastVelocity,
    };
    const id = (number: number) => `${topic}-${partition}-${offset}-${number}@${this.#logId.slice(0, 8)}`;
    const common = {
      event_time: new Date(flight.clockMs).toISOString(),
      flight_id: event.flightId,
      minutes_to_departure: seen.minutes,
      days_to_departure: seen.days,
      booking_velocity_per_hour: seen.velocity,
      booking_velocity_6h_per_hour: perHour(6),
      booking_velocity_24h_per_hour: perHour(24),
    };
    this.expected.metrics.set(id(0), {
      event_type: "CabinInventoryMetrics",
      ...common,
      booked_seats: bookedSeats,
      total_seats: flight.totalSeats,
      load_factor: seen.loadFactor,
    });
    const discount = flight.stage === "on sale" ? discountOf(seen) : 0;
    if (discount > 0 && mayPromote(flight)) {
      flight.promotedAtMs.push(flight.clockMs);
      this.expected.decisions.set(id(1), {
        event_type: "PromotionTriggered",
        ...common,
        decision_source: "RULE_ENGINE_ITERATION_2",
        current_load_factor: seen.loadFactor,
        target_fare_bucket: "K",
        discount_percentage: discount,
      });
    } else if (discount > 0 && !flight.heldBackTold) {
      flight.heldBackTold = true;
      this.expected.heldBack.set(id(2), {
        event_type: "PromotionHeldBack",
        event_time: common.event_time,
        flight_id: event.flightId,
        guard: "maximum_per_flight",
        discount_percentage: discount,
      });
    }
    flight.lastVelocity = seen.velocity;
  }
}

function mayPromote({ promotedAtMs, clockMs }: Flight): boolean {
  return promotedAtMs.length < PROMOTIONS_MAX &&
    promotedAtMs.every((timeMs) => clockMs - timeMs >= COOLDOWN_MS);
}

/** Iteration 2's rule, in percent; 0 is no promotion. */
function discountOf(
  seen: { loadFactor: number; days: number; velocity: number; previousVelocity: number | null },
): number {
  const inTime = seen.days >= 2 && seen.days <= 7;
  const isSlow = seen.velocity < 5 || seen.previousVelocity === null ||
    seen.velocity <= 0.8 * seen.previousVelocity;
  if (!inTime || !isSlow || seen.loadFactor >= 0.6) return 0;
  return seen.loadFactor < 0.3 ? 25 : 10;
}
