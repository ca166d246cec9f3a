/** The record that a line of the lake was made of: the inverse of `lake/lake_line.ts`. */

import { parseInstant } from "../events/instant.ts";
import type { LogRecord } from "../event_log/event_log.ts";

const FIRST_FIELD = '"_partition":';
const FIELDS = /^"_partition":(\d+),"_offset":(\d+),"_timestamp":"([^"]*)"$/;

/**
 * A line's place, append time and value; `undefined` for a line that does not end in the lake's fields. The value is the
 * record's, but for line breaks between its tokens, which are spaces. Whether it had a key the lake does not say.
 */
export function recordOfLine(topic: string, line: string): LogRecord | undefined {
  const fieldsAt = line.lastIndexOf(FIRST_FIELD);
  const fields = line.slice(fieldsAt, -1);
  const match = fieldsAt < 1 || !line.endsWith("}") ? null : FIELDS.exec(fields);
  if (match === null) return undefined;
  const end = line[fieldsAt - 1] === "," ? fieldsAt - 1 : fieldsAt;
  // An event with fields of these names of its own has ours at its start, too.
  const head = `{${fields}`;
  const start = line.startsWith(head) && head.length < end
    ? `{${line.slice(line[head.length] === "," ? head.length + 1 : head.length, end)}}`
    : `${line.slice(0, end)}}`;
  return {
    topic,
    partition: Number(match[1]),
    offset: Number(match[2]),
    timestampMs: parseInstant(match[3]!),
    key: "",
    value: start,
  };
}
