/**
 * The careful way to read raw lines: one by one, with the events' own checks. What can be used is written anew as plain
 * lines for Polars, what cannot is rejected with its reason. About ten times slower than the fast way, so it is only
 * taken for files that other programs write and for those that the fast way refused.
 *
 * @module
 */

import { EventError } from "../events/event_error.ts";
import { parseInstant } from "../events/instant.ts";
import { parseEvent } from "../events/parse_event.ts";
import { byteLines } from "./line_scan.ts";
import type { RawTopic } from "./raw_topic.ts";
import { REJECTED_LINE_CHARACTERS } from "./rejected_lines.ts";
import type { RejectedLines } from "./rejected_lines.ts";

/** Where the lines stand: in a sealed file each says its offset, in a foreign one the byte at which it begins is it. */
export type LineSource =
  | {
    kind: "sealed";
    name: string;
    path: string;
    logId8: string;
    partition: number;
    from: number;
    to: number;
    /** Lines before this byte are of offsets below `from`. */
    fromByte: number;
  }
  | { kind: "foreign"; name: string; path: string; log: string; fromByte: number; toByte: number };

export interface CarefulRead {
  /** Lines that were looked at, rejected ones included. */
  lines: number;
  /** Lines that were written for Polars. */
  taken: number;
  /** Foreign files: where the next run goes on. */
  nextByte: number;
}

const FLUSH_CHARACTERS = 1024 * 1024;

/**
 * Reads the lines of `source` and hands those that can be used to `write`, some at a time.
 *
 * @throws whatever the operating system says when the file cannot be read.
 */
export async function readCarefully(
  source: LineSource,
  topic: RawTopic,
  write: (bytes: Uint8Array) => Promise<void>,
  options: { rejected: RejectedLines; eventLeadMsMax: number },
): Promise<CarefulRead> {
  const { rejected, eventLeadMsMax } = options;
  const result: CarefulRead = { lines: 0, taken: 0, nextByte: 0 };
  const decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: false });
  const encoder = new TextEncoder();
  let out: string[] = [];
  let outCharacters = 0;
  const flush = async () => {
    await write(encoder.encode(out.join("")));
    out = [];
    outCharacters = 0;
  };
  const foreign = source.kind === "foreign";
  const lines = byteLines(source.path, source.fromByte, foreign ? source.toByte : Infinity);
  if (foreign) result.nextByte = source.fromByte;
  for await (const { byte, bytes, whole } of lines) {
    // Its writer has not come to the end of it: the next run reads it.
    if (foreign && !whole) break;
    if (foreign) result.nextByte = byte + bytes.length + 1;
    let text: string | undefined;
    try {
      text = textOf(bytes, decoder);
      if (text.trim() === "") continue;
      const taken = takenLine(text, byte, source, topic, eventLeadMsMax);
      result.lines++;
      if (taken === undefined) continue;
      out.push(taken);
      outCharacters += taken.length;
      result.taken++;
      if (outCharacters > FLUSH_CHARACTERS) await flush();
    } catch (error) {
      if (!(error instanceof EventError)) throw error;
      result.lines++;
      await rejected.add({
        topic: topic.name,
        file: source.name,
        byte,
        reason: error.reason,
        message: error.message,
        line: (text ?? new TextDecoder().decode(bytes)).slice(0, REJECTED_LINE_CHARACTERS),
        ...(text === undefined
          ? { line_base64: bytes.subarray(0, REJECTED_LINE_CHARACTERS).toBase64() }
          : {}),
      });
    }
  }
  await flush();
  return result;
}

function textOf(bytes: Uint8Array, decoder: TextDecoder): string {
  try {
    return decoder.decode(bytes);
  } catch {
    throw new EventError("invalid_utf8", "The line is not valid UTF-8");
  }
}

/** The line for Polars; `undefined` where an earlier run has read it. */
function takenLine(
  text: string,
  byte: number,
  source: LineSource,
  topic: RawTopic,
  eventLeadMsMax: number,
): string | undefined {
  const record = { topic: topic.name, value: text, timestampMs: appendTimeOf(text) };
  const { event } = parseEvent(record, { eventLeadMsMax });
  const place = placeOf(event as unknown as Record<string, unknown>, byte, source);
  if (place === undefined) return undefined;
  const fields = { ...topic.normalized(event), ...place };
  let taken = JSON.stringify(fields);
  // Half a character (a lone surrogate), which UTF-8 has no form for and Polars would take for a NUL.
  if (taken.includes("\\ud")) {
    taken = JSON.stringify(
      fields,
      (_name, value) => typeof value === "string" ? value.toWellFormed() : value,
    );
  }
  return `${taken}\n`;
}

/** Append time by `_timestamp`; a line without one (other programs write none) may lie any time ahead. */
function appendTimeOf(text: string): number {
  const match = /"_timestamp": ?"([^"]{1,40})"\s*\}\s*$/.exec(text.slice(-100));
  const ms = match === null ? NaN : parseInstant(match[1]!);
  return Number.isNaN(ms) ? Infinity : ms;
}

function placeOf(
  event: Record<string, unknown>,
  byte: number,
  source: LineSource,
): { _log: string; _partition: number; _offset: number } | undefined {
  if (source.kind === "foreign") return { _log: source.log, _partition: 0, _offset: byte };
  const offset = event._offset;
  if (event._partition !== source.partition || typeof offset !== "number" || !Number.isSafeInteger(offset)) {
    throw new EventError(
      "missing_field",
      `The line says partition ${JSON.stringify(event._partition)} and offset ${JSON.stringify(offset)}, ` +
        `its file's name says partition ${source.partition}`,
    );
  }
  if (offset >= source.to) {
    throw new EventError(
      "out_of_range",
      `The line says offset ${offset}, its file's name says that they end before ${source.to}`,
    );
  }
  return offset < source.from
    ? undefined
    : { _log: source.logId8, _partition: source.partition, _offset: offset };
}
