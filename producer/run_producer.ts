/** The producer's loop: sessions on the log, one after another, until it is stopped or its limit is reached. */

import { setTimeout as sleep } from "node:timers/promises";
import { type EventLog, FencedError } from "../event_log/event_log.ts";
import { LAKE_TOPICS, STREAM_EVENTS_TOPIC } from "../events/topics.ts";
import { OperatorError } from "../process/run_process.ts";
import { DECISIONS_TOPIC } from "./feedback.ts";
import type { LoadedFlights } from "./load_flights.ts";
import { LogFailure } from "./log_failure.ts";
import { clockPace, type Pace, ratePace, TICK_MS } from "./pace.ts";
import type { ProducerMetrics } from "./producer_metrics.ts";
import type { ProducerOptions } from "./producer_options.ts";
import { ProducerReport } from "./producer_report.ts";
import { ProducerSession } from "./producer_session.ts";
import { STATE_TOPIC } from "./producer_state.ts";
import { takeProducerPlace } from "./sole_producer.ts";

const TOPICS = [
  "flight_lifecycle",
  "bookings",
  "seat_inventory",
  "seat_map",
  STREAM_EVENTS_TOPIC,
  "dead_letters",
  DECISIONS_TOPIC,
  STATE_TOPIC,
];
const RETRY_PAUSE_MS_MIN = 500;
const RETRY_PAUSE_MS_MAX = 30_000;

export interface RunOptions {
  log: EventLog;
  options: ProducerOptions;
  flights: LoadedFlights;
  metrics: ProducerMetrics;
  /** How far event times may lie beyond their append time, milliseconds: consumers refuse what is further ahead. */
  eventLeadMsMax: number;
  /** Told why the log takes nothing, or `undefined` when it does. */
  onProblem?: (reason: string | undefined) => void;
  /** Ends the run after the commit at hand. */
  stop: AbortSignal;
}

/**
 * Produces until `stop` aborts or the limit is reached. A log that fails is tried again with growing pauses, from
 * the state that it has stored.
 *
 * @throws {ReplacedTopicError} when a topic was deleted and made again.
 * @throws {OperatorError} when topics are missing, another producer works on the log or took over, or the stored
 *   simulation was begun with other options.
 */
export async function runProducer(run: RunOptions): Promise<void> {
  const { log, stop } = run;
  await checkTopics(log);
  const report = new ProducerReport(run.eventLeadMsMax);
  const place = await takeProducerPlace(log, stop, (waitMs) => report.waiting(waitMs));
  if (place === undefined) return;
  try {
    await runSessions(run, report);
  } finally {
    await place.close();
  }
}

async function runSessions(run: RunOptions, report: ProducerReport): Promise<void> {
  const { options, stop } = run;
  const progress: Progress = { report, failures: 0, resetState: options.resetState };
  while (!stop.aborted && report.eventsSent < (options.limit ?? Infinity)) {
    try {
      await runSession(run, progress);
    } catch (error) {
      if (error instanceof FencedError) {
        throw new OperatorError(
          "Another producer took over, or this one was held up for too long: it stops here. Run one producer per log",
        );
      }
      if (!(error instanceof LogFailure)) throw error;
      report.logFailed(error.cause);
      run.onProblem?.(`The event log takes nothing: ${error.message}`);
      const pauseMs = Math.min(RETRY_PAUSE_MS_MIN * 2 ** progress.failures, RETRY_PAUSE_MS_MAX);
      progress.failures++;
      await pause(pauseMs, stop);
    }
  }
  report.finished();
}

/** What outlives a session. */
interface Progress {
  report: ProducerReport;
  /** Failures in a row. */
  failures: number;
  /** Done with the first commit. */
  resetState: boolean;
}

async function runSession(run: RunOptions, progress: Progress): Promise<void> {
  const { log, options, flights, metrics, stop } = run;
  const { report } = progress;
  const session = await ProducerSession.open(log, {
    choices: options.choices,
    flights,
    resetState: progress.resetState,
    load: options.rate !== undefined,
    nowMs: Date.now(),
    eventLeadMsMax: run.eventLeadMsMax,
  });
  try {
    report.opened(session);
    run.onProblem?.(undefined);
    metrics.simulation = session.simulation;
    const pace = paceOf(options, session.simulation.cursor.timeMs);
    while (!stop.aborted) {
      const eventsLeft = (options.limit ?? Infinity) - report.eventsSent;
      if (eventsLeft <= 0) return;
      let more = false;
      const step = await session.step((simulation, out) => {
        more = pace.take(simulation, out, eventsLeft);
      });
      if (step.commitSeconds > 0) {
        metrics.committed(step.events, step.feedback, step.commitSeconds);
        progress.failures = 0;
        progress.resetState = false;
      }
      report.stepped(step);
      await pause(more ? 0 : TICK_MS, stop);
    }
  } finally {
    await session.close();
  }
}

function paceOf(options: ProducerOptions, reachedMs: number): Pace {
  if (options.rate !== undefined) return ratePace({ eventsPerSecond: options.rate, nowMs: performanceNow });
  // Without a start date simulated time is the time of day, and goes on while the producer is away. It never goes
  // back: a run at a higher speed may have been ahead.
  if (options.choices.startDateMs === undefined) {
    return clockPace({ fromMs: Math.max(Date.now(), reachedMs), speed: options.speed, nowMs: Date.now });
  }
  // A simulation with a date of its own does not stand still because the clock on the wall was set back.
  return clockPace({ fromMs: reachedMs, speed: options.speed, nowMs: performanceNow });
}

function performanceNow(): number {
  return performance.now();
}

async function checkTopics(log: EventLog): Promise<void> {
  const present = new Set((await log.listTopics()).map(({ name }) => name));
  const missing = TOPICS.filter((topic) => !present.has(topic));
  if (missing.length === 0) return await log.checkIdentity(LAKE_TOPICS);
  throw new OperatorError(
    `The event log lacks the topics ${missing.join(", ")}. Create them first: deno task topics`,
  );
}

async function pause(ms: number, stop: AbortSignal): Promise<void> {
  await sleep(ms, undefined, { signal: stop }).catch(() => {});
}
