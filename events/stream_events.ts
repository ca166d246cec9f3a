/**
 * Topic `stream.events`: who comes to a stream and who leaves it, what is said and what is given, keyed by `stream_id`.
 *
 * @module
 */

import { checkInstant, checkNumber, checkText } from "./_check.ts";
import type { JsonObject } from "./_check.ts";
import { checkOf, readObject, refuseLead, refuseNul } from "./_json_record.ts";
import { EVENT_LEAD_MS_MAX } from "./parse_event.ts";
import type { ParseOptions, RecordText } from "./parse_event.ts";

/** What the events of a stream have in common. */
interface StreamEventFields {
  event_id: string;
  /** Event time. */
  ts: string;
  stream_id: string;
  user_id: string;
}

/** Somebody begins or ends to watch a stream. */
export interface ViewerEvent extends StreamEventFields {
  event_type: "viewer_join" | "viewer_leave";
}

/** Somebody says something. */
export interface ChatMessage extends StreamEventFields {
  event_type: "chat_message";
  message_len?: number | null;
}

/** Somebody gives money. */
export interface Donation extends StreamEventFields {
  event_type: "donation";
  amount_usd?: number | null;
  /** What older senders call `amount_usd`; counts only where that is missing. */
  amount?: number | null;
}

/** A stream begins or ends: the published senders say so. Viewers tell of themselves, so it changes no figure. */
export interface StreamMark extends StreamEventFields {
  event_type: "stream_start" | "stream_stop";
}

export type StreamEvent = ViewerEvent | ChatMessage | Donation | StreamMark;

/** An event as the windows take it. */
export interface ParsedStreamEvent {
  type: StreamEvent["event_type"];
  /** Event time, milliseconds since 1970. */
  eventTimeMs: number;
  streamId: string;
  userId: string;
  eventId: string;
  /** What was given, in whole US cents; 0 for all but a donation. */
  donatedCents: number;
}

/** The most that is taken for one donation, in US dollars. */
export const DONATION_USD_MAX = 10_000_000;
const MESSAGE_LENGTH_MAX = 10_000_000;

type DonatedCents = (event: JsonObject) => number;

function nothingDonated(): number {
  return 0;
}

const CHECKS: Record<StreamEvent["event_type"], DonatedCents> = {
  viewer_join: nothingDonated,
  viewer_leave: nothingDonated,
  chat_message(event) {
    const { message_len } = event;
    if (message_len !== undefined && message_len !== null) {
      checkNumber(event, "message_len", 0, MESSAGE_LENGTH_MAX);
    }
    return 0;
  },
  donation(event) {
    const { amount_usd, amount } = event;
    const isMissing = amount_usd === undefined || amount_usd === null;
    const field = isMissing && amount !== undefined && amount !== null ? "amount" : "amount_usd";
    return Math.round(checkNumber(event, field, 0, DONATION_USD_MAX) * 100);
  },
  stream_start: nothingDonated,
  stream_stop: nothingDonated,
};

/**
 * Parses and checks one record of `stream.events`. Fields that nobody reads pass through untouched.
 *
 * @throws {EventError} with the reason and a message that names field and value.
 */
export function parseStreamEvent(record: RecordText, options: ParseOptions = {}): ParsedStreamEvent {
  const { eventLeadMsMax = EVENT_LEAD_MS_MAX } = options;
  const event = readObject(record);
  const type = checkText(event, "event_type");
  const check = checkOf(CHECKS, type, record.topic);
  refuseNul(event, record.value!);
  const streamId = checkText(event, "stream_id");
  const userId = checkText(event, "user_id");
  const eventId = checkText(event, "event_id");
  const eventTimeMs = checkInstant(event, "ts");
  const donatedCents = check(event);
  refuseLead({ timeMs: eventTimeMs, shown: event.ts }, record.timestampMs, eventLeadMsMax);
  return { type: type as StreamEvent["event_type"], eventTimeMs, streamId, userId, eventId, donatedCents };
}

/** One event of the topic as it travels. */
export const streamEventExample: StreamEvent = {
  event_id: "5d0f2f3a-7f0c-4a53-9d3e-0a1c7b1f9e42",
  ts: "2025-11-24T10:15:30.000Z",
  event_type: "donation",
  stream_id: "BA210_2025-11-28",
  user_id: "user_17",
  amount_usd: 12.5,
};
