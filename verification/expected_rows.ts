/**
 * The rows of the fact tables, derived anew from single events. Written from what the tables promise and not from the
 * ETL, so that a fault of the ETL shows.
 *
 * @module
 */

import type { BookingCreated } from "../events/bookings.ts";
import { parseInstant } from "../events/instant.ts";
import type { CabinInventoryMetrics } from "../events/inventory_metrics.ts";
import type { AirlineEvent } from "../events/parse_event.ts";
import type { PromotionTriggered } from "../events/promo_decisions.ts";
import {
  FACT_BOOKING,
  FACT_BOOKING_CANCELLATION,
  FACT_INVENTORY_METRICS,
  FACT_PROMOTIONS,
} from "../warehouse/gold_tables.ts";
import type { GoldTable } from "../warehouse/gold_tables.ts";
import type { LakePlace } from "./cut.ts";
import { canonicalJson, hundredths, storedCell } from "./table_rows.ts";
import type { Row } from "./table_rows.ts";
import type { Cell } from "./text_hash.ts";

/** How one fact table follows from events. */
export interface FactRule {
  table: GoldTable;
  topic: string;
  eventType: AirlineEvent["event_type"];
  /** What makes one event the same as another: only the first of them counts. */
  eventKey: (event: AirlineEvent, place: LakePlace) => string;
  rows: (event: AirlineEvent, place: LakePlace) => Row[];
}

/** The currency of a booking that names none. */
const CURRENCY_DEFAULT = "GBP";

type Fields = Record<string, Cell | undefined>;

function rowOf(table: GoldTable, fields: Fields): Row {
  return table.columns.map(({ name }) => storedCell(fields[name]));
}

function bookingRows(event: AirlineEvent): Row[] {
  const booking = event as BookingCreated;
  const totalCents = hundredths(booking.total_price);
  const passengers = booking.passengers.length;
  // Shares differ by a cent at most, and the first passengers carry the larger ones.
  const extraCents = totalCents % passengers;
  const shareCents = (totalCents - extraCents) / passengers;
  return booking.passengers.map((passenger, index) =>
    rowOf(FACT_BOOKING, {
      booking_id: booking.booking_id,
      passenger_number: index + 1,
      booking_time: parseInstant(booking.event_time),
      flight_id: booking.flight_id,
      fare_bucket: booking.fare_bucket,
      seat_id: passenger.seat_id,
      total_price: totalCents,
      passenger_price: shareCents + (index < extraCents ? 1 : 0),
      currency: booking.currency ?? CURRENCY_DEFAULT,
      passenger_id: passenger.passenger_id,
      cabin_code: passenger.cabin_code,
      channel: booking.channel,
    })
  );
}

/** An event's own id, or one by its place. */
function eventIdOf(topic: string, event: { event_id?: string }, place: LakePlace): string {
  if (event.event_id !== undefined && event.event_id !== null && event.event_id !== "") return event.event_id;
  return `${topic}-${place.partition}-${place.offset}@${place.log}`;
}

function numberOrNull(value: unknown): number | null {
  return typeof value === "number" ? value : null;
}

function objectOrNull(value: unknown): string | null {
  return typeof value === "object" && value !== null && !Array.isArray(value) ? canonicalJson(value) : null;
}

/** Velocities and forecast, which metrics and promotions have alike. */
function forecastCells(event: CabinInventoryMetrics | PromotionTriggered) {
  const { intervention_expected_at: expected } = event;
  return {
    booking_velocity_6h_per_hour: numberOrNull(event.booking_velocity_6h_per_hour),
    booking_velocity_24h_per_hour: numberOrNull(event.booking_velocity_24h_per_hour),
    forecast_load_factor: numberOrNull(event.forecast_load_factor),
    forecast_load_factor_low: numberOrNull(event.forecast_load_factor_low),
    forecast_load_factor_high: numberOrNull(event.forecast_load_factor_high),
    intervention_expected_at: typeof expected === "string" ? parseInstant(expected) : null,
    curve_version: event.curve_version ?? null,
  };
}

type EventOf<T extends AirlineEvent["event_type"]> = Extract<AirlineEvent, { event_type: T }>;

/** The rule of a table, with the event's type in place. */
function rule<T extends AirlineEvent["event_type"]>(
  table: GoldTable,
  topic: string,
  eventType: T,
  eventKey: (event: EventOf<T>, place: LakePlace) => string,
  rows: (event: EventOf<T>, place: LakePlace) => Row[],
): FactRule {
  return { table, topic, eventType, eventKey, rows } as FactRule;
}

const METRICS_TOPIC = "inventory_metrics";
const PROMOTIONS_TOPIC = "promo_decisions";

/** All fact tables. */
export const FACT_RULES: readonly FactRule[] = [
  rule(FACT_BOOKING, "bookings", "BookingCreated", ({ booking_id }) => booking_id, bookingRows),
  rule(
    FACT_BOOKING_CANCELLATION,
    "bookings",
    "BookingCancelled",
    ({ booking_id }) => booking_id,
    ({ booking_id, event_time, flight_id }) => [
      rowOf(FACT_BOOKING_CANCELLATION, {
        booking_id,
        cancellation_time: parseInstant(event_time),
        flight_id,
      }),
    ],
  ),
  rule(
    FACT_INVENTORY_METRICS,
    METRICS_TOPIC,
    "CabinInventoryMetrics",
    (event, place) => eventIdOf(METRICS_TOPIC, event, place),
    (event, place) => [
      rowOf(FACT_INVENTORY_METRICS, {
        event_id: eventIdOf(METRICS_TOPIC, event, place),
        metric_time: parseInstant(event.event_time),
        flight_id: event.flight_id,
        booked_seats: event.booked_seats,
        total_seats: event.total_seats,
        load_factor: event.load_factor,
        minutes_to_departure: event.minutes_to_departure,
        days_to_departure: event.days_to_departure,
        booking_velocity_per_hour: event.booking_velocity_per_hour,
        ...forecastCells(event),
      }),
    ],
  ),
  rule(
    FACT_PROMOTIONS,
    PROMOTIONS_TOPIC,
    "PromotionTriggered",
    (event, place) => eventIdOf(PROMOTIONS_TOPIC, event, place),
    (event, place) => [
      rowOf(FACT_PROMOTIONS, {
        event_id: eventIdOf(PROMOTIONS_TOPIC, event, place),
        promo_time: parseInstant(event.event_time),
        flight_id: event.flight_id,
        decision_source: event.decision_source,
        discount_percentage: hundredths(event.discount_percentage),
        current_load_factor: event.current_load_factor,
        minutes_to_departure: event.minutes_to_departure,
        days_to_departure: numberOrNull(event.days_to_departure),
        booking_velocity_per_hour: numberOrNull(event.booking_velocity_per_hour),
        ...forecastCells(event),
        propensity: numberOrNull(event.propensity),
        target_fare_bucket: event.target_fare_bucket,
        policy: event.policy,
        reason: event.reason,
        inputs: objectOrNull(event.inputs),
        thresholds: objectOrNull(event.thresholds),
      }),
    ],
  ),
];
