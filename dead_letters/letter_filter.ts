/** Which dead letters are meant: the filters of the command line. */

import { parseInstant } from "../events/instant.ts";
import { parseDuration, UsageError } from "../process/command_line.ts";
import { ADVICE } from "./advice.ts";
import type { StoredLetter } from "./stored_letters.ts";

/** Options of the command line that choose letters. */
export const FILTER_OPTIONS = {
  reason: { type: "text", value: "REASONS", description: "Only these reasons, several by commas" },
  topic: { type: "text", value: "NAME", description: "Only records of this topic" },
  group: { type: "text", value: "NAME", description: "Only letters of this consumer group" },
  since: {
    type: "text",
    value: "TIME",
    description: "Only letters stored since then: a UTC time, a day, or a time ago such as 30m, 12h, 7d",
  },
} as const;

/** Their values. */
export interface FilterValues {
  reason: string | undefined;
  topic: string | undefined;
  group: string | undefined;
  since: string | undefined;
}

export type LetterFilter = (stored: StoredLetter) => boolean;

/** Whether any filter was given. */
export function isFiltering({ reason, topic, group, since }: FilterValues): boolean {
  return [reason, topic, group, since].some((value) => value !== undefined);
}

/**
 * The filter that the values describe.
 *
 * @throws {UsageError} for a reason that there is none of, or a time that is none.
 */
export function letterFilter(values: FilterValues, nowMs: number): LetterFilter {
  const reasons = values.reason?.split(",").map((reason) => reason.trim()).filter((reason) => reason !== "");
  for (const reason of reasons ?? []) {
    if (!Object.hasOwn(ADVICE, reason)) {
      throw new UsageError(`--reason is "${reason}", expected one of ${Object.keys(ADVICE).join(", ")}`);
    }
  }
  const sinceMs = values.since === undefined ? -Infinity : instantGiven("since", values.since, nowMs);
  return ({ letter, storedMs }) =>
    (reasons === undefined || reasons.includes(letter.reason)) &&
    (values.topic === undefined || values.topic === letter.topic) &&
    (values.group === undefined || values.group === letter.group) &&
    storedMs >= sinceMs;
}

/**
 * Milliseconds since 1970 of a time as a person gives it: `2025-11-28T14:00:00Z`, the day `2025-11-28` (its beginning, UTC), or
 * a time ago such as `12h`.
 *
 * @throws {UsageError}
 */
export function instantGiven(option: string, text: string, nowMs: number): number {
  const agoMs = parseDuration(text);
  if (agoMs !== undefined) return nowMs - agoMs;
  const instant = /^\d{4}-\d\d-\d\d$/.test(text)
    ? `${text}T00:00:00Z`
    : /T\d\d:\d\dZ$/.test(text)
    ? text.replace(/Z$/, ":00Z")
    : text;
  const ms = parseInstant(instant);
  if (Number.isNaN(ms)) {
    throw new UsageError(
      `--${option} is "${text}", expected a UTC time such as 2025-11-28T14:00:00Z, a day such as 2025-11-28, or a time ago such as 12h`,
    );
  }
  return ms;
}
