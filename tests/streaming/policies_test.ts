import { deepStrictEqual, strictEqual } from "node:assert/strict";
import { POLICIES, policyNamed } from "../../streaming/policies/policies.ts";
import { ruleEngine } from "../../streaming/policies/rule_engine.ts";
import { ruleEngineIteration2 } from "../../streaming/policies/rule_engine_iteration_2.ts";

/** Rows: minutes to departure, load factor, discount; worked out by hand from the published bands. */
const RULE_ENGINE_ROWS: [number, number, number | undefined][] = [
  [90, 0.1, undefined],
  [89, 0.7, undefined],
  [89, 0.699, 10],
  [45, 0.699, 10],
  [45, 0.75, undefined],
  [44, 0.8, undefined],
  [44, 0.799, 25],
  [44, 0.5, 25],
  [0, 0, 25],
];

for (const [minutes_to_departure, load_factor, discount] of RULE_ENGINE_ROWS) {
  Deno.test(`RULE_ENGINE at ${minutes_to_departure} minutes and load factor ${load_factor} gives ${discount}`, () => {
    const decision = ruleEngine.evaluate({
      load_factor,
      minutes_to_departure,
      days_to_departure: 0,
      booking_velocity_per_hour: 0,
      previous_velocity_per_hour: null,
    });
    strictEqual(decision?.discount_percentage, discount);
  });
}

/** Rows: days, load factor, velocity, previous velocity, discount. */
const ITERATION_2_ROWS: [number, number, number, number | null, number | undefined][] = [
  [1.99, 0.1, 0, null, undefined],
  [2, 0.1, 0, null, 25],
  [7, 0.1, 0, null, 25],
  [7.01, 0.1, 0, null, undefined],
  [4, 0.299, 0, 1, 25],
  [4, 0.3, 0, 1, 10],
  [4, 0.599, 0, 1, 10],
  [4, 0.6, 0, 1, undefined],
  [4, 0.4, 4, 1, 10],
  [4, 0.4, 5, null, 10],
  [4, 0.4, 5, 6, undefined],
  [4, 0.4, 8, 10, 10],
  [4, 0.4, 9, 10, undefined],
];

for (const [days, load_factor, velocity, previous, discount] of ITERATION_2_ROWS) {
  Deno.test(
    `RULE_ENGINE_ITERATION_2 at ${days} days, load factor ${load_factor}, velocity ${velocity} after ${previous} gives ${discount}`,
    () => {
      const decision = ruleEngineIteration2.evaluate({
        load_factor,
        minutes_to_departure: days * 1440,
        days_to_departure: days,
        booking_velocity_per_hour: velocity,
        previous_velocity_per_hour: previous,
      });
      strictEqual(decision?.discount_percentage, discount);
    },
  );
}

Deno.test("policyNamed() knows every policy by its name, and gives those with a forecast their options", () => {
  for (const policy of POLICIES) strictEqual(policyNamed(policy.name), policy);
  strictEqual(policyNamed("FORECAST", { discounts: [5] })!.name, "FORECAST");
  strictEqual(policyNamed("RULE_ENGINE", { discounts: [5] }), ruleEngine);
});

Deno.test("policyNamed() knows the published policies and no others", () => {
  deepStrictEqual([
    policyNamed("RULE_ENGINE"),
    policyNamed("RULE_ENGINE_ITERATION_2"),
    policyNamed("rule_engine"),
  ], [
    ruleEngine,
    ruleEngineIteration2,
    undefined,
  ]);
});
