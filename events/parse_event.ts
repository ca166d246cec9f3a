/** From a record's text to a checked event. Strict about what is read, tolerant of everything else. */

import { checkInstant, checkText, shown } from "./_check.ts";
import type { JsonObject } from "./_check.ts";
import { EventError } from "./event_error.ts";
import { bookingChecks } from "./bookings.ts";
import type { BookingEvent } from "./bookings.ts";
import { deadLetterChecks } from "./dead_letters.ts";
import type { DeadLetter } from "./dead_letters.ts";
import { flightLifecycleChecks } from "./flight_lifecycle.ts";
import type { FlightLifecycleEvent } from "./flight_lifecycle.ts";
import { inventoryMetricsChecks } from "./inventory_metrics.ts";
import type { CabinInventoryMetrics } from "./inventory_metrics.ts";
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
  | CabinInventorySnapshot
  | SeatMapSnapshot
  | CabinInventoryMetrics
  | PromotionTriggered
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
};

/**
 * Parses and checks one record. Fields that nobody reads pass through untouched.
 *
 * @throws {EventError} with the reason and a message that names field and value.
 */
export function parseEvent(record: RecordText, options: ParseOptions = {}): ParsedEvent {
  const { eventLeadMsMax = EVENT_LEAD_MS_MAX } = options;
  if (record.bytes !== undefined) throw new EventError("invalid_utf8", "The value is not valid UTF-8");
  const text = record.value;
  if (text === null || text.length === 0) throw new EventError("empty_value", "The record has no value");
  let parsed: unknown;
  try {
    parsed = JSON.parse(text);
  } catch (error) {
    throw new EventError("invalid_json", `The value is not JSON: ${(error as Error).message}`);
  }
  if (typeof parsed !== "object" || parsed === null || Array.isArray(parsed)) {
    throw new EventError("not_an_object", `The value is ${shown(parsed)}, expected a JSON object`);
  }
  const event = parsed as JsonObject;
  const type = event.event_type;
  const checks = CHECKS[record.topic];
  if (checks === undefined) {
    throw new EventError("unknown_event_type", `Topic "${record.topic}" has no known events`);
  }
  if (typeof type !== "string") checkText(event, "event_type");
  const check = Object.hasOwn(checks, type as string) ? checks[type as string] : undefined;
  if (check === undefined) {
    throw new EventError(
      "unknown_event_type",
      `Event type ${shown(type)} is not known on "${record.topic}", expected ${
        Object.keys(checks).join(", ")
      }`,
    );
  }
  // Postgres takes no NUL in a text, and nobody means one: the escaped form is the only one that valid JSON has.
  // A dead letter holds a foreign record in a string, escaped twice, and is stored as text only in files.
  if (record.topic !== "dead_letters") {
    if (text.includes("\\u0000") && holdsNul(event)) {
      throw new EventError("nul_character", "A string of the event holds a NUL character (\\u0000)");
    }
    checkText(event, "flight_id");
  }
  const eventTimeMs = checkInstant(event, "event_time");
  check(event);
  if (eventTimeMs > record.timestampMs + eventLeadMsMax) {
    const days = ((eventTimeMs - record.timestampMs) / 86_400_000).toFixed(1);
    throw new EventError(
      "event_time",
      `Event time ${shown(event.event_time)} lies ${days} days beyond its append time, at most ${
        eventLeadMsMax / 86_400_000
      } are taken`,
    );
  }
  return { event: event as unknown as AirlineEvent, eventTimeMs };
}

function holdsNul(value: unknown): boolean {
  if (typeof value === "string") return value.includes("\0");
  if (typeof value !== "object" || value === null) return false;
  return Object.entries(value).some(([key, entry]) => key.includes("\0") || holdsNul(entry));
}
