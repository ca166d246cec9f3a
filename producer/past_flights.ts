/**
 * History: the events from before the simulation began, sent group after group, each group in the order of event
 * time. A group is what shares a partition of the log, so that every partition is in the order of event time,
 * whatever is filled in beside live events of other groups: a reader that goes by event time takes no departure
 * before its bookings.
 *
 * A group is sent in rounds, because simulated time goes on meanwhile: the first round sends all before the time
 * at which it began, each further one what has happened since. When a round ends and no time has passed, the
 * group has caught up and is live.
 *
 * @module
 */

import { FlightQueue, skipFirstOf } from "./flight_queue.ts";
import { type EventRecord, type FlightSimulation, upTo } from "./flight_simulation.ts";
import type { FlightSource, SimulatedFlight } from "./flight_source.ts";
import type { HistoryCursor } from "./simulation_cursor.ts";

export interface PastFlightsOptions {
  source: FlightSource;
  /** When the simulation began, milliseconds since 1970. */
  startMs: number;
  /** Flights have a history if their sale opened in `[historyFromMs, startMs)`. */
  historyFromMs: number;
  groups: number;
  /** A flight's group, from 0 on. */
  groupOf: (flightId: string) => number;
  /** A flight from its beginning, with the promotions that it has received so far. */
  simulate: (flight: SimulatedFlight) => FlightSimulation;
}

/** Sends history; how far it has come is in the {@link HistoryCursor} that each call is given. */
export class PastFlights {
  /** Sales that opened earlier have no history. */
  readonly fromMs: number;
  readonly groupOf: (flightId: string) => number;
  readonly #source: FlightSource;
  readonly #simulate: (flight: SimulatedFlight) => FlightSimulation;
  /** Flights with a history, by group; empty where there is none at all. */
  readonly #flights: number[];
  /** The group whose history is being sent. */
  #sending: FlightQueue | undefined;
  /** Flights that received a promotion since the round began. */
  readonly #promoted = new Set<string>();
  /** Flights that came to their end in this round: a restart within it needs their promotions yet. */
  #ended: string[] = [];

  constructor(options: PastFlightsOptions) {
    const { source, startMs, historyFromMs, groups, groupOf, simulate } = options;
    this.fromMs = historyFromMs;
    this.groupOf = groupOf;
    this.#source = source;
    this.#simulate = simulate;
    this.#flights = new Array<number>(historyFromMs < startMs ? groups : 0).fill(0);
    for (const { flightId } of source.openingBetween(historyFromMs, startMs)) {
      this.#flights[groupOf(flightId)]!++;
    }
  }

  /** Whether all history is out. */
  isSent({ group }: HistoryCursor): boolean {
    return group >= this.#flights.length;
  }

  /** Whether a flight takes its turn with the live ones. */
  isLive(flightId: string, cursor: HistoryCursor): boolean {
    return this.isSent(cursor) || this.groupOf(flightId) < cursor.group;
  }

  /** Flights whose history was sent, judged by the time it has reached, and how many there are. */
  progress(cursor: HistoryCursor): { done: number; total: number } {
    const sum = (flights: number[]) => flights.reduce((total, count) => total + count, 0);
    const total = sum(this.#flights);
    if (this.isSent(cursor)) return { done: total, total };
    const { group, untilMs } = cursor;
    const reachedMs = Math.min(this.#sending?.first?.simulation.nextMs ?? this.fromMs, untilMs);
    const share = (reachedMs - this.fromMs) / (untilMs - this.fromMs);
    const done = sum(this.#flights.slice(0, group)) + Math.floor(this.#flights[group]! * Math.max(0, share));
    return { done: Math.min(done, total - 1), total };
  }

  /** A flight of a group that is not live yet received a promotion. */
  promoted(flightId: string): void {
    this.#promoted.add(flightId);
  }

  /**
   * Appends history to `out` until that holds `last` events or a round is over, and moves the cursor.
   *
   * @param timeMs What the live flights have reached.
   * @returns Flights that are over, and the group that is live from now on, if one is.
   */
  take(
    out: EventRecord[],
    last: number,
    cursor: HistoryCursor,
    timeMs: number,
  ): { ended: string[]; joining?: number } {
    const sending = this.#sending ??= this.#takenUp(cursor);
    for (;;) {
      const first = sending.first;
      if (first === undefined || first.simulation.nextMs >= cursor.untilMs) break;
      if (out.length >= last) return { ended: [] };
      out.push(first.simulation.take());
      cursor.events++;
      if (first.simulation.nextMs < Infinity) sending.moved(first);
      else {
        sending.removeFirst();
        this.#ended.push(first.flightId);
      }
    }
    const ended = this.#ended;
    this.#ended = [];
    if (cursor.untilMs < timeMs) {
      this.#nextRound(sending, cursor, timeMs);
      return { ended };
    }
    this.#sending = undefined;
    const joining = cursor.group;
    Object.assign(cursor, { group: joining + 1, sinceMs: 0, untilMs: timeMs, events: 0 });
    return { ended, joining };
  }

  /** The group whose history is sent, where the cursor says that it stands. */
  #takenUp(cursor: HistoryCursor): FlightQueue {
    const sending = new FlightQueue();
    this.#add(sending, cursor, this.fromMs, cursor.untilMs, cursor.sinceMs);
    for (let n = 0; n < cursor.events; n++) {
      const ended = skipFirstOf(sending);
      if (ended !== undefined) this.#ended.push(ended);
    }
    return sending;
  }

  /** Adds the group's flights that open in `[fromMs, toMs)`, as they go on from `sinceMs`. */
  #add(sending: FlightQueue, { group }: HistoryCursor, fromMs: number, toMs: number, sinceMs: number): void {
    for (const flight of this.#source.openingBetween(fromMs, toMs)) {
      if (this.groupOf(flight.flightId) !== group || flight.times.endsMs < sinceMs) continue;
      const simulation = upTo(this.#simulate(flight), sinceMs);
      if (simulation.nextMs < Infinity) sending.add(flight.flightId, simulation);
    }
  }

  /** Time went on while a round was sent: the next one sends what has happened since. */
  #nextRound(sending: FlightQueue, cursor: HistoryCursor, timeMs: number): void {
    const sinceMs = cursor.untilMs;
    for (const flightId of this.#promoted) {
      const queued = sending.get(flightId);
      if (queued === undefined) continue;
      queued.simulation = upTo(this.#simulate(this.#source.find(flightId)!), sinceMs);
      sending.moved(queued);
    }
    this.#promoted.clear();
    this.#add(sending, cursor, sinceMs, timeMs, sinceMs);
    Object.assign(cursor, { sinceMs, untilMs: timeMs, events: 0 });
  }
}
