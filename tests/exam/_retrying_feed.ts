/** A client of the log that appends one record after another and never gives up: what fails is sent again. */

import { setTimeout as delay } from "node:timers/promises";
import type { EventLog } from "../../event_log/event_log.ts";

const PAUSE_MS = 50;
const RETRY_PAUSE_MS = 200;
const MARK = "exam-feed-";

/** Appends to `seat_map`, which the consumer does not read, until it is stopped. */
export class RetryingFeed {
  readonly topic = "seat_map";
  /** Values of which the log said that they are stored. */
  readonly acknowledged: string[] = [];
  readonly #log: EventLog;
  readonly #stop = new AbortController();
  readonly #done: Promise<void>;

  constructor(log: EventLog) {
    this.#log = log;
    this.#done = this.#run();
    this.#done.catch(() => {});
  }

  /** Whether a value of the topic is of this feed. */
  isOwn(value: string): boolean {
    return value.includes(MARK);
  }

  async stop(): Promise<void> {
    this.#stop.abort();
    await this.#done;
  }

  async #run(): Promise<void> {
    const appender = await this.#log.appender();
    for (let number = 0; !this.#stop.signal.aborted;) {
      const flight_id = `BA${200 + number % 40}_2025-11-28`;
      const value = JSON.stringify({
        event_type: "SeatMapSnapshot",
        event_time: "2025-11-24T10:15:30.000Z",
        flight_id,
        occupied_seats: [],
        note: `${MARK}${number}`,
      });
      let pauseMs = PAUSE_MS;
      try {
        await appender.append([{ topic: this.topic, key: flight_id, value }]);
        this.acknowledged.push(value);
        number++;
      } catch {
        pauseMs = RETRY_PAUSE_MS;
      }
      await delay(pauseMs, undefined, { signal: this.#stop.signal }).catch(() => {});
    }
    await appender.close();
  }
}
