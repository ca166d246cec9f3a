/** From a dead letter to the record that is appended again. */

import { createHash } from "node:crypto";
import { REPLAY_HEADERS } from "../events/dead_letters.ts";
import type { DeadLetter } from "../events/dead_letters.ts";
import { EventError } from "../events/event_error.ts";
import { parseFlightData } from "../events/flight_data.ts";
import { parseEvent } from "../events/parse_event.ts";
import { parseStreamEvent } from "../events/stream_events.ts";
import { FLIGHT_DATA_TOPIC, PUBLIC_TOPICS, STREAM_EVENTS_TOPIC } from "../events/topics.ts";
import type { NewRecord } from "../event_log/event_log.ts";
import { partitionOf } from "../event_log/partitioner.ts";

/** A value that takes the place of the refused one, and the file that it came from, for the note. */
export interface Replacement {
  file: string;
  value: string;
}

/** A letter's key of so many characters may have been cut. */
const KEY_CUT_LENGTH = 256;
const TOPICS = new Set(PUBLIC_TOPICS.map(({ name }) => name).filter((name) => name !== "dead_letters"));

/** Why a letter's record cannot be appended again; `undefined` where it can. */
export function notReplayable(
  letter: DeadLetter,
  partitions: ReadonlyMap<string, number>,
  replacement?: Replacement,
): string | undefined {
  const { topic, truncated, value_base64 } = letter;
  if (!TOPICS.has(topic)) return `"${topic}" is a topic that only the pipeline itself writes`;
  if (!partitions.has(topic)) return `the log has no topic "${topic}"`;
  if (replacement !== undefined) return undefined;
  if (truncated !== undefined) {
    const size = truncated.bytes.toLocaleString("en");
    return `only the first 64 KiB of its ${size} bytes were kept; give the whole value by --value-file`;
  }
  if (value_base64 !== undefined) return "its bytes are no text; give a mended value by --value-file";
  return undefined;
}

/**
 * The record: topic, key, value and headers as they came, and headers that name the letter. A record with a key goes to
 * the key's partition; one without goes where it was.
 *
 * @param partitions Partitions by topic, as the log has them.
 */
export function replayedRecord(
  letter: DeadLetter,
  partitions: ReadonlyMap<string, number>,
  replacement?: Replacement,
): NewRecord & { partition: number } {
  const count = partitions.get(letter.topic)!;
  const value = replacement === undefined ? letter.value : replacement.value;
  const key = keyOf(letter, value);
  const headers: Record<string, string> = { ...letter.headers, [REPLAY_HEADERS.of]: letter.dead_letter_id };
  delete headers[REPLAY_HEADERS.value];
  if (replacement !== undefined) headers[REPLAY_HEADERS.value] = "replaced";
  return {
    topic: letter.topic,
    partition: key === null ? letter.partition % count : partitionOf(key, count),
    key,
    value,
    headers,
  };
}

/** A key that was cut with its value is made anew from the mended one: a key of ours is the flight's, the stream's or the leg's. */
function keyOf({ key, truncated }: DeadLetter, value: string | null): string | null {
  if (truncated === undefined || key === null || key.length < KEY_CUT_LENGTH) return key;
  const { flight_id, stream_id, fa_flight_id } = JSON.parse(value!) as Record<string, string | undefined>;
  return flight_id ?? stream_id ?? fa_flight_id ?? key;
}

/**
 * Why a value would be refused again at once, whoever reads it, were it appended now; `undefined` where its event can be
 * read. Whether a flight is known or has departed only the consumer can say.
 */
export function refusedAgain(
  topic: string,
  value: string | null,
  options: { nowMs: number; eventLeadMsMax: number },
): EventError | undefined {
  try {
    const record = { topic, value, timestampMs: options.nowMs };
    if (topic === FLIGHT_DATA_TOPIC) parseFlightData(record);
    else if (topic === STREAM_EVENTS_TOPIC) parseStreamEvent(record, options);
    else parseEvent(record, options);
    return undefined;
  } catch (error) {
    if (error instanceof EventError) return error;
    return new EventError("invalid_json", `The value cannot be parsed: ${(error as Error).message}`);
  }
}

/** SHA-256 of a text as UTF-8, hexadecimal. */
export function sha256(text: string): string {
  return createHash("sha256").update(text).digest("hex");
}
