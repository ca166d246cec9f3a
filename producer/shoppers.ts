/**
 * The shoppers of a flight as viewers of a stream that is named after it: each comes some minutes before it decides and
 * leaves shortly after, whether it bought or not. All of it follows from the flight's key; promotions change nothing.
 *
 * @module
 */

import { formatInstant } from "../events/instant.ts";
import type { StreamEvent } from "../events/stream_events.ts";
import type { Demand } from "./demand.ts";
import { PURPOSE, type RandomKey, randomUint32, randomUnit, randomUuid } from "./random.ts";

const SECOND_MS = 1000;
const MINUTE_MS = 60 * SECOND_MS;
/** A shopper looks so long before it decides, and after. */
const BEFORE_MS = [MINUTE_MS, 10 * MINUTE_MS] as const;
const AFTER_MS = [5 * SECOND_MS, MINUTE_MS] as const;
/** Draws of one session. */
const DRAWS = 2;

export interface ShoppersOptions {
  flightId: string;
  key: RandomKey;
  /** The flight's candidates from the first on; used up here. */
  demand: Demand;
  opensMs: number;
  closesMs: number;
  /** Nobody looks from here on. */
  endsMs: number;
  /** Sessions that began earlier are left out. */
  fromMs: number;
}

interface ShopperEvent {
  timeMs: number;
  session: number;
  joined: boolean;
}

/** The shoppers of one flight, one event at a time. */
export class Shoppers {
  readonly #options: ShoppersOptions;
  /** In the order of time, the last first. */
  readonly #waiting: ShopperEvent[] = [];

  constructor(options: ShoppersOptions) {
    this.#options = options;
    this.#fill();
  }

  /** When the next event happens, milliseconds since 1970; `Infinity` after the last. */
  get nextMs(): number {
    return this.#waiting.at(-1)?.timeMs ?? Infinity;
  }

  /** The next event. */
  event(): StreamEvent {
    const { flightId, key } = this.#options;
    const { timeMs, session, joined } = this.#waiting.at(-1)!;
    const id = randomUint32(key, PURPOSE.shopperId, session).toString(16).padStart(8, "0");
    return {
      event_id: randomUuid(key, PURPOSE.shopperEventId, session * 2 + (joined ? 0 : 1)),
      ts: formatInstant(timeMs),
      event_type: joined ? "viewer_join" : "viewer_leave",
      stream_id: flightId,
      user_id: `shopper_${id}`,
    };
  }

  /** Goes on behind the next event. */
  skip(): void {
    this.#waiting.pop();
    this.#fill();
  }

  /** Takes candidates in until none can come before what waits. */
  #fill(): void {
    const { demand, closesMs, fromMs } = this.#options;
    while (demand.timeMs < closesMs && demand.timeMs - BEFORE_MS[1] <= this.nextMs) {
      if (demand.timeMs >= fromMs) this.#shopper(Math.floor(demand.timeMs), demand.index);
      demand.advance();
    }
  }

  #shopper(timeMs: number, index: number): void {
    this.#session(
      index,
      timeMs - this.#between(BEFORE_MS, index, 0),
      timeMs + this.#between(AFTER_MS, index, 1),
    );
  }

  #session(session: number, joinMs: number, leaveMs: number): void {
    const { opensMs, endsMs, fromMs } = this.#options;
    const beginsMs = Math.max(joinMs, opensMs + 1);
    const overMs = Math.min(leaveMs, endsMs - 1);
    if (beginsMs >= overMs || beginsMs < fromMs) return;
    this.#wait({ timeMs: beginsMs, session, joined: true });
    this.#wait({ timeMs: overMs, session, joined: false });
  }

  #wait(event: ShopperEvent): void {
    let at = this.#waiting.length;
    while (at > 0 && isLater(event, this.#waiting[at - 1]!)) at--;
    this.#waiting.splice(at, 0, event);
  }

  #between([least, most]: readonly [number, number], session: number, draw: number): number {
    return Math.floor(least + (most - least) * this.#unit(session, draw));
  }

  #unit(session: number, draw: number): number {
    return randomUnit(this.#options.key, PURPOSE.shopperTimes, session * DRAWS + draw);
  }
}

/** A total order, the same after a restart. */
function isLater(a: ShopperEvent, b: ShopperEvent): boolean {
  if (a.timeMs !== b.timeMs) return a.timeMs > b.timeMs;
  return a.session !== b.session ? a.session > b.session : !a.joined;
}
