/** Bookings of a flight that will be given back, the next one first. */

/** A booking that will be given back. */
export interface Cancellation {
  /** Milliseconds since 1970. */
  timeMs: number;
  /** The number of the candidate that booked. */
  candidate: number;
  /** The fare it booked, by its place. */
  fare: number;
  seats: readonly string[];
  /** Passengers of it who would not have come. */
  noShows: number;
}

/** Cancellations in the order of time. */
export class PendingCancellations {
  /** The next one last. */
  readonly #pending: Cancellation[] = [];

  get next(): Cancellation | undefined {
    return this.#pending.at(-1);
  }

  /** When the next one happens, milliseconds since 1970; `Infinity` where none does. */
  get nextMs(): number {
    return this.next?.timeMs ?? Infinity;
  }

  add(cancellation: Cancellation): void {
    const pending = this.#pending;
    let at = pending.length;
    while (at > 0 && pending[at - 1]!.timeMs <= cancellation.timeMs) at--;
    pending.splice(at, 0, cancellation);
  }

  /** Takes the next one out. */
  take(): Cancellation {
    return this.#pending.pop()!;
  }
}
