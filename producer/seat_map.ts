/** The seats of one aircraft: which are taken, and which a party gets. */

/** Letters of a row by seats abreast; I is left out, as airlines do (it reads like 1). */
const LETTERS = { regional: "ABCD", narrow: "ABCDEF", wide: "ABCDEFGHJ" };
/** Up to 100 seats four abreast, up to 250 six, above nine. */
const REGIONAL_SEATS_MAX = 100;
const NARROW_SEATS_MAX = 250;

const layouts = new Map<number, readonly string[]>();

/** Seat ids such as `12A` in row order, for an aircraft of so many seats; the last row may be short. */
export function seatIds(totalSeats: number): readonly string[] {
  let ids = layouts.get(totalSeats);
  if (ids === undefined) {
    const letters = totalSeats <= REGIONAL_SEATS_MAX
      ? LETTERS.regional
      : totalSeats <= NARROW_SEATS_MAX
      ? LETTERS.narrow
      : LETTERS.wide;
    ids = Array.from(
      { length: totalSeats },
      (_, seat) => `${Math.floor(seat / letters.length) + 1}${letters[seat % letters.length]}`,
    );
    layouts.set(totalSeats, ids);
  }
  return ids;
}

/** Occupied and free seats. No seat is given to two at a time. */
export class SeatMap {
  readonly #ids: readonly string[];
  readonly #taken: Uint8Array;
  #freeSeats: number;

  constructor(totalSeats: number) {
    this.#ids = seatIds(totalSeats);
    this.#taken = new Uint8Array(totalSeats);
    this.#freeSeats = totalSeats;
  }

  get freeSeats(): number {
    return this.#freeSeats;
  }

  /**
   * Takes the next `count` free seats from `start` on (a fraction of the cabin, 0 to 1), round the end, so that a
   * party sits together where it can.
   *
   * @throws {RangeError} when fewer seats are free.
   */
  take(count: number, start: number): string[] {
    if (count > this.#freeSeats) {
      throw new RangeError(`Cannot take ${count} seats: only ${this.#freeSeats} are free`);
    }
    const total = this.#taken.length;
    let seat = Math.floor(start * total);
    const seats: string[] = [];
    while (seats.length < count) {
      if (this.#taken[seat] === 0) {
        this.#taken[seat] = 1;
        seats.push(this.#ids[seat]!);
      }
      seat = seat + 1 === total ? 0 : seat + 1;
    }
    this.#freeSeats -= count;
    return seats;
  }

  /** Gives seats back that {@link take} gave out. */
  release(seats: readonly string[]): void {
    for (const seat of seats) this.#taken[this.#ids.indexOf(seat)] = 0;
    this.#freeSeats += seats.length;
  }

  /** Occupied seats in row order. */
  occupied(): string[] {
    return this.#ids.filter((_, seat) => this.#taken[seat] === 1);
  }
}
