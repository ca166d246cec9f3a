/**
 * One life of the producer on a log: from fencing older ones to the first error.
 *
 * Opening:
 * 1. Open the transactor `airline-producer`: an older producer cannot commit any more.
 * 2. Restore the state: append a marker to the state topic and read up to it.
 * 3. Build the simulation at the stored cursor; listen to decisions from the group's offsets on.
 *
 * A step:
 * 1. Apply the decisions that came in.
 * 2. Take the next events.
 * 3. Commit events, state, dead letters and the group's offsets as one.
 *
 * After an error nothing of a session can be used: what it took from the simulation was not stored. Close it and
 * open another.
 *
 * @module
 */

import type { EventLog, NewRecord, PartitionOffset, Transactor } from "../event_log/event_log.ts";
import { partitionOf } from "../event_log/partitioner.ts";
import { GROUPS, PARTITIONS } from "../events/topics.ts";
import { applyDecisions, DecisionListener, type FeedbackResult } from "./feedback.ts";
import type { EventRecord } from "./flight_simulation.ts";
import { fromLog } from "./log_failure.ts";
import type { LoadedFlights } from "./load_flights.ts";
import type { SimulationChoices } from "./producer_options.ts";
import {
  checkSameChoices,
  clockRecord,
  type ProducerState,
  restoreEntries,
  START_NONE,
  stateOf,
  type StoredChoices,
  storedChoices,
  tombstone,
} from "./producer_state.ts";
import { Simulation } from "./simulation.ts";
import { firstCursor, type SimulationCursor } from "./simulation_cursor.ts";
import type { Promotion } from "./fares.ts";

const TRANSACTOR_ID = "airline-producer";

/** Under load simulated time runs ahead: it begins a year back, because times far beyond the clock are refused. */
const LOAD_LEAD_MS = 365 * 24 * 60 * 60 * 1000;

/** What a session needs beside the log. */
export interface SessionOptions {
  choices: SimulationChoices;
  flights: LoadedFlights;
  /** Forget the stored simulation. */
  resetState: boolean;
  /** Whether the run is for load (--rate). */
  load: boolean;
  nowMs: number;
  /** How far a decision's event time may lie beyond its append time. Default 7 days. */
  eventLeadMsMax?: number;
}

/** What a step stored. */
export interface StepResult {
  events: EventRecord[];
  feedback: FeedbackResult;
  /** Seconds that the commit took; 0 when there was nothing to commit. */
  commitSeconds: number;
}

/** A producer that owns the log's place of the producer. */
export class ProducerSession {
  readonly simulation: Simulation;
  /** When the simulation began, milliseconds since 1970. */
  readonly startMs: number;
  readonly #log: EventLog;
  readonly #transactor: Transactor;
  readonly #listener: DecisionListener | undefined;
  readonly #choices: StoredChoices;
  readonly #eventLeadMsMax: number | undefined;
  /** Written with the next commit. */
  #pending: NewRecord[];

  private constructor(
    log: EventLog,
    transactor: Transactor,
    listener: DecisionListener | undefined,
    begun: {
      simulation: Simulation;
      startMs: number;
      choices: StoredChoices;
      pending: NewRecord[];
      eventLeadMsMax: number | undefined;
    },
  ) {
    this.#log = log;
    this.#transactor = transactor;
    this.#listener = listener;
    this.simulation = begun.simulation;
    this.startMs = begun.startMs;
    this.#choices = begun.choices;
    this.#pending = begun.pending;
    this.#eventLeadMsMax = begun.eventLeadMsMax;
  }

  /**
   * Opens a session.
   *
   * @throws {OperatorError} when the stored simulation was begun with other choices.
   * @throws {LogFailure} when the log fails.
   */
  static async open(log: EventLog, options: SessionOptions): Promise<ProducerSession> {
    const { choices, flights, resetState, load, nowMs } = options;
    // Step 1: fence older producers.
    const transactor = await fromLog(log.transactor(TRANSACTOR_ID));
    try {
      // Step 2: restore.
      const entries = await fromLog(restoreEntries(log));
      const stored = resetState ? undefined : stateOf(entries);
      // What was begun in real time may go on under load.
      const begunForLoad = load && stored?.choices["start-date"] !== START_NONE;
      const chosen = storedChoices(choices, flights.scheduleDigest, begunForLoad);
      if (stored !== undefined) checkSameChoices(stored.choices, chosen);
      // Step 3: build.
      const startMs = stored?.startMs ?? choices.startDateMs ??
        Math.floor((load ? nowMs - LOAD_LEAD_MS : nowMs) / 1000) * 1000;
      const begun: ProducerState = stored ??
        { choices: chosen, startMs, cursor: firstCursor(startMs), promotions: new Map() };
      const simulation = simulationOf(choices, flights, begun);
      // Iteration 1 knows no promotions.
      const listener = choices.profile === "iteration-1"
        ? undefined
        : await fromLog(DecisionListener.open(log));
      const pending = resetState ? [...entries.keys()].map(tombstone) : [];
      return new ProducerSession(log, transactor, listener, {
        simulation,
        startMs,
        choices: chosen,
        pending,
        eventLeadMsMax: options.eventLeadMsMax,
      });
    } catch (error) {
      await transactor.close().catch(() => {});
      throw error;
    }
  }

  /**
   * Takes in decisions, then the events that `take` appends, and commits both.
   *
   * @throws {FencedError} when another producer took over.
   * @throws {LogFailure} when the log fails.
   */
  async step(take: (simulation: Simulation, out: EventRecord[]) => void): Promise<StepResult> {
    // Step 1: decisions.
    let feedback: FeedbackResult = { records: [], applied: 0, ignored: [], refused: [] };
    let positions: PartitionOffset[] = [];
    if (this.#listener !== undefined && this.simulation.takesPromotions) {
      const taken = await fromLog(this.#listener.take());
      positions = taken.positions;
      feedback = await applyDecisions(this.simulation, taken.decisions, this.#log.logId, {
        eventLeadMsMax: this.#eventLeadMsMax,
      });
    }
    // Step 2: events.
    const events: EventRecord[] = [];
    take(this.simulation, events);
    // Step 3: commit.
    const ended = this.simulation.takeEnded().map(tombstone);
    if (
      events.length === 0 && feedback.records.length === 0 && positions.length === 0 && ended.length === 0
    ) return { events, feedback, commitSeconds: 0 };
    const state = { choices: this.#choices, startMs: this.startMs, cursor: this.simulation.cursor };
    const startedMs = performance.now();
    await fromLog(this.#transactor.commit({
      records: [...this.#pending, ...events, ...feedback.records, ...ended, clockRecord(state)],
      ...(positions.length === 0 ? {} : { offsets: { group: GROUPS.producerFeedback, positions } }),
    }));
    this.#pending = [];
    return { events, feedback, commitSeconds: (performance.now() - startedMs) / 1000 };
  }

  /** Lets go of the log; errors of a log that is away already are of no interest. */
  async close(): Promise<void> {
    await this.#listener?.close().catch(() => {});
    await this.#transactor.close().catch(() => {});
  }
}

/** The simulation of the choices, as it goes on from a state; each partition's flights are a group of their own. */
export function simulationOf(
  choices: SimulationChoices,
  flights: LoadedFlights,
  state: {
    startMs: number;
    cursor?: SimulationCursor;
    promotions?: ReadonlyMap<string, readonly Promotion[]>;
  },
): Simulation {
  const { startMs, cursor, promotions } = state;
  return new Simulation({
    source: flights.sourceFrom(startMs),
    startMs,
    historyFromMs: startMs - choices.backfillMs - choices.bookingHorizonMs,
    groups: PARTITIONS,
    groupOf: (flightId) => partitionOf(flightId, PARTITIONS),
    ...(cursor === undefined ? {} : { cursor }),
    ...(promotions === undefined ? {} : { promotions }),
  });
}
