/** Files into pieces, and back. */

import { dirname, join } from "node:path";
import { writeAll } from "../lake/durable_files.ts";
import type { BackedUpFile } from "./backup_file.ts";
import { PIECE_BYTES } from "./object_store.ts";
import type { ObjectStore, Piece } from "./object_store.ts";

/** Counts what a backup reads and adds. */
export interface Tally {
  bytes: number;
  addedBytes: number;
}

/** What stores and counts, and ends when told to. */
export interface Storing {
  store: ObjectStore;
  tally: Tally;
  signal: AbortSignal;
  /** Told after each file or piece. */
  onProgress: (tally: Tally) => void;
}

/** Stores what a stream brings. */
export async function storeStream(
  stream: AsyncIterable<Uint8Array>,
  storing: Storing,
): Promise<{ bytes: number; pieces: Piece[] }> {
  const pieces: Piece[] = [];
  const buffer = new Uint8Array(PIECE_BYTES);
  let filled = 0;
  let bytes = 0;
  const flush = async () => {
    if (filled === 0) return;
    storing.signal.throwIfAborted();
    const { piece, isNew } = await storing.store.put(buffer.subarray(0, filled));
    pieces.push(piece);
    bytes += filled;
    storing.tally.bytes += filled;
    if (isNew) storing.tally.addedBytes += piece[1];
    storing.onProgress(storing.tally);
    filled = 0;
  };
  for await (const chunk of stream) {
    for (let at = 0; at < chunk.length;) {
      const count = Math.min(chunk.length - at, PIECE_BYTES - filled);
      buffer.set(chunk.subarray(at, at + count), filled);
      filled += count;
      at += count;
      if (filled === PIECE_BYTES) await flush();
    }
  }
  await flush();
  return { bytes, pieces };
}

/**
 * Stores the file at `source` as `path`. One that is as it was at an earlier backup is not read again.
 *
 * @throws {Deno.errors.NotFound} where it is gone.
 */
export async function storeFile(
  source: string,
  path: string,
  storing: Storing,
  before: BackedUpFile | undefined,
): Promise<BackedUpFile> {
  const { size, mtime } = await Deno.stat(source);
  const modified = mtime?.getTime() ?? null;
  if (
    before !== undefined && before.bytes === size && modified !== null && before.modified_ms === modified &&
    (await Promise.all(before.pieces.map((piece) => storing.store.holds(piece)))).every(Boolean)
  ) {
    storing.tally.bytes += size;
    storing.onProgress(storing.tally);
    return { ...before, path };
  }
  const file = await Deno.open(source, { read: true });
  return { path, modified_ms: modified, ...await storeStream(file.readable, storing) };
}

/** Writes a backed up file to `folder`; `syncFolders()` makes it durable. */
export async function restoreFile(
  file: BackedUpFile,
  folder: string,
  store: ObjectStore,
  options: { signal: AbortSignal; onBytes: (bytes: number) => void },
): Promise<void> {
  const path = join(folder, ...safeSegments(file.path));
  await Deno.mkdir(dirname(path), { recursive: true });
  using out = await Deno.open(path, { write: true, create: true, truncate: true });
  for (const piece of file.pieces) {
    options.signal.throwIfAborted();
    const bytes = await store.get(piece);
    await writeAll(out, bytes);
    options.onBytes(bytes.length);
  }
}

/** A backup's path leads nowhere but below its part's folder. */
export function safeSegments(path: string): string[] {
  const segments = path.split("/");
  if (segments.some((name) => name === "" || name === "." || name === ".." || /[\\:\0]/.test(name))) {
    throw new Error(`The backup names a file "${path}", which may lie outside of its folder`);
  }
  return segments;
}
