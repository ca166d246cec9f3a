/** What a verifier collects: how much it compared, and what it found wrong. */

import type { RoundResult } from "./experiment.ts";

const VIOLATIONS_SHOWN = 20;

/** Counts comparisons, losses and duplicates; keeps the first twenty in words. */
export class Findings {
  checked = 0;
  lost = 0;
  doubled = 0;
  readonly violations: string[] = [];

  /** Something else that must hold and does not; told once. */
  violation(text: string): void {
    if (this.violations.length < VIOLATIONS_SHOWN && !this.violations.includes(text)) {
      this.violations.push(text);
    }
  }

  loss(text: string, count = 1): void {
    this.lost += count;
    this.violation(`lost: ${text}`);
  }

  duplicate(text: string, count = 1): void {
    this.doubled += count;
    this.violation(`doubled: ${text}`);
  }

  /** Compares two lists of texts as multisets: `expected` with what was `found`. */
  compare(what: string, expected: Iterable<string>, found: Iterable<string>): void {
    const counts = new Map<string, number>();
    for (const entry of expected) {
      counts.set(entry, (counts.get(entry) ?? 0) + 1);
      this.checked++;
    }
    for (const entry of found) counts.set(entry, (counts.get(entry) ?? 0) - 1);
    for (const [entry, count] of counts) {
      const shown = entry.length > 300 ? `${entry.slice(0, 300)}…` : entry;
      if (count > 0) this.loss(`${what}: ${shown}`, count);
      if (count < 0) this.duplicate(`${what}, or never sent: ${shown}`, -count);
    }
  }

  result(): Pick<RoundResult, "checked" | "lost" | "doubled" | "violations"> {
    const { checked, lost, doubled, violations } = this;
    return { checked, lost, doubled, violations };
  }
}
