/**
 * Event ids that were counted, for very many of them: 64-bit hashes with the minute of their event, 12 bytes a slot.
 * Two ids of one stream with the same hash would be taken for one; among a million ids the odds of that are about
 * 1 in 40 million.
 *
 * @module
 */

const SLOTS_FIRST = 1024;
/** Slots in use before the table is made anew. */
const FILL_MAX = 0.65;

/** The two words of an id's hash. */
export interface IdHash {
  high: number;
  low: number;
}

/** A 32-bit seed from a text, so that ids of different streams do not meet. */
export function seedOf(text: string): number {
  return hashOf(text, 0x9747b28c).low;
}

const scratch: IdHash = { high: 0, low: 0 };

/**
 * Hash of an id under a seed: two lanes of multiplications over its UTF-16 units and MurmurHash3's finalizer
 * (https://github.com/aappleby/smhasher, public domain). The answer is one object, overwritten by the next call. Not for
 * ids that an attacker chooses.
 */
export function hashOf(id: string, seed: number): IdHash {
  let h1 = 0x239b961b ^ seed;
  let h2 = 0xab0e9789 ^ seed;
  for (let i = 0; i < id.length; i++) {
    const unit = id.charCodeAt(i);
    h1 = Math.imul(h1 ^ unit, 0x9e3779b1);
    h1 = (h1 << 13) | (h1 >>> 19);
    h2 = Math.imul(h2 ^ unit, 0x85ebca77);
    h2 = (h2 << 15) | (h2 >>> 17);
  }
  h1 = (h1 ^ id.length) + h2 | 0;
  h2 = h2 + h1 | 0;
  scratch.high = finalized(h1);
  scratch.low = finalized(h2);
  return scratch;
}

function finalized(word: number): number {
  let h = word;
  h = Math.imul(h ^ (h >>> 16), 0x85ebca6b);
  h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35);
  return (h ^ (h >>> 16)) >>> 0;
}

/** A set of hashes with a minute each. Those of minutes before `oldestMinute` count as gone. */
export class EventIdTable {
  /** Minutes since 1970. */
  oldestMinute = 0;
  #slots = SLOTS_FIRST;
  #used = 0;
  #words = new Uint32Array(SLOTS_FIRST * 2);
  /** 0 is a free slot. */
  #minutes = new Int32Array(SLOTS_FIRST);

  /** Slots in use, some of them perhaps gone already. */
  get size(): number {
    return this.#used;
  }

  /** Adds an id; `false` where it is there. */
  add(high: number, low: number, minute: number): boolean {
    if (this.#used >= this.#slots * FILL_MAX) this.#makeRoom();
    const mask = this.#slots - 1;
    let slot = low & mask;
    while (this.#minutes[slot] !== 0) {
      if (this.#words[slot * 2] === high && this.#words[slot * 2 + 1] === low) {
        if (this.#minutes[slot]! >= this.oldestMinute) return false;
        this.#minutes[slot] = minute;
        return true;
      }
      slot = (slot + 1) & mask;
    }
    this.#put(slot, high, low, minute);
    return true;
  }

  /** Every id that is not gone. */
  forEach(take: (high: number, low: number, minute: number) => void): void {
    for (let slot = 0; slot < this.#slots; slot++) {
      const minute = this.#minutes[slot]!;
      if (minute === 0 || minute < this.oldestMinute) continue;
      take(this.#words[slot * 2]!, this.#words[slot * 2 + 1]!, minute);
    }
  }

  #put(slot: number, high: number, low: number, minute: number): void {
    this.#words[slot * 2] = high;
    this.#words[slot * 2 + 1] = low;
    this.#minutes[slot] = minute;
    this.#used++;
  }

  /** Drops what is gone; twice the slots where that is not enough, half where it is more than that. */
  #makeRoom(): void {
    const words = this.#words;
    const minutes = this.#minutes;
    let kept = 0;
    for (const minute of minutes) if (minute !== 0 && minute >= this.oldestMinute) kept++;
    let slots = SLOTS_FIRST;
    while (kept * 2 > slots * FILL_MAX) slots *= 2;
    this.#slots = slots;
    this.#used = 0;
    this.#words = new Uint32Array(slots * 2);
    this.#minutes = new Int32Array(slots);
    const mask = slots - 1;
    for (let old = 0; old < minutes.length; old++) {
      const minute = minutes[old]!;
      if (minute === 0 || minute < this.oldestMinute) continue;
      let slot = words[old * 2 + 1]! & mask;
      while (this.#minutes[slot] !== 0) slot = (slot + 1) & mask;
      this.#put(slot, words[old * 2]!, words[old * 2 + 1]!, minute);
    }
  }
}
