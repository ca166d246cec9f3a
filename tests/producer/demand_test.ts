import { deepEqual, equal, ok } from "node:assert/strict";
import { promotionFactor } from "../../producer/demand.ts";
import { fareBuckets, priceOf, totalPriceOf } from "../../producer/fares.ts";
import { SEGMENTS } from "../../producer/demand_parameters.ts";
import { flightDemand, meanPartySize } from "../../producer/flight_demand.ts";
import { NetworkDemand } from "../../producer/network_demand.ts";
import { PublishedDemand, publishedProbability, timeFactor } from "../../producer/published_demand.ts";
import { randomKey } from "../../producer/random.ts";
import { DAY_MS, flightOf, HOUR_MS, START_MS } from "./_support.ts";

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

Deno.test("PublishedDemand has a candidate a second and books them with the probability", () => {
  let booked = 0;
  const seconds = 200_000;
  const fares = fareBuckets(180);
  const departsMs = seconds * 1000 + 11 * DAY_MS;
  const demand = new PublishedDemand(randomKey(1, "BA200"), "iteration-2", fares, 0, departsMs);
  for (let second = 1; second <= seconds; second++) {
    equal(demand.timeMs, second * 1000);
    if (demand.fareBooked([20, 40, 120], undefined) !== undefined) booked++;
    demand.advance();
  }
  // More than 10 days ahead: 0.01 a second, 2,000 expected, standard deviation 44.5.
  ok(Math.abs(booked - 2000) < 180, `${booked} booked`);
});

/** Demand of many flights of 180 seats on a Monday, 14 days on sale. */
function* networkDemands(flights: number, lookToBook = 10) {
  const fares = fareBuckets(180);
  for (let n = 0; n < flights; n++) {
    const flight = flightOf({ flightId: `BA${n}_2025-12-08` });
    const key = randomKey(1, flight.flightId);
    const of = flightDemand(flight, { seed: 1, key, lowestFare: fares[2]!.price, lookToBook });
    const demand = new NetworkDemand({
      key,
      demand: of,
      fares,
      opensMs: START_MS,
      scheduledDepartureMs: START_MS + 14 * DAY_MS,
    });
    yield { of, demand };
  }
}

/** Poisson: within 4.5 standard deviations, sqrt(expected) each. */
function near(value: number, mean: number): void {
  ok(Math.abs(value - mean) < 4.5 * Math.sqrt(mean), `${value}, expected about ${mean}`);
}

const OPEN = [20, 40, 120];
const CUT = { fromMs: 0, discountPercentage: 25, targetFareBucket: "K" };

Deno.test("NetworkDemand brings as many shoppers, as early, and sells to as many, as its formulas say", () => {
  const seen = { shoppers: 0, bookings: 0, promoted: 0, seats: 0 };
  const expected = { shoppers: 0, bookings: 0, promoted: 0, seats: 0 };
  const early = [0, 0];
  const expectedEarly = [0, 0];
  for (const { of, demand } of networkDemands(150)) {
    for (const [at, { segment, shoppers }] of of.segments.entries()) {
      expected.shoppers += shoppers;
      // Up to the middle of the sale: F(1/2) = 1 − (1 − (1/2)^a)^b.
      const { rise, fall } = segment.arrival;
      expectedEarly[at]! += shoppers * (1 - (1 - 0.5 ** rise) ** fall);
      const wanting = shoppers * of.wantToFly;
      const bookings = wanting * Math.exp(-segment.elasticity);
      expected.bookings += bookings;
      expected.promoted += wanting * Math.exp(-segment.elasticity * 0.75);
      expected.seats += bookings * meanPartySize(segment);
    }
    for (; demand.timeMs < START_MS + 14 * DAY_MS; demand.advance()) {
      seen.shoppers++;
      if (demand.timeMs < START_MS + 7 * DAY_MS) {
        early[demand.segment.segment === SEGMENTS.leisure ? 0 : 1]!++;
      }
      const fare = demand.fareBooked(OPEN, undefined);
      const cheaper = demand.fareBooked(OPEN, CUT);
      if (cheaper !== undefined) seen.promoted++;
      if (fare === undefined) continue;
      equal(cheaper, fare, "who pays the full price pays less, too");
      seen.bookings++;
      seen.seats += demand.partySize();
    }
  }
  for (const what of ["shoppers", "bookings", "promoted"] as const) near(seen[what], expected[what]);
  early.forEach((count, at) => near(count, expectedEarly[at]!));
  // The standard deviation of a party is about 0.85: over 13,000 of them 0.008 each.
  ok(Math.abs(seen.seats / seen.bookings - expected.seats / expected.bookings) < 0.035);
  // Leisure early, business late.
  ok(expectedEarly[0]! / early.length > expectedEarly[1]!);
  ok(Math.abs(seen.shoppers / seen.bookings - 10) < 0.3, `${seen.shoppers / seen.bookings} to one who books`);
});

Deno.test("the look-to-book ratio adds people who only look: as many book", () => {
  for (const lookToBook of [5, 20]) {
    let shoppers = 0;
    let bookings = 0;
    for (const { demand } of networkDemands(60, lookToBook)) {
      for (; demand.timeMs < START_MS + 14 * DAY_MS; demand.advance()) {
        shoppers++;
        if (demand.fareBooked(OPEN, undefined) !== undefined) bookings++;
      }
    }
    ok(Math.abs(shoppers / bookings / lookToBook - 1) < 0.06, `${shoppers} shoppers, ${bookings} bookings`);
  }
});

Deno.test("a shopper sees the cheapest fare with seats for the whole party, and never pays more than it would", () => {
  const { demand } = networkDemands(1).next().value!;
  const fares = fareBuckets(180);
  let refused = 0;
  for (; demand.timeMs < Infinity; demand.advance()) {
    const willing = demand.willingnessToPay();
    const size = demand.partySize();
    equal(demand.fareBooked([size, size, size - 1], undefined), willing >= fares[1]!.price ? 1 : undefined);
    equal(demand.fareBooked([size, 0, 0], undefined), willing >= fares[0]!.price ? 0 : undefined);
    equal(demand.fareBooked([size - 1, size - 1, size - 1], CUT), undefined);
    equal(demand.fareBooked(OPEN, CUT), willing >= fares[2]!.price * 0.75 ? 2 : undefined);
    if (willing > 0 && willing < fares[2]!.price * 0.75) refused++;
  }
  ok(refused > 20, `${refused} want to fly and find it too dear`);
});

Deno.test("bookingProbability() is the rate at which shoppers book", () => {
  let expected = 0;
  let seen = 0;
  for (const { demand } of networkDemands(40)) {
    for (let hour = 0; hour < 14 * 24; hour++) {
      // The chance of a booking in a second, over the hour around its middle.
      const p = demand.bookingProbability(START_MS + (hour + 0.5) * HOUR_MS, OPEN, CUT);
      expected += -Math.log(1 - p) * 3600;
    }
    for (; demand.timeMs < Infinity; demand.advance()) {
      if (demand.fareBooked(OPEN, CUT) !== undefined) seen++;
    }
    equal(demand.bookingProbability(START_MS, [0, 0, 0], CUT), 0);
  }
  near(seen, expected);
});

Deno.test("some bookings are given back before departure and some passengers do not come, business more often", () => {
  const counts = new Map([SEGMENTS.leisure, SEGMENTS.business].map((segment) => [segment, [0, 0, 0]]));
  for (const { demand } of networkDemands(100)) {
    for (; demand.timeMs < Infinity; demand.advance()) {
      const count = counts.get(demand.segment.segment)!;
      count[0]!++;
      const cancelledMs = demand.cancelledMs(demand.timeMs);
      if (cancelledMs < Infinity) {
        ok(cancelledMs > demand.timeMs && cancelledMs <= START_MS + 14 * DAY_MS);
        count[1]!++;
      }
      count[2]! += demand.noShows(1);
    }
  }
  for (const [{ cancellation, noShow }, [all, cancelled, missing]] of counts) {
    near(cancelled!, all! * cancellation);
    near(missing!, all! * noShow);
  }
});

Deno.test("flightDemand() spreads levels around their mean and knows routes again", () => {
  const levels: number[] = [];
  for (const { of } of networkDemands(2000)) levels.push(Math.log(of.level));
  const mean = levels.reduce((sum, level) => sum + level, 0) / levels.length;
  const spread = Math.sqrt(levels.reduce((sum, level) => sum + (level - mean) ** 2, 0) / levels.length);
  // One route: what is left is the spread from flight to flight, 0.3.
  ok(Math.abs(spread - 0.3) < 0.02, `${spread}`);
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
