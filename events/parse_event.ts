/** From a record's text to a checked event. Strict about what is read, tolerant of everything else. */

import { checkInstant, checkText } from "./_check.ts";
import type { JsonObject } from "./_check.ts";
import { checkOf, readObject, refuseLead, refuseNul } from "./_json_record.ts";
import { EventError } from "./event_error.ts";
import { bookingCurvesChecks } from "./booking_curves.ts";
import type { BookingCurvesPublished } from "./booking_curves.ts";
import { bookingChecks } from "./bookings.ts";
import type { BookingEvent } from "./bookings.ts";
import { deadLetterChecks } from "./dead_letters.ts";
import type { DeadLetter } from "./dead_letters.ts";
import { flightLifecycleChecks } from "./flight_lifecycle.ts";
import type { FlightLifecycleEvent } from "./flight_lifecycle.ts";
import { inventoryMetricsChecks } from "./inventory_metrics.ts";
import type { CabinInventoryMetrics } from "./inventory_metrics.ts";
import { policyEvaluationChecks } from "./policy_evaluations.ts";
import type { PromotionHeldBack } from "./policy_evaluations.ts";
import { promoDecisionChecks } from "./promo_decisions.ts";
import type { PromotionTriggered } from "./promo_decisions.ts";
import { seatInventoryChecks } from "./seat_inventory.ts";
import type { CabinInventorySnapshot } from "./seat_inventory.ts";
import { seatMapChecks } from "./seat_map.ts";
import type { SeatMapSnapshot } from "./seat_map.ts";

/** Any event of the airline pipeline, as it stands on the wire. */
export type AirlineEvent =
  | FlightLifecycleEvent
  | BookingEvent
  | BookingCurvesPublished
  | CabinInventorySnapshot
  | SeatMapSnapshot
  | CabinInventoryMetrics
  | PromotionTriggered
  | PromotionHeldBack
  | DeadLetter;

/** An event that passed its checks. */
export interface ParsedEvent {
  event: AirlineEvent;
  /** `event_time` in milliseconds since 1970. */
  eventTimeMs: number;
}

/** The part of a record that parsing needs. */
export interface RecordText {
  topic: string;
  value: string | null;
  bytes?: Uint8Array;
  /** Append time, milliseconds since 1970. */
  timestampMs: number;
}

export interface ParseOptions {
  /** How far an event time may lie beyond its append time. Default 7 days, in milliseconds. */
  eventLeadMsMax?: number;
}

/** Default of `MAX_EVENT_LEAD`: 7 days. */
export const EVENT_LEAD_MS_MAX = 7 * 24 * 60 * 60 * 1000;

type Check = (event: JsonObject) => void;

const CHECKS: Record<string, Record<string, Check>> = {
  flight_lifecycle: flightLifecycleChecks,
  bookings: bookingChecks,
  seat_inventory: seatInventoryChecks,
  seat_map: seatMapChecks,
  inventory_metrics: inventoryMetricsChecks,
  promo_decisions: promoDecisionChecks,
  dead_letters: deadLetterChecks,
  booking_curves: bookingCurvesChecks,
  policy_evaluations: policyEvaluationChecks,
};

/**
 * Parses and checks one record. Fields that nobody reads pass through untouched.
 *
 * @throws {EventError} with the reason and a message that names field and value.
 */
export function parseEvent(record: RecordText, options: ParseOptions = {}): ParsedEvent {
  const { eventLeadMsMax = EVENT_LEAD_MS_MAX } = options;
  const event = readObject(record);
  const type = event.event_type;
  const checks = CHECKS[record.topic];
  if (checks === undefined) {
    throw new EventError("unknown_event_type", `Topic "${record.topic}" has no known events`);
  }
  if (typeof type !== "string") checkText(event, "event_type");
  const check = checkOf(checks, type as string, record.topic);
  // A dead letter holds a foreign record in a string, escaped twice, and is stored as text only in files.
  if (record.topic !== "dead_letters") {
    refuseNul(event, record.value!);
    // Curves are of many flights.
    if (record.topic !== "booking_curves") checkText(event, "flight_id");
  }
  const eventTimeMs = checkInstant(event, "event_time");
  check(event);
  refuseLead({ timeMs: eventTimeMs, shown: event.event_time }, record.timestampMs, eventLeadMsMax);
  return { event: event as unknown as AirlineEvent, eventTimeMs };
}
