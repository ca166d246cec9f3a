/**
 * Texts of decimal fractions that come again and again. Writing a fraction costs the engine more than all else that it does
 * with it, so each is written once.
 *
 * @module
 */

/** Numbers above this are rare. */
const KEPT_MAX = 20_000;

/** The text of a value that is made of a whole number. */
export class DecimalTexts {
  readonly #valueOf: (count: number) => number;
  readonly #texts: string[] = [];

  constructor(valueOf: (count: number) => number) {
    this.#valueOf = valueOf;
  }

  text(count: number): string {
    if (!(count >= 0 && count < KEPT_MAX)) return String(this.#valueOf(count));
    // Filled without gaps, so that it stays a plain list.
    while (this.#texts.length <= count) this.#texts.push(String(this.#valueOf(this.#texts.length)));
    return this.#texts[count]!;
  }
}

/** Thousandths, of load factors. */
export const THOUSANDTHS = new DecimalTexts((count) => count / 1000);
/** Hundredths, of days. */
export const HUNDREDTHS = new DecimalTexts((count) => count / 100);
