/** What becomes of a record when it is read: an event to be processed, one to be passed on, or a refusal. */

import { deadLetterId, deadLetterOf, replayHeaders } from "../events/dead_letters.ts";
import type { RefusedRecord } from "../events/dead_letters.ts";
import { EventError } from "../events/event_error.ts";
import type { EventErrorReason } from "../events/event_error.ts";
import { parseEvent } from "../events/parse_event.ts";
import type { ParsedEvent } from "../events/parse_event.ts";
import { BOOKING_CURVES_TOPIC, ENGINE_INPUT_TOPICS } from "../events/topics.ts";
import type { LogRecord, NewRecord } from "../event_log/event_log.ts";
import { partitionOf } from "../event_log/partitioner.ts";
import { isTooLarge, VALUE_BYTES_MAX } from "./_record_size.ts";
import type { MergeItem } from "./event_time_merge.ts";

/** Headers of a record in the repartition topic: where it stood first. */
const ORIGIN = {
  topic: "origin-topic",
  partition: "origin-partition",
  offset: "origin-offset",
  timestampMs: "origin-timestamp-ms",
} as const;

/** A record on its way through the merge. */
export interface IntakeItem extends MergeItem {
  /** The record where it stood first. */
  origin: RefusedRecord;
  outcome:
    | { kind: "event"; parsed: ParsedEvent }
    | { kind: "pass on"; flightId: string }
    | { kind: "refuse"; reason: EventErrorReason; message: string };
}

export interface IntakeOptions {
  repartitionTopic: string;
  /** Partitions of the repartition topic. */
  partitions: number;
  /** Passes everything on, wherever it landed: for topics of another partition count. */
  passEverythingOn?: boolean;
  eventLeadMsMax: number;
}

/** Reads one record that had been read by `seenMs`. Bad ones and ones to be passed on come out of the merge as soon as they are next. */
export function intake(record: LogRecord, seenMs: number, options: IntakeOptions): IntakeItem {
  const repartitioned = record.topic === options.repartitionTopic;
  let origin: RefusedRecord = record;
  try {
    if (repartitioned) origin = originOf(record);
    const parsed = parseEvent(origin, { eventLeadMsMax: options.eventLeadMsMax });
    if (record.topic === BOOKING_CURVES_TOPIC) return curvesItem(record, seenMs, origin, parsed);
    const flightId = (parsed.event as { flight_id: string }).flight_id;
    if (!repartitioned) {
      const belongsHere = options.passEverythingOn !== true && record.key !== null &&
        partitionOf(flightId, options.partitions) === record.partition;
      if (!belongsHere) {
        // Kept as it came, a record that only just fitted would not fit with a key and the headers of its origin.
        if (isTooLarge(origin.value!)) {
          throw new EventError(
            "too_large",
            `A record without its flight's key or in another partition is passed on, which takes up to ${VALUE_BYTES_MAX} bytes`,
          );
        }
        return {
          eventTimeMs: -Infinity,
          offset: record.offset,
          seenMs,
          origin,
          outcome: { kind: "pass on", flightId },
        };
      }
    }
    return {
      eventTimeMs: parsed.eventTimeMs,
      offset: record.offset,
      seenMs,
      origin,
      outcome: { kind: "event", parsed },
    };
  } catch (error) {
    if (!(error instanceof EventError)) throw error;
    const { reason, message } = error;
    return {
      eventTimeMs: -Infinity,
      offset: record.offset,
      seenMs,
      origin,
      outcome: { kind: "refuse", reason, message },
    };
  }
}

/** Curves are in every partition, and serve every flight of it. */
function curvesItem(
  { offset }: LogRecord,
  seenMs: number,
  origin: RefusedRecord,
  parsed: ParsedEvent,
): IntakeItem {
  // The state keeps them as they came, in a record of its own.
  if (isTooLarge(origin.value!)) {
    throw new EventError(
      "too_large",
      `Booking curves are kept in the state, which takes ${VALUE_BYTES_MAX} bytes`,
    );
  }
  return { eventTimeMs: parsed.eventTimeMs, offset, seenMs, origin, outcome: { kind: "event", parsed } };
}

/** The record that passes `origin` on to its flight's partition; headers keep where it stood first. */
export function passedOnRecord(origin: RefusedRecord, flightId: string, repartitionTopic: string): NewRecord {
  return {
    topic: repartitionTopic,
    key: flightId,
    value: origin.value,
    headers: {
      [ORIGIN.topic]: origin.topic,
      [ORIGIN.partition]: String(origin.partition),
      [ORIGIN.offset]: String(origin.offset),
      [ORIGIN.timestampMs]: String(origin.timestampMs),
      // So that a record that was driven again and is refused again names its dead letter.
      ...replayHeaders(origin.headers),
    },
  };
}

/** Dead letters of a group's refusals, ready to be appended. */
export function deadLetterRecords(
  refusals: { record: RefusedRecord; reason: EventErrorReason; message: string }[],
  options: { group: string; logId: string },
): Promise<NewRecord[]> {
  return Promise.all(refusals.map(async ({ record, reason, message }): Promise<NewRecord> => ({
    topic: "dead_letters",
    key: deadLetterId(options.group, record),
    value: await deadLetterOf(record, { ...options, reason, message }),
  })));
}

/** Where a record of the repartition topic stood first, by its headers. @throws {EventError} without them. */
export function originOf(
  record: LogRecord,
  inputTopics: readonly string[] = ENGINE_INPUT_TOPICS,
): RefusedRecord {
  const headers = record.headers ?? {};
  const topic = headers[ORIGIN.topic];
  const [partition, offset, timestampMs] = [ORIGIN.partition, ORIGIN.offset, ORIGIN.timestampMs].map((name) =>
    Number(headers[name])
  );
  if (
    topic === undefined || !Number.isInteger(partition) || !Number.isInteger(offset) ||
    !Number.isInteger(timestampMs)
  ) {
    throw new EventError(
      "missing_field",
      `A record of "${record.topic}" has no origin headers; only the consumer writes there`,
    );
  }
  // Whatever a stranger wrote there: only records of the input topics are passed on.
  if (!inputTopics.includes(topic)) {
    throw new EventError(
      "out_of_range",
      `A record of "${record.topic}" says that it stood in "${topic}", expected ${inputTopics.join(", ")}`,
    );
  }
  const replayed = replayHeaders(headers);
  return {
    topic,
    partition: partition!,
    offset: offset!,
    timestampMs: timestampMs!,
    key: record.key,
    value: record.value,
    ...(replayed === undefined ? {} : { headers: replayed }),
    ...(record.bytes === undefined ? {} : { bytes: record.bytes }),
  };
}
