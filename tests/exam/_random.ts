/** Seeded draws for the exam: the same seed and name give the same sequence. */

import { randomKey, randomUint32, randomUnit } from "../../producer/random.ts";
import type { Random } from "./experiment.ts";

/** Draws of one name under a seed, uniform in [0, 1). */
export function randomOf(seed: number, name: string): Random {
  const key = randomKey(seed, name);
  let index = 0;
  return () => randomUnit(key, 0, index++);
}

/** A seed of its own for what has this name. */
export function seedOf(seed: number, name: string): number {
  return randomUint32(randomKey(seed, name), 0);
}

/** A whole number of `[from, to)`. */
export function wholeNumber(random: Random, from: number, to: number): number {
  return from + Math.floor(random() * (to - from));
}

/** One of a list. */
export function oneOf<T>(random: Random, list: readonly T[]): T {
  return list[wholeNumber(random, 0, list.length)]!;
}
