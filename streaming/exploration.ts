/**
 * Chance in decisions, with its probability noted, so that other policies can be judged by what happened. Where a promotion
 * would go out, with probability `explore` one of several discounts, or none, is drawn instead, each as likely. The draw
 * is a function of log, flight and number of the promotion, so a replay draws the same.
 *
 * @module
 */

import { hashOf, seedOf } from "./_event_id_table.ts";
import { objectionTo } from "./guards.ts";
import type { GuardLimits } from "./guards.ts";
import type { Evaluation, Observation, PromotionPolicy } from "./policies/policy.ts";

/** Discounts that may be drawn, in percent; 0 is no promotion. */
const DISCOUNTS = [0, 10, 25];

/** What the draw is made of. */
export interface Draw {
  /** Probability that chance decides, 0 to 1. */
  explore: number;
  logId: string;
  flightId: string;
}

/** An evaluation whose promotion may go out, after the draw: with the discount drawn, its guard and its propensity. */
export function explored(
  evaluation: Evaluation,
  policy: PromotionPolicy,
  observation: Observation,
  limits: GuardLimits,
  { explore, logId, flightId }: Draw,
): Evaluation {
  if (explore <= 0) return evaluation;
  const wanted = evaluation.discount_percentage;
  const actions = [...new Set([...DISCOUNTS, wanted])].filter((discount) =>
    discount === 0 || discount === wanted || objectionTo(policy, observation, discount, limits) === undefined
  );
  const { high, low } = hashOf(`${flightId}#${observation.promotions ?? 0}`, seedOf(logId));
  // Two draws of one hash: whether chance decides, and what.
  const byChance = high / 2 ** 32 < explore;
  const discount = byChance ? actions[Math.floor(low / 2 ** 32 * actions.length)]! : wanted;
  const propensity = explore / actions.length + (discount === wanted ? 1 - explore : 0);
  if (discount === wanted) return { ...evaluation, propensity };
  const what = discount === 0 ? "no promotion" : `${discount} %`;
  return {
    ...evaluation,
    guard: discount === 0 ? "exploration" : null,
    discount_percentage: discount === 0 ? wanted : discount,
    thresholds: { ...evaluation.thresholds, explore },
    reason:
      `Drawn by chance: ${what} instead of ${wanted} %. The policy wanted it because: ${evaluation.reason}`,
    propensity,
  };
}
