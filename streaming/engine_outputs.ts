/** What the engine says of a flight, as it goes on the wire. */

import type { RefusedRecord } from "../events/dead_letters.ts";
import { formatInstant } from "../events/instant.ts";
import type { PromotionHeldBack } from "../events/policy_evaluations.ts";
import type { PromotionTriggered } from "../events/promo_decisions.ts";
import { DecimalTexts, HUNDREDTHS, THOUSANDTHS } from "./_decimal_text.ts";
import type { FlightState } from "./flight_state.ts";
import type { Evaluation, FlightForecast, Observation, PromotionPolicy } from "./policies/policy.ts";

const DAY_MS = 24 * 60 * 60 * 1000;

/** An event that goes out, keyed by its flight. */
export interface EngineOutput {
  topic: "inventory_metrics" | "promo_decisions" | "policy_evaluations";
  flightId: string;
  /** The event as JSON text. */
  value: string;
}

/** What an output is made of beside the flight. */
export interface OutputContext {
  observation: Observation;
  /** Event time as text, the flight's clock. */
  time: string;
  /** The input, for the output's id and source. */
  record: RefusedRecord;
  logId: string;
}

function round(value: number, decimals: 2 | 3): number {
  const scale = decimals === 2 ? 100 : 1000;
  return Math.round(value * scale) / scale;
}

/** Bookings of so many hours, per hour. */
function perHour(bookings: number, hours: number): number {
  return round(bookings / hours, 3);
}

const OF_6_HOURS = new DecimalTexts((bookings) => perHour(bookings, 6));
const OF_24_HOURS = new DecimalTexts((bookings) => perHour(bookings, 24));

/** The flight at its clock, rounded as on the wire. */
export function observationOf(flight: FlightState, forecast: FlightForecast | null): Observation {
  const { facts } = flight;
  const toDepartureMs = Math.max(0, facts.departureMs - facts.clockMs);
  return {
    load_factor: round(Math.min(1, facts.bookedSeats / facts.totalSeats), 3),
    minutes_to_departure: Math.floor(toDepartureMs / 60_000),
    days_to_departure: round(toDepartureMs / DAY_MS, 2),
    booking_velocity_per_hour: flight.velocityPerHour(),
    previous_velocity_per_hour: facts.lastVelocity,
    booked_seats: facts.bookedSeats,
    total_seats: facts.totalSeats,
    booking_velocity_6h_per_hour: perHour(flight.bookingsOf6Hours(), 6),
    booking_velocity_24h_per_hour: perHour(flight.bookingsOf24Hours(), 24),
    fares: flight.fares,
    forecast,
    promotions: facts.promotions,
    minutes_since_promotion: facts.lastPromotionMs === null
      ? null
      : (facts.clockMs - facts.lastPromotionMs) / 60_000,
  };
}

/** `<topic>-<partition>-<offset>-<n>@<log id>` of the input record. */
function outputId({ record, logId }: OutputContext, n: number): string {
  return `${record.topic}-${record.partition}-${record.offset}-${n}@${logId.slice(0, 8)}`;
}

/** A metrics event. Put together as text, because it is made once for every booking. */
export function metricsOutput(flight: FlightState, context: OutputContext): EngineOutput {
  const { observation, time } = context;
  const { bookedSeats, totalSeats } = flight.facts;
  const value =
    `{"event_type":"CabinInventoryMetrics","event_time":"${time}","flight_id":${flight.flightIdJson}` +
    `,"booked_seats":${bookedSeats},"total_seats":${totalSeats},"load_factor":${
      THOUSANDTHS.text(Math.round(observation.load_factor * 1000))
    }` +
    `,"minutes_to_departure":${observation.minutes_to_departure}` +
    `,"days_to_departure":${HUNDREDTHS.text(Math.round(observation.days_to_departure * 100))}` +
    `,"booking_velocity_per_hour":${observation.booking_velocity_per_hour}` +
    `,"booking_velocity_6h_per_hour":${OF_6_HOURS.text(flight.bookingsOf6Hours())}` +
    `,"booking_velocity_24h_per_hour":${OF_24_HOURS.text(flight.bookingsOf24Hours())}` +
    forecastText(observation.forecast) +
    `,"event_id":"${outputId(context, 0)}"}`;
  return { topic: "inventory_metrics", flightId: flight.flightId, value };
}

function forecastText(forecast: FlightForecast | null | undefined): string {
  if (forecast === null || forecast === undefined) return "";
  const { final_load_factor, low, high, intervention_expected_ms, version } = forecast;
  const share = (value: number) => THOUSANDTHS.text(Math.round(value * 1000));
  return `,"forecast_load_factor":${share(final_load_factor)},"forecast_load_factor_low":${share(low)}` +
    `,"forecast_load_factor_high":${share(high)},"intervention_expected_at":${
      intervention_expected_ms === null ? "null" : `"${formatInstant(intervention_expected_ms)}"`
    },"curve_version":"${version}"`;
}

/** A promotion with what it was decided on. */
export function promotionOutput(
  flight: FlightState,
  decision: Evaluation,
  policy: PromotionPolicy,
  context: OutputContext,
): EngineOutput {
  const { observation, time, record, logId } = context;
  const event: PromotionTriggered = {
    event_type: "PromotionTriggered",
    event_time: time,
    flight_id: flight.flightId,
    decision_source: policy.name,
    current_load_factor: observation.load_factor,
    minutes_to_departure: observation.minutes_to_departure,
    days_to_departure: observation.days_to_departure,
    booking_velocity_per_hour: observation.booking_velocity_per_hour,
    booking_velocity_6h_per_hour: observation.booking_velocity_6h_per_hour!,
    booking_velocity_24h_per_hour: observation.booking_velocity_24h_per_hour!,
    ...forecastFields(observation.forecast),
    target_fare_bucket: "K",
    discount_percentage: decision.discount_percentage,
    event_id: outputId(context, 1),
    policy: decision.policy,
    inputs: decision.inputs,
    thresholds: decision.thresholds,
    reason: decision.reason,
    propensity: decision.propensity,
    source: { log_id: logId, topic: record.topic, partition: record.partition, offset: record.offset },
  };
  return { topic: "promo_decisions", flightId: flight.flightId, value: JSON.stringify(event) };
}

function forecastFields(forecast: FlightForecast | null | undefined): Partial<PromotionTriggered> {
  if (forecast === null || forecast === undefined) return {};
  const { final_load_factor, low, high, intervention_expected_ms, version } = forecast;
  return {
    forecast_load_factor: final_load_factor,
    forecast_load_factor_low: low,
    forecast_load_factor_high: high,
    intervention_expected_at: intervention_expected_ms === null
      ? null
      : formatInstant(intervention_expected_ms),
    curve_version: version,
  };
}

/** A promotion that was held back. */
export function heldBackOutput(
  flight: FlightState,
  evaluation: Evaluation,
  context: OutputContext,
): EngineOutput {
  const { time, record, logId } = context;
  const event: PromotionHeldBack = {
    event_type: "PromotionHeldBack",
    event_time: time,
    flight_id: flight.flightId,
    guard: evaluation.guard!,
    discount_percentage: evaluation.discount_percentage,
    policy: evaluation.policy,
    inputs: evaluation.inputs,
    thresholds: evaluation.thresholds,
    reason: evaluation.reason,
    propensity: evaluation.propensity,
    event_id: outputId(context, 2),
    source: { log_id: logId, topic: record.topic, partition: record.partition, offset: record.offset },
  };
  return { topic: "policy_evaluations", flightId: flight.flightId, value: JSON.stringify(event) };
}
