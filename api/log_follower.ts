/**
 * Follows the event log from its beginning into the API's own picture of it: flights, decisions and dead letters.
 * The log may be away, at the start and at any time later: it is asked again, and the picture says how old it is.
 *
 * @module
 */

import type { EventLog, LogRecord, Reader } from "../event_log/event_log.ts";
import { EventError } from "../events/event_error.ts";
import { parseEvent } from "../events/parse_event.ts";
import { POLICY_EVALUATIONS_TOPIC } from "../events/topics.ts";
import { DeadLetterTally } from "./dead_letter_tally.ts";
import { FlightBoard } from "./flight_board.ts";
import { pause } from "../process/pause.ts";

/** Flights first: what is said of a flight makes sense only once it is known. */
const FIRST_TOPIC = "flight_lifecycle";
const OTHER_TOPICS = [
  "inventory_metrics",
  "seat_inventory",
  "promo_decisions",
  POLICY_EVALUATIONS_TOPIC,
  "dead_letters",
];
const TOPICS = [FIRST_TOPIC, ...OTHER_TOPICS];
const POLL_WAIT_MS = 200;
const RETRY_MS_MAX = 5000;

export interface LogFollowerOptions {
  openLog: () => Promise<EventLog>;
  eventLeadMsMax: number;
  /** Told, once a trouble, why the log cannot be followed. */
  warn: (message: string) => void;
}

/** See the module. */
export class LogFollower {
  board = new FlightBoard();
  deadLetters = new DeadLetterTally();
  /** Why the log cannot be followed at present. */
  problem: string | undefined = "The log has not been opened yet";
  /** Records read since the process began. */
  recordsRead = 0;
  /** Of these, such as are no event that the board takes. */
  recordsSkipped = 0;
  #options: LogFollowerOptions;
  #logId: string | undefined;
  readonly #positions = new Map<string, number>();
  #caughtUp = false;
  #atEndMs = 0;

  constructor(options: LogFollowerOptions) {
    this.#options = options;
  }

  /** Whether the picture has been complete once. */
  get caughtUp(): boolean {
    return this.#caughtUp;
  }

  /** Milliseconds since the picture was last known to be complete. */
  ageMs(nowMs = performance.now()): number {
    return this.#caughtUp ? Math.max(0, nowMs - this.#atEndMs) : nowMs;
  }

  /** Runs until `signal` aborts; never throws. */
  async run(signal: AbortSignal): Promise<void> {
    for (let failures = 0; !signal.aborted;) {
      try {
        await using log = await disposable(this.#options.openLog());
        await this.#follow(log.value, signal, () => {
          failures = 0;
          this.problem = undefined;
        });
      } catch (error) {
        if (signal.aborted) return;
        const message = error instanceof Error ? error.message : String(error);
        if (this.problem !== message) this.#options.warn(`Cannot follow the event log: ${message}`);
        this.problem = message;
        await pause(Math.min(RETRY_MS_MAX, 250 * 2 ** failures++), signal);
      }
    }
  }

  async #follow(log: EventLog, signal: AbortSignal, onRead: () => void): Promise<void> {
    if (this.#logId !== log.logId) this.#beginAnew(log.logId);
    const ranges = await log.ranges(TOPICS);
    const positions = ranges.map(({ topic, partition, start }) => ({
      topic,
      partition,
      offset: Math.max(start, this.#positions.get(place(topic, partition)) ?? start),
    }));
    const reader = await log.reader({ positions });
    try {
      reader.resume([FIRST_TOPIC]);
      reader.pause(OTHER_TOPICS);
      let others = false;
      while (!signal.aborted) {
        await this.#read(reader, signal);
        onRead();
        if (!others && reader.endSeenMs(FIRST_TOPIC) !== undefined) {
          others = true;
          reader.resume(OTHER_TOPICS);
        }
        if (others) this.#noteAge(reader);
      }
    } finally {
      await reader.close();
    }
  }

  /** A log that was made anew: nothing of the old one holds. */
  #beginAnew(logId: string): void {
    this.#logId = logId;
    this.#positions.clear();
    this.board = new FlightBoard();
    this.deadLetters = new DeadLetterTally();
    this.#caughtUp = false;
  }

  async #read(reader: Reader, signal: AbortSignal): Promise<void> {
    for (const batch of await reader.poll({ maxWaitMs: POLL_WAIT_MS, signal })) {
      for (const record of batch.records) this.#take(record);
      this.#positions.set(place(batch.topic, batch.partition), batch.nextOffset);
    }
  }

  #noteAge(reader: Reader): void {
    let oldest = Infinity;
    for (const topic of TOPICS) {
      const seen = reader.endSeenMs(topic);
      if (seen === undefined) return;
      oldest = Math.min(oldest, seen);
    }
    this.#atEndMs = Math.max(this.#atEndMs, oldest);
    this.#caughtUp = true;
  }

  #take(record: LogRecord): void {
    this.recordsRead++;
    try {
      const { event, eventTimeMs } = parseEvent(record, { eventLeadMsMax: this.#options.eventLeadMsMax });
      if (event.event_type === "DeadLetter") this.deadLetters.add(event);
      else this.board.apply(event, eventTimeMs);
    } catch (error) {
      // What is no event is kept as a dead letter by those whose input it is.
      if (!(error instanceof EventError)) throw error;
      this.recordsSkipped++;
    }
  }
}

function place(topic: string, partition: number): string {
  return `${topic}/${partition}`;
}

async function disposable(opening: Promise<EventLog>) {
  const value = await opening;
  return { value, [Symbol.asyncDispose]: () => value.close() };
}
