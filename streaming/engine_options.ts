/** The options that decide what the engine decides, for every program that runs it. */

import type { InventoryEngineOptions } from "./inventory_engine.ts";
import { POLICIES, policyNamed } from "./policies/policies.ts";

/** As `parseCommandLine()` takes them. */
export const ENGINE_OPTIONS = {
  policy: {
    type: "text",
    default: "RULE_ENGINE_ITERATION_2",
    choices: POLICIES.map((policy) => policy.name),
    description: "Rules that decide promotions",
  },
  "max-promotions-per-flight": {
    type: "number",
    default: 1,
    min: 0,
    integer: true,
    description: "Promotions that one flight gets at the most",
  },
  "promo-cooldown": {
    type: "number",
    value: "MINUTES",
    default: 60,
    min: 0,
    description: "Event time between two promotions of a flight, in minutes",
  },
} as const;

/** Their values, as an engine takes them. */
export function engineOptions(
  values: { policy: string; "max-promotions-per-flight": number; "promo-cooldown": number },
): Required<Pick<InventoryEngineOptions, "policy" | "maxPromotionsPerFlight" | "promoCooldownMs">> {
  return {
    policy: policyNamed(values.policy)!,
    maxPromotionsPerFlight: values["max-promotions-per-flight"],
    promoCooldownMs: values["promo-cooldown"] * 60_000,
  };
}
