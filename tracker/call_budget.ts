/** How much may be asked of an upstream that charges by the answer: so many result sets a minute and a day. */

import { BudgetSpentError } from "./flight_source.ts";

/** Counts what all instances take together, and what was taken before a restart. */
export interface SharedCounter {
  /** Adds one to a key that is kept for so long; the sum, or undefined while it cannot be told. */
  increment(key: string, ttlMs: number): Promise<number | undefined>;
}

export interface CallBudgetOptions {
  perMinute: number;
  perDay: number;
  /** Where the windows' counts are shared. Without it, or while it is away, each process counts for itself. */
  shared?: SharedCounter;
  /** Milliseconds since 1970. */
  now?: () => number;
}

const MINUTE_MS = 60_000;
const DAY_MS = 24 * 60 * MINUTE_MS;

/**
 * Counts what is asked for in windows of the clock: minutes and days of UTC, as upstreams bill. What is taken is spent,
 * answered or not, since an upstream may have charged for an answer that never came.
 */
export class CallBudget {
  readonly #perMinute: number;
  readonly #perDay: number;
  readonly #shared: SharedCounter | undefined;
  readonly #now: () => number;
  #minute = { window: -1, spent: 0 };
  #day = { window: -1, spent: 0 };

  constructor(options: CallBudgetOptions) {
    this.#perMinute = options.perMinute;
    this.#perDay = options.perDay;
    this.#shared = options.shared;
    this.#now = options.now ?? Date.now;
  }

  /**
   * Takes one result set.
   *
   * @throws {BudgetSpentError} where none is left, with the seconds until there is.
   */
  async take(): Promise<void> {
    const nowMs = this.#now();
    // Ours first, and at once: however many ask at the same time, and whatever becomes of the shared count.
    const { minute, day } = this.#takeHere(nowMs);
    if (this.#shared === undefined) return;
    const minutes = await this.#shared.increment(`flightaware-budget::minute::${minute}`, 2 * MINUTE_MS);
    if (minutes !== undefined && minutes > this.#perMinute) {
      throw spent("minute", this.#perMinute, (minute + 1) * MINUTE_MS - nowMs);
    }
    const days = await this.#shared.increment(`flightaware-budget::day::${day}`, 2 * DAY_MS);
    if (days !== undefined && days > this.#perDay) {
      throw spent("day", this.#perDay, (day + 1) * DAY_MS - nowMs);
    }
  }

  /** Takes it off what this process may. */
  #takeHere(nowMs: number): { minute: number; day: number } {
    const minute = Math.floor(nowMs / MINUTE_MS);
    const day = Math.floor(nowMs / DAY_MS);
    // A clock that was set back opens no new window.
    if (minute > this.#minute.window) this.#minute = { window: minute, spent: 0 };
    if (day > this.#day.window) this.#day = { window: day, spent: 0 };
    if (this.#day.spent >= this.#perDay) {
      throw spent("day", this.#perDay, (this.#day.window + 1) * DAY_MS - nowMs);
    }
    if (this.#minute.spent >= this.#perMinute) {
      throw spent("minute", this.#perMinute, (this.#minute.window + 1) * MINUTE_MS - nowMs);
    }
    this.#minute.spent++;
    this.#day.spent++;
    return { minute: this.#minute.window, day: this.#day.window };
  }

  /** What is left of the day, in result sets. */
  get leftToday(): number {
    const today = Math.floor(this.#now() / DAY_MS);
    return this.#perDay - (today > this.#day.window ? 0 : this.#day.spent);
  }
}

function spent(window: string, most: number, leftMs: number): BudgetSpentError {
  const seconds = Math.max(1, Math.ceil(leftMs / 1000));
  return new BudgetSpentError(
    `The ${most} requests that may be made to the flight data provider in a ${window} are spent: ask again in ${seconds} s`,
    seconds,
  );
}
