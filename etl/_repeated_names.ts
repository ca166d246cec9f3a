/**
 * Whether an object in a raw line names a field twice. JSON allows it, and readers differ: JSON.parse takes the last,
 * Polars the first, so that the warehouse would hold another booking than the consumer counted.
 *
 * @module
 */

const QUOTE = 34;
const COMMA = 44;
const BRACKET_OPEN = 91;
const BRACKET_CLOSE = 93;
const BRACE_OPEN = 123;
const BRACE_CLOSE = 125;
const NEWLINE = 10;
/** 32-bit FNV-1a (http://www.isthe.com/chongo/tech/comp/fnv/). */
const FNV_START = 0x811c9dc5;
const FNV_PRIME = 0x01000193;

/** Nested deeper than this is looked at as if a name were repeated: nobody means it. */
const DEPTH_MAX = 64;
/** Names of the objects that are open at a time; more count as repeated, too. */
const NAMES_MAX = 4096;

/** Follows lines of JSON without backslashes, handed over in pieces. Names with the same hash count as the same. */
export class RepeatedNames {
  /** By level: where the names of its object begin; -1 for a list. */
  readonly #starts = new Int32Array(DEPTH_MAX + 1);
  readonly #names = new Int32Array(NAMES_MAX);
  #depth = 0;
  #namesEnd = 0;
  #isName = false;
  /** Within a text, and the hash of what it holds so far. */
  #inText = false;
  #hash = 0;

  /** Whether the lines up to the end of `bytes` hold a repeated name. Of no use after the first. */
  found(bytes: Uint8Array): boolean {
    // The hottest loop of the ETL: everything it touches is a local variable.
    const [starts, names, length] = [this.#starts, this.#names, bytes.length];
    let [depth, namesEnd, hash] = [this.#depth, this.#namesEnd, this.#hash];
    let [isName, inText] = [this.#isName, this.#inText];
    for (let at = 0; at < length; at++) {
      if (inText) {
        if (!isName) {
          while (at < length && bytes[at] !== QUOTE) at++;
          if (at < length) inText = false;
          continue;
        }
        while (at < length && bytes[at] !== QUOTE) hash = Math.imul(hash ^ bytes[at++]!, FNV_PRIME);
        if (at === length) break;
        inText = false;
        isName = false;
        for (let name = starts[depth]!; name < namesEnd; name++) if (names[name] === hash) return true;
        if (namesEnd === NAMES_MAX) return true;
        names[namesEnd++] = hash;
        continue;
      }
      const byte = bytes[at]!;
      // Digits, letters, blanks and colons.
      if (byte > BRACE_CLOSE || (byte > COMMA && byte < BRACKET_OPEN)) continue;
      if (byte === QUOTE) {
        inText = true;
        hash = FNV_START;
      } else if (byte === COMMA) {
        isName = depth > 0 && starts[depth]! >= 0;
      } else if (byte === BRACE_OPEN || byte === BRACKET_OPEN) {
        if (depth === DEPTH_MAX) return true;
        isName = byte === BRACE_OPEN;
        starts[++depth] = isName ? namesEnd : -1;
      } else if (byte === BRACE_CLOSE || byte === BRACKET_CLOSE) {
        if (depth === 0) return true; // No JSON: the careful way says what it is.
        if (starts[depth]! >= 0) namesEnd = starts[depth]!;
        depth--;
        isName = false;
      } else if (byte === NEWLINE) {
        depth = 0;
        namesEnd = 0;
        isName = false;
      }
    }
    [this.#depth, this.#namesEnd, this.#hash] = [depth, namesEnd, hash];
    [this.#isName, this.#inText] = [isName, inText];
    return false;
  }
}
