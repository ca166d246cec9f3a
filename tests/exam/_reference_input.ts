/**
 * The verifier's own reading of an input record: what the engine has to take, and what it has to refuse. Written from the
 * description of the events alone, and no more of it than the exam's loads need.
 *
 * @module
 */

/** A record of an input topic that has to be taken. */
export interface ReferenceEvent {
  type: string;
  timeMs: number;
  flightId: string;
  fields: Record<string, unknown>;
}

/** The parts of a record that say what it is. */
export interface InputRecord {
  topic: string;
  key: string | null;
  value: string | null;
  bytes?: Uint8Array;
}

type Fields = Record<string, unknown>;

const INSTANT = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|\+00:00)$/;

/** The event, or the reason for which it must become a dead letter. */
export function readInput(record: InputRecord): ReferenceEvent | string {
  if (record.bytes !== undefined) return "invalid_utf8";
  if (record.value === null || record.value === "") return "empty_value";
  let fields: Fields;
  try {
    fields = JSON.parse(record.value);
  } catch {
    return "invalid_json";
  }
  if (fields === null || typeof fields !== "object" || Array.isArray(fields)) return "not_an_object";
  if (fields.event_type === undefined) return "missing_field";
  const problem = KINDS[record.topic]?.[String(fields.event_type)];
  if (problem === undefined) return "unknown_event_type";
  if (JSON.stringify(fields).includes("\\u0000")) return "nul_character";
  const wrong = text(fields.flight_id) ?? instant(fields.event_time) ?? problem(fields);
  if (wrong !== undefined) return wrong;
  return {
    type: fields.event_type as string,
    timeMs: Date.parse(fields.event_time as string),
    flightId: fields.flight_id as string,
    fields,
  };
}

function text(value: unknown): string | undefined {
  if (value === undefined) return "missing_field";
  if (typeof value !== "string") return "wrong_type";
  return value === "" ? "out_of_range" : undefined;
}

function instant(value: unknown): string | undefined {
  const wrong = text(value);
  if (wrong !== undefined) return wrong;
  return INSTANT.test(value as string) && !Number.isNaN(Date.parse(value as string))
    ? undefined
    : "invalid_time";
}

function number(value: unknown, from: number, to: number): string | undefined {
  if (value === undefined) return "missing_field";
  if (typeof value !== "number") return "wrong_type";
  return value < from || value > to ? "out_of_range" : undefined;
}

function passengers(value: unknown): string | undefined {
  if (value === undefined) return "missing_field";
  if (!Array.isArray(value)) return "wrong_type";
  return value.length < 1 || value.length > 500 ? "out_of_range" : undefined;
}

const fine = () => undefined;

/** By topic and kind of event: what is wrong with its own fields. */
const KINDS: Record<string, Record<string, (fields: Fields) => string | undefined>> = {
  flight_lifecycle: {
    FlightScheduled: (fields) =>
      instant(fields.scheduled_departure_time) ?? number(fields.total_seats, 1, 2000),
    FlightDelayed: fine,
    FlightDeparted: fine,
    FlightArrived: fine,
    FlightCancelled: fine,
  },
  bookings: {
    BookingCreated: (fields) =>
      text(fields.booking_id) ?? text(fields.fare_bucket) ?? number(fields.total_price, 0, 1e7) ??
        passengers(fields.passengers),
    BookingCancelled: (fields) => text(fields.booking_id),
  },
  seat_inventory: { CabinInventorySnapshot: fine },
};
