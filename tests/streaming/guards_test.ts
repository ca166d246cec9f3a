import { deepStrictEqual, match, strictEqual } from "node:assert/strict";
import { evaluateFlight, GUARD_LIMITS, limitReached } from "../../streaming/guards.ts";
import { dilutionOf } from "../../streaming/policies/dilution.ts";
import { none } from "../../streaming/policies/none.ts";
import type { FlightForecast, Guard, Observation, PromotionPolicy } from "../../streaming/policies/policy.ts";

const FORECAST: FlightForecast = {
  version: "2025-11-20",
  flights: 20,
  final_load_factor: 0.5,
  low: 0.4,
  high: 0.6,
  target_load_factor: 0.8,
  usual_booked_seats: 60,
  expected_pickup_seats: 30,
  intervention_expected_ms: null,
  demand: [],
};

const SEEN: Observation = {
  load_factor: 0.3,
  minutes_to_departure: 4320,
  days_to_departure: 3,
  booking_velocity_per_hour: 1,
  previous_velocity_per_hour: null,
  booked_seats: 54,
  total_seats: 180,
  fares: [{ bucket: "Y", price: 220, available_seats: 20 }, {
    bucket: "K",
    price: 140,
    available_seats: 100,
  }],
  forecast: FORECAST,
  promotions: 0,
  minutes_since_promotion: null,
};

/** Wants what it is told to want, whatever it sees. */
function wants(discount_percentage: number, heldBackBy?: Guard): PromotionPolicy {
  return {
    name: "TEST",
    version: 3,
    guards: ["minimum_fare", "dilution", "ahead_of_curve"],
    evaluate: () => ({
      discount_percentage,
      thresholds: { test: 1 },
      reason: "The test wants it",
      ...(heldBackBy === undefined ? {} : { heldBackBy }),
    }),
  };
}

/** Rows: what is seen, discount, limits, guard; each worked out by hand. */
const ROWS: [name: string, seen: Partial<Observation>, discount: number, limits: object, Guard | null][] = [
  ["nothing in the way", {}, 25, {}, null],
  ["one promotion of one", { promotions: 1 }, 25, {}, "maximum_per_flight"],
  [
    "59.9 of 60 minutes",
    { promotions: 1, minutes_since_promotion: 59.9 },
    25,
    { maxPromotionsPerFlight: 2 },
    "cooldown",
  ],
  [
    "60 of 60 minutes",
    { promotions: 1, minutes_since_promotion: 60 },
    25,
    { maxPromotionsPerFlight: 2 },
    null,
  ],
  ["140 less 25 % is 105", {}, 25, { minimumFare: 105 }, null],
  ["140 less 25 % is below 105.01", {}, 25, { minimumFare: 105.01 }, "minimum_fare"],
  ["no fares are known", { fares: null }, 25, { minimumFare: 1000 }, null],
  ["10 %: 100 of 115 would have paid", {}, 10, { dilutionMax: 0.86 }, "dilution"],
  ["10 %: 87.0 % may be", {}, 10, { dilutionMax: 0.87 }, null],
  ["60 booked where 60 are usual", { booked_seats: 60 }, 25, {}, null],
  ["61 booked where 60 are usual", { booked_seats: 61 }, 25, {}, "ahead_of_curve"],
  ["no history", { booked_seats: 61, forecast: null }, 25, {}, null],
];

for (const [name, seen, discount, limits, guard] of ROWS) {
  Deno.test(`evaluateFlight(): ${name}: ${guard ?? "promoted"}`, () => {
    const evaluation = evaluateFlight(wants(discount), { ...SEEN, ...seen }, { ...GUARD_LIMITS, ...limits });
    strictEqual(evaluation?.guard, guard);
    match(evaluation!.reason, /The test wants it$/);
    deepStrictEqual([evaluation!.policy, evaluation!.propensity], ["TEST/3", 1]);
  });
}

Deno.test("a policy that names no guards is held back by cooldown and maximum alone", () => {
  const policy: PromotionPolicy = { name: "TEST", version: 3, evaluate: wants(25).evaluate };
  const limits = { ...GUARD_LIMITS, minimumFare: 1000, dilutionMax: 0 };
  strictEqual(evaluateFlight(policy, { ...SEEN, booked_seats: 180 }, limits)?.guard, null);
  strictEqual(evaluateFlight(policy, { ...SEEN, promotions: 1 }, limits)?.guard, "maximum_per_flight");
});

Deno.test("a policy's own objection is told as it says it", () => {
  const evaluation = evaluateFlight(wants(10, "does_not_pay"), SEEN, GUARD_LIMITS);
  deepStrictEqual([evaluation?.guard, evaluation?.reason], ["does_not_pay", "The test wants it"]);
});

Deno.test("none never wants anything", () => {
  strictEqual(evaluateFlight(none, { ...SEEN, load_factor: 0 }, GUARD_LIMITS), undefined);
});

Deno.test("limitReached() names the limit that is reached, the maximum first", () => {
  strictEqual(
    limitReached({ promotions: 1, minutes_since_promotion: 1 }, GUARD_LIMITS),
    "maximum_per_flight",
  );
  strictEqual(limitReached({}, GUARD_LIMITS), undefined);
});

Deno.test("dilutionOf(): nobody comes for no discount", () => {
  strictEqual(dilutionOf(0), 1);
});
