/** What the producer tells a person: its start, the flights it tracks, the progress of the past, its end. */

import { logger, RateLimitedLines } from "../process/logger.ts";
import { ProgressBar } from "../process/progress_bar.ts";
import { formatInstant } from "../events/instant.ts";
import type { ProducerSession, StepResult } from "./producer_session.ts";

const DAY_MS = 24 * 60 * 60 * 1000;
const SCHEDULED = '{"event_type":"FlightScheduled"';

/** Lines of one run. */
export class ProducerReport {
  /** Events that this run stored. */
  eventsSent = 0;
  readonly #eventLeadMsMax: number;
  readonly #startedMs = performance.now();
  readonly #tracking = new RateLimitedLines({ print: (line) => this.#say(line) });
  #session: ProducerSession | undefined;
  #bar: ProgressBar | undefined;
  #history: { flights: number; events: number; startedMs: number } | undefined;
  #logFailed = false;
  #leadTold = false;

  /** @param eventLeadMsMax How far simulated time may be ahead of the clock without a warning, in milliseconds. */
  constructor(eventLeadMsMax: number) {
    this.#eventLeadMsMax = eventLeadMsMax;
  }

  /** Another producer has the log's place, or left it a moment ago without a word. */
  waiting(waitMs: number): void {
    logger.info(
      `Another producer is or was at work on this log: waiting up to ${waitMs / 1000} s for its end`,
    );
  }

  /** A session is open. */
  opened(session: ProducerSession): void {
    if (this.#session === undefined) {
      logger.info("🚀 Producer started (Iteration 2 with metrics)");
      const { cursor } = session.simulation;
      const going = cursor.timeMs === session.startMs ? "begins at" : "goes on at";
      logger.info(`Simulated time ${going} ${formatInstant(cursor.timeMs)}`);
    }
    if (this.#logFailed) logger.info("The event log answers again, going on");
    this.#logFailed = false;
    this.#session = session;
    const { done, total } = session.simulation.history;
    if (done < total && this.#history === undefined) {
      this.#history = { flights: total - done, events: 0, startedMs: performance.now() };
      this.#bar = new ProgressBar("History", this.#history.flights, "flights");
    }
  }

  /** A step was stored. */
  stepped({ events }: StepResult): void {
    this.eventsSent += events.length;
    for (const { topic, key, value } of events) {
      if (topic === "flight_lifecycle" && value.startsWith(SCHEDULED)) {
        this.#tracking.say(() => `✈️ Tracking flight ${key}`);
      }
    }
    if (this.#history !== undefined) this.#tellHistory(this.#history, events.length);
    this.#tellLead();
  }

  /** The log failed and is tried again; told once until it answers. */
  logFailed(cause: unknown): void {
    if (this.#logFailed) return;
    this.#logFailed = true;
    const message = cause instanceof Error ? cause.message : String(cause);
    this.#bar?.close();
    logger.warn(`The event log failed (${message}); trying again until it answers`);
  }

  /** The run is over. */
  finished(): void {
    this.#bar?.close();
    const seconds = (performance.now() - this.#startedMs) / 1000;
    const { timeMs } = this.#session?.simulation.cursor ?? {};
    const reached = timeMs === undefined ? "" : `, simulated time ${formatInstant(timeMs)}`;
    logger.info(`Producer stopped: ${count(this.eventsSent)} events in ${seconds.toFixed(1)} s${reached}`);
  }

  #tellHistory(told: { flights: number; events: number; startedMs: number }, events: number): void {
    told.events += events;
    const { done, total } = this.#session!.simulation.history;
    this.#bar!.update(told.flights - (total - done));
    if (done < total) return;
    const seconds = (performance.now() - told.startedMs) / 1000;
    this.#say(
      `History of ${count(told.flights)} flights written: ${count(told.events)} events in ${
        seconds.toFixed(1)
      } s`,
    );
    this.#history = undefined;
    this.#bar = undefined;
  }

  #tellLead(): void {
    const aheadFromMs = Date.now() + this.#eventLeadMsMax;
    if (this.#leadTold || this.#session!.simulation.cursor.timeMs < aheadFromMs) return;
    this.#leadTold = true;
    this.#bar?.close();
    logger.warn(
      `Simulated time is more than ${
        this.#eventLeadMsMax / DAY_MS
      } days ahead of the clock: consumers refuse such events ` +
        "(MAX_EVENT_LEAD). For load, begin in the past by --start-date",
    );
  }

  #say(line: string): void {
    this.#bar?.close();
    logger.info(line);
  }
}

function count(number: number): string {
  return number.toLocaleString("en");
}
