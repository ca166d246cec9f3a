/** All experiments of the reliability exam, by number. */

import type { Experiment } from "./experiment.ts";

export const EXPERIMENTS: readonly Experiment[] = ([] as Experiment[]).toSorted((a, b) =>
  a.number - b.number
);
