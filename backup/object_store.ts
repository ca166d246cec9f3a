/**
 * Pieces of files, each kept once however many backups hold it: compressed by zstd, named by the SHA-256 of its content.
 *
 * ```
 * backups/objects/4f/4f2a….zst
 * ```
 *
 * @module
 */

import { createHash } from "node:crypto";
import { dirname, join } from "node:path";
import { zstdCompressSync, zstdDecompressSync } from "node:zlib";
import { removeIfThere } from "../process/files.ts";
import { syncFolder, writeAll } from "../lake/durable_files.ts";
import { syncFiles } from "./sync_files.ts";

/** Bytes of a piece; the last one of a file is shorter. */
export const PIECE_BYTES = 4 * 1024 * 1024;

const ENDING = ".zst";
const HASH = /^[0-9a-f]{64}$/;

/** A piece as a backup names it: hash of its content, and bytes that it takes here. */
export type Piece = [hash: string, storedBytes: number];

/** A piece is missing or not what it was; the message says which. */
export class DamagedPieceError extends Error {
  override name = "DamagedPieceError";
}

/** The pieces below a folder. */
export class ObjectStore {
  readonly #folder: string;
  /** Pieces that were put since the last {@link ObjectStore.sync}: their temporary names and sizes, by hash. */
  readonly #pending = new Map<string, { temporary: string; size: number }>();

  constructor(folder: string) {
    this.#folder = folder;
  }

  /**
   * Keeps a piece, unless it is there; `isNew` says whether it was not. It counts after {@link ObjectStore.sync} only:
   * waiting for the disk at each piece would hold up what is backed up.
   */
  async put(bytes: Uint8Array): Promise<{ piece: Piece; isNew: boolean }> {
    const hash = hashOf(bytes);
    const path = this.#path(hash);
    const size = this.#pending.get(hash)?.size ?? await sizeOf(path);
    if (size !== undefined) return { piece: [hash, size], isNew: false };
    const stored = zstdCompressSync(bytes);
    await Deno.mkdir(dirname(path), { recursive: true });
    const temporary = `${path}.${crypto.randomUUID().slice(0, 8)}.tmp`;
    try {
      using file = await Deno.open(temporary, { write: true, createNew: true });
      await writeAll(file, stored);
    } catch (error) {
      await removeIfThere(temporary).catch(() => {});
      throw error;
    }
    this.#pending.set(hash, { temporary, size: stored.length });
    return { piece: [hash, stored.length], isNew: true };
  }

  /** Forgets what was put since the last {@link ObjectStore.sync}. */
  async discard(): Promise<void> {
    for (const { temporary } of this.#pending.values()) await removeIfThere(temporary).catch(() => {});
    this.#pending.clear();
  }

  /** Makes all new pieces durable, content first, then names. */
  async sync(): Promise<void> {
    const folders = new Set([this.#folder]);
    await syncFiles([...this.#pending.values()].map(({ temporary }) => temporary));
    for (const [hash, { temporary }] of this.#pending) {
      const path = this.#path(hash);
      await Deno.rename(temporary, path);
      folders.add(dirname(path));
    }
    this.#pending.clear();
    for (const folder of folders) if (await sizeOf(folder) !== undefined) await syncFolder(folder);
  }

  /** Whether a piece lies there with its size; its content is not looked at. */
  async holds([hash, storedBytes]: Piece): Promise<boolean> {
    return HASH.test(hash) && await sizeOf(this.#path(hash)) === storedBytes;
  }

  /**
   * The content of a piece, which is what was put.
   *
   * @throws {DamagedPieceError}
   */
  async get([hash]: Piece): Promise<Uint8Array> {
    if (!HASH.test(hash)) throw new DamagedPieceError(`"${hash}" is no name of a piece`);
    let stored: Uint8Array;
    try {
      stored = await Deno.readFile(this.#path(hash));
    } catch (error) {
      if (error instanceof Deno.errors.NotFound) throw new DamagedPieceError(`Piece ${hash} is missing`);
      throw error;
    }
    let bytes: Uint8Array;
    try {
      bytes = zstdDecompressSync(stored, { maxOutputLength: PIECE_BYTES });
    } catch {
      throw new DamagedPieceError(`Piece ${hash} is damaged: it cannot be decompressed`);
    }
    if (hashOf(bytes) !== hash) {
      throw new DamagedPieceError(`Piece ${hash} is damaged: its content is another`);
    }
    return bytes;
  }

  /** Takes a damaged piece away, so that the next backup that has its content keeps it anew. */
  async drop([hash]: Piece): Promise<void> {
    if (HASH.test(hash)) await removeIfThere(this.#path(hash));
  }

  /** Removes the pieces that are not in `needed`, and what a crash left; returns how many bytes were freed. */
  async removeOthers(needed: ReadonlySet<string>): Promise<number> {
    let freed = 0;
    for await (const folder of entriesOf(this.#folder)) {
      for await (const entry of entriesOf(join(this.#folder, folder.name))) {
        if (entry.name.endsWith(ENDING) && needed.has(entry.name.slice(0, -ENDING.length))) continue;
        const path = join(this.#folder, folder.name, entry.name);
        freed += await sizeOf(path) ?? 0;
        await removeIfThere(path);
      }
    }
    return freed;
  }

  #path(hash: string): string {
    return join(this.#folder, hash.slice(0, 2), hash + ENDING);
  }
}

function hashOf(bytes: Uint8Array): string {
  return createHash("sha256").update(bytes).digest("hex");
}

async function sizeOf(path: string): Promise<number | undefined> {
  try {
    return (await Deno.stat(path)).size;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return undefined;
    throw error;
  }
}

async function* entriesOf(folder: string): AsyncIterable<Deno.DirEntry> {
  try {
    yield* Deno.readDir(folder);
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
  }
}
