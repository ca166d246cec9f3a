/** What a verification finds: differences, which make it fail, and notes, which do not. */

/** One kind of difference in one place. */
export interface Difference {
  /** Where: `lake bookings`, `gold fact_booking`, `engine`. */
  where: string;
  /** A short stable word: `missing`, `doubled`, `changed`, `unexpected`, `broken`, … */
  kind: string;
  count: number;
  /** The first few, in words. */
  examples: string[];
}

const EXAMPLES_MAX = 5;

/** Collects differences by place and kind, and notes. */
export class Findings {
  readonly #differences = new Map<string, Difference>();
  readonly notes: string[] = [];

  /** Counts `count` more of a kind; the first few examples are kept. */
  add(where: string, kind: string, example: string | undefined, count = 1): void {
    const difference = this.#entry(where, kind);
    difference.count += count;
    if (example !== undefined && difference.examples.length < EXAMPLES_MAX) difference.examples.push(example);
  }

  /** Adds an example to a kind that is counted already. */
  addExample(where: string, kind: string, example: string): void {
    this.add(where, kind, example, 0);
  }

  /** Whether more examples of a kind are of use. */
  wantsExamples(where: string, kind: string): boolean {
    return this.#entry(where, kind).examples.length < EXAMPLES_MAX;
  }

  note(text: string): void {
    this.notes.push(text);
  }

  countOf(where: string, kind: string): number {
    return this.#differences.get(`${where}\n${kind}`)?.count ?? 0;
  }

  differences(): Difference[] {
    return [...this.#differences.values()].filter(({ count }) => count > 0);
  }

  #entry(where: string, kind: string): Difference {
    const key = `${where}\n${kind}`;
    let difference = this.#differences.get(key);
    if (difference === undefined) {
      this.#differences.set(key, difference = { where, kind, count: 0, examples: [] });
    }
    return difference;
  }
}
