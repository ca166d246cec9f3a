/** Trains the pickup model of `LEARNED` on flights that have left, and says how well it does on others. */

import type { BookingCurvesPublished } from "../events/booking_curves.ts";
import type { Flight } from "../producer/flight.ts";
import type { NetworkFlightOptions } from "../producer/network_simulation.ts";
import {
  expectedPickup,
  type PickupFeatures,
  type PickupModel,
  pickupTerms,
} from "../streaming/policies/pickup_model.ts";
import type { PromotionPolicy } from "../streaming/policies/policy.ts";
import { OperatorError } from "../process/run_process.ts";
import { runFlight } from "./flight_run.ts";
import type { LabWorld } from "./lab_world.ts";
import { PolicyEngine } from "./policy_engine.ts";
import { flightSeedOf } from "./replication.ts";

const DAY_MS = 24 * 60 * 60 * 1000;
/** Readings of a flight are taken so many days apart, so that a flight that sells often does not count more. */
const READING_EVERY_DAYS = 0.5;
/** Keeps weights small where terms say the same. */
const RIDGE = 1e-6;

/** What was known of a flight at one time, and what became of it. */
export interface PickupReading {
  features: PickupFeatures;
  /** Share of the seats taken up from then to departure. */
  pickup: number;
}

/** A model trained on the flights of replication 0, and its errors on those of replication 1. */
export function trainedModel(
  { choices, flights, curves }: LabWorld,
): { model: PickupModel; readings: number; errors: { learned: number; forecast: number } } {
  const { seed, horizonDays, lookToBook, historyDays, days } = choices;
  const readingsFrom = (replication: number) =>
    readingsOf(flights, curves, {
      seed,
      flightSeed: flightSeedOf(seed, replication),
      bookingHorizonMs: horizonDays * DAY_MS,
      lookToBook,
    });
  const readings = readingsFrom(0);
  if (readings.length === 0) {
    throw new OperatorError(
      `There is nothing to learn from: ${historyDays} days of history give no forecast of the ${flights.length} flights`,
    );
  }
  const model = trainPickupModel(readings, {
    version: 1,
    trainedOn:
      `${flights.length} simulated flights of ${days} days, seed ${seed}: ${readings.length} readings of gold features`,
  });
  return { model, readings: readings.length, errors: pickupErrors(model, readingsFrom(1)) };
}

/** Readings of flights, sold without a promotion while the consumer's engine looks on. */
export function readingsOf(
  flights: readonly Flight[],
  curves: readonly BookingCurvesPublished[],
  sale: NetworkFlightOptions,
): PickupReading[] {
  const readings: PickupReading[] = [];
  let seen: PickupFeatures[] = [];
  const onlooker: PromotionPolicy = {
    name: "onlooker",
    version: 1,
    evaluate: ({ forecast, load_factor, days_to_departure, booking_velocity_24h_per_hour, total_seats }) => {
      const last = seen.at(-1);
      if (forecast === null || forecast === undefined) return undefined;
      if (last !== undefined && last.daysToDeparture - days_to_departure < READING_EVERY_DAYS) {
        return undefined;
      }
      seen.push({
        loadFactor: load_factor,
        forecastLoadFactor: forecast.final_load_factor,
        daysToDeparture: days_to_departure,
        bookingVelocity24hPerHour: booking_velocity_24h_per_hour ?? 0,
        totalSeats: total_seats ?? 1,
      });
      return undefined;
    },
  };
  const engine = new PolicyEngine(onlooker, curves);
  for (const flight of flights) {
    const { seatsSold } = runFlight(flight, engine, { sale, curve: { days: [], seen: () => {} } });
    const final = seatsSold / flight.totalSeats;
    for (const features of seen) {
      readings.push({ features, pickup: final - features.loadFactor });
    }
    seen = [];
  }
  return readings;
}

/** Least squares with a little ridge. A flight that sold out took up what there was: nothing else is of use to it. */
export function trainPickupModel(
  readings: readonly PickupReading[],
  about: { version: number; trainedOn: string },
): PickupModel {
  const size = pickupTerms(readings[0]!.features).length;
  const products = Array.from({ length: size }, () => new Float64Array(size + 1));
  for (const { features, pickup } of readings) {
    const terms = pickupTerms(features);
    for (let row = 0; row < size; row++) {
      for (let column = 0; column < size; column++) products[row]![column]! += terms[row]! * terms[column]!;
      products[row]![size]! += terms[row]! * pickup;
    }
  }
  for (let at = 0; at < size; at++) products[at]![at]! += RIDGE * readings.length;
  const weights = solved(products).map((weight) => Number(weight.toPrecision(6)));
  return { version: about.version, trained_on: about.trainedOn, weights };
}

/** Mean absolute errors of the final load factor: the model's, and the pickup forecast's that it starts from. */
export function pickupErrors(
  model: PickupModel,
  readings: readonly PickupReading[],
): { learned: number; forecast: number } {
  const errors = { learned: 0, forecast: 0 };
  for (const { features, pickup } of readings) {
    errors.learned += Math.abs(expectedPickup(model, features) - pickup);
    errors.forecast += Math.abs(features.forecastLoadFactor - features.loadFactor - pickup);
  }
  return { learned: errors.learned / readings.length, forecast: errors.forecast / readings.length };
}

/** Gaussian elimination with pivots; each row holds its equation's right side last. */
function solved(rows: Float64Array[]): number[] {
  const size = rows.length;
  for (let at = 0; at < size; at++) {
    let pivot = at;
    for (let row = at + 1; row < size; row++) {
      if (Math.abs(rows[row]![at]!) > Math.abs(rows[pivot]![at]!)) pivot = row;
    }
    [rows[at], rows[pivot]] = [rows[pivot]!, rows[at]!];
    for (let row = 0; row < size; row++) {
      if (row === at) continue;
      const factor = rows[row]![at]! / rows[at]![at]!;
      for (let column = at; column <= size; column++) rows[row]![column]! -= factor * rows[at]![column]!;
    }
  }
  return rows.map((row, at) => row[size]! / row[at]!);
}
