/** `fact_promotions`: every promotion that was decided, with what it was decided on. */

import pl from "nodejs-polars";
import type { AirlineEvent } from "../events/parse_event.ts";
import type { PromotionTriggered } from "../events/promo_decisions.ts";
import { columnsOf, eventIdOf } from "./fact_table.ts";
import type { FactTable } from "./fact_table.ts";
import {
  allOf,
  INSTANT,
  instantOf,
  instantThere,
  normalizedInstant,
  numberWithin,
  PLACE_FIELDS,
  textThere,
} from "./raw_topic.ts";
import type { RawTopic } from "./raw_topic.ts";

const TOPIC = "promo_decisions";
const MINUTES_MAX = 10 * 366 * 24 * 60;

/** Topic `promo_decisions` as the ETL reads it. */
const promoDecisionsTopic: RawTopic = {
  name: TOPIC,
  fields: {
    event_type: pl.String,
    event_time: pl.String,
    flight_id: pl.String,
    decision_source: pl.String,
    current_load_factor: pl.Float64,
    minutes_to_departure: pl.Int32,
    days_to_departure: pl.Float64,
    booking_velocity_per_hour: pl.Float64,
    booking_velocity_6h_per_hour: pl.Float64,
    booking_velocity_24h_per_hour: pl.Float64,
    forecast_load_factor: pl.Float64,
    forecast_load_factor_low: pl.Float64,
    forecast_load_factor_high: pl.Float64,
    intervention_expected_at: pl.String,
    curve_version: pl.String,
    propensity: pl.Float64,
    target_fare_bucket: pl.String,
    discount_percentage: pl.Float64,
    event_id: pl.String,
    policy: pl.String,
    reason: pl.String,
    // Objects: read as text, as JSON.
    inputs: pl.String,
    thresholds: pl.String,
  },
  typed: (lines) => lines.withColumns(instantOf("event_time"), instantOf("intervention_expected_at")),
  usable: allOf(
    pl.col("event_type").eq(pl.lit("PromotionTriggered")),
    instantThere("event_time"),
    textThere("flight_id"),
    textThere("decision_source"),
    numberWithin("current_load_factor", 0, 1_000_000),
    numberWithin("minutes_to_departure", 0, MINUTES_MAX),
    numberWithin("discount_percentage", 0, 100),
  ),
  normalized: (event: AirlineEvent) => {
    const promotion = event as PromotionTriggered;
    return {
      event_type: promotion.event_type,
      event_time: normalizedInstant(promotion.event_time),
      flight_id: promotion.flight_id,
      decision_source: promotion.decision_source,
      current_load_factor: promotion.current_load_factor,
      minutes_to_departure: promotion.minutes_to_departure,
      days_to_departure: numberOrNull(promotion.days_to_departure),
      booking_velocity_per_hour: numberOrNull(promotion.booking_velocity_per_hour),
      booking_velocity_6h_per_hour: numberOrNull(promotion.booking_velocity_6h_per_hour),
      booking_velocity_24h_per_hour: numberOrNull(promotion.booking_velocity_24h_per_hour),
      forecast_load_factor: numberOrNull(promotion.forecast_load_factor),
      forecast_load_factor_low: numberOrNull(promotion.forecast_load_factor_low),
      forecast_load_factor_high: numberOrNull(promotion.forecast_load_factor_high),
      intervention_expected_at: normalizedInstant(promotion.intervention_expected_at),
      curve_version: promotion.curve_version ?? null,
      propensity: numberOrNull(promotion.propensity),
      target_fare_bucket: promotion.target_fare_bucket ?? null,
      discount_percentage: promotion.discount_percentage,
      event_id: promotion.event_id ?? null,
      policy: promotion.policy ?? null,
      reason: promotion.reason ?? null,
      inputs: jsonOrNull(promotion.inputs),
      thresholds: jsonOrNull(promotion.thresholds),
    };
  },
};

/** Fields that the event's checks leave open: what is no number is left out. */
function numberOrNull(value: unknown): number | null {
  return typeof value === "number" ? value : null;
}

/** An object as JSON text, spaced as Polars prints one. */
function jsonOrNull(value: unknown): string | null {
  if (typeof value !== "object" || value === null || Array.isArray(value)) return null;
  const fields = Object.entries(value).map(([name, entry]) =>
    `${JSON.stringify(name)}: ${JSON.stringify(entry)}`
  );
  return `{${fields.join(", ")}}`;
}

/** Key `event_id`; where the writer sends none: `promo_decisions-<partition>-<offset>@<log>`. */
export const factPromotions: FactTable = {
  name: "fact_promotions",
  topic: promoDecisionsTopic,
  eventType: "PromotionTriggered",
  eventKey: "event_id",
  key: ["event_id"],
  schema: {
    promo_time: INSTANT,
    event_id: pl.String,
    flight_id: pl.String,
    decision_source: pl.String,
    discount_percentage: pl.Float64,
    current_load_factor: pl.Float64,
    minutes_to_departure: pl.Int32,
    days_to_departure: pl.Float64,
    booking_velocity_per_hour: pl.Float64,
    booking_velocity_6h_per_hour: pl.Float64,
    booking_velocity_24h_per_hour: pl.Float64,
    forecast_load_factor: pl.Float64,
    forecast_load_factor_low: pl.Float64,
    forecast_load_factor_high: pl.Float64,
    intervention_expected_at: INSTANT,
    curve_version: pl.String,
    propensity: pl.Float64,
    target_fare_bucket: pl.String,
    policy: pl.String,
    reason: pl.String,
    inputs: pl.String,
    thresholds: pl.String,
    ...PLACE_FIELDS,
  },
  rows: (events) =>
    events.withColumns(pl.col("event_time").alias("promo_time"), eventIdOf(TOPIC))
      .select(...columnsOf(factPromotions.schema)),
};
