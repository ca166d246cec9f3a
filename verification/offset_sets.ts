/** Sets and maps by offset that cost bits rather than objects: a million offsets are 125 KB, or 4 MB with a hash. */

const SET_CHUNK = 65_536;
const HASH_CHUNK = 4096;

/** A set of offsets of one partition. */
export class OffsetSet {
  readonly #chunks = new Map<number, Uint8Array>();
  #size = 0;
  #min = Infinity;

  get size(): number {
    return this.#size;
  }

  /** The smallest offset; infinite when empty. */
  get min(): number {
    return this.#min;
  }

  /** Adds an offset; returns whether it is new. */
  add(offset: number): boolean {
    const number = Math.floor(offset / SET_CHUNK);
    let chunk = this.#chunks.get(number);
    if (chunk === undefined) this.#chunks.set(number, chunk = new Uint8Array(SET_CHUNK / 8));
    const at = offset % SET_CHUNK;
    const bit = 1 << (at & 7);
    if ((chunk[at >> 3]! & bit) !== 0) return false;
    chunk[at >> 3]! |= bit;
    this.#size++;
    if (offset < this.#min) this.#min = offset;
    return true;
  }

  has(offset: number): boolean {
    const chunk = this.#chunks.get(Math.floor(offset / SET_CHUNK));
    if (chunk === undefined) return false;
    const at = offset % SET_CHUNK;
    return (chunk[at >> 3]! & (1 << (at & 7))) !== 0;
  }

  /** All offsets; rising within each 65,536. */
  *[Symbol.iterator](): Iterator<number> {
    for (const [number, chunk] of this.#chunks) {
      for (let byte = 0; byte < chunk.length; byte++) {
        const bits = chunk[byte]!;
        if (bits === 0) continue;
        for (let bit = 0; bit < 8; bit++) {
          if ((bits & (1 << bit)) !== 0) yield number * SET_CHUNK + byte * 8 + bit;
        }
      }
    }
  }
}

/** A 32-bit number other than 0 for offsets of one partition. */
export class OffsetHashes {
  readonly #chunks = new Map<number, Uint32Array>();
  #size = 0;

  get size(): number {
    return this.#size;
  }

  /** The offset's number; 0 where it has none. */
  get(offset: number): number {
    return this.#chunks.get(Math.floor(offset / HASH_CHUNK))?.[offset % HASH_CHUNK] ?? 0;
  }

  set(offset: number, hash: number): void {
    const number = Math.floor(offset / HASH_CHUNK);
    let chunk = this.#chunks.get(number);
    if (chunk === undefined) this.#chunks.set(number, chunk = new Uint32Array(HASH_CHUNK));
    const at = offset % HASH_CHUNK;
    this.#size += (hash === 0 ? 0 : 1) - (chunk[at] === 0 ? 0 : 1);
    chunk[at] = hash;
  }

  /** Offsets that have a number. */
  *[Symbol.iterator](): Iterator<number> {
    for (const [number, chunk] of this.#chunks) {
      for (let at = 0; at < HASH_CHUNK; at++) if (chunk[at] !== 0) yield number * HASH_CHUNK + at;
    }
  }
}

/** One value for each place, made when it is first asked for. A place is a log, a topic and a partition. */
export class ByPlace<T> {
  readonly #values = new Map<string, { log: string; topic: string; partition: number; value: T }>();
  readonly #make: () => T;

  constructor(make: () => T) {
    this.#make = make;
  }

  at(log: string, topic: string, partition: number): T {
    const key = `${log}/${topic}/${partition}`;
    let entry = this.#values.get(key);
    if (entry === undefined) this.#values.set(key, entry = { log, topic, partition, value: this.#make() });
    return entry.value;
  }

  /** As {@link ByPlace.at}, and `undefined` where nobody asked before. */
  existing(log: string, topic: string, partition: number): T | undefined {
    return this.#values.get(`${log}/${topic}/${partition}`)?.value;
  }

  all(): Iterable<{ log: string; topic: string; partition: number; value: T }> {
    return this.#values.values();
  }
}
