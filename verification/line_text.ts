/**
 * Whether a line of the lake holds a record as it came: both are reduced to the text of the event, and that to a hash.
 *
 * @module
 */

import { hash32 } from "./text_hash.ts";

const LAKE_FIELDS = /^"_partition":\d+,"_offset":\d+,"_timestamp":"[^"]*"$/;
const FIRST_FIELD = '"_partition":';
const [BRACE_OPEN, BRACE_CLOSE, COMMA] = [123, 125, 44];

/** Hash of the event that a lake line holds; the lake's own three fields at its end (and its start) are left out. */
export function hashOfLine(line: string): number {
  const fieldsAt = line.lastIndexOf(FIRST_FIELD);
  const fields = line.slice(fieldsAt, -1);
  if (fieldsAt < 1 || !LAKE_FIELDS.test(fields)) return hash32(line);
  const end = line.charCodeAt(fieldsAt - 1) === COMMA ? fieldsAt - 1 : fieldsAt;
  const head = `{${fields},`;
  if (line.startsWith(head)) return hash32(`{${line.slice(head.length, end)}`);
  return hash32(line, startOf(line), end);
}

/** Hash of a record's value, as {@link hashOfLine} has it for its line. */
export function hashOfValue(value: string): number {
  const text = /[\r\n]/.test(value) ? value.replaceAll(/[\r\n]/g, " ") : value;
  let end = text.length - 1;
  while (end > 0 && text.charCodeAt(end) !== BRACE_CLOSE) end--;
  return hash32(text, startOf(text), end);
}

function startOf(text: string): number {
  let start = 0;
  while (start < text.length && text.charCodeAt(start) !== BRACE_OPEN) start++;
  return start;
}
