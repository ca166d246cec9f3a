/** Curve points and decisions as the API answers them; field names as on the wire. */

import type { PromotionHeldBack } from "../events/policy_evaluations.ts";
import type { CurvePoint } from "./booking_curve.ts";
import type { Decision } from "./decision_list.ts";

/** A point of a curve as it is answered. */
export function curveRow(point: CurvePoint) {
  return {
    metric_time: new Date(point.timeMs).toISOString(),
    minutes_to_departure: point.minutesToDeparture,
    booked_seats: point.bookedSeats,
    load_factor: point.loadFactor,
    booking_velocity_per_hour: point.velocityPerHour,
  };
}

/** A decision as it is answered: what an older sender leaves out is null. */
export function decisionRow(decision: Decision) {
  return {
    event_id: decision.event_id ?? null,
    event_time: decision.event_time,
    flight_id: decision.flight_id,
    airline_code: decision.airline_code,
    origin_airport: decision.origin_airport,
    destination_airport: decision.destination_airport,
    decision_source: decision.decision_source,
    policy: decision.policy ?? null,
    current_load_factor: decision.current_load_factor,
    minutes_to_departure: decision.minutes_to_departure,
    days_to_departure: decision.days_to_departure ?? null,
    booking_velocity_per_hour: decision.booking_velocity_per_hour ?? null,
    target_fare_bucket: decision.target_fare_bucket,
    discount_percentage: decision.discount_percentage,
    reason: decision.reason ?? null,
    inputs: decision.inputs ?? null,
    thresholds: decision.thresholds ?? null,
    propensity: decision.propensity ?? null,
  };
}

/** A promotion that was held back, as it is answered. */
export function heldBackRow({ event_time, guard, policy, discount_percentage, reason }: PromotionHeldBack) {
  return { event_time, guard, policy, discount_percentage, reason };
}
