/**
 * Hashes for comparing very many texts and rows in little memory. Not for keys that an attacker chooses.
 *
 * @module
 */

/** The two words of the last {@link hash64}. */
export const hashWords = new Uint32Array(2);

/**
 * 64-bit hash of a text's UTF-16 units, left in {@link hashWords}: two lanes in the manner of MurmurHash3
 * (https://github.com/aappleby/smhasher, public domain), one unit at a time. Among a million texts the odds that two
 * share a hash are about 1 in 30 million.
 */
export function hash64(text: string): void {
  let h1 = 0x239b961b, h2 = 0xab0e9789 | 0;
  for (let i = 0; i < text.length; i++) {
    const unit = text.charCodeAt(i);
    h1 = Math.imul(h1 ^ unit, 0x9e3779b1);
    h1 = (h1 << 13) | (h1 >>> 19);
    h2 = Math.imul(h2 ^ unit, 0x85ebca77);
    h2 = (h2 << 15) | (h2 >>> 17);
  }
  h1 = finalize(h1 ^ text.length);
  h2 = finalize((h2 ^ text.length) + h1);
  hashWords[0] = h1 + h2;
  hashWords[1] = h2;
}

/** 32-bit hash of a text from `start` to `end`; never 0, so that 0 can stand for "none". */
export function hash32(text: string, start = 0, end = text.length): number {
  let h = 0x811c9dc5;
  let i = start;
  // Two units a step: this is most of the work of comparing texts.
  for (; i + 1 < end; i += 2) {
    h = Math.imul(h ^ text.charCodeAt(i) ^ (text.charCodeAt(i + 1) << 16), 0x9e3779b1);
    h = (h << 13) | (h >>> 19);
  }
  if (i < end) h = Math.imul(h ^ text.charCodeAt(i), 0x85ebca77);
  return (finalize(h ^ (end - start)) >>> 0) || 1;
}

/** What a column of a compared row holds. */
export type Cell = string | number | boolean | null;

const float = new Float64Array(1);
const floatWords = new Uint32Array(float.buffer);

/** 32-bit hash of a row: values and their order count, and text differs from a number. */
export function hashRow(row: readonly Cell[]): number {
  let h = 0x2545f491;
  for (const cell of row) {
    if (typeof cell === "string") h = mix(h ^ 0x51ed270b, hash32(cell));
    else if (typeof cell === "number") {
      float[0] = cell === 0 ? 0 : cell;
      h = mix(mix(h, floatWords[0]!), floatWords[1]!);
    } else h = mix(h, cell === null ? 0x1b873593 : cell ? 0x68bc21eb : 0x02e5be93);
  }
  return finalize(h) >>> 0;
}

function mix(h: number, word: number): number {
  const mixed = Math.imul(h ^ word, 0x9e3779b1);
  return (mixed << 15) | (mixed >>> 17);
}

function finalize(word: number): number {
  let h = word;
  h = Math.imul(h ^ (h >>> 16), 0x85ebca6b);
  h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35);
  return h ^ (h >>> 16);
}
