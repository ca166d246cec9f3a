/** Drives an engine over a list of events, as a task would over a log. */

import type { RefusedRecord } from "../../events/dead_letters.ts";
import { parseEvent } from "../../events/parse_event.ts";
import { InventoryEngine } from "../../streaming/inventory_engine.ts";
import type { InventoryEngineOptions } from "../../streaming/inventory_engine.ts";
import type { StateChange } from "../../streaming/state_change.ts";
import { ruleEngineIteration2 } from "../../streaming/policies/rule_engine_iteration_2.ts";

export const LOG_ID = "1f3a9c2e-5b1d-4d36-8f0e-2f6f0d9f4c11";

/** An input event and the topic it belongs to. */
export interface Input {
  topic: string;
  event: Record<string, unknown>;
}

/** A record at `offset` of its topic's partition 0. */
export function recordOf({ topic, event }: Input, offset: number): RefusedRecord {
  return {
    topic,
    partition: 0,
    offset,
    timestampMs: Date.UTC(2025, 10, 28),
    key: String(event.flight_id),
    value: JSON.stringify(event),
  };
}

export function newEngine(options: Partial<InventoryEngineOptions> = {}): InventoryEngine {
  return new InventoryEngine({ policy: ruleEngineIteration2, logId: LOG_ID, ...options });
}

/** Everything that went out, in order, and the folded state. */
export interface Run {
  outputs: { topic: string; event: Record<string, unknown> }[];
  refusals: { reason: string; offset: number }[];
  state: Map<string, string>;
}

/** Applies the inputs; takes a step (a commit) after each one for which `commitAfter` says so. */
export function run(
  inputs: Input[],
  options: {
    engine?: InventoryEngine;
    state?: Map<string, string>;
    firstOffset?: number;
    commitAfter?: (index: number) => boolean;
  } = {},
): Run {
  const { engine = newEngine(), state = new Map(), firstOffset = 0, commitAfter = () => false } = options;
  const result: Run = { outputs: [], refusals: [], state };
  const take = () => {
    const step = engine.take();
    for (const { topic, value } of step.outputs) result.outputs.push({ topic, event: JSON.parse(value) });
    for (const { reason, record } of step.refusals) result.refusals.push({ reason, offset: record.offset });
    fold(state, step.changes);
  };
  inputs.forEach((input, index) => {
    const record = recordOf(input, firstOffset + index);
    engine.apply(parseEvent(record, { eventLeadMsMax: Infinity }), record);
    if (commitAfter(index)) take();
  });
  take();
  return result;
}

/** What a compacted topic keeps of the changes, in the order of the last writes. */
export function fold(state: Map<string, string>, changes: StateChange[]): void {
  for (const { key, value } of changes) {
    state.delete(key);
    if (value !== null) state.set(key, value);
  }
}

export function scheduled(
  flight_id: string,
  departure: string,
  seats = 180,
  at = "2025-11-01T00:00:00.000Z",
): Input {
  return {
    topic: "flight_lifecycle",
    event: {
      event_type: "FlightScheduled",
      event_time: at,
      flight_id,
      airline_code: "BA",
      origin_airport: "LHR",
      destination_airport: "BOS",
      scheduled_departure_time: departure,
      scheduled_arrival_time: departure,
      aircraft_type: "A320",
      total_seats: seats,
      cabins: [{ cabin_code: "Y", seat_count: seats }],
    },
  };
}

export function booked(flight_id: string, booking_id: string, at: string, seats = 1): Input {
  return {
    topic: "bookings",
    event: {
      event_type: "BookingCreated",
      event_time: at,
      booking_id,
      flight_id,
      fare_bucket: "K",
      total_price: 140 * seats,
      passengers: Array.from({ length: seats }, (_, i) => ({ passenger_id: `${booking_id}-${i}` })),
    },
  };
}

export function cancelledBooking(flight_id: string, booking_id: string, at: string): Input {
  return {
    topic: "bookings",
    event: { event_type: "BookingCancelled", event_time: at, booking_id, flight_id },
  };
}

export function snapshot(flight_id: string, at: string): Input {
  return {
    topic: "seat_inventory",
    event: {
      event_type: "CabinInventorySnapshot",
      event_time: at,
      flight_id,
      time_to_departure_minutes: 0,
      cabins: [],
      currency: "GBP",
    },
  };
}

export function lifecycle(event_type: string, flight_id: string, at: string): Input {
  return {
    topic: "flight_lifecycle",
    event: {
      event_type,
      event_time: at,
      flight_id,
      actual_departure_time: at,
      actual_arrival_time: at,
      delay_minutes: 0,
    },
  };
}
