import { deepEqual, equal, ok } from "node:assert/strict";
import { promotionFactor } from "../../producer/demand.ts";
import { fareBuckets, priceOf, totalPriceOf } from "../../producer/fares.ts";
import { demandLevel, NetworkDemand, PARTY_SIZE_MEAN } from "../../producer/network_demand.ts";
import { PublishedDemand, publishedProbability, timeFactor } from "../../producer/published_demand.ts";
import { randomKey } from "../../producer/random.ts";
import { DAY_MS, START_MS } from "./_support.ts";

/** Time factors of the published model at and around their limits. */
const TIME_FACTORS: [days: number, factor: number][] = [
  [11, 0.5],
  [10, 0.7],
  [7.01, 0.7],
  [7, 1.0],
  [4.01, 1.0],
  [4, 1.3],
  [2, 1.3],
  [1.99, 1.6],
  [0, 1.6],
];
for (const [days, factor] of TIME_FACTORS) {
  Deno.test(`the published time factor ${days} days before departure is ${factor}`, () => {
    equal(timeFactor(days), factor);
  });
}

/** Promotion factors of the published model. */
const PROMOTION_FACTORS: [discount: number, factor: number][] = [
  [50, 1.35],
  [25, 1.35],
  [24, 1.15],
  [10, 1.15],
  [9, 1],
];
for (const [discountPercentage, factor] of PROMOTION_FACTORS) {
  Deno.test(`the published promotion factor of ${discountPercentage} % is ${factor}`, () => {
    equal(promotionFactor({ fromMs: 0, discountPercentage, targetFareBucket: "K" }), factor);
  });
}

Deno.test("publishedProbability() multiplies the factors (iteration 2), or is constant (iteration 1)", () => {
  equal(publishedProbability("iteration-2", 11, 1), 0.01);
  // 0.02 × 1.6 × 1.35
  ok(Math.abs(publishedProbability("iteration-2", 1, 1.35) - 0.0432) < 1e-12);
  // 0.02 × 1.3 × 1.15
  ok(Math.abs(publishedProbability("iteration-2", 3, 1.15) - 0.0299) < 1e-12);
  equal(publishedProbability("iteration-2", 1, 1000), 0.8);
  equal(publishedProbability("iteration-1", 1, 1.35), 0.02);
  equal(publishedProbability("iteration-1", 11, 1), 0.02);
});

Deno.test("PublishedDemand has a candidate a second and accepts them with the probability", () => {
  let accepted = 0;
  const seconds = 200_000;
  const demand = new PublishedDemand(randomKey(1, "BA200"), "iteration-2", 0, seconds * 1000 + 11 * DAY_MS);
  for (let second = 1; second <= seconds; second++) {
    equal(demand.timeMs, second * 1000);
    if (demand.accepts(1)) accepted++;
    demand.advance();
  }
  // More than 10 days ahead: 0.01 a second, 2,000 expected, standard deviation 44.5.
  ok(Math.abs(accepted - 2000) < 180, `${accepted} accepted`);
});

Deno.test("NetworkDemand accepts as many parties, and as early, as its formula says", () => {
  const flights = 400;
  const half = START_MS + 7 * DAY_MS;
  const end = START_MS + 14 * DAY_MS;
  const seen = { early: 0, all: 0, promoted: 0, seats: 0, parties: 0 };
  const expected = { early: 0, all: 0 };
  for (let n = 0; n < flights; n++) {
    const key = randomKey(1, `BA${n}_2025-12-08`);
    const { loadFactor, exponent } = demandLevel(key);
    const parties = 180 * loadFactor / PARTY_SIZE_MEAN;
    expected.all += parties;
    expected.early += parties * 0.5 ** exponent;
    for (
      const demand = new NetworkDemand(key, 180, START_MS, end);
      demand.timeMs < end;
      demand.advance()
    ) {
      seen.seats += demand.partySize();
      seen.parties++;
      if (demand.accepts(1.35)) seen.promoted++;
      if (!demand.accepts(1)) continue;
      ok(demand.accepts(1.15) && demand.accepts(1.35), "who books without a promotion books with one");
      seen.all++;
      if (demand.timeMs < half) seen.early++;
    }
  }
  // Poisson: within 4.5 standard deviations, sqrt(expected) each.
  const near = (value: number, mean: number) =>
    ok(Math.abs(value - mean) < 4.5 * Math.sqrt(mean), `${value}, expected about ${mean}`);
  near(seen.all, expected.all);
  near(seen.early, expected.early);
  near(seen.promoted, expected.all * 1.35);
  // The standard deviation of a party is 0.84: over 45,000 of them 0.004.
  ok(Math.abs(seen.seats / seen.parties - PARTY_SIZE_MEAN) < 0.02, `${seen.seats / seen.parties} a party`);
});

Deno.test("demandLevel() leaves some flights below half full and some above 0.9", () => {
  const levels = Array.from({ length: 2000 }, (_, n) => demandLevel(randomKey(1, `UA${n}_2025-12-08`)));
  const share = (test: (level: { loadFactor: number; exponent: number }) => boolean) =>
    levels.filter(test).length / levels.length;
  // The triangular distribution: 2 × 0.2² = 0.08 below 0.5 and 2 × 0.267² = 0.142 above 0.9.
  ok(Math.abs(share(({ loadFactor }) => loadFactor < 0.5) - 0.08) < 0.03);
  ok(Math.abs(share(({ loadFactor }) => loadFactor > 0.9) - 0.142) < 0.035);
  ok(levels.every(({ exponent }) => exponent > 1.2 && exponent < 2.2));
});

Deno.test("fareBuckets() are the published ones on 180 seats, and share out all seats of any aircraft", () => {
  deepEqual(fareBuckets(180).map(({ bucket, seats, price, weight }) => [bucket, seats, price, weight]), [
    ["Y", 20, 220, 1],
    ["M", 40, 180, 3],
    ["K", 120, 140, 6],
  ]);
  for (let seats = 1; seats <= 900; seats++) {
    equal(fareBuckets(seats).reduce((sum, fare) => sum + fare.seats, 0), seats);
    ok(fareBuckets(seats).every((fare) => fare.seats >= 0));
  }
  // Four times the distance is twice the fare.
  deepEqual(fareBuckets(180, 4000).map(({ price }) => price), [440, 360, 280]);
});

Deno.test("priceOf() takes the discount off the target bucket only, in pence", () => {
  const promotion = { fromMs: 0, discountPercentage: 25, targetFareBucket: "K" };
  const [y, , k] = fareBuckets(180, 1043);
  equal(k!.price, 143);
  equal(priceOf(k!, promotion), 107.25);
  equal(priceOf(k!, undefined), 143);
  equal(priceOf(y!, promotion), y!.price);
  equal(totalPriceOf(107.25, 3), 321.75);
  equal(totalPriceOf(0.1, 3), 0.3);
});
