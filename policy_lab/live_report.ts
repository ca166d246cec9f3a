/** What live decisions say of the policy that made them, or that they say nothing. */

import type { LiveDecision } from "./live_decisions.ts";
import { offPolicyEstimate } from "./off_policy.ts";
import { intervalOf, money } from "./shown_figures.ts";

const TARGETS: readonly [name: string, matches: (decision: LiveDecision) => boolean][] = [
  ["as the policy decides", ({ asWanted }) => asWanted],
  ["no promotion", ({ promoted }) => !promoted],
];

/** Lines for a person: for each alternative the revenue after a decision, or why there is no answer. */
export function liveReport(decisions: readonly LiveDecision[]): string[] {
  const count = decisions.length;
  const byChance = decisions.filter(({ propensity }) => propensity < 1).length;
  return [
    `${count.toLocaleString("en")} flights have left after a decision; with ${
      byChance.toLocaleString("en")
    } of them chance had a say`,
    ...TARGETS.flatMap(([name, matches]) => {
      const estimated = offPolicyEstimate(
        decisions.map((decision) => ({
          propensity: decision.propensity,
          matches: matches(decision),
          reward: decision.revenueAfter,
        })),
      );
      const size = `effective sample size ${estimated.effectiveSampleSize.toFixed(1)}`;
      if ("refused" in estimated) return [`${name}: no answer, ${size}. ${estimated.refused}`];
      const { ips, snips } = estimated;
      return [
        `${name}: revenue after the decision ${money(snips.mean)} per flight (SNIPS, 95 %: ${
          intervalOf(snips, money)
        }), ${money(ips.mean)} (IPS, 95 %: ${intervalOf(ips, money)}), ${size}`,
      ];
    }),
  ];
}
