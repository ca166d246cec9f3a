/**
 * Flights on their way to `flight-data-events`. A request never waits for the log: what was fetched is put here and sent
 * as soon as the log takes it, however long that is. Of each leg the newest state counts, and so many legs are kept.
 *
 * @module
 */

import type { NewRecord } from "../event_log/event_log.ts";
import { FLIGHT_DATA_TOPIC } from "../events/topics.ts";
import type { TrackedFlight } from "./tracked_flight.ts";

export interface FlightOutboxOptions {
  /** Appends records durably, or throws. */
  append: (records: NewRecord[]) => Promise<void>;
  /** Told why the log did not take them; they are tried again. */
  onError?: (error: unknown) => void;
  /** Legs kept while the log is away; the ones put in longest ago leave. Default 10,000. */
  legsMax?: number;
  /** Pause after a failure. Default 1000 ms. */
  retryMs?: number;
}

const BATCH_MAX = 500;

/** See the module. */
export class FlightOutbox {
  readonly #options: Required<FlightOutboxOptions>;
  readonly #waiting = new Map<string, TrackedFlight>();
  #sending: Promise<void> | undefined;
  #retry: { timer: ReturnType<typeof setTimeout> } | undefined;
  #closed = false;
  #dropped = 0;
  #sent = 0;

  constructor(options: FlightOutboxOptions) {
    this.#options = { onError: () => {}, legsMax: 10_000, retryMs: 1000, ...options };
  }

  /** Legs that wait. */
  get waiting(): number {
    return this.#waiting.size;
  }

  /** Legs that were given up for want of room. */
  get dropped(): number {
    return this.#dropped;
  }

  /** Records that the log has taken. */
  get sent(): number {
    return this.#sent;
  }

  put(flight: TrackedFlight): void {
    this.#waiting.delete(flight.fa_flight_id);
    this.#waiting.set(flight.fa_flight_id, flight);
    while (this.#waiting.size > this.#options.legsMax) {
      this.#waiting.delete(this.#waiting.keys().next().value!);
      this.#dropped++;
    }
    if (this.#retry === undefined && !this.#closed) void this.#send();
  }

  /** Tries once more to send what waits, within `deadlineMs`, and ends. Returns how many legs are lost. */
  async close(deadlineMs: number): Promise<number> {
    this.#closed = true;
    if (this.#retry !== undefined) clearTimeout(this.#retry.timer);
    this.#retry = undefined;
    let timer: ReturnType<typeof setTimeout> | undefined;
    const deadline = new Promise<void>((resolve) => timer = setTimeout(resolve, deadlineMs));
    await Promise.race([this.#send(), deadline]);
    clearTimeout(timer);
    return this.#waiting.size;
  }

  #send(): Promise<void> {
    this.#sending ??= this.#sendAll().finally(() => this.#sending = undefined);
    return this.#sending;
  }

  async #sendAll(): Promise<void> {
    while (this.#waiting.size > 0) {
      const batch = [...this.#waiting.values()].slice(0, BATCH_MAX);
      try {
        await this.#options.append(batch.map((flight) => ({
          topic: FLIGHT_DATA_TOPIC,
          key: flight.fa_flight_id,
          value: JSON.stringify(flight),
        })));
      } catch (error) {
        this.#options.onError(error);
        if (!this.#closed) this.#tryAgainLater();
        return;
      }
      this.#sent += batch.length;
      for (const flight of batch) {
        // A newer state that came in the meantime is still to be sent.
        if (this.#waiting.get(flight.fa_flight_id) === flight) this.#waiting.delete(flight.fa_flight_id);
      }
    }
  }

  #tryAgainLater(): void {
    this.#retry = {
      timer: setTimeout(() => {
        this.#retry = undefined;
        void this.#send();
      }, this.#options.retryMs),
    };
  }
}
