/**
 * All flights of a profile as one stream of events that can be stopped and taken up anywhere.
 *
 * Live flights take turns in the order of event time. Flights that were on sale or gone already when the
 * simulation began first send their history, group after group, each group in the order of event time; it is live
 * as soon as its history is out. A group is what shares a partition of the log, so that every partition is in
 * the order of event time, whatever is filled in beside live events. How far all this has come is a {@link SimulationCursor}; from the same options,
 * cursor and promotions the rest is the same, byte for byte.
 *
 * @module
 */

import type { Promotion } from "./fares.ts";
import { FlightQueue } from "./flight_queue.ts";
import type { EventRecord, FlightSimulation } from "./flight_simulation.ts";
import type { FlightSource, SimulatedFlight } from "./flight_source.ts";
import { firstCursor, type SimulationCursor } from "./simulation_cursor.ts";

const DAY_MS = 24 * 60 * 60 * 1000;

/** Promotions of one flight beyond these are not taken: its entry in the state stays small. */
export const PROMOTIONS_PER_FLIGHT_MAX = 100;

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
  readonly #historyFromMs: number;
  readonly #groups: number;
  readonly #groupOf: (flightId: string) => number;
  /** Flights of each group that have a history from before the start. */
  readonly #historyFlights: number[];
  readonly #cursor: SimulationCursor;
  readonly #promotions: Map<string, readonly Promotion[]>;
  #ended: string[] = [];
  /** The flights of the group whose history is being sent; its promotions since the round began. */
  #sending: FlightQueue | undefined;
  readonly #promotedMeanwhile = new Set<string>();
  /** Its flights that came to their end in this round: a restart within the round needs their promotions yet. */
  #endedInRound: string[] = [];
  /** Sales that open before this are in the queue. */
  #loadedUntilMs: number;

  constructor(options: SimulationOptions) {
    const { source, startMs, historyFromMs, groups = 1, groupOf = () => 0, promotions } = options;
    const { cursor = firstCursor(startMs) } = options;
    this.#source = source;
    this.#historyFromMs = historyFromMs;
    this.#groups = historyFromMs < startMs ? groups : 0;
    this.#groupOf = groupOf;
    this.#cursor = { ...cursor, history: { ...cursor.history } };
    this.#promotions = new Map(promotions);
    const past = source.openingBetween(historyFromMs, startMs);
    this.#historyFlights = Array.from(
      { length: this.#groups },
      (_, group) => past.filter(({ flightId }) => groupOf(flightId) === group).length,
    );
    this.#loadedUntilMs = Math.max(startMs, cursor.timeMs) + DAY_MS;
    this.#joinOpening(Math.min(historyFromMs, startMs), startMs);
    this.#joinOpening(Math.max(startMs, cursor.timeMs - source.lifeMsMax), this.#loadedUntilMs);
    for (let n = 0; n < cursor.sentAtTime; n++) skipFirstOf(this.#queue);
  }

  /** How far the simulation has come. */
  get cursor(): SimulationCursor {
    return { ...this.#cursor, history: { ...this.#cursor.history } };
  }

  /** Flights whose history was sent, judged by the time it has reached, and how many there are. */
  get history(): { done: number; total: number } {
    const total = this.#historyFlights.reduce((sum, flights) => sum + flights, 0);
    const { group, untilMs } = this.#cursor.history;
    if (group >= this.#groups) return { done: total, total };
    const before = this.#historyFlights.slice(0, group).reduce((sum, flights) => sum + flights, 0);
    const reachedMs = Math.min(this.#sending?.first?.simulation.nextMs ?? this.#historyFromMs, untilMs);
    const share = (reachedMs - this.#historyFromMs) / (untilMs - this.#historyFromMs);
    const done = before + Math.floor(this.#historyFlights[group]! * Math.max(0, share));
    return { done: Math.min(done, total - 1), total };
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
    while (out.length < last && history.group < this.#groups) {
      const sending = this.#sending ??= this.#takenUp();
      for (;;) {
        const first = sending.first;
        if (first === undefined || first.simulation.nextMs >= history.untilMs) break;
        if (out.length >= last) return;
        out.push(first.simulation.take());
        history.events++;
        if (first.simulation.nextMs < Infinity) sending.moved(first);
        else {
          sending.removeFirst();
          this.#endedInRound.push(first.flightId);
        }
      }
      for (const flightId of this.#endedInRound) this.#end(flightId);
      this.#endedInRound = [];
      if (history.untilMs < timeMs) this.#nextRound(sending);
      else this.#joinGroup();
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
      this.#promotedMeanwhile.add(flightId);
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
    if (this.#groups > 0 && this.#cursor.history.group === 0) return undefined;
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
      if (this.#isLive(flight)) this.#join(flight);
    }
  }

  #isLive({ flightId }: SimulatedFlight): boolean {
    return this.#cursor.history.group >= this.#groups || this.#groupOf(flightId) < this.#cursor.history.group;
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

  /** The group whose history is sent, where the cursor says that it stands. */
  #takenUp(): FlightQueue {
    const { sinceMs, untilMs, events } = this.#cursor.history;
    const sending = new FlightQueue();
    this.#addOfGroup(sending, this.#historyFromMs, untilMs, sinceMs);
    for (let n = 0; n < events; n++) skipFirstOf(sending);
    return sending;
  }

  /** Adds the group's flights that open in `[fromMs, toMs)`, as they go on from `sinceMs`. */
  #addOfGroup(sending: FlightQueue, fromMs: number, toMs: number, sinceMs: number): void {
    for (const flight of this.#source.openingBetween(fromMs, toMs)) {
      if (this.#groupOf(flight.flightId) !== this.#cursor.history.group || flight.times.endsMs < sinceMs) {
        continue;
      }
      const simulation = upTo(this.#simulate(flight), sinceMs);
      if (simulation.nextMs < Infinity) sending.add(flight.flightId, simulation);
    }
  }

  /** Time went on while a round was sent: the next one sends what has happened since. */
  #nextRound(sending: FlightQueue): void {
    const { history, timeMs } = this.#cursor;
    for (const flightId of this.#promotedMeanwhile) {
      const queued = sending.get(flightId);
      if (queued === undefined) continue;
      queued.simulation = upTo(this.#simulate(this.#source.find(flightId)!), history.untilMs);
      sending.moved(queued);
    }
    this.#promotedMeanwhile.clear();
    this.#addOfGroup(sending, history.untilMs, timeMs, history.untilMs);
    Object.assign(history, { sinceMs: history.untilMs, untilMs: timeMs, events: 0 });
  }

  /** The group has sent all before the simulated time: from now on it is live. */
  #joinGroup(): void {
    const { history, timeMs } = this.#cursor;
    for (const flight of this.#source.openingBetween(this.#historyFromMs, this.#loadedUntilMs)) {
      if (this.#groupOf(flight.flightId) === history.group) this.#join(flight);
    }
    this.#sending = undefined;
    Object.assign(history, { group: history.group + 1, sinceMs: 0, untilMs: timeMs, events: 0 });
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

/** Goes through a flight's events before `timeMs` without making them. */
function upTo(simulation: FlightSimulation, timeMs: number): FlightSimulation {
  while (simulation.nextMs < timeMs) simulation.skip();
  return simulation;
}

/** Passes over the first event of a queue. */
function skipFirstOf(queue: FlightQueue): void {
  const first = queue.first!;
  first.simulation.skip();
  if (first.simulation.nextMs < Infinity) queue.moved(first);
  else queue.removeFirst();
}
