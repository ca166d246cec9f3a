/**
 * What another policy would have earned, from decisions of which some were left to chance: inverse propensity scoring
 * (Horvitz and Thompson, "A generalization of sampling without replacement from a finite universe", Journal of the
 * American Statistical Association 47, 1952) and its self-normalized form (Swaminathan and Joachims, "The
 * self-normalized estimator for counterfactual learning", NIPS 2015).
 *
 * @module
 */

import { meanOf, studentQuantile } from "./statistics.ts";
import type { Estimate } from "./statistics.ts";

/** A decision that was made, with what followed. */
export interface LoggedDecision {
  /** The probability with which exactly this was done, more than 0 to 1. */
  propensity: number;
  /** Whether the policy that is judged would have done the same. */
  matches: boolean;
  /** What followed, in pounds. */
  reward: number;
}

/** An estimate of the mean reward, or why there is none. */
export type OffPolicyEstimate =
  | { ips: Estimate; snips: Estimate; effectiveSampleSize: number }
  | { refused: string; effectiveSampleSize: number };

/** Fewer decisions than this, weighted as if they were as many alike, answer nothing. */
export const EFFECTIVE_SAMPLE_MIN = 30;

/**
 * Estimates the mean reward under a policy. A decision that the policy shares counts 1 / propensity, any other not at all;
 * the effective sample size is (Σw)² / Σw² (Kish, "Survey Sampling", 1965).
 */
export function offPolicyEstimate(decisions: readonly LoggedDecision[]): OffPolicyEstimate {
  const weights = decisions.map(({ propensity, matches }) => matches ? 1 / propensity : 0);
  const sum = weights.reduce((total, weight) => total + weight, 0);
  const squares = weights.reduce((total, weight) => total + weight * weight, 0);
  const effectiveSampleSize = squares === 0 ? 0 : sum * sum / squares;
  const refused = refusalOf(decisions, effectiveSampleSize);
  if (refused !== undefined) return { refused, effectiveSampleSize };
  const rewards = decisions.map(({ reward }, at) => weights[at]! * reward);
  const snips = rewards.reduce((total, reward) => total + reward, 0) / sum;
  const meanWeight = sum / decisions.length;
  // The ratio's error by linearization.
  const residuals = decisions.map(({ reward }, at) => weights[at]! * (reward - snips) / meanWeight);
  return {
    ips: around(meanOf(rewards), rewards),
    snips: around(snips, residuals),
    effectiveSampleSize,
  };
}

function refusalOf(decisions: readonly LoggedDecision[], effectiveSampleSize: number): string | undefined {
  if (decisions.length === 0) return "No flight with a decision has left yet";
  if (decisions.every(({ propensity }) => propensity === 1)) {
    return "No decision was left to chance: what the other policy would have done never happened. Run the consumer with --explore";
  }
  if (effectiveSampleSize < EFFECTIVE_SAMPLE_MIN) {
    return `The decisions that both share weigh as much as ${
      effectiveSampleSize.toFixed(1)
    } alike, expected at least ${EFFECTIVE_SAMPLE_MIN}`;
  }
  return undefined;
}

function around(mean: number, values: readonly number[]): Estimate {
  const count = values.length;
  const centre = meanOf(values);
  const variance = values.reduce((sum, value) => sum + (value - centre) ** 2, 0) / (count - 1);
  const half = studentQuantile(0.975, count - 1) * Math.sqrt(variance / count);
  return { mean, low: mean - half, high: mean + half };
}
