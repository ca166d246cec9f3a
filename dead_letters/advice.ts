/** Each reason of a refusal in plain words, and what to do about it. */

import type { EventErrorReason } from "../events/event_error.ts";

/** For a person who looks at a dead letter. */
export interface Advice {
  /** What was wrong, as a sentence. */
  meaning: string;
  /** What to do, as a sentence. */
  remedy: string;
}

const MEND = "Mend the value (show ID --value > FILE, then replay ID --value-file FILE), and mend its sender";
const FIELD = "The message names the field and its value. " + MEND;

export const ADVICE: Record<EventErrorReason, Advice> = {
  empty_value: {
    meaning: "The record has no value",
    remedy:
      "There is nothing to drive again, unless you know what it should have held: replay ID --value-file FILE",
  },
  invalid_utf8: {
    meaning: "The value's bytes are no UTF-8 text",
    remedy: "Look at the bytes (show ID --value > FILE). Mend them, then replay ID --value-file FILE",
  },
  invalid_json: { meaning: "The value is no JSON, or is cut off", remedy: MEND },
  not_an_object: { meaning: "The value is JSON, but no object", remedy: MEND },
  nul_character: {
    meaning: "A text of the event holds a NUL character, which no table can hold",
    remedy: MEND,
  },
  lone_surrogate: {
    meaning: "A text of the event holds half a character, which no log or table can hold",
    remedy: MEND,
  },
  missing_field: { meaning: "A field that must be there is missing", remedy: FIELD },
  wrong_type: { meaning: "A field holds a value of another type", remedy: FIELD },
  out_of_range: { meaning: "A field's value lies outside what can be", remedy: FIELD },
  invalid_time: { meaning: "A field should hold a UTC time and does not", remedy: FIELD },
  event_time: {
    meaning: "The event's time lies too far beyond the time at which the record was appended",
    remedy:
      "Where its time is right, drive it again when it comes nearer: its append time is then the new one. " +
      "Else mend the sender's clock, and the value by --value-file",
  },
  late: {
    meaning: "The event came after its window of time was closed",
    remedy: "Its figures stay without it. Driven again it is late again",
  },
  unknown_event_type: {
    meaning: "The event's type is not known on its topic",
    remedy:
      "Where the sender meant a type that is known, mend the value by --value-file. A newer version may know it: " +
      "drive it again after the update",
  },
  too_large: {
    meaning: "The record is close to the log's limit, and passing it on or keeping it takes room for more",
    remedy: "Send it with its flight's key, or smaller by --value-file",
  },
  unknown_flight: {
    meaning: "Its flight did not become known in time, or too many events were waiting",
    remedy:
      "Look whether the flight is in flight_lifecycle now; where it is, drive the record again. Else send the flight first",
  },
  flight_departed: {
    meaning: "It was sold or given back after its flight had departed or was cancelled",
    remedy:
      "Driven again as it is, it is refused again. Where its time or its flight is wrong, mend the value by --value-file",
  },
};

/** The advice for a reason; for one that this version does not know, that of none. */
export function adviceFor(reason: string): Advice {
  return Object.hasOwn(ADVICE, reason) ? ADVICE[reason as EventErrorReason] : {
    meaning: `"${reason}" is a reason that this version does not know`,
    remedy: "Read the message",
  };
}
