/** Topic `promo_decisions`: promotions that were decided, with their reasons, keyed by `flight_id`. */

import {
  checkInteger,
  checkNumber,
  checkOptionalInstant,
  checkOptionalJson,
  checkOptionalText,
  checkText,
} from "./_check.ts";
import type { JsonObject } from "./_check.ts";

/** Where the record that led to an output stands in the log. */
export interface EventSource {
  log_id: string;
  topic: string;
  partition: number;
  offset: number;
}

/** A discount starts on a flight. */
export interface PromotionTriggered {
  event_type: "PromotionTriggered";
  event_time: string;
  flight_id: string;
  /** The policy that decided: `RULE_ENGINE` or `RULE_ENGINE_ITERATION_2`. */
  decision_source: string;
  current_load_factor: number;
  minutes_to_departure: number;
  days_to_departure?: number;
  booking_velocity_per_hour?: number;
  target_fare_bucket: string;
  /** Percent off the published price, more than 0 to 100. */
  discount_percentage: number;
  /** `<topic>-<partition>-<offset>-<n>@<log id>` of the input record. */
  event_id?: string;
  /** The policy's name and version. */
  policy?: string;
  /** What the policy looked at, as rounded on the wire, so that the decision can be recomputed. */
  inputs?: Record<string, number | string | null>;
  /** What the inputs were compared with. */
  thresholds?: Record<string, number>;
  /** The reason in plain words. */
  reason?: string;
  /** The probability with which this was done; there where the consumer explores. */
  propensity?: number;
  /** As in the flight's metrics at that moment. */
  booking_velocity_6h_per_hour?: number;
  booking_velocity_24h_per_hour?: number;
  forecast_load_factor?: number;
  forecast_load_factor_low?: number;
  forecast_load_factor_high?: number;
  intervention_expected_at?: string | null;
  curve_version?: string;
  source?: EventSource;
}

/** Field checks by event type; see `parse_event.ts`. */
export const promoDecisionChecks = {
  PromotionTriggered(event: JsonObject): void {
    checkText(event, "decision_source");
    checkNumber(event, "current_load_factor", 0, 1_000_000);
    checkInteger(event, "minutes_to_departure", 0, 10 * 366 * 24 * 60);
    checkOptionalText(event, "target_fare_bucket");
    checkNumber(event, "discount_percentage", 0, 100);
    checkOptionalText(event, "event_id");
    checkOptionalText(event, "policy");
    checkOptionalText(event, "reason");
    checkOptionalText(event, "curve_version");
    checkOptionalInstant(event, "intervention_expected_at");
    checkOptionalJson(event, "inputs");
    checkOptionalJson(event, "thresholds");
  },
};

/** One event of the topic as it travels. */
export const promoDecisionExample: PromotionTriggered = {
  event_type: "PromotionTriggered",
  event_time: "2025-11-24T10:15:30.000Z",
  flight_id: "BA210_2025-11-28",
  decision_source: "RULE_ENGINE_ITERATION_2",
  current_load_factor: 0.006,
  minutes_to_departure: 5984,
  days_to_departure: 4.16,
  booking_velocity_per_hour: 1,
  target_fare_bucket: "K",
  discount_percentage: 25,
  event_id: "bookings-2-17-1@1f3a9c2e",
  policy: "RULE_ENGINE_ITERATION_2/1",
  inputs: {
    load_factor: 0.006,
    days_to_departure: 4.16,
    booking_velocity_per_hour: 1,
    previous_velocity_per_hour: null,
  },
  thresholds: { days_to_departure_min: 2, days_to_departure_max: 7, load_factor_below: 0.6 },
  reason: "Load factor 0.6 % is below 30 % with 4.16 days to departure",
  booking_velocity_6h_per_hour: 0.167,
  booking_velocity_24h_per_hour: 0.042,
  forecast_load_factor: 0.612,
  forecast_load_factor_low: 0.504,
  forecast_load_factor_high: 0.72,
  intervention_expected_at: "2025-11-24T10:15:30.000Z",
  curve_version: "2025-11-23",
  propensity: 1,
  source: { log_id: "1f3a9c2e-5b1d-4d36-8f0e-2f6f0d9f4c11", topic: "bookings", partition: 2, offset: 17 },
};
