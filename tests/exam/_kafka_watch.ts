/**
 * Reads along what a client asks a Kafka broker, as far as it takes to know which answer is which: the header of each
 * request and answer. Known from the protocol's description alone.
 *
 * @module
 */

import { Buffer } from "node:buffer";
import type { ConnectionFault, ConnectionWatch } from "./_tcp_proxy.ts";

/** Numbers of requests in Kafka's protocol. */
export const KAFKA_API = {
  produce: 0,
  fetch: 1,
  joinGroup: 11,
  heartbeat: 12,
  initProducerId: 22,
  addPartitionsToTxn: 24,
  addOffsetsToTxn: 25,
  endTxn: 26,
  txnOffsetCommit: 28,
} as const;

export type KafkaApi = keyof typeof KAFKA_API;

/** An answer on its way to the client: what the request did is done. */
export interface KafkaAnswer {
  /** The request's number. */
  api: number;
  clientId: string;
}

const HEADER_BYTES = 14;
const CLIENT_ID_BYTES_MAX = 60;
const ANSWER_BYTES = 8;

/** A watch for one connection. `onAnswer` is told of each answer before it arrives, and may strike. */
export function watchKafka(
  onAnswer: (answer: KafkaAnswer) => ConnectionFault | undefined,
): ConnectionWatch {
  const asked = new Map<number, KafkaAnswer>();
  let fault: ConnectionFault | undefined;
  const requests = new FrameCutter(HEADER_BYTES + CLIENT_ID_BYTES_MAX, (frame) => {
    const length = frame.length < HEADER_BYTES ? 0 : Math.max(0, frame.readInt16BE(12));
    const clientId = frame.toString("utf8", HEADER_BYTES, HEADER_BYTES + length);
    asked.set(frame.readInt32BE(8), { api: frame.readInt16BE(4), clientId });
  });
  const answers = new FrameCutter(ANSWER_BYTES, (frame) => {
    const id = frame.readInt32BE(4);
    const answer = asked.get(id);
    asked.delete(id);
    if (answer !== undefined) fault ??= onAnswer(answer);
  });
  return {
    toServer: (bytes) => {
      requests.push(bytes);
      return undefined;
    },
    toClient: (bytes) => {
      answers.push(bytes);
      return fault;
    },
  };
}

/** Cuts a stream into frames of a 32-bit length and so many bytes; hands over the first bytes of each. */
class FrameCutter {
  readonly #keptBytesMax: number;
  readonly #onFrame: (start: Buffer) => void;
  #kept = Buffer.alloc(0);
  #left = 0;

  constructor(keptBytesMax: number, onFrame: (start: Buffer) => void) {
    this.#keptBytesMax = keptBytesMax;
    this.#onFrame = onFrame;
  }

  push(bytes: Buffer): void {
    for (let at = 0; at < bytes.length;) {
      const inLength = this.#left === 0;
      const part = bytes.subarray(at, at + (inLength ? 4 - this.#kept.length : this.#left));
      at += part.length;
      const room = this.#keptBytesMax - this.#kept.length;
      if (room > 0) this.#kept = Buffer.concat([this.#kept, part.subarray(0, room)]);
      if (inLength) {
        if (this.#kept.length === 4) this.#left = this.#kept.readInt32BE(0);
      } else {
        this.#left -= part.length;
        if (this.#left > 0) continue;
        this.#onFrame(this.#kept);
        this.#kept = Buffer.alloc(0);
      }
    }
  }
}
