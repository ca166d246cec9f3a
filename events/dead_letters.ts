/** Topic `dead_letters`: records that could not be taken, whole, with where they stood and why. */

import { checkText } from "./_check.ts";
import type { JsonObject } from "./_check.ts";
import type { EventErrorReason } from "./event_error.ts";
import { formatInstant } from "./instant.ts";

/** A record that was refused by one consumer group. */
export interface DeadLetter {
  event_type: "DeadLetter";
  /** Append time of the refused record. */
  event_time: string;
  /** `<group>-<topic>-<partition>-<offset>`. */
  dead_letter_id: string;
  group: string;
  reason: EventErrorReason;
  message: string;
  topic: string;
  partition: number;
  offset: number;
  log_id: string;
  key: string | null;
  /** The value as text, as it came; null where it came as bytes that are no text, or as null. */
  value: string | null;
  /** The value's bytes where they are no valid UTF-8. */
  value_base64?: string;
  /** Set where the value was too large to be kept whole: only its first 64 KiB are here. */
  truncated?: { bytes: number; sha256: string };
  headers?: Record<string, string>;
  /** The dead letter that was driven again and became this record: it was refused again. */
  replay_of?: string;
}

/** The part of a record that a dead letter keeps. */
export interface RefusedRecord {
  topic: string;
  partition: number;
  offset: number;
  timestampMs: number;
  key: string | null;
  value: string | null;
  bytes?: Uint8Array;
  headers?: Record<string, string>;
}

/** Names a refusal: the same record refused again by the same group has the same id. Also its key in the log. */
export function deadLetterId(
  group: string,
  { topic, partition, offset }: Pick<RefusedRecord, "topic" | "partition" | "offset">,
): string {
  return `${group}-${topic}-${partition}-${offset}`;
}

/**
 * Headers of a record that was driven again from a dead letter: the letter's id, and `replaced` where its value was
 * mended before.
 */
export const REPLAY_HEADERS = { of: "replay-of", value: "replay-value" } as const;
const REPLAY_HEADER_LENGTH_MAX = 1024;

/** Those of a record's headers that say it was driven again; `undefined` where it was not. */
export function replayHeaders(
  headers: Record<string, string> | undefined,
): Record<string, string> | undefined {
  const of = headers?.[REPLAY_HEADERS.of];
  // Anybody can write such a header: what is too long is none of ours.
  if (of === undefined || of === "" || of.length > REPLAY_HEADER_LENGTH_MAX) return undefined;
  const value = headers![REPLAY_HEADERS.value];
  return {
    [REPLAY_HEADERS.of]: of,
    ...(value === undefined ? {} : { [REPLAY_HEADERS.value]: value.slice(0, REPLAY_HEADER_LENGTH_MAX) }),
  };
}

/** Names the record that a letter is about: two groups may refuse the same one. Letters of a source count once. */
export function deadLetterSource(
  { log_id, topic, partition, offset }: Pick<DeadLetter, "log_id" | "topic" | "partition" | "offset">,
): string {
  return `${log_id}/${topic}-${partition}-${offset}`;
}

/** Dead letters above this many bytes keep only the first 64 KiB of the value: brokers refuse more than 1 MiB. */
const DEAD_LETTER_BYTES_MAX = 900_000;
const KEPT_BYTES = 64 * 1024;
const MESSAGE_LENGTH_MAX = 1000;

/**
 * The dead letter of a record, as JSON text. Async because a value that is too large is kept as its first
 * 64 KiB and a SHA-256 of the whole.
 */
export async function deadLetterOf(
  record: RefusedRecord,
  refusal: { group: string; logId: string; reason: EventErrorReason; message: string },
): Promise<string> {
  const ancestor = replayHeaders(record.headers)?.[REPLAY_HEADERS.of];
  const letter: DeadLetter = {
    event_type: "DeadLetter",
    event_time: formatInstant(record.timestampMs),
    dead_letter_id: deadLetterId(refusal.group, record),
    group: refusal.group,
    reason: refusal.reason,
    message: refusal.message.slice(0, MESSAGE_LENGTH_MAX),
    topic: record.topic,
    partition: record.partition,
    offset: record.offset,
    log_id: refusal.logId,
    key: record.key,
    value: record.bytes === undefined ? record.value : null,
    ...(record.bytes === undefined ? {} : { value_base64: record.bytes.toBase64() }),
    ...(record.headers === undefined ? {} : { headers: record.headers }),
    ...(ancestor === undefined ? {} : { replay_of: ancestor }),
  };
  const text = JSON.stringify(letter);
  const size = text.length * 3 <= DEAD_LETTER_BYTES_MAX ? text.length : new TextEncoder().encode(text).length;
  if (size <= DEAD_LETTER_BYTES_MAX) return text;
  const whole = record.bytes ?? new TextEncoder().encode(record.value ?? "");
  const digest = new Uint8Array(await crypto.subtle.digest("SHA-256", whole as BufferSource));
  const kept = whole.subarray(0, KEPT_BYTES);
  delete letter.value_base64;
  delete letter.headers;
  return JSON.stringify(
    {
      ...letter,
      key: record.key === null ? null : record.key.slice(0, 256),
      ...(record.bytes === undefined
        ? { value: new TextDecoder().decode(kept) }
        : { value: null, value_base64: kept.toBase64() }),
      truncated: { bytes: whole.length, sha256: digest.toHex() },
    } satisfies DeadLetter,
  );
}

/** Field checks by event type; see `parse_event.ts`. */
export const deadLetterChecks = {
  DeadLetter(event: JsonObject): void {
    checkText(event, "dead_letter_id", 1024);
    checkText(event, "reason");
  },
};

/** One event of the topic as it travels. */
export const deadLetterExample: DeadLetter = {
  event_type: "DeadLetter",
  event_time: "2025-11-24T10:15:30.000Z",
  dead_letter_id: "inventory-engine-bookings-2-17",
  group: "inventory-engine",
  reason: "out_of_range",
  message: 'Field "total_price" is -5, expected 0 to 10000000',
  topic: "bookings",
  partition: 2,
  offset: 17,
  log_id: "1f3a9c2e-5b1d-4d36-8f0e-2f6f0d9f4c11",
  key: "BA210_2025-11-28",
  value: '{"event_type":"BookingCreated","total_price":-5}',
};
