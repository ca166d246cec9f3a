/** `fact_inventory_metrics`: how full each flight was and how fast it filled, one row per event. */

import pl from "nodejs-polars";
import { TOTAL_SEATS_MAX } from "../events/flight_lifecycle.ts";
import type { CabinInventoryMetrics } from "../events/inventory_metrics.ts";
import type { AirlineEvent } from "../events/parse_event.ts";
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

const TOPIC = "inventory_metrics";
const MINUTES_MAX = 10 * 366 * 24 * 60;

/** Topic `inventory_metrics` as the ETL reads it. */
const inventoryMetricsTopic: RawTopic = {
  name: TOPIC,
  fields: {
    event_type: pl.String,
    event_time: pl.String,
    flight_id: pl.String,
    booked_seats: pl.Int32,
    total_seats: pl.Int32,
    load_factor: pl.Float64,
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
    event_id: pl.String,
  },
  typed: (lines) => lines.withColumns(instantOf("event_time"), instantOf("intervention_expected_at")),
  usable: allOf(
    pl.col("event_type").eq(pl.lit("CabinInventoryMetrics")),
    instantThere("event_time"),
    textThere("flight_id"),
    numberWithin("booked_seats", 0, 1_000_000),
    numberWithin("total_seats", 1, TOTAL_SEATS_MAX),
    numberWithin("load_factor", 0, 1_000_000),
    numberWithin("minutes_to_departure", 0, MINUTES_MAX),
    numberWithin("days_to_departure", 0, MINUTES_MAX),
    numberWithin("booking_velocity_per_hour", 0, 100_000_000),
  ),
  normalized: (event: AirlineEvent) => {
    const metrics = event as CabinInventoryMetrics;
    return {
      event_type: metrics.event_type,
      event_time: normalizedInstant(metrics.event_time),
      flight_id: metrics.flight_id,
      booked_seats: metrics.booked_seats,
      total_seats: metrics.total_seats,
      load_factor: metrics.load_factor,
      minutes_to_departure: metrics.minutes_to_departure,
      days_to_departure: metrics.days_to_departure,
      booking_velocity_per_hour: metrics.booking_velocity_per_hour,
      booking_velocity_6h_per_hour: metrics.booking_velocity_6h_per_hour ?? null,
      booking_velocity_24h_per_hour: metrics.booking_velocity_24h_per_hour ?? null,
      forecast_load_factor: metrics.forecast_load_factor ?? null,
      forecast_load_factor_low: metrics.forecast_load_factor_low ?? null,
      forecast_load_factor_high: metrics.forecast_load_factor_high ?? null,
      intervention_expected_at: normalizedInstant(metrics.intervention_expected_at),
      curve_version: metrics.curve_version ?? null,
      event_id: metrics.event_id ?? null,
    };
  },
};

/** Key `event_id`; where the writer sends none: `inventory_metrics-<partition>-<offset>@<log>`. */
export const factInventoryMetrics: FactTable = {
  name: "fact_inventory_metrics",
  topic: inventoryMetricsTopic,
  eventType: "CabinInventoryMetrics",
  eventKey: "event_id",
  key: ["event_id"],
  schema: {
    metric_time: INSTANT,
    event_id: pl.String,
    flight_id: pl.String,
    booked_seats: pl.Int32,
    total_seats: pl.Int32,
    load_factor: pl.Float64,
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
    ...PLACE_FIELDS,
  },
  rows: (events) =>
    events.withColumns(pl.col("event_time").alias("metric_time"), eventIdOf(TOPIC))
      .select(...columnsOf(factInventoryMetrics.schema)),
};
