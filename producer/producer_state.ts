/**
 * What the producer keeps in the compacted topic `airline-producer-state`, written in the same transaction as the
 * events:
 *
 * - key `clock`: the choices that decide the events, when the simulation began, and its cursor;
 * - key = a flight's id: the promotions that flight received; a tombstone when it is over;
 * - key `marker`: written on each start, to tell where the state ends that was there before.
 *
 * @module
 */

import type { EventLog, NewRecord } from "../event_log/event_log.ts";
import { LogUnavailableError } from "../event_log/event_log.ts";
import { formatInstant, parseInstant } from "../events/instant.ts";
import { UsageError } from "../process/command_line.ts";
import { OperatorError } from "../process/run_process.ts";
import type { Promotion } from "./fares.ts";
import type { SimulationChoices } from "./producer_options.ts";
import type { HistoryCursor, SimulationCursor } from "./simulation_cursor.ts";

export const STATE_TOPIC = "airline-producer-state";

const CLOCK_KEY = "clock";
const MARKER_KEY = "marker";
/** Counts up when the same choices no longer give the same events, or the entries change their form. */
const FORMAT_BY_PROFILE = { network: 2, "iteration-1": 1, "iteration-2": 1 } as const;
const RESTORE_TIMEOUT_MS = 60_000;

/** The choices by the name of their option, as they are stored and shown. */
export type StoredChoices = Record<string, string | number>;

/** The stored state of a simulation. */
export interface ProducerState {
  choices: StoredChoices;
  /** When the simulation began. */
  startMs: number;
  cursor: SimulationCursor;
  promotions: Map<string, Promotion[]>;
}

/** The stored start of a simulation that was begun without one: now, or for load a year back. */
export const START_NONE = "none";
const START_FOR_LOAD = "a year back, for load";

/**
 * The choices as they are stored.
 *
 * @param load Whether simulated time begins a year back where no start date is given. Such a simulation must not
 *   go on in real time: it would make up for the year.
 */
export function storedChoices(
  choices: SimulationChoices,
  scheduleDigest: string,
  load: boolean,
): StoredChoices {
  const duration = (ms: number) => `${ms / 3_600_000}h`;
  return {
    profile: choices.profile,
    seed: choices.seed,
    "start-date": choices.startDateMs === undefined
      ? (load ? START_FOR_LOAD : START_NONE)
      : formatInstant(choices.startDateMs),
    ...(choices.profile === "network"
      ? {
        "flights-per-day": choices.flightsPerDay ?? "all",
        flights: `schedule ${scheduleDigest.slice(0, 12)}`,
        "booking-horizon": duration(choices.bookingHorizonMs),
        backfill: duration(choices.backfillMs),
        "look-to-book": choices.lookToBook ?? "none",
      }
      : {}),
  };
}

/**
 * Holds the choices of this run against those of the stored simulation.
 *
 * @throws {UsageError} naming every difference and the two ways on.
 */
export function checkSameChoices(stored: StoredChoices, now: StoredChoices): void {
  const names = [...new Set([...Object.keys(stored), ...Object.keys(now)])];
  const differences = names
    .filter((name) => stored[name] !== now[name])
    .map((name) => `--${name} was ${stored[name] ?? "none"}, now ${now[name] ?? "none"}`);
  if (differences.length === 0) return;
  throw new UsageError(
    `Cannot go on with the stored simulation: ${differences.join("; ")}. ` +
      "Run with the options as they were, or begin anew: on an empty log, or with --reset-state " +
      "(the old events stay in the log; a flight that both simulations know is then sold twice)",
  );
}

/** The record of the clock entry. */
export function clockRecord(state: Omit<ProducerState, "promotions">): NewRecord {
  const { choices, startMs, cursor } = state;
  const value = JSON.stringify({
    format: formatOf(choices),
    choices,
    start_time: formatInstant(startMs),
    simulated_time: formatInstant(cursor.timeMs),
    sent_at_time: cursor.sentAtTime,
    history: cursor.history,
  });
  return { topic: STATE_TOPIC, key: CLOCK_KEY, value };
}

/** The record of a flight's entry. */
export function promotionsRecord(flightId: string, promotions: readonly Promotion[]): NewRecord {
  const value = JSON.stringify({
    promotions: promotions.map((promotion) => ({
      from: formatInstant(promotion.fromMs),
      discount_percentage: promotion.discountPercentage,
      target_fare_bucket: promotion.targetFareBucket,
    })),
  });
  return { topic: STATE_TOPIC, key: flightId, value };
}

/** Removes an entry. */
export function tombstone(key: string): NewRecord {
  return { topic: STATE_TOPIC, key, value: null };
}

/** Entries by key, as the topic holds them. Call it with a transactor open, which keeps all others from writing. */
export async function restoreEntries(log: EventLog): Promise<Map<string, string>> {
  const marker = crypto.randomUUID();
  const appender = await log.appender();
  try {
    await appender.append([{ topic: STATE_TOPIC, key: MARKER_KEY, value: marker }]);
  } finally {
    await appender.close();
  }
  const positions = (await log.ranges([STATE_TOPIC])).map(({ topic, partition, start }) => ({
    topic,
    partition,
    offset: start,
  }));
  const reader = await log.reader({ positions });
  const entries = new Map<string, string>();
  const deadlineMs = performance.now() + RESTORE_TIMEOUT_MS;
  try {
    while (performance.now() < deadlineMs) {
      for (const batch of await reader.poll({ maxWaitMs: 1000 })) {
        for (const { key, value } of batch.records) {
          if (key === MARKER_KEY) {
            if (value === marker) return entries;
          } else if (key !== null) {
            if (value === null) entries.delete(key);
            else entries.set(key, value);
          }
        }
      }
    }
  } finally {
    await reader.close();
  }
  throw new LogUnavailableError(
    `The producer's state cannot be restored: its own marker did not come back from "${STATE_TOPIC}" within ${
      RESTORE_TIMEOUT_MS / 1000
    } s`,
  );
}

/**
 * The state that the entries hold; `undefined` where there is none.
 *
 * @throws {OperatorError} when another version of the producer wrote it.
 */
export function stateOf(entries: ReadonlyMap<string, string>): ProducerState | undefined {
  const text = entries.get(CLOCK_KEY);
  if (text === undefined) return undefined;
  const clock = parseEntry(text) as StoredClock;
  const format = formatOf(clock.choices);
  if (clock.format !== format) {
    throw new OperatorError(
      `The stored simulation has format ${clock.format}, this producer knows ${format}. Use the version that began it, or begin anew on an empty log or with --reset-state`,
    );
  }
  const promotions = new Map<string, Promotion[]>();
  for (const [key, value] of entries) {
    if (key === CLOCK_KEY) continue;
    const stored = (parseEntry(value) as { promotions: StoredPromotion[] }).promotions;
    promotions.set(
      key,
      stored.map(({ from, discount_percentage, target_fare_bucket }) => ({
        fromMs: parseInstant(from),
        discountPercentage: discount_percentage,
        targetFareBucket: target_fare_bucket,
      })),
    );
  }
  return {
    choices: clock.choices,
    startMs: parseInstant(clock.start_time),
    cursor: {
      timeMs: parseInstant(clock.simulated_time),
      sentAtTime: clock.sent_at_time,
      history: clock.history,
    },
    promotions,
  };
}

function formatOf(choices: StoredChoices | undefined): number {
  return FORMAT_BY_PROFILE[choices?.profile as SimulationChoices["profile"]] ?? 0;
}

interface StoredClock {
  format: number;
  choices: StoredChoices;
  start_time: string;
  simulated_time: string;
  sent_at_time: number;
  history: HistoryCursor;
}

interface StoredPromotion {
  from: string;
  discount_percentage: number;
  target_fare_bucket: string;
}

function parseEntry(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    throw new OperatorError(
      `An entry of "${STATE_TOPIC}" is not JSON: ${
        text.slice(0, 80)
      }. Begin anew on an empty log or with --reset-state`,
    );
  }
}
