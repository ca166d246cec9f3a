import { deepEqual, equal, match, ok, throws } from "node:assert/strict";
import { join } from "node:path";
import { labWorld } from "../../policy_lab/lab_world.ts";
import { pickupErrors, readingsOf, trainPickupModel } from "../../policy_lab/learned_training.ts";
import { flightSeedOf } from "../../policy_lab/replication.ts";
import { forecastPolicy } from "../../streaming/policies/forecast.ts";
import { learnedPolicy } from "../../streaming/policies/learned.ts";
import learnedModel from "../../streaming/policies/learned_model.json" with { type: "json" };
import {
  checkPickupModel,
  expectedPickup,
  type PickupFeatures,
  pickupTerms,
} from "../../streaming/policies/pickup_model.ts";
import type { Observation } from "../../streaming/policies/policy.ts";
import { ruleEngineIteration2 } from "../../streaming/policies/rule_engine_iteration_2.ts";
import { choicesOf, lab, withFolder } from "./_support.ts";

const DAY_MS = 24 * 60 * 60 * 1000;

/** The pickup forecast itself. */
const FORECAST_ONLY = { version: 7, trained_on: "nothing", weights: [1, 0, 0, 0, 0, 0, 0, 0, 0, 0] };

function features(changes: Partial<PickupFeatures> = {}): PickupFeatures {
  return {
    loadFactor: 0.4,
    forecastLoadFactor: 0.7,
    daysToDeparture: 5,
    bookingVelocity24hPerHour: 0.5,
    totalSeats: 150,
    ...changes,
  };
}

function observation(changes: Partial<Observation> = {}): Observation {
  return {
    load_factor: 0.4,
    minutes_to_departure: 7200,
    days_to_departure: 5,
    booking_velocity_per_hour: 1,
    previous_velocity_per_hour: 1,
    booked_seats: 60,
    total_seats: 150,
    booking_velocity_24h_per_hour: 0.5,
    forecast: {
      version: "2025-11-09",
      flights: 20,
      final_load_factor: 0.7,
      low: 0.5,
      high: 0.9,
      target_load_factor: 0.8,
      usual_booked_seats: 75,
      expected_pickup_seats: 45,
      intervention_expected_ms: null,
      demand: [],
    },
    ...changes,
  };
}

Deno.test("a model that takes the pickup forecast as it is decides what FORECAST decides", () => {
  const learned = learnedPolicy({}, FORECAST_ONLY).evaluate(observation());
  equal(learned?.discount_percentage, 25);
  deepEqual(learned, forecastPolicy().evaluate(observation()));
  equal(learnedPolicy({}, FORECAST_ONLY).version, 7);
});

Deno.test("a model that expects more promotes less", () => {
  const hopeful = { ...FORECAST_ONLY, weights: [1.5, 0, 0, 0, 0, 0, 0, 0, 0, 0] };
  // 0.4 + 1.5 × 0.3 = 0.85, above the target of 0.8.
  equal(learnedPolicy({}, hopeful).evaluate(observation()), undefined);
});

Deno.test("without history LEARNED leaves a flight to the published rule, after departure alone", () => {
  const flight = observation({ forecast: null });
  const decision = learnedPolicy().evaluate(flight)!;
  equal(decision.discount_percentage, ruleEngineIteration2.evaluate(flight)!.discount_percentage);
  match(decision.reason, /There is no history of such flights yet/);
  equal(learnedPolicy().evaluate(observation({ minutes_to_departure: 0 })), undefined);
});

Deno.test("nothing is expected at the departure, never more seats than are free, never fewer than none", () => {
  const model = checkPickupModel(learnedModel);
  const atDeparture = features({ forecastLoadFactor: 0.4, daysToDeparture: 0 });
  ok(pickupTerms(atDeparture).every((term) => Math.abs(term) < 1e-12));
  equal(expectedPickup(model, atDeparture), 0);
  const wild = (weight: number) => ({ ...FORECAST_ONLY, weights: [weight, 0, 0, 0, 0, 0, 0, 0, 0, 0] });
  equal(expectedPickup(wild(100), features()), 0.6);
  equal(expectedPickup(wild(-100), features()), -0.4);
});

const WRONG: [what: string, model: unknown, message: RegExp][] = [
  ["a list", [], /is \[\], expected an object/],
  ["a further field", { ...FORECAST_ONLY, wieghts: [] }, /none but version, trained_on, weights/],
  ["no version", { ...FORECAST_ONLY, version: undefined }, /field "version"/],
  [
    "a version of text",
    { ...FORECAST_ONLY, version: "2" },
    /field "version" is "2", expected a whole number/,
  ],
  ["no origin", { ...FORECAST_ONLY, trained_on: 3 }, /field "trained_on" is 3, expected a text/],
  ["few weights", { ...FORECAST_ONLY, weights: [1, 2] }, /field "weights" is \[1,2\], expected 10 numbers/],
  ["a weight of text", { ...FORECAST_ONLY, weights: [..."123456789", 1] }, /field "weights"/],
];
for (const [what, model, message] of WRONG) {
  Deno.test(`a pickup model with ${what} is refused`, () => {
    throws(() => checkPickupModel(model), message);
  });
}

Deno.test("training finds the weights that made the readings", () => {
  const weights = [0.9, -0.2, 0.3, 0.1, -0.4, 0.5, -0.3, 0.2, 0.1, -0.1];
  const readings = Array.from({ length: 2000 }, (_, n) => {
    // Low-discrepancy places: spread over all features without chance.
    const at = (base: number) => (n * base) % 1;
    const reading = features({
      loadFactor: at(0.7548776662),
      forecastLoadFactor: at(0.5698402909),
      daysToDeparture: 14 * at(0.8191725134),
      bookingVelocity24hPerHour: 3 * at(0.6710436067),
    });
    const pickup = pickupTerms(reading).reduce((sum, term, term_) => sum + term * weights[term_]!, 0);
    return { features: reading, pickup };
  });
  const trained = trainPickupModel(readings, { version: 1, trainedOn: "itself" });
  trained.weights.forEach((weight, at) => ok(Math.abs(weight - weights[at]!) < 0.01, `${at}: ${weight}`));
});

Deno.test("the model is closer to what flights take up than the pickup forecast, on flights it has not seen", async () => {
  const { flights, curves } = await labWorld(
    choicesOf({ seed: 5, days: 7, flightsPerDay: 8, historyDays: 56 }),
  );
  const readings = readingsOf(flights, curves, {
    seed: 5,
    flightSeed: flightSeedOf(5, 0),
    bookingHorizonMs: 14 * DAY_MS,
    lookToBook: 10,
  });
  ok(readings.length > 500, `${readings.length} readings`);
  const errors = pickupErrors(checkPickupModel(learnedModel), readings);
  ok(errors.learned < errors.forecast, `${errors.learned}, the forecast's ${errors.forecast}`);
});

Deno.test("the lab trains a model, judges LEARNED with it, and says what is wrong with a file", () =>
  withFolder(async (folder) => {
    const file = join(folder, "model.json");
    const small = "--days 3 --flights-per-day 3 --history 56 --seed 2 --replications 2";
    const trained = await lab(`${small} --train ${file}`);
    equal(trained.code, 0, trained.text);
    match(trained.text, /Trained on [\d,]+ readings\. Mean absolute error/);
    checkPickupModel(JSON.parse(await Deno.readTextFile(file)));
    const judged = await lab(`${small} --policies LEARNED,FORECAST --model ${file} --out ${folder}`);
    equal(judged.code, 0, judged.text);
    const [run] = [...Deno.readDirSync(folder)].filter(({ isDirectory }) => isDirectory);
    match(
      await Deno.readTextFile(join(folder, run!.name, "report.md")),
      /LEARNED (earns|does not earn) its place/,
    );
    await Deno.writeTextFile(file, '{"version":1}');
    const refused = await lab(`${small} --model ${file}`);
    equal(refused.code, 1);
    match(
      refused.text,
      /Cannot use the pickup model ".*": The pickup model's field "trained_on" is undefined/,
    );
    match((await lab(`${small} --model ${join(folder, "none.json")}`)).text, /there is no such file/);
    const unlearned = await lab(`--days 1 --flights-per-day 1 --history 0 --train ${file}`);
    equal(unlearned.code, 1);
    match(unlearned.text, /There is nothing to learn from: 0 days of history/);
  }));
