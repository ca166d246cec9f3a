/** The deterministic linear program of one leg. */

import { hindsightRevenue } from "./perfect_information.ts";

/**
 * max Σ r_j·y_j with Σ y_j ≤ capacity and 0 ≤ y_j ≤ mean demand: on one leg the highest fares are filled first. An
 * upper bound on perfect information, whose revenue is concave in demand (Jensen's inequality).
 *
 * Talluri and van Ryzin, "The Theory and Practice of Revenue Management" (2004), section 3.3.1.
 *
 * @param classes The highest fare first.
 */
export function linearBound(
  classes: readonly { fare: number; mean: number }[],
  capacity: number,
): number {
  return hindsightRevenue(classes.map(({ fare }) => fare), classes.map(({ mean }) => mean), capacity);
}
