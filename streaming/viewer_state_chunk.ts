/**
 * The state of the windows as bytes: entries one after another, in chunks that are read in the order in which they were
 * written. About 25 bytes an entry.
 *
 * A chunk begins with its format's number. An entry begins with its kind; numbers are in groups of seven bits, low ones
 * first; texts are their length and UTF-8; times and minutes are differences to the one before, zigzag. A stream's name
 * stands once in a chunk, then its number.
 *
 * @module
 */

import type { StateSink } from "./viewer_windows.ts";

const FORMAT = 1;
const BYTES_FIRST = 4096;
/** What the numbers of one entry take at the most, texts aside. */
const ENTRY_BYTES_MAX = 64;

const KIND = { stream: 0, leave: 1, join: 2, counted: 3, known: 4 } as const;

const encoder = new TextEncoder();
const decoder = new TextDecoder();

/** Collects entries. */
export class ViewerStateWriter implements StateSink {
  #bytes = new Uint8Array(BYTES_FIRST);
  #length = 0;
  #streams = new Map<string, number>();
  #timeMs = 0;
  #minute = 0;

  /** Bytes so far; 0 where there is no entry. */
  get length(): number {
    return this.#length;
  }

  viewer(streamId: string, userId: string, timeMs: number, joined: boolean): void {
    const stream = this.#stream(streamId);
    this.#begin(joined ? KIND.join : KIND.leave, userId.length * 3);
    this.#number(stream);
    this.#difference(timeMs - this.#timeMs);
    this.#timeMs = timeMs;
    this.#text(userId);
  }

  counted(streamId: string, minute: number, chatMessages: number, donatedCents: number): void {
    const stream = this.#stream(streamId);
    this.#begin(KIND.counted, 0);
    this.#number(stream);
    this.#nextMinute(minute);
    this.#number(chatMessages);
    this.#number(donatedCents);
  }

  known(minute: number, high: number, low: number): void {
    this.#begin(KIND.known, 0);
    this.#nextMinute(minute);
    for (const word of [high, low]) {
      for (let shift = 0; shift < 32; shift += 8) this.#bytes[this.#length++] = word >>> shift;
    }
  }

  /** The chunk, and begins the next one. */
  take(): Uint8Array {
    const chunk = this.#bytes.slice(0, this.#length);
    this.#length = 0;
    this.#streams = new Map();
    this.#timeMs = 0;
    this.#minute = 0;
    return chunk;
  }

  #begin(kind: number, textBytesMax: number): void {
    const needed = this.#length + ENTRY_BYTES_MAX + textBytesMax;
    if (needed > this.#bytes.length) {
      const larger = new Uint8Array(Math.max(needed, this.#bytes.length * 2));
      larger.set(this.#bytes.subarray(0, this.#length));
      this.#bytes = larger;
    }
    if (this.#length === 0) this.#bytes[this.#length++] = FORMAT;
    this.#bytes[this.#length++] = kind;
  }

  #stream(streamId: string): number {
    const known = this.#streams.get(streamId);
    if (known !== undefined) return known;
    this.#begin(KIND.stream, streamId.length * 3);
    this.#text(streamId);
    this.#streams.set(streamId, this.#streams.size);
    return this.#streams.size - 1;
  }

  #nextMinute(minute: number): void {
    this.#difference(minute - this.#minute);
    this.#minute = minute;
  }

  #difference(value: number): void {
    this.#number(value >= 0 ? value * 2 : -value * 2 - 1);
  }

  #number(value: number): void {
    let rest = value;
    while (rest >= 128) {
      this.#bytes[this.#length++] = rest % 128 + 128;
      rest = Math.floor(rest / 128);
    }
    this.#bytes[this.#length++] = rest;
  }

  #text(text: string): void {
    // Nearly all are short and ASCII: then a byte is a unit.
    const start = this.#length;
    this.#number(text.length);
    for (let i = 0; i < text.length; i++) {
      const unit = text.charCodeAt(i);
      if (unit >= 128) return this.#longText(text, start);
      this.#bytes[this.#length++] = unit;
    }
  }

  #longText(text: string, start: number): void {
    const bytes = encoder.encode(text);
    this.#length = start;
    this.#number(bytes.length);
    this.#bytes.set(bytes, this.#length);
    this.#length += bytes.length;
  }
}

/**
 * Reads a chunk's entries into a sink.
 *
 * @throws {Error} where another version of this program wrote it.
 */
export function readStateChunk(chunk: Uint8Array, sink: StateSink): void {
  if (chunk.length === 0) return;
  if (chunk[0] !== FORMAT) {
    throw new Error(
      `The state of the minute windows has format ${
        chunk[0]
      }, this program knows ${FORMAT}. Use the version that wrote it, or begin anew with --reset-state`,
    );
  }
  const streams: string[] = [];
  let at = 1;
  let timeMs = 0;
  let minute = 0;
  const number = (): number => {
    let value = 0;
    for (let factor = 1;; factor *= 128) {
      const byte = chunk[at++]!;
      value += (byte & 127) * factor;
      if (byte < 128) return value;
    }
  };
  const difference = (): number => {
    const value = number();
    return value % 2 === 0 ? value / 2 : -(value + 1) / 2;
  };
  const text = (): string => {
    const length = number();
    at += length;
    return decoder.decode(chunk.subarray(at - length, at));
  };
  const word = (): number => {
    at += 4;
    return (chunk[at - 4]! | chunk[at - 3]! << 8 | chunk[at - 2]! << 16 | chunk[at - 1]! << 24) >>> 0;
  };
  while (at < chunk.length) {
    const kind = chunk[at++];
    switch (kind) {
      case KIND.stream:
        streams.push(text());
        break;
      case KIND.leave:
      case KIND.join: {
        const streamId = streams[number()]!;
        timeMs += difference();
        sink.viewer(streamId, text(), timeMs, kind === KIND.join);
        break;
      }
      case KIND.counted: {
        const streamId = streams[number()]!;
        minute += difference();
        const chatMessages = number();
        sink.counted(streamId, minute, chatMessages, number());
        break;
      }
      default: {
        minute += difference();
        const high = word();
        sink.known(minute, high, word());
      }
    }
  }
}
