/** Whether a backup can be put back: every piece is read, decompressed and held against its hash. */

import type { Backup } from "./backup_file.ts";
import { piecesOf } from "./backup_file.ts";
import { DamagedPieceError } from "./object_store.ts";
import type { ObjectStore, Piece } from "./object_store.ts";

/** What was found. */
export interface BackupCheck {
  pieces: number;
  /** Reasons, one for each piece that is missing or damaged. */
  damaged: { piece: Piece; reason: string }[];
}

/** Reads every piece of a backup. */
export async function checkBackup(
  backup: Backup,
  store: ObjectStore,
  options: { signal: AbortSignal; onProgress?: (done: number, total: number) => void },
): Promise<BackupCheck> {
  const pieces = piecesOf(backup);
  const damaged: BackupCheck["damaged"] = [];
  for (const [at, piece] of pieces.entries()) {
    options.signal.throwIfAborted();
    try {
      await store.get(piece);
    } catch (error) {
      if (!(error instanceof DamagedPieceError)) throw error;
      damaged.push({ piece, reason: error.message });
    }
    options.onProgress?.(at + 1, pieces.length);
  }
  return { pieces: pieces.length, damaged };
}
