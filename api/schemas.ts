/** Shapes of the answers and of the parameters, from which checks and the OpenAPI document follow. */

import { z } from "@hono/zod-openapi";

const instant = () => z.string().openapi({ format: "date-time", example: "2025-11-28T14:05:00.000Z" });
/** 0 to 1; other programs' metrics of an overbooked flight may say more. */
const share = () => z.number().min(0);

/** How old an answer is. */
export const ageFields = {
  as_of: instant().openapi({ description: "When this was known to be complete, UTC" }),
  age_ms: z.number().int().min(0).openapi({ description: "Milliseconds since then" }),
};

export const MinuteWindowSchema = z.object({
  window_start: instant(),
  window_end: instant(),
  stream_id: z.string(),
  active_viewers: z.number().int().min(0),
  chat_messages: z.number().int().min(0),
  donations_usd: z.number(),
}).openapi("MinuteWindow");

export const MinuteTotalSchema = z.object({
  window_start: instant(),
  window_end: instant(),
  streams: z.number().int().min(0).openapi({ description: "Streams with a window of this minute" }),
  complete: z.boolean().openapi({ description: "Whether event time has passed the minute for all of them" }),
  active_viewers: z.number().int().min(0),
  chat_messages: z.number().int().min(0),
  donations_usd: z.number(),
}).openapi("MinuteTotal");

export const StreamStateSchema = z.object({
  stream_id: z.string(),
  active_viewers: z.number().int().min(0),
  updated_at: instant(),
}).openapi("StreamState");

export const StreamSchema = z.object({
  stream_id: z.string(),
  windows: z.number().int().min(0).openapi({ description: "Windows in the minutes that were asked for" }),
  latest_window_start: instant(),
}).openapi("Stream");

export const TopStreamSchema = z.object({
  stream_id: z.string(),
  active_viewers: z.number().int().min(0),
  chat_messages: z.number().int().min(0),
  donations_usd: z.number(),
}).openapi("TopStream");

export const FlightSchema = z.object({
  flight_id: z.string().openapi({ example: "BA210_2025-11-28" }),
  airline_code: z.string(),
  origin_airport: z.string(),
  destination_airport: z.string(),
  scheduled_departure_time: instant(),
  scheduled_arrival_time: instant().nullable(),
  aircraft_type: z.string().nullable(),
  phase: z.enum(["scheduled", "departed", "arrived", "cancelled"]),
  delay_minutes: z.number().int(),
  total_seats: z.number().int().min(1),
  booked_seats: z.number().int().min(0),
  load_factor: share(),
  usual_load_factor: share().nullable().openapi({
    description: "Mean load factor of all flights so long before departure; null while there are too few",
  }),
  forecast: z.object({
    load_factor: share(),
    load_factor_low: share(),
    load_factor_high: share(),
  }).nullable().openapi({
    description: "Load factor expected at departure, between low and high with 80 %; null where none is made",
  }),
  minutes_to_departure: z.number().int().min(0),
  booking_velocity_per_hour: z.number().nullable(),
  metric_time: instant().nullable(),
  lowest_fare: z.object({
    fare_bucket: z.string(),
    price: z.number(),
    currency: z.string().nullable(),
  }).nullable(),
  promotion: z.object({
    discount_percentage: z.number(),
    promo_time: instant(),
    reason: z.string().nullable(),
  }).nullable(),
  active_viewers: z.number().int().min(0).nullable().openapi({
    description: "People who look at the flight; null where nobody counts them",
  }),
}).openapi("Flight");

export const CurvePointSchema = z.object({
  metric_time: instant(),
  minutes_to_departure: z.number().int().min(0),
  booked_seats: z.number().int().min(0),
  load_factor: share(),
  booking_velocity_per_hour: z.number(),
}).openapi("CurvePoint");

/** A point beside what is usual. */
export const ComparedPointSchema = CurvePointSchema.extend({
  usual_load_factor: share().nullable().openapi({ description: "What is usual so long before departure" }),
}).openapi("ComparedPoint");

export const DecisionSchema = z.object({
  event_id: z.string().nullable(),
  event_time: instant(),
  flight_id: z.string(),
  airline_code: z.string().nullable(),
  origin_airport: z.string().nullable(),
  destination_airport: z.string().nullable(),
  decision_source: z.string(),
  policy: z.string().nullable(),
  current_load_factor: z.number(),
  minutes_to_departure: z.number().int().min(0),
  days_to_departure: z.number().nullable(),
  booking_velocity_per_hour: z.number().nullable(),
  target_fare_bucket: z.string(),
  discount_percentage: z.number(),
  reason: z.string().nullable(),
  inputs: z.record(z.string(), z.union([z.number(), z.string()]).nullable()).nullable(),
  thresholds: z.record(z.string(), z.number()).nullable(),
  propensity: z.number().nullable().openapi({ description: "The probability with which this was decided" }),
}).openapi("Decision");

/** A promotion that a policy wanted. */
export const HeldBackSchema = z.object({
  event_time: instant(),
  guard: z.string().openapi({ example: "cooldown", description: "What held it back" }),
  policy: z.string(),
  discount_percentage: z.number(),
  reason: z.string(),
}).openapi("HeldBack");

export const ProcessSchema = z.object({
  name: z.string(),
  status: z.enum(["ready", "not_ready", "away"]),
  detail: z.string().nullable(),
  lag_records: z.number().nullable(),
  resident_memory_bytes: z.number().nullable(),
  started_at: instant().nullable(),
}).openapi("Process");

export const PipelineSchema = z.object({
  checked_at: instant().nullable(),
  processes: z.array(ProcessSchema),
  topics: z.array(z.object({
    topic: z.string(),
    records: z.number().int().min(0),
    appended_per_second: z.number().min(0),
  })),
  last_etl: z.object({ finished_at: instant(), duration_seconds: z.number().nullable() }).nullable(),
  dead_letters: z.object({
    total: z.number().int().min(0),
    by_reason: z.array(z.object({ reason: z.string(), count: z.number().int().min(1) })),
    newest: z.array(z.object({
      dead_letter_id: z.string(),
      event_time: instant(),
      group: z.string(),
      reason: z.string(),
      message: z.string(),
      topic: z.string(),
      partition: z.number().int(),
      offset: z.number().int(),
    })),
  }),
  flights: z.number().int().min(0),
  decisions: z.number().int().min(0),
  event_clock: instant().nullable().openapi({ description: "The newest event time" }),
  log: z.object({
    caught_up: z.boolean(),
    records_read: z.number().int().min(0),
    records_skipped: z.number().int().min(0),
    problem: z.string().nullable(),
  }),
  ...ageFields,
}).openapi("Pipeline");

/** A whole number in the query, written in digits. */
export function wholeNumber(range: { min: number; max: number; default: number; description: string }) {
  const { min, max, description } = range;
  return z.string().regex(/^\d{1,9}$/, "expected a whole number").transform(Number)
    .pipe(z.number().int().min(min).max(max)).default(range.default)
    .openapi({
      param: { in: "query" },
      type: "integer",
      minimum: min,
      maximum: max,
      default: range.default,
      description,
    });
}

// Said by what it must not be, which every dialect of the document's readers takes alike, beyond U+FFFF too.
// deno-lint-ignore no-control-regex
const NO_CONTROLS = /^[^\u0000-\u001f\u007f-\u009f]+$/;

/** A text in the query or the path, with what the wire never has left out. */
export function identifier(description: string, example: string) {
  return z.string().min(1).max(256).regex(NO_CONTROLS, "expected no control characters")
    .openapi({ description, example });
}

/** `asc` or `desc`. */
export function direction(fallback: "asc" | "desc") {
  return z.enum(["asc", "desc"]).default(fallback);
}
