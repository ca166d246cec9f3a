/** FORECAST and BID_PRICE against answers worked out by hand and from textbooks. */

import { deepStrictEqual, match, ok, strictEqual } from "node:assert/strict";
import { engineOptions } from "../../streaming/engine_options.ts";
import { explored } from "../../streaming/exploration.ts";
import { evaluateFlight, GUARD_LIMITS } from "../../streaming/guards.ts";
import { bidPriceOf, bidPricePolicy, seatsKeptAbove } from "../../streaming/policies/bid_price.ts";
import { forecastPolicy } from "../../streaming/policies/forecast.ts";
import type { FlightForecast, Guard, Observation, OpenFare } from "../../streaming/policies/policy.ts";

const FORECAST: FlightForecast = {
  version: "2025-11-20",
  flights: 20,
  final_load_factor: 0.7,
  low: 0.6,
  high: 0.8,
  target_load_factor: 0.8,
  usual_booked_seats: 60,
  expected_pickup_seats: 40,
  intervention_expected_ms: null,
  demand: [],
};

const FARES: OpenFare[] = [
  { bucket: "Y", price: 220, available_seats: 20 },
  { bucket: "M", price: 180, available_seats: 30 },
  { bucket: "K", price: 140, available_seats: 50 },
];

/** 30 of 100 seats are booked and 40 more are expected. */
const SEEN: Observation = {
  load_factor: 0.3,
  minutes_to_departure: 4320,
  days_to_departure: 3,
  booking_velocity_per_hour: 1,
  previous_velocity_per_hour: null,
  booked_seats: 30,
  total_seats: 100,
  fares: FARES,
  forecast: FORECAST,
  promotions: 0,
  minutes_since_promotion: null,
};

/**
 * Rows: forecast, seen, elasticity, discount, guard. 10 % brings elasticity × 10 % of the pickup more, as far as there are
 * seats; with 1.5 that is 6 of 40: 46 × 0.9 = 41.4 for 40, so it pays; 25 % brings 15: 55 × 0.75 = 41.25.
 */
const ROWS: [
  string,
  Partial<FlightForecast>,
  Partial<Observation>,
  number,
  number | undefined,
  Guard | null,
][] = [
  ["the target is met", { final_load_factor: 0.8 }, {}, 1.5, undefined, null],
  ["10 seats are missing, 25 % brings 15", {}, {}, 1.5, 25, null],
  ["5 seats are missing, 10 % brings 6", { final_load_factor: 0.75 }, {}, 1.5, 10, null],
  ["20 are missing, none brings as much: 10 % earns more", { final_load_factor: 0.6 }, {}, 1.5, 10, null],
  ["with elasticity 2 25 % earns most (20 more: 45)", { final_load_factor: 0.5 }, {}, 2, 25, null],
  ["with elasticity 1 nothing pays", {}, {}, 1, 10, "does_not_pay"],
  ["nobody is expected", { expected_pickup_seats: 0 }, {}, 1.5, 10, "does_not_pay"],
  ["only 2 seats are free beside those expected", {}, { booked_seats: 58 }, 1.5, 10, "does_not_pay"],
  ["the flight leaves now", {}, { minutes_to_departure: 0 }, 1.5, undefined, null],
];

for (const [name, forecast, seen, priceElasticity, discount, guard] of ROWS) {
  Deno.test(`FORECAST: ${name}`, () => {
    const decision = forecastPolicy({ priceElasticity }).evaluate({
      ...SEEN,
      ...seen,
      forecast: { ...FORECAST, ...forecast },
    });
    strictEqual(decision?.discount_percentage, discount);
    strictEqual(decision?.heldBackBy ?? null, guard);
  });
}

Deno.test("FORECAST says what it expects, in words and as inputs", () => {
  const decision = forecastPolicy().evaluate(SEEN)!;
  strictEqual(
    decision.reason,
    "Load factor 70 % is expected at departure (60 % to 80 %), below the target 80 %; 25 % should bring 15.0 seats to " +
      "the 40.0 still expected and 3.1 % more revenue from them",
  );
  deepStrictEqual(decision.inputs, {
    booked_seats: 30,
    total_seats: 100,
    forecast_load_factor: 0.7,
    forecast_load_factor_low: 0.6,
    forecast_load_factor_high: 0.8,
    expected_pickup_seats: 40,
    curve_version: "2025-11-20",
  });
});

Deno.test("without history the published rule decides, and the reason says so", () => {
  for (const policy of [forecastPolicy(), bidPricePolicy()]) {
    const decision = policy.evaluate({ ...SEEN, load_factor: 0.2, forecast: null })!;
    strictEqual(decision.discount_percentage, 25);
    match(
      decision.reason,
      /^There is no history of such flights yet, so RULE_ENGINE_ITERATION_2 decides: 3 days/,
    );
    strictEqual(policy.evaluate({ ...SEEN, load_factor: 0.9, forecast: null }), undefined);
  }
});

/** RM2: fares 250, 150, 100, 50; mean = variance = 50, 75, 125, 500. Protections 48.21, 124.26, 256.31. */
const RM2_FARES: OpenFare[] = [[250, 50], [150, 75], [100, 125], [50, 500]].map(([price, seats]) => ({
  bucket: `B${price}`,
  price: price!,
  available_seats: seats!,
}));
const RM2: FlightForecast = {
  ...FORECAST,
  demand: [[250, 50], [150, 75], [100, 125], [50, 500]].map(([price, mean]) => ({
    bucket: `B${price}`,
    mean: mean!,
    variance: mean!,
  })),
};

/** A price and the seats kept for fares above it. */
const KEPT: [number, number][] = [[150, 48.21], [100, 124.26], [50, 256.31], [250, 0], [300, 0]];
for (const [price, seats] of KEPT) {
  Deno.test(`EMSR-b keeps ${seats} seats above ${price} (RM2)`, () => {
    strictEqual(Math.round(seatsKeptAbove(price, RM2_FARES, RM2) * 100) / 100, seats);
  });
  if (seats === 0) continue;
  Deno.test(`the bid price of ${seats} seats is ${price} (RM2)`, () => {
    // By Littlewood's rule a seat at the protection level is worth exactly the fare below.
    const found = bidPriceOf(seats, RM2_FARES, RM2);
    ok(Math.abs(found - price) < 0.5, `${found}`);
  });
}

Deno.test("the bid price falls as seats are left, and nothing is sold of none", () => {
  const prices = [1, 40, 60, 120, 200, 250, 300, 700, 800].map((seats) => bidPriceOf(seats, RM2_FARES, RM2));
  deepStrictEqual(prices, prices.toSorted((a, b) => b - a));
  strictEqual(bidPriceOf(0, RM2_FARES, RM2), 250);
});

/** Rows: demand for Y and M still to come, discount, guard; 70 seats are free, K costs 140, 105 with 25 % off. */
const BID_ROWS: [number, number, Guard | null][] = [[10, 20, null], [30, 50, "below_bid_price"]];
for (const [y, m, guard] of BID_ROWS) {
  Deno.test(`BID_PRICE with ${y} buyers for Y and ${m} for M: ${guard ?? "promoted"}`, () => {
    const demand = [["Y", y], ["M", m], ["K", 10]].map(([bucket, mean]) => ({
      bucket: String(bucket),
      mean: Number(mean),
      variance: Number(mean),
    }));
    const forecast = { ...FORECAST, demand };
    const decision = bidPricePolicy().evaluate({ ...SEEN, forecast })!;
    strictEqual(decision.heldBackBy ?? null, guard);
    strictEqual(decision.inputs!.free_seats, 70);
    strictEqual(decision.inputs!.discounted_price, 105);
    // A discounted seat is never below the bid price.
    strictEqual(Number(decision.inputs!.bid_price) > 105, guard !== null);
  });
}

const LIMITS = { ...GUARD_LIMITS, minimumFare: 0 };

Deno.test("exploring draws each action as often as its propensity says, and the same again", () => {
  const policy = forecastPolicy();
  const counts = new Map<string, { times: number; propensity: number }>();
  for (let n = 0; n < 4000; n++) {
    const draw = { explore: 0.6, logId: "1f3a9c2e", flightId: `F${n}` };
    const found = explored(evaluateFlight(policy, SEEN, LIMITS)!, policy, SEEN, LIMITS, draw);
    deepStrictEqual(explored(evaluateFlight(policy, SEEN, LIMITS)!, policy, SEEN, LIMITS, draw), found);
    const action = found.guard ?? String(found.discount_percentage);
    const count = counts.get(action) ?? { times: 0, propensity: found.propensity };
    strictEqual(count.propensity, found.propensity);
    count.times++;
    counts.set(action, count);
  }
  deepStrictEqual([...counts.keys()].sort(), ["10", "25", "exploration"]);
  let sum = 0;
  for (const { times, propensity } of counts.values()) {
    sum += propensity;
    // Four standard deviations of a binomial count.
    const deviation = Math.sqrt(4000 * propensity * (1 - propensity));
    ok(Math.abs(times - 4000 * propensity) < 4 * deviation, `${times} of 4000 at ${propensity}`);
  }
  ok(Math.abs(sum - 1) < 1e-9);
});

Deno.test("exploring leaves out what a guard forbids, and nothing is drawn where the share is 0", () => {
  const policy = forecastPolicy();
  // 25 % of 140 is 105: only 10 % (126) is above 110; the policy then wants 10 % of one discount.
  const narrow = { ...LIMITS, minimumFare: 110 };
  const only10 = forecastPolicy({ discounts: [10] });
  const evaluation = evaluateFlight(only10, SEEN, narrow)!;
  for (let n = 0; n < 200; n++) {
    const draw = { explore: 1, logId: "1f3a9c2e", flightId: `F${n}` };
    const found = explored(evaluation, only10, SEEN, narrow, draw);
    strictEqual(found.propensity, 0.5);
    ok(found.discount_percentage === 10);
  }
  const plain = evaluateFlight(policy, SEEN, LIMITS)!;
  strictEqual(explored(plain, policy, SEEN, LIMITS, { explore: 0, logId: "x", flightId: "F" }), plain);
});

Deno.test("engineOptions() refuses discounts that are none", () => {
  const values = {
    policy: "FORECAST",
    "max-promotions-per-flight": 1,
    "promo-cooldown": 60,
    "target-load-factor": 0.8,
    "price-elasticity": 1.5,
    "minimum-fare": 40,
    "dilution-max": 0.9,
    explore: 0,
  };
  for (const discounts of ["", "10,", "25,10", "100", "0", "ten"]) {
    try {
      engineOptions({ ...values, discounts });
    } catch (error) {
      match((error as Error).message, /^--discounts is ".*", expected percentages below 100, rising/);
      continue;
    }
    throw new Error(`"${discounts}" was taken`);
  }
  strictEqual(engineOptions({ ...values, discounts: "5, 12.5" }).policy.name, "FORECAST");
});
