/**
 * All flights of a profile as one stream of events that can be stopped and taken up anywhere.
 *
 * Live flights take turns in the order of event time. Flights that were on sale or gone already when the
 * simulation began first send their history, group after group; a group is live as soon as its history is out
 * (`past_flights.ts`). How far all this has come is a {@link SimulationCursor}; from the same options, cursor and
 * promotions the rest is the same, byte for byte.
 *
 * @module
 */

import type { Promotion } from "./fares.ts";
import { FlightQueue, skipFirstOf } from "./flight_queue.ts";
import { type EventRecord, type FlightSimulation, upTo } from "./flight_simulation.ts";
import type { FlightSource, SimulatedFlight } from "./flight_source.ts";
import { PastFlights } from "./past_flights.ts";
import { firstCursor, type SimulationCursor } from "./simulation_cursor.ts";

const DAY_MS = 24 * 60 * 60 * 1000;

/** Promotions of one flight beyond these are not taken: its entry in the state stays small. */
const PROMOTIONS_PER_FLIGHT_MAX = 100;

export interface SimulationOptions {
  source: FlightSource;
  /** When the simulation began, milliseconds since 1970. */
  startMs: number;
  /** Flights whose sale opened before `startMs` send their history if it opened in `[historyFromMs, startMs)`. */
  historyFromMs: number;
  /** Into how many groups history is split, and a flight's group, from 0 on. Default: a single one. */
  groups?: number;
  groupOf?: (flightId: string) => number;
  /** Where to go on. Default: the beginning. */
  cursor?: SimulationCursor;
  /** Promotions received so far, by flight. */
  promotions?: ReadonlyMap<string, readonly Promotion[]>;
}

/** What became of a promotion: only `applied` changes anything. */
export type PromotionEffect =
  | { effect: "applied"; promotions: readonly Promotion[] }
  | { effect: "unknown_flight" | "flight_closed" | "unchanged" | "too_many" };

/** The flights of a profile as they go. */
export class Simulation {
  readonly #source: FlightSource;
  readonly #queue = new FlightQueue();
  readonly #past: PastFlights;
  readonly #cursor: SimulationCursor;
  readonly #promotions: Map<string, readonly Promotion[]>;
  #ended: string[] = [];
  /** Sales that open before this are in the queue. */
  #loadedUntilMs: number;

  constructor(options: SimulationOptions) {
    const { source, startMs, historyFromMs, groups = 1, groupOf = () => 0, promotions } = options;
    const { cursor = firstCursor(startMs) } = options;
    this.#source = source;
    this.#cursor = { ...cursor, history: { ...cursor.history } };
    this.#promotions = new Map(promotions);
    this.#past = new PastFlights({
      source,
      startMs,
      historyFromMs,
      groups,
      groupOf,
      simulate: (flight) => this.#simulate(flight),
    });
    this.#loadedUntilMs = Math.max(startMs, cursor.timeMs) + DAY_MS;
    this.#joinOpening(historyFromMs, startMs);
    this.#joinOpening(Math.max(startMs, cursor.timeMs - source.lifeMsMax), this.#loadedUntilMs);
    for (let n = 0; n < cursor.sentAtTime; n++) skipFirstOf(this.#queue);
  }

  /** How far the simulation has come. */
  get cursor(): SimulationCursor {
    return { ...this.#cursor, history: { ...this.#cursor.history } };
  }

  /** Flights whose history was sent, judged by the time it has reached, and how many there are. */
  get history(): { done: number; total: number } {
    return this.#past.progress(this.#cursor.history);
  }

  /** Flights on sale and those on their way. */
  get liveFlights(): number {
    let count = 0;
    for (const { simulation } of this.#queue.values()) {
      if (simulation.plan.times.opensMs < this.#cursor.timeMs) count++;
    }
    return count;
  }

  /** Flights that can be booked, with the promotion that runs and the probability of a booking in a second. */
  *onSale(): Generator<{ flightId: string; promotion: Promotion | undefined; probability: number }> {
    const { timeMs } = this.#cursor;
    for (const { flightId, simulation } of this.#queue.values()) {
      const { opensMs, closesMs } = simulation.plan.times;
      if (timeMs < opensMs || timeMs >= closesMs) continue;
      yield {
        flightId,
        promotion: simulation.promotionAt(timeMs),
        probability: simulation.bookingProbability(timeMs),
      };
    }
  }

  /**
   * Appends the live events before `untilMs` to `out`, in the order of time: about `eventsSoftMax` at most, always
   * all of a millisecond; never more than `eventsMax`, be it in the middle of one.
   */
  takeLive(out: EventRecord[], untilMs: number, eventsSoftMax: number, eventsMax = Infinity): void {
    const cursor = this.#cursor;
    for (let taken = 0;; taken++) {
      const nextMs = this.#firstBefore(untilMs);
      if (nextMs === undefined) {
        if (untilMs > cursor.timeMs && untilMs < Infinity) this.#moveTo(untilMs);
        return;
      }
      if (nextMs > cursor.timeMs) {
        if (taken > 0) this.#moveTo(nextMs);
        if (taken >= eventsSoftMax) return;
      }
      if (taken >= eventsMax) return;
      this.#moveTo(nextMs);
      const first = this.#queue.first!;
      out.push(first.simulation.take());
      this.#advanceFirst();
      cursor.sentAtTime++;
    }
  }

  /**
   * Appends history to `out`, at most `eventsMax` events. Call it when the live events are out: a group joins the
   * live ones at the time that these have reached.
   */
  takeHistory(out: EventRecord[], eventsMax: number): void {
    const { history, timeMs, sentAtTime } = this.#cursor;
    if (sentAtTime > 0) return;
    const last = out.length + eventsMax;
    while (out.length < last && !this.#past.isSent(history)) {
      const { ended, joining } = this.#past.take(out, last, history, timeMs);
      for (const flightId of ended) this.#end(flightId);
      if (joining !== undefined) {
        for (const flight of this.#source.openingBetween(this.#past.fromMs, this.#loadedUntilMs)) {
          if (this.#past.groupOf(flight.flightId) === joining) this.#join(flight);
        }
      }
    }
  }

  /** Whether a promotion can be taken now: not while the events of one millisecond are half sent. */
  get takesPromotions(): boolean {
    return this.#cursor.sentAtTime === 0;
  }

  /** Raises a flight's demand from the time on that the simulation has reached. */
  promote(flightId: string, discountPercentage: number, targetFareBucket: string): PromotionEffect {
    if (!this.takesPromotions) throw new RangeError("Cannot promote in the middle of a millisecond");
    const fromMs = this.#cursor.timeMs;
    const queued = this.#queue.get(flightId);
    const times = queued?.simulation.plan.times ?? this.#source.find(flightId)?.times;
    // One that the schedule will sell some day is not known yet: nobody can have decided on it.
    if (times === undefined || times.opensMs >= fromMs) return { effect: "unknown_flight" };
    if (times.closesMs <= fromMs) return { effect: "flight_closed" };
    const before = this.#promotions.get(flightId) ?? [];
    const running = before.at(-1);
    if (
      running?.discountPercentage === discountPercentage && running.targetFareBucket === targetFareBucket
    ) return { effect: "unchanged" };
    if (before.length >= PROMOTIONS_PER_FLIGHT_MAX) return { effect: "too_many" };
    const promotions = [...before, { fromMs, discountPercentage, targetFareBucket }];
    this.#promotions.set(flightId, promotions);
    if (queued !== undefined) {
      queued.simulation = upTo(this.#source.find(flightId)!.simulate(promotions), fromMs);
      this.#queue.moved(queued);
    } else {
      this.#past.promoted(flightId);
    }
    return { effect: "applied", promotions };
  }

  /** Flights with promotions that ended since the last call: their entries in the state can go. */
  takeEnded(): string[] {
    const ended = this.#ended;
    this.#ended = [];
    return ended;
  }

  /** The time of the first live event before `untilMs`; flights are loaded as far as that takes. */
  #firstBefore(untilMs: number): number | undefined {
    // While nothing is live yet, no flight that is loaded would come.
    if (!this.#past.isSent(this.#cursor.history) && this.#cursor.history.group === 0) return undefined;
    for (;;) {
      const nextMs = this.#queue.first?.simulation.nextMs ?? Infinity;
      if (nextMs < Math.min(untilMs, this.#loadedUntilMs)) return nextMs;
      if (untilMs <= this.#loadedUntilMs) return undefined;
      const fromMs = this.#loadedUntilMs;
      this.#loadedUntilMs += DAY_MS;
      this.#joinOpening(fromMs, this.#loadedUntilMs);
    }
  }

  /** Lets the flights that open in `[fromMs, toMs)` go on where they are live already. */
  #joinOpening(fromMs: number, toMs: number): void {
    for (const flight of this.#source.openingBetween(fromMs, toMs)) {
      if (this.#past.isLive(flight.flightId, this.#cursor.history)) this.#join(flight);
    }
  }

  #moveTo(timeMs: number): void {
    if (timeMs === this.#cursor.timeMs) return;
    this.#cursor.timeMs = timeMs;
    this.#cursor.sentAtTime = 0;
  }

  /** Lets a flight go on with its first event that was not sent yet; one that is over stays out. */
  #join(flight: SimulatedFlight): void {
    if (flight.times.endsMs < this.#cursor.timeMs) return;
    this.#queue.add(flight.flightId, upTo(this.#simulate(flight), this.#cursor.timeMs));
  }

  #simulate(flight: SimulatedFlight): FlightSimulation {
    return flight.simulate(this.#promotions.get(flight.flightId) ?? []);
  }

  /** Puts the first flight in its place after an event of it was taken; one that is over goes. */
  #advanceFirst(): void {
    const first = this.#queue.first!;
    if (first.simulation.nextMs < Infinity) return this.#queue.moved(first);
    this.#queue.removeFirst();
    this.#end(first.flightId);
  }

  #end(flightId: string): void {
    if (this.#promotions.delete(flightId)) this.#ended.push(flightId);
  }
}
