/**
 * Viewers of streams: when each came and went, and the minutes in which they were there.
 *
 * A session runs from a join to the next leave; without one it ends 30 minutes after its last join. A join within a
 * session only renews that time, a leave outside of one says nothing. What counts is the order of event time; events of
 * the same millisecond keep the order in which they came.
 *
 * There may be hundreds of thousands of viewers, most of them with one event or two: so a viewer is a number, and what is
 * known of it stands in flat arrays, about 40 bytes.
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

const VIEWERS_FIRST = 256;
const PRESENT = 1;
const COUNTED = 2;

/** Where the events of a viewer have led to. */
interface Tail {
  /** Whether the last event leaves the viewer in a session, its time-out aside. */
  present: boolean;
  /** When the last session ends unless a leave or join comes. */
  expiresMs: number;
  /** The minute in which it began. */
  startMinute: number;
  /** Its minutes without those of the session before; `last` may be `first - 1`. */
  first: number;
  last: number;
}

/** Events are their time in milliseconds times two, and one more for a join. */
function timeOf(event: number): number {
  return Math.floor(event / 2);
}

/** All viewers of a partition, by number. */
export class ViewerTable {
  #capacity = VIEWERS_FIRST;
  #used = 0;
  readonly #free: number[] = [];
  /** A viewer's only event; those with more have a list. */
  #event = new Float64Array(VIEWERS_FIRST);
  readonly #events = new Map<number, readonly number[]>();
  #flags = new Uint8Array(VIEWERS_FIRST);
  #expiresMs = new Float64Array(VIEWERS_FIRST);
  #startMinute = new Int32Array(VIEWERS_FIRST);
  #first = new Int32Array(VIEWERS_FIRST);
  #last = new Int32Array(VIEWERS_FIRST);
  #size = 0;

  /** Events of all viewers. */
  get size(): number {
    return this.#size;
  }

  /** A new viewer without any event. */
  add(): number {
    const viewer = this.#free.pop() ?? this.#used++;
    if (viewer >= this.#capacity) this.#grow();
    this.#event[viewer] = NaN;
    this.#flags[viewer] = 0;
    this.#store(viewer, emptyTail());
    return viewer;
  }

  isPresent(viewer: number): boolean {
    return (this.#flags[viewer]! & PRESENT) !== 0;
  }

  /** When the last session ends unless a leave or join comes; meaningful while the viewer is present. */
  expiresMs(viewer: number): number {
    return this.#expiresMs[viewer]!;
  }

  /** A mark of the owner's own. */
  isCounted(viewer: number): boolean {
    return (this.#flags[viewer]! & COUNTED) !== 0;
  }

  setCounted(viewer: number, counted: boolean): void {
    if (counted) this.#flags[viewer]! |= COUNTED;
    else this.#flags[viewer]! &= ~COUNTED;
  }

  /** Takes an event; `false` where the very same one is there. */
  take(viewer: number, timeMs: number, joined: boolean, onChange: OnChange): boolean {
    const events = this.#eventsOf(viewer);
    const event = timeMs * 2 + (joined ? 1 : 0);
    let at = events.length;
    while (at > 0 && timeOf(events[at - 1]!) > timeMs) at--;
    for (let same = at; same > 0 && timeOf(events[same - 1]!) === timeMs; same--) {
      if (events[same - 1] === event) return false;
    }
    if (at === events.length) {
      this.#setEvents(viewer, [...events, event], events.length);
      const tail = this.#tail(viewer);
      step(tail, event, onChange);
      this.#store(viewer, tail);
    } else this.#replace(viewer, events, events.toSpliced(at, 0, event), onChange);
    return true;
  }

  /** Every event of a viewer, in order. */
  forEach(viewer: number, take: (timeMs: number, joined: boolean) => void): void {
    for (const event of this.#eventsOf(viewer)) take(timeOf(event), event % 2 === 1);
  }

  /**
   * Forgets events before `cutMs`, the start of a minute, but for the join that a session goes on from. The minutes
   * from there on are the same afterwards. Where nothing is left the viewer is gone, and this `false`.
   */
  trim(viewer: number, cutMs: number, onChange: OnChange): boolean {
    const events = this.#eventsOf(viewer);
    let kept = 0;
    while (kept < events.length && timeOf(events[kept]!) < cutMs) kept++;
    if (kept === 0) return true;
    // A leave after the time-out changes nothing, so it need not be told apart from one before it.
    const before = events[kept - 1]!;
    const goesOn = before % 2 === 1 && timeOf(before) + SESSION_TIMEOUT_MS > cutMs;
    if (goesOn && kept === 1) return true;
    const rest = goesOn ? events.slice(kept - 1) : events.slice(kept);
    this.#replace(viewer, events, rest, onChange);
    if (rest.length > 0) return true;
    this.#free.push(viewer);
    return false;
  }

  #eventsOf(viewer: number): readonly number[] {
    const only = this.#event[viewer]!;
    return Number.isNaN(only) ? this.#events.get(viewer) ?? [] : [only];
  }

  #setEvents(viewer: number, events: readonly number[], sizeBefore: number): void {
    this.#size += events.length - sizeBefore;
    this.#event[viewer] = events.length === 1 ? events[0]! : NaN;
    if (events.length > 1) this.#events.set(viewer, events);
    else if (sizeBefore > 1) this.#events.delete(viewer);
  }

  #replace(viewer: number, old: readonly number[], events: readonly number[], onChange: OnChange): void {
    const undone = emptyTail();
    for (const event of old) step(undone, event, (minute, change) => onChange(minute, change === 1 ? -1 : 1));
    const tail = emptyTail();
    for (const event of events) step(tail, event, onChange);
    this.#setEvents(viewer, events, old.length);
    this.#store(viewer, tail);
  }

  #tail(viewer: number): Tail {
    return {
      present: this.isPresent(viewer),
      expiresMs: this.#expiresMs[viewer]!,
      startMinute: this.#startMinute[viewer]!,
      first: this.#first[viewer]!,
      last: this.#last[viewer]!,
    };
  }

  #store(viewer: number, tail: Tail): void {
    this.#flags[viewer] = (this.#flags[viewer]! & COUNTED) | (tail.present ? PRESENT : 0);
    this.#expiresMs[viewer] = tail.expiresMs;
    this.#startMinute[viewer] = tail.startMinute;
    this.#first[viewer] = tail.first;
    this.#last[viewer] = tail.last;
  }

  #grow(): void {
    this.#capacity *= 2;
    const larger = <T extends Float64Array | Int32Array | Uint8Array>(made: T, old: T): T => {
      made.set(old);
      return made;
    };
    this.#event = larger(new Float64Array(this.#capacity), this.#event);
    this.#flags = larger(new Uint8Array(this.#capacity), this.#flags);
    this.#expiresMs = larger(new Float64Array(this.#capacity), this.#expiresMs);
    this.#startMinute = larger(new Int32Array(this.#capacity), this.#startMinute);
    this.#first = larger(new Int32Array(this.#capacity), this.#first);
    this.#last = larger(new Int32Array(this.#capacity), this.#last);
  }
}

function emptyTail(): Tail {
  return { present: false, expiresMs: -Infinity, startMinute: 0, first: 0, last: -1 };
}

/** Goes on by an event that is not earlier than all before. */
function step(tail: Tail, event: number, onChange: OnChange): void {
  const timeMs = timeOf(event);
  const joined = event % 2 === 1;
  const isWithin = tail.present && timeMs < tail.expiresMs;
  tail.present = joined;
  if (!joined) {
    if (isWithin) endAt(tail, timeMs, onChange);
    return;
  }
  tail.expiresMs = timeMs + SESSION_TIMEOUT_MS;
  if (!isWithin) {
    tail.startMinute = minuteOf(timeMs);
    tail.first = Math.max(tail.startMinute, tail.last + 1);
    tail.last = tail.first - 1;
  }
  endAt(tail, tail.expiresMs, onChange);
}

/** Sets where the last session ends; its end itself belongs to it only where it is also its start. */
function endAt(tail: Tail, endMs: number, onChange: OnChange): void {
  const last = Math.max(tail.first - 1, tail.startMinute, minuteOf(endMs - 1));
  if (last === tail.last) return;
  onChange(tail.last + 1, 1);
  onChange(last + 1, -1);
  tail.last = last;
}
