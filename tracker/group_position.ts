/**
 * Where a consumer group stands, told to the log for those who watch it, and for another program that goes on in our place.
 * We ourselves go by the store. Kafka takes positions of a living group from its members, or within a transaction: so does
 * this, now and then.
 *
 * @module
 */

import { FencedError } from "../event_log/event_log.ts";
import type { EventLog, PartitionOffset, Transactor } from "../event_log/event_log.ts";

export interface GroupPositionOptions {
  group: string;
  /** Told why the log did not take a position; the next one may be taken. */
  onError?: (error: unknown) => void;
  /** At most this often. Default 2000 ms. */
  everyMs?: number;
}

/** See the module. Belongs to the owner of one partition; calls must not overlap. */
export class GroupPosition {
  readonly #log: EventLog;
  readonly #group: string;
  readonly #onError: (error: unknown) => void;
  readonly #everyMs: number;
  #transactor: Transactor | undefined;
  #toldMs = -Infinity;
  #waiting: PartitionOffset | undefined;
  #fenced = false;

  constructor(log: EventLog, { group, onError = () => {}, everyMs = 2000 }: GroupPositionOptions) {
    this.#log = log;
    this.#group = group;
    this.#onError = onError;
    this.#everyMs = everyMs;
  }

  /** Tells the log where the group stands, unless it was told a moment ago. */
  async moved(position: PartitionOffset): Promise<void> {
    this.#waiting = position;
    if (performance.now() - this.#toldMs >= this.#everyMs) await this.tell();
  }

  /** Tells what was not told yet. Never throws. */
  async tell(): Promise<void> {
    const position = this.#waiting;
    if (position === undefined || this.#fenced) return;
    this.#waiting = undefined;
    this.#toldMs = performance.now();
    try {
      this.#transactor ??= await this.#log.transactor(
        `${this.#group}-${position.topic}-${position.partition}`,
      );
      await this.#transactor.commit({ records: [], offsets: { group: this.#group, positions: [position] } });
    } catch (error) {
      // Another owner tells of the partition now.
      this.#fenced = error instanceof FencedError;
      if (!this.#fenced) this.#onError(error);
      await this.close();
    }
  }

  async close(): Promise<void> {
    const transactor = this.#transactor;
    this.#transactor = undefined;
    await transactor?.close().catch(() => {});
  }
}
