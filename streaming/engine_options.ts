/** The options that decide what the engine decides, for every program that runs it. */

import { UsageError } from "../process/command_line.ts";
import { GUARD_LIMITS } from "./guards.ts";
import type { InventoryEngineOptions } from "./inventory_engine_options.ts";
import { DISCOUNT_CHOICE } from "./policies/discount_choice.ts";
import { POLICIES, policyNamed } from "./policies/policies.ts";

const FORECASTING = "FORECAST, BID_PRICE and LEARNED";

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
  "target-load-factor": {
    type: "number",
    value: "SHARE",
    default: 0.8,
    min: 0,
    max: 1,
    description: "Load factor that flights are to leave with; forecasts say when one falls below it",
  },
  discounts: {
    type: "text",
    value: "LIST",
    default: DISCOUNT_CHOICE.discounts.join(","),
    description: `${FORECASTING}: discounts to choose from, in percent`,
  },
  "price-elasticity": {
    type: "number",
    value: "PERCENT",
    default: DISCOUNT_CHOICE.priceElasticity,
    min: 0,
    max: 10,
    description: `${FORECASTING}: buyers more that a price lower by one percent brings, in percent`,
  },
  "minimum-fare": {
    type: "number",
    value: "PRICE",
    default: GUARD_LIMITS.minimumFare,
    min: 0,
    description: `${FORECASTING}: no fare is discounted below this price`,
  },
  "dilution-max": {
    type: "number",
    value: "SHARE",
    default: GUARD_LIMITS.dilutionMax,
    min: 0,
    max: 1,
    description: `${FORECASTING}: the most buyers, as a share, who would have paid the full price`,
  },
  explore: {
    type: "number",
    value: "SHARE",
    default: 0,
    min: 0,
    max: 1,
    description:
      "Share of the promotions in which chance chooses the discount, or none, so that policies can be judged later",
  },
} as const;

/** Their values as the command line gives them. */
export interface EngineOptionValues {
  policy: string;
  "max-promotions-per-flight": number;
  "promo-cooldown": number;
  "target-load-factor": number;
  discounts: string;
  "price-elasticity": number;
  "minimum-fare": number;
  "dilution-max": number;
  explore: number;
}

type EngineOption =
  | "policy"
  | "maxPromotionsPerFlight"
  | "promoCooldownMs"
  | "targetLoadFactor"
  | "guards"
  | "explore";

/**
 * The options as an engine takes them.
 *
 * @throws {UsageError} for a list of discounts that is none.
 */
export function engineOptions(
  values: EngineOptionValues,
): Required<Pick<InventoryEngineOptions, EngineOption>> {
  const priceElasticity = values["price-elasticity"];
  return {
    policy: policyNamed(values.policy, { discounts: discountsOf(values.discounts), priceElasticity })!,
    maxPromotionsPerFlight: values["max-promotions-per-flight"],
    promoCooldownMs: values["promo-cooldown"] * 60_000,
    targetLoadFactor: values["target-load-factor"],
    guards: {
      minimumFare: values["minimum-fare"],
      dilutionMax: values["dilution-max"],
      priceElasticity,
    },
    explore: values.explore,
  };
}

function discountsOf(text: string): number[] {
  const discounts = text.split(",").map((part) => part.trim() === "" ? NaN : Number(part));
  const fits = discounts.every((discount, at) =>
    discount > 0 && discount < 100 && discount > (discounts[at - 1] ?? 0)
  );
  if (fits) return discounts;
  throw new UsageError(`--discounts is "${text}", expected percentages below 100, rising, such as 10,25`);
}
