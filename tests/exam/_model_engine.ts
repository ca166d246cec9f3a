/**
 * The engine against the verifier's own fold: random histories with repetitions, cancellations that overtake, late
 * events, events without a flight; committed and restored at random places. Both have to say the same.
 *
 * @module
 */

import { join } from "node:path";
import { pathToFileURL } from "node:url";
import fc from "fast-check";
import type { RefusedRecord } from "../../events/dead_letters.ts";
import type { InventoryEngine } from "../../streaming/inventory_engine.ts";
import type { StateChange } from "../../streaming/state_change.ts";
import { nothingExpected, ReferenceFold } from "./_reference_fold.ts";
import { readInput } from "./_reference_input.ts";
import type { Project } from "./_project_copy.ts";

const LOG_ID = "5f0c2d9a-0000-4000-8000-000000000000";
const START_MS = Date.UTC(2026, 1, 1);
const MINUTE_MS = 60_000;
/** The fold remembers flights for ever, the engine for a day: all but the last event fall into less. */
const SPAN_MINUTES = 23 * 60;
const FLUSH_MINUTES = SPAN_MINUTES + 25 * 60;

/** The modules of a project that are put to the test. */
export interface EngineModules {
  InventoryEngine: typeof InventoryEngine;
  parseEvent: typeof import("../../events/parse_event.ts").parseEvent;
  policy: typeof import("../../streaming/policies/rule_engine_iteration_2.ts").ruleEngineIteration2;
}

/** Loads the engine of a project. */
export async function engineOf(project: Project): Promise<EngineModules> {
  const load = (file: string) => import(pathToFileURL(join(project.folder, file)).href);
  const [{ InventoryEngine }, { parseEvent }, { ruleEngineIteration2: policy }] = await Promise.all([
    load("streaming/inventory_engine.ts"),
    load("events/parse_event.ts"),
    load("streaming/policies/rule_engine_iteration_2.ts"),
  ]);
  return { InventoryEngine, parseEvent, policy };
}

/** What each topic of outputs is to the model. */
const PLACES = {
  inventory_metrics: "metrics",
  promo_decisions: "decisions",
  policy_evaluations: "heldBack",
} as const;

const KINDS = [
  "FlightScheduled",
  "BookingCreated",
  "BookingCreated",
  "BookingCreated",
  "BookingCreated",
  "BookingCancelled",
  "CabinInventorySnapshot",
  "FlightDelayed",
  "FlightDeparted",
  "FlightArrived",
  "FlightCancelled",
] as const;

/** What happens next to the engine. */
interface Step {
  kind: typeof KINDS[number];
  flight: number;
  /** From the moment of the step before, in minutes; negative is late. */
  minutes: number;
  booking: number;
  seats: number;
  totalSeats: number;
  departsIn: number;
  /** What is done after it: nothing, a commit, a commit and a restart from what was stored. */
  then: "nothing" | "commit" | "restart";
}

const steps = fc.array(
  fc.record<Step>({
    kind: fc.constantFrom(...KINDS),
    flight: fc.nat({ max: 3 }),
    minutes: fc.oneof({ weight: 8, arbitrary: fc.nat({ max: 20 }) }, fc.integer({ min: -180, max: 240 })),
    booking: fc.nat({ max: 9 }),
    seats: fc.integer({ min: 1, max: 5 }),
    totalSeats: fc.integer({ min: 1, max: 40 }),
    departsIn: fc.integer({ min: 0, max: 9 * 24 * 60 }),
    then: fc.constantFrom("nothing", "nothing", "nothing", "commit", "restart"),
  }),
  { minLength: 1, maxLength: 80, size: "max" },
);

/** The record of a step, at an offset of its topic. */
function recordOf(step: Step, minute: number, offset: number): RefusedRecord {
  const { kind, flight, booking, seats } = step;
  const flight_id = `F${flight}_2026-02-05`;
  const time = (at: number) => new Date(START_MS + at * MINUTE_MS).toISOString();
  const departure = time(minute + step.departsIn);
  const fields: Record<string, unknown> = {
    FlightScheduled: {
      airline_code: "F",
      origin_airport: "A",
      destination_airport: "B",
      scheduled_departure_time: departure,
      total_seats: step.totalSeats,
    },
    BookingCreated: {
      booking_id: `B${booking}`,
      fare_bucket: "K",
      total_price: 1,
      passengers: Array.from({ length: seats }, (_, at) => ({ passenger_id: `P${at}` })),
    },
    BookingCancelled: { booking_id: `B${booking}` },
    CabinInventorySnapshot: { time_to_departure_minutes: 0, cabins: [] },
    FlightDelayed: { delay_minutes: 5, estimated_departure_time: departure },
    FlightDeparted: { delay_minutes: 0, actual_departure_time: departure },
    FlightArrived: { delay_minutes: 0, actual_arrival_time: departure },
    FlightCancelled: {},
  }[kind];
  const topic = kind.startsWith("Booking")
    ? "bookings"
    : kind.startsWith("Flight")
    ? "flight_lifecycle"
    : "seat_inventory";
  const value = JSON.stringify({ event_type: kind, event_time: time(minute), flight_id, ...fields });
  return { topic, partition: 0, offset, timestampMs: START_MS, key: flight_id, value };
}

/** The records of a history; the last one moves the clock on by more than a day. */
function recordsOf(history: readonly Step[]): RefusedRecord[] {
  let minute = 0;
  const records = history.map((step, offset) => {
    minute = Math.min(Math.max(minute + step.minutes, 0), SPAN_MINUTES);
    return recordOf(step, minute, offset);
  });
  const last = { ...history[0]!, kind: "FlightScheduled", flight: 9 } as const;
  return [...records, recordOf(last, FLUSH_MINUTES, records.length)];
}

/** Runs histories until one shows a difference; returns it in words, with what to reproduce it by. */
export function checkEngineModel(
  { InventoryEngine, parseEvent, policy }: EngineModules,
  options: { runs: number; seed: number; onRun: () => void },
): { compared: number; difference: string | undefined } {
  let compared = 0;
  const newEngine = () => new InventoryEngine({ policy, logId: LOG_ID });
  const property = fc.property(steps, (history) => {
    options.onRun();
    const expected = nothingExpected();
    const fold = new ReferenceFold(LOG_ID, expected);
    const stored = new Map<string, string>();
    const found = {
      metrics: [] as Fields[],
      decisions: [] as Fields[],
      heldBack: [] as Fields[],
      deadLetters: new Map<string, string>(),
    };
    let engine = newEngine();
    const commit = () => {
      const { outputs, refusals, changes } = engine.take();
      for (const { topic, value } of outputs) {
        found[PLACES[topic]].push(JSON.parse(value));
      }
      for (const { record, reason } of refusals) {
        found.deadLetters.set(`inventory-engine-${record.topic}-0-${record.offset}`, reason);
      }
      for (const { key, value } of changes) {
        stored.delete(key);
        if (value !== null) stored.set(key, value);
      }
    };
    for (const [at, record] of recordsOf(history).entries()) {
      const event = readInput(record);
      if (typeof event === "string") throw new Error(`The history holds a bad event: ${event}`);
      fold.take(event, record);
      engine.apply(parseEvent(record, { eventLeadMsMax: Infinity }), record);
      const then = history[at]?.then ?? "commit";
      if (then === "nothing") continue;
      commit();
      if (then === "commit") continue;
      engine = newEngine();
      engine.restore(Array.from(stored, ([key, value]): StateChange => ({ key, value })));
    }
    compared += expected.metrics.size + expected.decisions.size + expected.deadLetters.size;
    sameEvents("metrics", expected.metrics, found.metrics);
    sameEvents("decisions", expected.decisions, found.decisions);
    sameEvents("promotions held back", expected.heldBack, found.heldBack);
    same("dead letters", [...expected.deadLetters].sort(), [...found.deadLetters].sort());
  });
  const details = fc.check(property, { numRuns: options.runs, seed: options.seed, endOnFailure: false });
  return { compared, difference: differenceOf("engine", details) };
}

type Fields = Record<string, unknown>;

/** Each event that must come, in order, and none beside. */
function sameEvents(what: string, expected: ReadonlyMap<string, Fields>, found: readonly Fields[]): void {
  same(`ids of ${what}`, [...expected.keys()], found.map(({ event_id }) => event_id));
  for (const [at, wanted] of [...expected.values()].entries()) {
    for (const [name, value] of Object.entries(wanted)) {
      if (found[at]![name] !== value) {
        throw new Error(
          `${what} ${found[at]!.event_id}: ${name} is ${found[at]![name]}, the model says ${value}`,
        );
      }
    }
  }
}

function same(what: string, expected: unknown, found: unknown): void {
  const [a, b] = [JSON.stringify(expected), JSON.stringify(found)];
  if (a !== b) throw new Error(`${what} are ${b}, the model says ${a}`);
}

/** A failed run in words. */
export function differenceOf<T>(what: string, details: fc.RunDetails<T>): string | undefined {
  if (!details.failed) return undefined;
  const { seed, counterexamplePath, numRuns, counterexample, errorInstance } = details;
  const reason = errorInstance instanceof Error ? errorInstance.message : String(errorInstance);
  return `The ${what} is not its model after ${numRuns} sequences (seed ${seed}, path ${counterexamplePath}): ${
    reason.slice(0, 600)
  }; the shortest is ${JSON.stringify(counterexample).slice(0, 1500)}`;
}
