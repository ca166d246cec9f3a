/** Field checks that the event parsers share. Each throws an {@link EventError} that names field and value. */

import { EventError } from "./event_error.ts";
import { parseInstant } from "./instant.ts";

/** A JSON object before it is known to be an event. */
export type JsonObject = Record<string, unknown>;

/** A value as it is shown in a message: short, and never more than 80 characters. */
export function shown(value: unknown): string {
  if (value === undefined) return "nothing";
  let text: string;
  try {
    text = JSON.stringify(value) ?? String(value);
  } catch {
    return "nested too deep to be shown"; // JSON.parse takes texts that are deeper than any stack.
  }
  return text.length > 80 ? `${text.slice(0, 77)}...` : text;
}

function wrong(object: JsonObject, field: string, expected: string): EventError {
  const value = object[field];
  return value === undefined || value === null
    ? new EventError("missing_field", `Field "${field}" is missing, expected ${expected}`)
    : new EventError("wrong_type", `Field "${field}" is ${shown(value)}, expected ${expected}`);
}

/**
 * A required string of 1 to `lengthMax` whole characters. Half a surrogate pair, which JSON can escape, has no form
 * in UTF-8: the log takes no such key, and a table would hold something else.
 */
export function checkText(object: JsonObject, field: string, lengthMax = 256): string {
  const value = object[field];
  if (typeof value !== "string") throw wrong(object, field, "a string");
  if (value.length === 0 || value.length > lengthMax) {
    throw new EventError(
      "out_of_range",
      `Field "${field}" has ${value.length} characters, expected 1 to ${lengthMax}`,
    );
  }
  if (!value.isWellFormed()) {
    throw new EventError(
      "lone_surrogate",
      `Field "${field}" is ${shown(value)}, which holds half a surrogate pair, expected whole characters`,
    );
  }
  return value;
}

/** An optional string; absent and null are alike. */
export function checkOptionalText(object: JsonObject, field: string): void {
  const value = object[field];
  if (value !== undefined && value !== null && typeof value !== "string") {
    throw wrong(object, field, "a string");
  }
}

/** A required finite number in `[min, max]`. */
export function checkNumber(object: JsonObject, field: string, min: number, max: number): number {
  const value = object[field];
  if (typeof value !== "number") throw wrong(object, field, "a number");
  // Written so that NaN fails too; JSON cannot hold it, but 1e999 parses as Infinity.
  if (!(value >= min && value <= max)) {
    throw new EventError("out_of_range", `Field "${field}" is ${value}, expected ${min} to ${max}`);
  }
  return value;
}

/** A required whole number in `[min, max]`. */
export function checkInteger(object: JsonObject, field: string, min: number, max: number): number {
  const value = checkNumber(object, field, min, max);
  if (!Number.isInteger(value)) throw wrong(object, field, "a whole number");
  return value;
}

const YEAR_1990_MS = Date.UTC(1990, 0, 1);
const YEAR_2200_MS = Date.UTC(2200, 0, 1);

/** A required instant between 1990 and 2200, in milliseconds. */
export function checkInstant(object: JsonObject, field: string): number {
  const value = object[field];
  if (typeof value !== "string") throw wrong(object, field, "a time such as 2025-11-28T14:00:00Z");
  const ms = parseInstant(value);
  if (Number.isNaN(ms)) {
    throw new EventError(
      "invalid_time",
      `Field "${field}" is ${shown(value)}, expected a UTC time such as 2025-11-28T14:00:00Z`,
    );
  }
  if (ms < YEAR_1990_MS || ms >= YEAR_2200_MS) {
    throw new EventError(
      "out_of_range",
      `Field "${field}" is ${shown(value)}, expected a time from 1990 to 2199`,
    );
  }
  return ms;
}

/** An optional instant; absent and null are alike. */
export function checkOptionalInstant(object: JsonObject, field: string): void {
  if (object[field] !== undefined && object[field] !== null) checkInstant(object, field);
}

/** A required list of 1 to `lengthMax` objects. */
export function checkObjects(
  object: JsonObject,
  field: string,
  lengthMin: number,
  lengthMax: number,
): JsonObject[] {
  const value = object[field];
  if (!Array.isArray(value)) throw wrong(object, field, "a list");
  if (value.length < lengthMin || value.length > lengthMax) {
    throw new EventError(
      "out_of_range",
      `Field "${field}" has ${value.length} entries, expected ${lengthMin} to ${lengthMax}`,
    );
  }
  for (const entry of value) {
    if (typeof entry !== "object" || entry === null || Array.isArray(entry)) {
      throw new EventError("wrong_type", `Field "${field}" holds ${shown(entry)}, expected objects`);
    }
  }
  return value as JsonObject[];
}

const JSON_DEPTH_MAX = 32;

/**
 * An optional object that is stored as JSON: whole characters, and nested no deeper than any writer means, because
 * databases refuse the one and break on the other. What is no object is passed over.
 */
export function checkOptionalJson(object: JsonObject, field: string): void {
  const value = object[field];
  if (typeof value !== "object" || value === null || Array.isArray(value)) return;
  // Without recursion: JSON.parse takes texts that are nested deeper than any stack.
  const left: [unknown, number][] = [[value, 1]];
  for (let next = left.pop(); next !== undefined; next = left.pop()) {
    const [entry, depth] = next;
    if (depth > JSON_DEPTH_MAX) {
      throw new EventError("out_of_range", `Field "${field}" is nested deeper than ${JSON_DEPTH_MAX} levels`);
    }
    const isContainer = typeof entry === "object" && entry !== null;
    const texts = isContainer ? Object.keys(entry) : typeof entry === "string" ? [entry] : [];
    const half = texts.find((text) => !text.isWellFormed());
    if (half !== undefined) {
      throw new EventError(
        "lone_surrogate",
        `Field "${field}" holds ${shown(half)}, which has half a surrogate pair, expected whole characters`,
      );
    }
    if (isContainer) { for (const inner of Object.values(entry)) left.push([inner, depth + 1]); }
  }
}
