/** Events whose flight is not known yet. */

import type { RefusedRecord } from "../events/dead_letters.ts";
import { isTooLarge } from "./_record_size.ts";
import type { StateChange } from "./state_change.ts";

interface WaitingEvent {
  flightId: string;
  record: RefusedRecord;
  /** The partition's clock when it came. */
  sinceMs: number;
}

/** Begins the key of a waiting event's state entry. */
export const WAITING_PREFIX = "waiting/";

function keyOf({ topic, partition, offset }: RefusedRecord): string {
  return `${WAITING_PREFIX}${topic}-${partition}-${offset}`;
}

/** Kept in order of arrival; each is a state entry of its own. */
export class WaitingEvents {
  /** By state key. */
  readonly #events = new Map<string, WaitingEvent>();
  readonly #keysByFlight = new Map<string, string[]>();

  get size(): number {
    return this.#events.size;
  }

  /** Lets an event wait; the change of the state goes to `changes`. Returns false where it is too large to be kept. */
  add(event: WaitingEvent, changes: StateChange[]): boolean {
    const key = keyOf(event.record);
    const value = JSON.stringify(event);
    if (isTooLarge(value)) return false;
    this.#put(key, event);
    changes.push({ key, value });
    return true;
  }

  /** Takes out the events of a flight, in order of arrival. */
  takeFlight(flightId: string, changes: StateChange[]): RefusedRecord[] {
    const keys = this.#keysByFlight.get(flightId) ?? [];
    this.#keysByFlight.delete(flightId);
    return keys.map((key) => {
      const { record } = this.#events.get(key)!;
      this.#events.delete(key);
      changes.push({ key, value: null });
      return record;
    });
  }

  /** Takes out the events that came before `sinceMs` of the partition's clock. */
  takeOlder(sinceMs: number, changes: StateChange[]): WaitingEvent[] {
    const taken: WaitingEvent[] = [];
    for (const [key, event] of this.#events) {
      if (event.sinceMs >= sinceMs) break;
      taken.push(event);
      this.#events.delete(key);
      const others = this.#keysByFlight.get(event.flightId)!.filter((other) => other !== key);
      if (others.length === 0) this.#keysByFlight.delete(event.flightId);
      else this.#keysByFlight.set(event.flightId, others);
      changes.push({ key, value: null });
    }
    return taken;
  }

  /** Puts back a stored entry; call it in the order of the writes. */
  restore(key: string, value: string): void {
    this.#put(key, JSON.parse(value) as WaitingEvent);
  }

  #put(key: string, event: WaitingEvent): void {
    this.#events.set(key, event);
    const keys = this.#keysByFlight.get(event.flightId);
    if (keys === undefined) this.#keysByFlight.set(event.flightId, [key]);
    else keys.push(key);
  }
}
