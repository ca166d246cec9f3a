/**
 * Tells once that Kafka has stopped answering and once that it answers again, however many connections notice it.
 *
 * @module
 */

import { isConnectionError, messageOf } from "./_kafka_errors.ts";

/** Shared by all connections of one log. */
export class KafkaAvailability {
  readonly #log: (level: "info" | "warn", message: string) => void;
  #sinceMs: number | undefined;

  constructor(log: (level: "info" | "warn", message: string) => void) {
    this.#log = log;
  }

  /** A request has failed; only failures of the connection say that Kafka is away. */
  failed(error: unknown): void {
    if (this.#sinceMs !== undefined || !isConnectionError(error)) return;
    this.#sinceMs = performance.now();
    this.#log("warn", `Kafka does not answer, waiting for it: ${messageOf(error)}`);
  }

  /** A request has been answered. */
  answered(): void {
    if (this.#sinceMs === undefined) return;
    const seconds = ((performance.now() - this.#sinceMs) / 1000).toFixed(1);
    this.#sinceMs = undefined;
    this.#log("info", `Kafka answers again, after ${seconds} s`);
  }
}
