/** The policies by name, for `--policy`. */

import { none } from "./none.ts";
import type { PromotionPolicy } from "./policy.ts";
import { ruleEngine } from "./rule_engine.ts";
import { ruleEngineIteration2 } from "./rule_engine_iteration_2.ts";

/** Every policy there is. */
export const POLICIES: readonly PromotionPolicy[] = [none, ruleEngine, ruleEngineIteration2];

/** The policy of a name; `undefined` where there is none. */
export function policyNamed(name: string): PromotionPolicy | undefined {
  return POLICIES.find((policy) => policy.name === name);
}
