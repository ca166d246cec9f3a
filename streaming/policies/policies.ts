/** The policies by name, for `--policy`. */

import { bidPricePolicy } from "./bid_price.ts";
import type { DiscountChoiceOptions } from "./discount_choice.ts";
import { forecastPolicy } from "./forecast.ts";
import { learnedPolicy } from "./learned.ts";
import { none } from "./none.ts";
import type { PromotionPolicy } from "./policy.ts";
import { ruleEngine } from "./rule_engine.ts";
import { ruleEngineIteration2 } from "./rule_engine_iteration_2.ts";

/** Every policy there is, with its defaults. */
export const POLICIES: readonly PromotionPolicy[] = [
  none,
  ruleEngine,
  ruleEngineIteration2,
  forecastPolicy(),
  bidPricePolicy(),
  learnedPolicy(),
];

/** What can be set of the policies with a forecast; the published ones have fixed thresholds. */
export type PolicyOptions = Partial<DiscountChoiceOptions>;

/** The policy of a name; `undefined` where there is none. */
export function policyNamed(name: string, options: PolicyOptions = {}): PromotionPolicy | undefined {
  const policy = POLICIES.find((policy) => policy.name === name);
  if (Object.keys(options).length === 0) return policy;
  if (name === "FORECAST") return forecastPolicy(options);
  if (name === "LEARNED") return learnedPolicy(options);
  return name === "BID_PRICE" ? bidPricePolicy(options) : policy;
}
