/**
 * Why a record is not taken as an event. The reason is a short stable word: it is stored with the dead letter,
 * is a label of the counters, and tools filter by it.
 */
export type EventErrorReason =
  | "empty_value"
  | "invalid_utf8"
  | "invalid_json"
  | "not_an_object"
  | "nul_character"
  | "lone_surrogate"
  | "missing_field"
  | "wrong_type"
  | "out_of_range"
  | "invalid_time"
  | "event_time"
  | "late"
  | "unknown_event_type"
  | "too_large"
  | "unknown_flight"
  | "flight_departed";

/** What is wrong with a record: a reason to count by and a message for a person. */
export class EventError extends Error {
  override name = "EventError";
  readonly reason: EventErrorReason;

  constructor(reason: EventErrorReason, message: string) {
    super(message);
    this.reason = reason;
  }
}
