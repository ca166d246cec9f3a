/** A look at a raw file's bytes: how many lines it has, and whether the fast reader can be trusted with it. */

import { RepeatedNames } from "./_repeated_names.ts";

/** What a file's bytes tell. */
export interface LineScan {
  /** Lines that are not empty. */
  lines: number;
  /**
   * No backslash, no carriage return, no byte order mark: then no string in it holds a quote, a NUL or an escape, which
   * Polars gets wrong in places (it loses backslashes of nested text, and takes a lone surrogate for a NUL). And no
   * object names a field twice, of which Polars takes the first and all others the last.
   */
  plain: boolean;
}

const NEWLINE = 10;
const CARRIAGE_RETURN = 13;
const BACKSLASH = 92;
const buffer = new Uint8Array(1024 * 1024);

/**
 * Scans a file from `fromByte` on.
 *
 * @throws whatever the operating system says when the file cannot be read.
 */
export function scanLines(path: string, fromByte = 0): LineScan {
  using file = Deno.openSync(path);
  file.seekSync(fromByte, Deno.SeekMode.Start);
  const scan: LineScan = { lines: 0, plain: true };
  const names = new RepeatedNames();
  // A line counts when anything stands between two newlines.
  let lineIsEmpty = true;
  for (;;) {
    const count = file.readSync(buffer);
    if (count === null) break;
    const bytes = buffer.subarray(0, count);
    if (scan.plain) {
      scan.plain = !bytes.includes(BACKSLASH) && !bytes.includes(CARRIAGE_RETURN) && !names.found(bytes);
    }
    let from = 0;
    for (let at = bytes.indexOf(NEWLINE); at !== -1; at = bytes.indexOf(NEWLINE, from)) {
      if (at > from || !lineIsEmpty) scan.lines++;
      lineIsEmpty = true;
      from = at + 1;
    }
    if (from < count) lineIsEmpty = false;
  }
  if (!lineIsEmpty) scan.lines++;
  return scan;
}

/** A line of a file as bytes, without the newline that ends it. */
export interface ByteLine {
  /** Where it begins in the file. */
  byte: number;
  bytes: Uint8Array;
  /** Whether a newline ends it; the last line of a file that is still written may be cut off. */
  whole: boolean;
}

const CHUNK_BYTES = 1024 * 1024;

/** The end of a line that the lake writer wrote. */
const LINE_END = /"_offset":(\d{1,16}),"_timestamp":"[^"]{1,40}"\}\s*$/;
const LINE_END_BYTES = 100;

/**
 * Where in a finished raw file the lines of offsets from `offset` on begin: behind the last line of a lower one.
 *
 * @throws whatever the operating system says when the file cannot be read.
 */
export async function byteOfOffset(path: string, offset: number): Promise<number> {
  const decoder = new TextDecoder();
  let found = 0;
  for await (const { byte, bytes } of byteLines(path)) {
    const match = LINE_END.exec(decoder.decode(bytes.subarray(-LINE_END_BYTES)));
    if (match === null) continue;
    if (Number(match[1]) >= offset) break;
    found = byte + bytes.length + 1;
  }
  return found;
}

/** The lines of a file from `fromByte` to before `toByte` (default: its end), empty ones left out. */
export async function* byteLines(path: string, fromByte = 0, toByte = Infinity): AsyncGenerator<ByteLine> {
  using file = await Deno.open(path);
  await file.seek(fromByte, Deno.SeekMode.Start);
  let at = fromByte;
  // The beginning of a line that is longer than what was read, in pieces.
  let pieces: Uint8Array[] = [];
  let lineStart = fromByte;
  while (at < toByte) {
    const chunk = new Uint8Array(Math.min(CHUNK_BYTES, toByte - at));
    const count = await file.read(chunk);
    if (count === null) break;
    const bytes = chunk.subarray(0, count);
    let from = 0;
    for (let end = bytes.indexOf(NEWLINE); end !== -1; end = bytes.indexOf(NEWLINE, from)) {
      pieces.push(bytes.subarray(from, end));
      const line = joined(pieces);
      if (line.length > 0) yield { byte: lineStart, bytes: line, whole: true };
      pieces = [];
      from = end + 1;
      lineStart = at + from;
    }
    if (from < count) pieces.push(bytes.subarray(from));
    at += count;
  }
  const rest = joined(pieces);
  if (rest.length > 0) yield { byte: lineStart, bytes: rest, whole: false };
}

function joined(pieces: Uint8Array[]): Uint8Array {
  if (pieces.length === 1) return pieces[0]!;
  const line = new Uint8Array(pieces.reduce((total, piece) => total + piece.length, 0));
  let at = 0;
  for (const piece of pieces) {
    line.set(piece, at);
    at += piece.length;
  }
  return line;
}
