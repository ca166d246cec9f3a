/**
 * One viewer of one stream: when they came and went, and the minutes in which they were there.
 *
 * A session runs from a join to the next leave; without one it ends 30 minutes after its last join. A join within a
 * session only renews that time, a leave outside of one says nothing. What counts is the order of event time; events of
 * the same millisecond keep the order in which they came.
 *
 * @module
 */

export const MINUTE_MS = 60_000;
/** A session without a leave ends so long after its last join. */
export const SESSION_TIMEOUT_MS = 30 * MINUTE_MS;

/** Is told how many viewers more (or fewer) there are from a minute on. */
export type OnChange = (minute: number, change: 1 | -1) => void;

/** Minutes since 1970. */
export function minuteOf(timeMs: number): number {
  return Math.floor(timeMs / MINUTE_MS);
}

/** The events of one viewer and what follows from them. */
export class ViewerSessions {
  /** When the last session ends unless a leave or join comes; meaningful while {@link ViewerSessions.present}. */
  expiresMs = -Infinity;
  /** Whether the last event leaves the viewer in a session, its time-out aside. */
  present = false;
  /** Whether the viewer is counted as present now; kept by the owner. */
  counted = false;
  /** Event times, in order, each times two, and one more for a join. */
  #events: number[] = [];
  /** First and last minute of each session, without minutes of the one before: `last` may be `first - 1`. */
  #ranges: number[] = [];
  #startMs = 0;

  /** Number of events that are kept. */
  get size(): number {
    return this.#events.length;
  }

  /** Takes an event; `false` where the very same one is there. */
  take(timeMs: number, joined: boolean, onChange: OnChange): boolean {
    const events = this.#events;
    const event = timeMs * 2 + (joined ? 1 : 0);
    let at = events.length;
    while (at > 0 && events[at - 1]! >= (timeMs + 1) * 2) at--;
    for (let same = at; same > 0 && events[same - 1]! >= timeMs * 2; same--) {
      if (events[same - 1] === event) return false;
    }
    if (at === events.length) {
      events.push(event);
      this.#step(timeMs, joined, onChange);
    } else {
      events.splice(at, 0, event);
      this.#build(events, onChange);
    }
    return true;
  }

  /** Every event, in order. */
  forEach(take: (timeMs: number, joined: boolean) => void): void {
    for (const event of this.#events) take(Math.floor(event / 2), event % 2 === 1);
  }

  /**
   * Forgets events before `cutMs`, the start of a minute, but for the join that a session goes on from. The minutes
   * from there on are the same afterwards. Returns whether anything is left.
   */
  trim(cutMs: number, onChange: OnChange): boolean {
    const events = this.#events;
    let kept = 0;
    while (kept < events.length && events[kept]! < cutMs * 2) kept++;
    if (kept === 0) return true;
    let expiresMs = -Infinity;
    for (let i = 0; i < kept; i++) {
      const event = events[i]!;
      // A leave after the time-out changes nothing, so it need not be told apart from one before it.
      expiresMs = event % 2 === 1 ? (event - 1) / 2 + SESSION_TIMEOUT_MS : -Infinity;
    }
    const goesOn = expiresMs > cutMs;
    if (goesOn && kept === 1) return true;
    const rest = events.slice(kept);
    if (goesOn) rest.unshift((expiresMs - SESSION_TIMEOUT_MS) * 2 + 1);
    this.#build(rest, onChange);
    return rest.length > 0;
  }

  #build(events: number[], onChange: OnChange): void {
    const ranges = this.#ranges;
    for (let i = 0; i < ranges.length; i += 2) {
      onChange(ranges[i]!, -1);
      onChange(ranges[i + 1]! + 1, 1);
    }
    this.#ranges = [];
    this.#events = events;
    this.present = false;
    this.expiresMs = -Infinity;
    for (const event of events) this.#step(Math.floor(event / 2), event % 2 === 1, onChange);
  }

  /** Goes on by an event that is not earlier than all before. */
  #step(timeMs: number, joined: boolean, onChange: OnChange): void {
    const isWithin = this.present && timeMs < this.expiresMs;
    this.present = joined;
    if (!joined) {
      if (isWithin) this.#endAt(timeMs, onChange);
      return;
    }
    this.expiresMs = timeMs + SESSION_TIMEOUT_MS;
    if (!isWithin) {
      this.#startMs = timeMs;
      const first = Math.max(minuteOf(timeMs), (this.#ranges.at(-1) ?? -Infinity) + 1);
      this.#ranges.push(first, first - 1);
    }
    this.#endAt(this.expiresMs, onChange);
  }

  /** Sets where the last session ends; its end itself belongs to it only where it is also its start. */
  #endAt(endMs: number, onChange: OnChange): void {
    const ranges = this.#ranges;
    const first = ranges[ranges.length - 2]!;
    const before = ranges[ranges.length - 1]!;
    const last = Math.max(first - 1, minuteOf(this.#startMs), minuteOf(endMs - 1));
    if (last === before) return;
    ranges[ranges.length - 1] = last;
    onChange(before + 1, 1);
    onChange(last + 1, -1);
  }
}
