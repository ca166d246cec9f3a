/**
 * People who look at a flight, as viewers of a stream that is named after it: each booking's party from some minutes
 * before to shortly after, and lookers who do not book.
 *
 * Nobody knows yet whether somebody who begins to look will book: that depends on promotions to come. So a session is
 * made for every candidate of the demand who would book under the highest promotion; without one about a quarter of them
 * do not. Further lookers come in the hours after such a candidate, so many that there are about as many as asked for
 * beside each booking. All of it follows from the flight's key; promotions change nothing.
 *
 * @module
 */

import { formatInstant } from "../events/instant.ts";
import type { StreamEvent } from "../events/stream_events.ts";
import { STREAM_EVENTS_TOPIC } from "../events/topics.ts";
import { type Demand, PROMOTION_FACTOR_MAX } from "./demand.ts";
import type { EventRecord } from "./flight_simulation.ts";
import { PURPOSE, type RandomKey, randomUint32, randomUnit, randomUuid } from "./random.ts";

const SECOND_MS = 1000;
const MINUTE_MS = 60 * SECOND_MS;
/** A party looks so long before it books, and after. */
const BEFORE_MS = [MINUTE_MS, 10 * MINUTE_MS] as const;
const AFTER_MS = [5 * SECOND_MS, MINUTE_MS] as const;
/** A looker comes at most so long after the candidate, and stays so long. */
const LOOKER_WITHIN_MS = 6 * 60 * MINUTE_MS;
const LOOKING_MS = [30 * SECOND_MS, 8 * MINUTE_MS] as const;
/** Sessions of one candidate at the most: its own and lookers. */
const SESSIONS_MAX = 64;
/** Draws of one session. */
const DRAWS = 2;

/** More lookers than this beside a booking are not made. */
export const LOOKERS_PER_BOOKING_MAX = 50;

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
  lookersPerBooking: number;
}

interface ShopperEvent {
  timeMs: number;
  session: number;
  joined: boolean;
}

/** The shoppers of one flight, one event at a time. */
export class Shoppers {
  readonly #options: ShoppersOptions;
  readonly #lookersPerCandidate: number;
  /** In the order of time, the last first. */
  readonly #waiting: ShopperEvent[] = [];

  constructor(options: ShoppersOptions) {
    this.#options = options;
    // Of the candidates one in PROMOTION_FACTOR_MAX books without a promotion; the others look only.
    this.#lookersPerCandidate = Math.max(0, (1 + options.lookersPerBooking) / PROMOTION_FACTOR_MAX - 1);
    this.#fill();
  }

  /** When the next event happens, milliseconds since 1970; `Infinity` after the last. */
  get nextMs(): number {
    return this.#waiting.at(-1)?.timeMs ?? Infinity;
  }

  /** The next event as a record. */
  record(): EventRecord {
    const { flightId, key } = this.#options;
    const { timeMs, session, joined } = this.#waiting.at(-1)!;
    const id = randomUint32(key, PURPOSE.shopperId, session).toString(16).padStart(8, "0");
    const event: StreamEvent = {
      event_id: randomUuid(key, PURPOSE.shopperEventId, session * 2 + (joined ? 0 : 1)),
      ts: formatInstant(timeMs),
      event_type: joined ? "viewer_join" : "viewer_leave",
      stream_id: flightId,
      user_id: `shopper_${id}`,
    };
    return { topic: STREAM_EVENTS_TOPIC, key: flightId, value: JSON.stringify(event) };
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
      const isSeen = demand.timeMs + LOOKER_WITHIN_MS >= fromMs;
      if (isSeen && demand.accepts(PROMOTION_FACTOR_MAX)) {
        this.#candidate(Math.floor(demand.timeMs), demand.index);
      }
      demand.advance();
    }
  }

  #candidate(timeMs: number, index: number): void {
    const { key } = this.#options;
    const first = index * SESSIONS_MAX;
    this.#session(
      first,
      timeMs - this.#between(BEFORE_MS, first, 0),
      timeMs + this.#between(AFTER_MS, first, 1),
    );
    const lookers = Math.floor(this.#lookersPerCandidate + randomUnit(key, PURPOSE.lookers, index));
    for (let session = first + 1; session <= first + Math.min(lookers, SESSIONS_MAX - 1); session++) {
      const joinMs = timeMs + Math.floor(LOOKER_WITHIN_MS * this.#unit(session, 0));
      if (joinMs >= this.#options.closesMs) continue;
      this.#session(session, joinMs, joinMs + this.#between(LOOKING_MS, session, 1));
    }
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
