/** The flights that are live, the one with the earliest event first. */

import type { FlightSimulation } from "./flight_simulation.ts";

/** A flight in the queue. */
export interface QueuedFlight {
  readonly flightId: string;
  simulation: FlightSimulation;
  /** Where it stands in the heap. */
  place: number;
}

/** A binary heap by (time of the next event, flight id): a total order, the same after a restart. */
export class FlightQueue {
  readonly #heap: QueuedFlight[] = [];
  readonly #byId = new Map<string, QueuedFlight>();

  /** The flight whose next event is the earliest. */
  get first(): QueuedFlight | undefined {
    return this.#heap[0];
  }

  get size(): number {
    return this.#heap.length;
  }

  get(flightId: string): QueuedFlight | undefined {
    return this.#byId.get(flightId);
  }

  values(): IterableIterator<QueuedFlight> {
    return this.#byId.values();
  }

  add(flightId: string, simulation: FlightSimulation): void {
    const flight = { flightId, simulation, place: this.#heap.length };
    this.#heap.push(flight);
    this.#byId.set(flightId, flight);
    this.#rise(flight);
  }

  /** Puts a flight in its place again after its next event changed. */
  moved(flight: QueuedFlight): void {
    this.#rise(flight);
    this.#sink(flight);
  }

  /** Takes the first flight out. */
  removeFirst(): void {
    const first = this.#heap[0]!;
    const last = this.#heap.pop()!;
    this.#byId.delete(first.flightId);
    if (last === first) return;
    last.place = 0;
    this.#heap[0] = last;
    this.#sink(last);
  }

  #rise(flight: QueuedFlight): void {
    let place = flight.place;
    while (place > 0) {
      const parent = this.#heap[(place - 1) >> 1]!;
      if (!before(flight, parent)) break;
      this.#put(parent, place);
      place = (place - 1) >> 1;
    }
    this.#put(flight, place);
  }

  #sink(flight: QueuedFlight): void {
    const heap = this.#heap;
    let place = flight.place;
    for (;;) {
      let child = place * 2 + 1;
      if (child >= heap.length) break;
      if (child + 1 < heap.length && before(heap[child + 1]!, heap[child]!)) child++;
      if (!before(heap[child]!, flight)) break;
      this.#put(heap[child]!, place);
      place = child;
    }
    this.#put(flight, place);
  }

  #put(flight: QueuedFlight, place: number): void {
    this.#heap[place] = flight;
    flight.place = place;
  }
}

function before(a: QueuedFlight, b: QueuedFlight): boolean {
  const difference = a.simulation.nextMs - b.simulation.nextMs;
  return difference < 0 || (difference === 0 && a.flightId < b.flightId);
}

/** Passes over the first event of a queue; returns the flight's id when that was its last. */
export function skipFirstOf(queue: FlightQueue): string | undefined {
  const first = queue.first!;
  first.simulation.skip();
  if (first.simulation.nextMs < Infinity) {
    queue.moved(first);
    return undefined;
  }
  queue.removeFirst();
  return first.flightId;
}
