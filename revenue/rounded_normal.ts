/** Demand in whole seats: a normal distribution, rounded, with all that is below 0 at 0. */

import { normalDistribution } from "./normal.ts";

/** Probabilities of 0, 1, … seats, up to where they no longer matter (1e-12); they add up to 1. */
export function roundedNormal(demand: { mean: number; standardDeviation: number }): Float64Array {
  const { mean, standardDeviation } = demand;
  if (standardDeviation === 0) {
    const certain = new Float64Array(Math.max(0, Math.round(mean)) + 1);
    certain[certain.length - 1] = 1;
    return certain;
  }
  const most = Math.max(0, Math.ceil(mean + 7.5 * standardDeviation));
  const probabilities = new Float64Array(most + 1);
  let below = 0;
  for (let seats = 0; seats < most; seats++) {
    const upTo = normalDistribution((seats + 0.5 - mean) / standardDeviation);
    probabilities[seats] = upTo - below;
    below = upTo;
  }
  probabilities[most] = 1 - below;
  return probabilities;
}
