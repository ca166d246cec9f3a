/**
 * Random numbers as a function of where they are used: (seed, name, purpose, index). No call order, no state:
 * a number is the same whether or not others were drawn before it, so that a change in one place leaves all
 * other draws alone and a simulation can be taken up at any point.
 *
 * Counter-based generation: Salmon et al., "Parallel random numbers: as easy as 1, 2, 3" (SC 2011). The mixing is
 * the finalizer of MurmurHash3 (Austin Appleby, public domain), once per word.
 *
 * @module
 */

/** The seed and a name, mixed into 64 bits, so that keys of different names do not meet by chance. */
export interface RandomKey {
  readonly low: number;
  readonly high: number;
}

/** What a number is drawn for; each purpose is a stream of its own. */
export const PURPOSE = {
  scheduleSample: 1,
  demandLevel: 2,
  bookingCurve: 3,
  arrivalGap: 4,
  acceptance: 5,
  partySize: 6,
  fareBucket: 7,
  seatStart: 8,
  bookingId: 9,
  lifecycle: 10,
  snapshotPhase: 11,
  departure: 12,
  shopperTimes: 13,
  lookers: 14,
  shopperId: 15,
  shopperEventId: 16,
  streamEvent: 17,
  streamEventId: 18,
  cancellation: 19,
  cancellationTime: 20,
  noShow: 21,
} as const;

const UINT32 = 4294967296;

function mix(h: number): number {
  h ^= h >>> 16;
  h = Math.imul(h, 0x85ebca6b);
  h ^= h >>> 13;
  h = Math.imul(h, 0xc2b2ae35);
  return h ^ (h >>> 16);
}

/** The key of a name (a flight id, say) under a seed, a whole number from 0 to 2^53 − 1. */
export function randomKey(seed: number, name: string): RandomKey {
  let low = mix((seed % UINT32) ^ 0x9e3779b9);
  let high = mix(Math.floor(seed / UINT32) ^ low ^ 0x7f4a7c15);
  for (let i = 0; i < name.length; i++) {
    const code = name.charCodeAt(i);
    low = mix(Math.imul(low, 31) ^ code);
    high = mix(Math.imul(high, 37) ^ code ^ low);
  }
  return { low, high };
}

/** A whole number from 0 to 2^32 − 1. */
export function randomUint32(key: RandomKey, purpose: number, index = 0): number {
  let h = mix(key.low ^ Math.imul(index, 0x9e3779b1));
  h = mix(h ^ key.high ^ Math.imul(purpose, 0x85ebca77));
  return mix(h + key.low | 0) >>> 0;
}

/** A number in the open interval (0, 1): its logarithm is finite. */
export function randomUnit(key: RandomKey, purpose: number, index = 0): number {
  return (randomUint32(key, purpose, index) + 0.5) / UINT32;
}

const HEX = Array.from({ length: 256 }, (_, byte) => byte.toString(16).padStart(2, "0"));

function hex32(word: number): string {
  return HEX[word >>> 24]! + HEX[(word >>> 16) & 255]! + HEX[(word >>> 8) & 255]! + HEX[word & 255]!;
}

/** A UUID of version 8 (RFC 9562: made by a rule of our own): the same key and index give the same one. */
export function randomUuid(key: RandomKey, purpose: number, index: number): string {
  const a = hex32(randomUint32(key, purpose, index * 4));
  const b = hex32((randomUint32(key, purpose, index * 4 + 1) & 0xffff0fff) | 0x8000);
  const c = hex32((randomUint32(key, purpose, index * 4 + 2) & 0x3fffffff) | 0x80000000);
  const d = hex32(randomUint32(key, purpose, index * 4 + 3));
  return `${a}-${b.slice(0, 4)}-${b.slice(4)}-${c.slice(0, 4)}-${c.slice(4)}${d}`;
}
