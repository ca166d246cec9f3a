/**
 * Events of streams as the published generator makes them: types by weight, stream and user each by chance, whatever was
 * before. So there are joins of viewers who are there and leaves of viewers who are not.
 *
 * @module
 */

import { formatInstant } from "../events/instant.ts";
import type { StreamEvent } from "../events/stream_events.ts";
import { PURPOSE, type RandomKey, randomKey, randomUnit, randomUuid } from "./random.ts";

/** The published weights. */
const WEIGHTS: [StreamEvent["event_type"], number][] = [
  ["viewer_join", 8],
  ["viewer_leave", 7],
  ["chat_message", 10],
  ["donation", 2],
];
const WEIGHT_ALL = WEIGHTS.reduce((sum, [, weight]) => sum + weight, 0);

const STREAM_NUMBER_FIRST = 1001;
const MESSAGE_LENGTH_MAX = 200;
const DONATION_USD_MIN = 1;
const DONATION_USD_MAX = 200;
/** Draws of one event. */
const DRAWS = 4;

export interface StreamMixOptions {
  seed: number;
  /** `stream_1001` and so on. */
  streams: number;
  /** `user_1` and so on. */
  users: number;
  /** Event time of the first event, milliseconds since 1970. */
  startMs: number;
  /** In event time. */
  eventsPerSecond: number;
}

/** All events of a run: each is a function of the options and its number. */
export class StreamMix {
  readonly #options: StreamMixOptions;
  readonly #key: RandomKey;

  constructor(options: StreamMixOptions) {
    this.#options = options;
    // The start is part of the key: another run with the same seed has other event ids.
    this.#key = randomKey(options.seed, `stream mix ${formatInstant(options.startMs)}`);
  }

  /** Event `number`, from 0 on. */
  event(number: number): StreamEvent {
    const { streams, users, startMs, eventsPerSecond } = this.#options;
    const draw = (at: number) => randomUnit(this.#key, PURPOSE.streamEvent, number * DRAWS + at);
    const event = {
      event_id: randomUuid(this.#key, PURPOSE.streamEventId, number),
      ts: formatInstant(Math.floor(startMs + number * 1000 / eventsPerSecond)),
      event_type: typeAt(draw(0)),
      stream_id: `stream_${STREAM_NUMBER_FIRST + Math.floor(draw(1) * streams)}`,
      user_id: `user_${1 + Math.floor(draw(2) * users)}`,
    } as StreamEvent;
    if (event.event_type === "chat_message") {
      event.message_len = 1 + Math.floor(draw(3) * MESSAGE_LENGTH_MAX);
    } else if (event.event_type === "donation") {
      const cents = Math.round(100 * (DONATION_USD_MIN + draw(3) * (DONATION_USD_MAX - DONATION_USD_MIN)));
      event.amount_usd = cents / 100;
    }
    return event;
  }
}

function typeAt(share: number): StreamEvent["event_type"] {
  let left = share * WEIGHT_ALL;
  for (const [type, weight] of WEIGHTS) {
    left -= weight;
    if (left < 0) return type;
  }
  return WEIGHTS[0]![0];
}
