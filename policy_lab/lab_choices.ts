/** What a run of the lab is made of; two runs of the same choices give the same report. */

import {
  BUSINESS_SHARE_BY_WEEKDAY,
  DEMAND_BY_WEEKDAY,
  DEMAND_LEVEL_MEAN,
  DEMAND_LEVEL_SPREAD,
  SEGMENTS,
} from "../producer/demand_parameters.ts";
import { learnedPolicy } from "../streaming/policies/learned.ts";
import type { PickupModel } from "../streaming/policies/pickup_model.ts";
import { policyNamed } from "../streaming/policies/policies.ts";
import type { PromotionPolicy } from "../streaming/policies/policy.ts";

/** What decides the figures. */
export interface LabChoices {
  /** Policies by name, `none` first. */
  policies: readonly string[];
  /** Days of departures that are judged. */
  days: number;
  replications: number;
  seed: number;
  /** Departures a day; `undefined`: all. */
  flightsPerDay: number | undefined;
  /** The sale opens so many days before departure. */
  horizonDays: number;
  /** Days of departures before, sold without promotions, that policies with a forecast know. */
  historyDays: number;
  lookToBook: number;
  /** First day of departures, UTC, `2025-11-24`. */
  startDate: string;
  /** Load factor that flights are to leave with: policies with a forecast look at it. */
  targetLoadFactor: number;
  /** What `LEARNED` expects by; `undefined`: its own model. */
  model: PickupModel | undefined;
}

/** A policy of the choices by its name. */
export function labPolicy(name: string, { model }: LabChoices): PromotionPolicy {
  return name === "LEARNED" && model !== undefined ? learnedPolicy({}, model) : policyNamed(name)!;
}

/** Counts up when the same choices no longer give the same figures. */
const FORMAT = 1;

/** A short name of the choices, the demand's parameters and the policies' versions: results of others are not theirs. */
export async function digestOf(choices: LabChoices): Promise<string> {
  // The number of replications decides none of them: a run may be made longer.
  const { replications: _, ...deciding } = choices;
  const text = JSON.stringify([
    FORMAT,
    deciding,
    choices.policies.map((name) => labPolicy(name, choices).version),
    SEGMENTS,
    DEMAND_LEVEL_MEAN,
    DEMAND_LEVEL_SPREAD,
    DEMAND_BY_WEEKDAY,
    BUSINESS_SHARE_BY_WEEKDAY,
  ]);
  const digest = await crypto.subtle.digest("SHA-256", new TextEncoder().encode(text));
  return new Uint8Array(digest).toHex().slice(0, 12);
}
