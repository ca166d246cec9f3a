/** From a record's text to a JSON object: the part of reading that every topic shares. */

import { shown } from "./_check.ts";
import type { JsonObject } from "./_check.ts";
import { EventError } from "./event_error.ts";

/**
 * Reads a record's value.
 *
 * @throws {EventError} where it is no JSON object.
 */
export function readObject(record: { value: string | null; bytes?: Uint8Array }): JsonObject {
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
  return parsed as JsonObject;
}

/**
 * Refuses an object with a NUL in a text: Postgres takes none, and nobody means one. The escaped form is the only one
 * that valid JSON has.
 *
 * @throws {EventError}
 */
export function refuseNul(object: JsonObject, text: string): void {
  if (text.includes("\\u0000") && holdsNul(object)) {
    throw new EventError("nul_character", "A string of the event holds a NUL character (\\u0000)");
  }
}

/**
 * Finds the check of an event's type.
 *
 * @throws {EventError} where the type is none of the topic's.
 */
export function checkOf<T>(checks: Record<string, T>, type: string, topic: string): T {
  if (Object.hasOwn(checks, type)) return checks[type]!;
  throw new EventError(
    "unknown_event_type",
    `Event type ${shown(type)} is not known on "${topic}", expected ${Object.keys(checks).join(", ")}`,
  );
}

/**
 * Refuses an event time that lies further beyond its append time than `leadMsMax`: it would move a clock.
 *
 * @throws {EventError}
 */
export function refuseLead(
  event: { timeMs: number; shown: unknown },
  timestampMs: number,
  leadMsMax: number,
) {
  if (event.timeMs <= timestampMs + leadMsMax) return;
  const days = ((event.timeMs - timestampMs) / 86_400_000).toFixed(1);
  throw new EventError(
    "event_time",
    `Event time ${shown(event.shown)} lies ${days} days beyond its append time, at most ${
      leadMsMax / 86_400_000
    } are taken`,
  );
}

/** Looks into a value without recursion: JSON.parse takes texts that are nested deeper than any stack. */
function holdsNul(value: unknown): boolean {
  const left: unknown[] = [value];
  while (left.length > 0) {
    const next = left.pop();
    if (typeof next === "string") {
      if (next.includes("\0")) return true;
    } else if (typeof next === "object" && next !== null) {
      for (const [key, entry] of Object.entries(next)) {
        if (key.includes("\0")) return true;
        left.push(entry);
      }
    }
  }
  return false;
}
