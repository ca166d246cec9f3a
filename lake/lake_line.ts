/**
 * A line of the lake: the event exactly as it came, with three fields spliced in before its closing brace.
 *
 * Nothing is re-serialised, so digits, escapes and the order of fields stay. An event that already has a
 * `_partition`, `_offset` or `_timestamp` of its own (a line of the lake that was sent again) keeps it, and ours
 * stand both before and after its fields: of duplicate keys most JSON parsers take the last, Polars takes the
 * first, and each of them must read ours.
 *
 * @module
 */

import { formatInstant } from "../events/instant.ts";

const BRACE_OPEN = 123;
const BRACE_CLOSE = 125;

function isWhitespace(code: number): boolean {
  return code === 32 || code === 10 || code === 13 || code === 9;
}

const YEAR_1990_MS = Date.UTC(1990, 0, 1);
const YEAR_2199_END_MS = Date.UTC(2200, 0, 1) - 1;

/**
 * A record's append time within the years that events may have: some writers send none (-1), or nonsense, and
 * the record is kept all the same.
 */
export function appendTimeMs(timestampMs: number): number {
  return Math.min(Math.max(timestampMs, YEAR_1990_MS), YEAR_2199_END_MS);
}

/** Whether an event has one of the lake's fields itself. */
export function hasLakeFields(event: object): boolean {
  const { _partition, _offset, _timestamp } = event as Record<string, unknown>;
  return _partition !== undefined || _offset !== undefined || _timestamp !== undefined;
}

/** Where a record stands. */
export interface RecordPlace {
  partition: number;
  offset: number;
  /** Append time, milliseconds since 1970. */
  timestampMs: number;
}

/**
 * The line of a record, without the newline that ends it.
 *
 * @param value Text that was parsed as a JSON object before; line breaks in it can only stand between tokens.
 * @param ownFields What {@link hasLakeFields} says of the event.
 */
export function lakeLine(value: string, place: RecordPlace, ownFields = false): string {
  let text = value;
  if (text.includes("\n") || text.includes("\r")) text = text.replaceAll(/[\r\n]/g, " ");
  let end = text.length - 1;
  while (end >= 0 && isWhitespace(text.charCodeAt(end))) end--;
  if (text.charCodeAt(end) !== BRACE_CLOSE) {
    throw new Error(`Cannot write a lake line: the value ends in "${text.slice(-20)}", expected "}"`);
  }
  let last = end - 1;
  while (last >= 0 && isWhitespace(text.charCodeAt(last))) last--;
  const comma = text.charCodeAt(last) === BRACE_OPEN ? "" : ",";
  const fields = `"_partition":${place.partition},"_offset":${place.offset},"_timestamp":"${
    formatInstant(place.timestampMs)
  }"`;
  if (!ownFields) return `${text.slice(0, end)}${comma}${fields}}`;
  const start = text.indexOf("{") + 1;
  return `{${fields}${comma}${text.slice(start, end)}${comma}${fields}}`;
}
