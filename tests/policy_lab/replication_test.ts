import { deepEqual, equal, ok } from "node:assert/strict";
import { perfectRevenue } from "../../policy_lab/bounds.ts";
import { runFlight } from "../../policy_lab/flight_run.ts";
import { labWorld } from "../../policy_lab/lab_world.ts";
import { PolicyEngine } from "../../policy_lab/policy_engine.ts";
import { priceLevels } from "../../policy_lab/price_levels.ts";
import { flightSeedOf, runReplication } from "../../policy_lab/replication.ts";
import { fareBuckets } from "../../producer/fares.ts";
import type { NetworkDemand } from "../../producer/network_demand.ts";
import { networkFlight } from "../../producer/network_simulation.ts";
import type { PromotionPolicy } from "../../streaming/policies/policy.ts";
import { none } from "../../streaming/policies/none.ts";
import { choicesOf } from "./_support.ts";

const DAY_MS = 24 * 60 * 60 * 1000;

Deno.test("a replication is the same each time, and another one is another", async () => {
  const world = await labWorld(choicesOf());
  equal(world.flights.length, 9);
  const first = runReplication(1, world);
  deepEqual(runReplication(1, world), first);
  const other = runReplication(2, world);
  ok(other.policies[0]!.revenue !== first.policies[0]!.revenue && other.shoppers !== first.shoppers);
});

Deno.test("a policy meets the same shoppers whatever stands beside it", async () => {
  const alone = runReplication(2, await labWorld(choicesOf({ policies: ["none", "RULE_ENGINE"] })));
  const beside = runReplication(
    2,
    await labWorld(choicesOf({ policies: ["none", "RULE_ENGINE_ITERATION_2", "RULE_ENGINE"] })),
  );
  equal(beside.shoppers, alone.shoppers);
  deepEqual(beside.policies[0], alone.policies[0]);
  deepEqual(beside.policies[2], alone.policies[1]);
});

Deno.test("no policy earns more than is possible, and the bounds stand in their order", async () => {
  const world = await labWorld(choicesOf({ days: 7, flightsPerDay: 4 }));
  const results = [0, 1].map((replication) => runReplication(replication, world));
  const sum = (of: (result: typeof results[number]) => number) =>
    results.reduce((total, result) => total + of(result), 0);
  const perfect = sum((result) => result.perfect);
  const dynamic = sum((result) => result.dynamic!);
  for (const result of results) {
    for (const { revenue } of result.policies) ok(revenue > 0 && revenue < result.perfect);
  }
  ok(sum(({ policies }) => policies[0]!.revenue) < dynamic);
  // 56 flights: chance of the shoppers is far smaller than what lies between.
  ok(dynamic < perfect && perfect < 1.02 * sum((result) => result.linear));
  equal(runReplication(5, world).dynamic, null);
});

Deno.test("perfectRevenue() sells the seats to those who pay the most, and not to those who give them back", async () => {
  const [flight] = (await labWorld(choicesOf())).flights;
  let demand: NetworkDemand | undefined;
  networkFlight(flight!, {
    seed: 1,
    bookingHorizonMs: 14 * DAY_MS,
    lookToBook: 10,
    watch: (shoppers) => demand = shoppers,
  }).simulate([]);
  const fares = demand!.fares;
  const prices = priceLevels(fares);
  const closesMs = flight!.scheduledDepartureMs;
  const worth: number[] = [];
  for (const shoppers = demand!.fromTheFirst(); shoppers.timeMs < closesMs; shoppers.advance()) {
    if (shoppers.cancelledMs(Math.floor(shoppers.timeMs)) < closesMs) continue;
    const price = prices.find((price) => price <= shoppers.willingnessToPay());
    if (price !== undefined) worth.push(...new Array<number>(shoppers.partySize()).fill(price));
  }
  worth.sort((a, b) => b - a);
  for (const totalSeats of [10, 1000]) {
    const expected = worth.slice(0, totalSeats).reduce((sum, price) => sum + price, 0);
    const bounded = { totalSeats, fares, demand: demand!.level };
    ok(Math.abs(perfectRevenue(bounded, demand!.fromTheFirst(), closesMs) - expected) < 1e-6);
  }
});

Deno.test("priceLevels() are the published fares and the lowest one with its discounts", () => {
  deepEqual(priceLevels(fareBuckets(180)), [220, 180, 140, 126, 105]);
});

/** 25 % off at the first look. */
const ALWAYS: PromotionPolicy = {
  name: "ALWAYS",
  version: 1,
  evaluate: () => ({ discount_percentage: 25, thresholds: {}, reason: "always" }),
};

Deno.test("a flight under a discount: more shoppers book, those who would have paid anyhow are counted as diluted", async () => {
  const { flights } = await labWorld(choicesOf({ days: 7 }));
  const sums = { none: 0, always: 0, discounted: 0, diluted: 0 };
  for (const flight of flights) {
    const sale = {
      seed: 1,
      flightSeed: flightSeedOf(1, 0),
      bookingHorizonMs: 14 * DAY_MS,
      lookToBook: 10,
    };
    const seen: number[] = [];
    const curve = { days: [14, 7, 0], seen: (_: number, booked: number) => void seen.push(booked) };
    const without = runFlight(flight, new PolicyEngine(none, []), { sale, curve });
    const promoted = runFlight(flight, new PolicyEngine(ALWAYS, []), { sale, curve });
    equal(seen.length, 6);
    deepEqual([seen[0], seen[2], seen[5]], [0, without.seatsSold, promoted.seatsSold]);
    equal(promoted.shoppers, without.shoppers);
    deepEqual([without.promotions, without.discountedSeats, without.dilutedSeats], [0, 0, 0]);
    equal(promoted.promotions, 1);
    ok(promoted.dilutedSeats <= promoted.discountedSeats);
    ok(promoted.seatsSold <= flight.totalSeats);
    sums.none += without.seatsSold;
    sums.always += promoted.seatsSold;
    sums.discounted += promoted.discountedSeats;
    sums.diluted += promoted.dilutedSeats;
  }
  ok(sums.always > 1.05 * sums.none, `${sums.always} seats, ${sums.none} without`);
  // exp(−1.5 × 0.25) = 0.69 of leisure and exp(−0.7 × 0.25) = 0.84 of business would have paid the full price.
  const dilution = sums.diluted / sums.discounted;
  ok(dilution > 0.66 && dilution < 0.86, `${dilution}`);
});
