/** Reads a raw file line by line, in pieces, whatever its size. */

import { createHash } from "node:crypto";

/** Lines that were read of one file. */
export interface RawRead {
  lines: number;
  bytes: number;
  /** Hexadecimal; only where it was asked for. */
  sha256: string | undefined;
}

const CHUNK_BYTES = 1024 * 1024;

/**
 * Hands over each line with its number from 1 and the byte at which it begins. A last line without a line break is
 * handed over too, unless `wholeLinesOnly`: its writer has not come to its end. `bytes` comes where a line is not UTF-8.
 *
 * @throws {Deno.errors.NotFound} when the file is gone.
 */
export async function readRawLines(
  path: string,
  take: (text: string, number: number, byte: number, bytes?: Uint8Array) => void,
  options: { hash?: boolean; wholeLinesOnly?: boolean; onBytes?: (bytes: number) => void } = {},
): Promise<RawRead> {
  const { wholeLinesOnly = false, onBytes } = options;
  const hash = options.hash === true ? createHash("sha256") : undefined;
  const strict = new TextDecoder("utf-8", { fatal: true });
  const handOver = (line: Uint8Array, number: number, byte: number) => {
    let text: string;
    try {
      text = strict.decode(line);
    } catch {
      take(new TextDecoder().decode(line), number, byte, line);
      return;
    }
    take(text, number, byte);
  };
  const buffer = new Uint8Array(CHUNK_BYTES);
  // Bytes of a line that began in an earlier chunk.
  let rest: Uint8Array[] = [];
  let restBytes = 0;
  let [lines, bytes] = [0, 0];
  using file = await Deno.open(path, { read: true });
  for (;;) {
    const read = await file.read(buffer);
    if (read === null) break;
    const chunk = buffer.subarray(0, read);
    hash?.update(chunk);
    let from = 0;
    for (let at = chunk.indexOf(10); at !== -1; at = chunk.indexOf(10, from)) {
      const piece = chunk.subarray(from, at);
      const start = bytes + from - restBytes;
      handOver(rest.length === 0 ? piece : joined([...rest, piece]), ++lines, start);
      [rest, restBytes] = [[], 0];
      from = at + 1;
    }
    if (from < read) {
      rest.push(chunk.slice(from));
      restBytes += read - from;
    }
    bytes += read;
    onBytes?.(read);
  }
  if (restBytes > 0 && !wholeLinesOnly) handOver(joined(rest), ++lines, bytes - restBytes);
  return { lines, bytes, sha256: hash?.digest("hex") };
}

function joined(pieces: Uint8Array[]): Uint8Array {
  const bytes = new Uint8Array(pieces.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const piece of pieces) {
    bytes.set(piece, at);
    at += piece.length;
  }
  return bytes;
}
