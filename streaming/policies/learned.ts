/** Decides as `FORECAST` does, by a learned model of what the flight will still take up. */

import { bestDiscount, DISCOUNT_CHOICE, withoutHistory } from "./discount_choice.ts";
import type { DiscountChoiceOptions } from "./discount_choice.ts";
import learnedModel from "./learned_model.json" with { type: "json" };
import { checkPickupModel, expectedPickup, type PickupModel } from "./pickup_model.ts";
import type { FlightForecast, Observation, PromotionDecision, PromotionPolicy } from "./policy.ts";

/**
 * Looks at the final load factor that the model expects, where `FORECAST` looks at that of the pickup forecast; the rest
 * is the same. A flight without history is left to the published rule.
 *
 * @throws {TypeError} where the model is none.
 */
export function learnedPolicy(
  options: Partial<DiscountChoiceOptions> = {},
  model: PickupModel = checkPickupModel(learnedModel),
): PromotionPolicy {
  const choice = { ...DISCOUNT_CHOICE, ...options };
  return {
    name: "LEARNED",
    version: model.version,
    guards: ["minimum_fare", "dilution", "ahead_of_curve"],
    usesFares: true,
    evaluate(observation: Observation): PromotionDecision | undefined {
      const { forecast } = observation;
      if (forecast === null || forecast === undefined) return withoutHistory(observation);
      // Nothing is to be learned of a flight that has left.
      if (observation.minutes_to_departure === 0) return undefined;
      return bestDiscount(observation, learnedForecast(observation, forecast, model), choice);
    },
  };
}

function learnedForecast(
  observation: Observation,
  forecast: FlightForecast,
  model: PickupModel,
): FlightForecast {
  const totalSeats = observation.total_seats ?? 1;
  const loadFactor = observation.load_factor;
  const pickup = expectedPickup(model, {
    loadFactor,
    forecastLoadFactor: forecast.final_load_factor,
    daysToDeparture: observation.days_to_departure,
    bookingVelocity24hPerHour: observation.booking_velocity_24h_per_hour ?? 0,
    totalSeats,
  });
  const { version, flights, low, high, target_load_factor, usual_booked_seats, intervention_expected_ms } =
    forecast;
  return {
    version,
    flights,
    low,
    high,
    target_load_factor,
    usual_booked_seats,
    intervention_expected_ms,
    final_load_factor: Math.round((loadFactor + pickup) * 1000) / 1000,
    expected_pickup_seats: Math.round(pickup * totalSeats * 10) / 10,
    demand: [],
  };
}
