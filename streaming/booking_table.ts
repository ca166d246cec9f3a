/**
 * Seats by booking id, for very many bookings: ids are kept as 128-bit hashes in flat tables, 18 bytes a slot
 * instead of a hundred and more as strings. Two ids of one flight with the same hash would be taken for one; at
 * a million bookings the odds of that are about 1 in 10^26.
 *
 * @module
 */

const SLOTS_FIRST = 16;
/** Slots in use before the table doubles. */
const FILL_MAX = 0.65;
const WORDS = 4;

/** Scratch of {@link hashInto}: the four words of the last hash. */
const hash = new Uint32Array(WORDS);

/**
 * 128-bit hash of a text's UTF-16 units: MurmurHash3_x86_128's four lanes, one unit at a time, and its finalizer
 * (https://github.com/aappleby/smhasher, public domain). Not for keys that an attacker chooses.
 */
function hashInto(text: string): void {
  let h1 = 0x239b961b, h2 = 0xab0e9789 | 0, h3 = 0x38b34ae5, h4 = 0xa1e38b93 | 0;
  for (let i = 0; i < text.length; i++) {
    const k = text.charCodeAt(i);
    h1 = Math.imul(h1 ^ k, 0x9e3779b1);
    h1 = (h1 << 13) | (h1 >>> 19);
    h2 = Math.imul(h2 ^ k, 0x85ebca77);
    h2 = (h2 << 15) | (h2 >>> 17);
    h3 = Math.imul(h3 ^ k, 0xc2b2ae3d);
    h3 = (h3 << 17) | (h3 >>> 15);
    h4 = Math.imul(h4 ^ k, 0x27d4eb2f);
    h4 = (h4 << 18) | (h4 >>> 14);
  }
  h1 ^= text.length;
  h2 ^= text.length;
  h3 ^= text.length;
  h4 ^= text.length;
  h1 = (h1 + h2 + h3 + h4) | 0;
  h2 = (h2 + h1) | 0;
  h3 = (h3 + h1) | 0;
  h4 = (h4 + h1) | 0;
  hash[0] = finalize(h1);
  hash[1] = finalize(h2);
  hash[2] = finalize(h3);
  hash[3] = finalize(h4);
}

function finalize(word: number): number {
  let h = word;
  h = Math.imul(h ^ (h >>> 16), 0x85ebca6b);
  h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35);
  return h ^ (h >>> 16);
}

/** A map from booking id to seats; entries are never removed one by one. */
export class BookingTable {
  #slots = SLOTS_FIRST;
  #used = 0;
  #keys = new Uint32Array(SLOTS_FIRST * WORDS);
  /** Seats plus one; 0 is a free slot. */
  #seats = new Uint16Array(SLOTS_FIRST);

  get size(): number {
    return this.#used;
  }

  /** Seats of a booking, or `undefined`. */
  get(bookingId: string): number | undefined {
    hashInto(bookingId);
    const seats = this.#seats[this.#slotOfHash()]!;
    return seats === 0 ? undefined : seats - 1;
  }

  /** Sets a booking's seats, 0 to 65,534. */
  set(bookingId: string, seats: number): void {
    if (this.#used >= this.#slots * FILL_MAX) this.#grow();
    hashInto(bookingId);
    this.#put(seats + 1);
  }

  clear(): void {
    this.#slots = SLOTS_FIRST;
    this.#used = 0;
    this.#keys = new Uint32Array(SLOTS_FIRST * WORDS);
    this.#seats = new Uint16Array(SLOTS_FIRST);
  }

  /** The slot of the key in `hash`, or the free one where it belongs: linear probing. */
  #slotOfHash(): number {
    const mask = this.#slots - 1;
    const keys = this.#keys;
    let slot = hash[0]! & mask;
    while (this.#seats[slot] !== 0) {
      const at = slot * WORDS;
      if (
        keys[at] === hash[0] && keys[at + 1] === hash[1] && keys[at + 2] === hash[2] &&
        keys[at + 3] === hash[3]
      ) break;
      slot = (slot + 1) & mask;
    }
    return slot;
  }

  #put(seatsPlusOne: number): void {
    const slot = this.#slotOfHash();
    if (this.#seats[slot] === 0) {
      this.#used++;
      this.#keys.set(hash, slot * WORDS);
    }
    this.#seats[slot] = seatsPlusOne;
  }

  #grow(): void {
    const keys = this.#keys;
    const seats = this.#seats;
    this.#slots *= 2;
    this.#used = 0;
    this.#keys = new Uint32Array(this.#slots * WORDS);
    this.#seats = new Uint16Array(this.#slots);
    for (let slot = 0; slot < seats.length; slot++) {
      if (seats[slot] === 0) continue;
      hash.set(keys.subarray(slot * WORDS, slot * WORDS + WORDS));
      this.#put(seats[slot]!);
    }
  }
}
