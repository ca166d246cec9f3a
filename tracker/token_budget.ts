/**
 * How many tokens the model may cost in a minute and in a day, of UTC. What a call may cost at most is taken before it is
 * made and what it did not cost is given back after, so that calls at the same time cannot pass the budget together. The
 * counters are the store's: all instances that share it share the budget, and a restart does not renew it.
 *
 * @module
 */

import { BudgetSpentError } from "./flight_source.ts";

/** A minute or a day. */
export interface TokenWindow {
  kind: "minute" | "day";
  /** Milliseconds since 1970. */
  startMs: number;
  /** Tokens that it may hold. */
  most: number;
}

/** Where the counters are kept. */
export interface TokenCounters {
  /**
   * Adds so many tokens to each of the windows, or to none.
   *
   * @returns the first window that does not hold them; undefined where they were added.
   */
  takeTokens(tokens: number, windows: readonly TokenWindow[]): Promise<TokenWindow | undefined>;
  /** Adds without a limit; a negative number gives back. */
  addTokens(tokens: number, windows: readonly TokenWindow[]): Promise<void>;
}

/** Tokens that were taken for one call. */
export interface TakenTokens {
  /** What the call has cost; the rest is given back. To be called once. */
  cost(tokens: number): Promise<void>;
}

const MINUTE_MS = 60_000;
const DAY_MS = 24 * 60 * MINUTE_MS;

/** See the module. */
export class TokenBudget {
  readonly #counters: TokenCounters;
  readonly #perMinute: number;
  readonly #perDay: number;
  readonly #now: () => number;

  constructor(
    options: { counters: TokenCounters; perMinute: number; perDay: number; now?: () => number },
  ) {
    this.#counters = options.counters;
    this.#perMinute = options.perMinute;
    this.#perDay = options.perDay;
    this.#now = options.now ?? Date.now;
  }

  /**
   * Takes what a call may cost at most.
   *
   * @throws {BudgetSpentError} where so much is not left, with the seconds until the window ends.
   */
  async take(tokensMax: number): Promise<TakenTokens> {
    const nowMs = this.#now();
    const windows: TokenWindow[] = [
      { kind: "day", startMs: Math.floor(nowMs / DAY_MS) * DAY_MS, most: this.#perDay },
      { kind: "minute", startMs: Math.floor(nowMs / MINUTE_MS) * MINUTE_MS, most: this.#perMinute },
    ];
    const spent = await this.#counters.takeTokens(tokensMax, windows);
    if (spent !== undefined) {
      const lengthMs = spent.kind === "day" ? DAY_MS : MINUTE_MS;
      throw new BudgetSpentError(
        `Of the ${spent.most} tokens of a ${spent.kind} fewer than ${tokensMax} are left`,
        Math.max(1, Math.ceil((spent.startMs + lengthMs - nowMs) / 1000)),
      );
    }
    return {
      cost: async (tokens) => {
        if (tokens !== tokensMax) await this.#counters.addTokens(tokens - tokensMax, windows);
      },
    };
  }
}
