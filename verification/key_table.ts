/** Keys with a number and flags each, for very many of them: 13 bytes a slot instead of a hundred and more. */

import { hash64, hashWords } from "./text_hash.ts";

const SLOTS_FIRST = 1024;
/** Slots in use before the table doubles. */
const FILL_MAX = 0.7;
const USED = 0x80;

/**
 * A map from text to a 32-bit number and 7 flags. Texts themselves are not kept, only their 64-bit hashes.
 * A slot number is good until the next {@link KeyTable.add}.
 */
export class KeyTable {
  #mask = SLOTS_FIRST - 1;
  #size = 0;
  #high = new Uint32Array(SLOTS_FIRST);
  #low = new Uint32Array(SLOTS_FIRST);
  #values = new Uint32Array(SLOTS_FIRST);
  #flags = new Uint8Array(SLOTS_FIRST);

  get size(): number {
    return this.#size;
  }

  /** The slot of a key, made with value 0 and no flags where the key is new. */
  add(key: string): number {
    if (this.#size >= (this.#mask + 1) * FILL_MAX) this.#grow();
    hash64(key);
    const slot = this.#slotOf(hashWords[0]!, hashWords[1]!);
    if (this.#flags[slot] === 0) {
      this.#high[slot] = hashWords[0]!;
      this.#low[slot] = hashWords[1]!;
      this.#flags[slot] = USED;
      this.#size++;
    }
    return slot;
  }

  /** The slot of a key, or -1. */
  find(key: string): number {
    hash64(key);
    const slot = this.#slotOf(hashWords[0]!, hashWords[1]!);
    return this.#flags[slot] === 0 ? -1 : slot;
  }

  /** The slot of a key by its hash, as {@link KeyTable.hashAt} told it. */
  findHash([high, low]: readonly [number, number]): number {
    const slot = this.#slotOf(high, low);
    return this.#flags[slot] === 0 ? -1 : slot;
  }

  /** What stands for the slot's key, good for ever. */
  hashAt(slot: number): [high: number, low: number] {
    return [this.#high[slot]!, this.#low[slot]!];
  }

  valueAt(slot: number): number {
    return this.#values[slot]!;
  }

  setValueAt(slot: number, value: number): void {
    this.#values[slot] = value;
  }

  /** Whether one of `flags` (1 to 0x7f) is set. */
  hasFlags(slot: number, flags: number): boolean {
    return (this.#flags[slot]! & flags) !== 0;
  }

  setFlags(slot: number, flags: number): void {
    this.#flags[slot]! |= flags;
  }

  /** How many keys have all of `set` and none of `clear`. */
  count(set: number, clear: number): number {
    let count = 0;
    for (const flags of this.#flags) {
      if ((flags & USED) !== 0 && (flags & set) === set && (flags & clear) === 0) count++;
    }
    return count;
  }

  #slotOf(high: number, low: number): number {
    let slot = high & this.#mask;
    while (this.#flags[slot] !== 0 && (this.#high[slot] !== high || this.#low[slot] !== low)) {
      slot = (slot + 1) & this.#mask;
    }
    return slot;
  }

  #grow(): void {
    const [high, low, values, flags] = [this.#high, this.#low, this.#values, this.#flags];
    const slots = flags.length * 2;
    this.#mask = slots - 1;
    this.#high = new Uint32Array(slots);
    this.#low = new Uint32Array(slots);
    this.#values = new Uint32Array(slots);
    this.#flags = new Uint8Array(slots);
    for (let old = 0; old < flags.length; old++) {
      if (flags[old] === 0) continue;
      const slot = this.#slotOf(high[old]!, low[old]!);
      this.#high[slot] = high[old]!;
      this.#low[slot] = low[old]!;
      this.#values[slot] = values[old]!;
      this.#flags[slot] = flags[old]!;
    }
  }
}
