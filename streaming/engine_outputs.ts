/** What the engine says of a flight, as it goes on the wire. */

import type { RefusedRecord } from "../events/dead_letters.ts";
import type { PromotionTriggered } from "../events/promo_decisions.ts";
import type { FlightState } from "./flight_state.ts";
import type { Evaluation, Observation, PromotionPolicy } from "./policies/policy.ts";

const DAY_MS = 24 * 60 * 60 * 1000;

/** An event that goes out, keyed by its flight. */
export interface EngineOutput {
  topic: "inventory_metrics" | "promo_decisions";
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

/** The flight at its clock, rounded as on the wire. */
export function observationOf(flight: FlightState): Observation {
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
    `,"booked_seats":${bookedSeats},"total_seats":${totalSeats},"load_factor":${observation.load_factor}` +
    `,"minutes_to_departure":${observation.minutes_to_departure}` +
    `,"days_to_departure":${observation.days_to_departure}` +
    `,"booking_velocity_per_hour":${observation.booking_velocity_per_hour}` +
    `,"event_id":"${outputId(context, 0)}"}`;
  return { topic: "inventory_metrics", flightId: flight.flightId, value };
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
    target_fare_bucket: "K",
    discount_percentage: decision.discount_percentage,
    event_id: outputId(context, 1),
    policy: decision.policy,
    inputs: decision.inputs,
    thresholds: decision.thresholds,
    reason: decision.reason,
    source: { log_id: logId, topic: record.topic, partition: record.partition, offset: record.offset },
  };
  return { topic: "promo_decisions", flightId: flight.flightId, value: JSON.stringify(event) };
}
