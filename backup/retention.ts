/** Which backups may go. */

import { removeIfThere } from "../process/files.ts";
import { listBackups, objectsOf, piecesOf } from "./backup_file.ts";
import type { StoredBackup } from "./backup_file.ts";
import type { ObjectStore } from "./object_store.ts";

/** What {@link applyRetention} did. */
export interface RetentionResult {
  deleted: string[];
  kept: number;
  freedBytes: number;
  /** Why nothing was freed, where that is so. */
  problem?: string;
}

/** Whether every piece of a backup is there with its size. */
export async function isGood(backup: StoredBackup, store: ObjectStore): Promise<boolean> {
  for (const piece of piecesOf(backup.backup)) if (!await store.holds(piece)) return false;
  return true;
}

/**
 * Deletes backups that ended before `beforeMs`, and the pieces that no other one needs. The newest good one is never
 * deleted, however old it is, nor is any that is newer.
 */
export async function applyRetention(folder: string, beforeMs: number): Promise<RetentionResult> {
  const store = objectsOf(folder);
  const { backups, unreadable } = await listBackups(folder);
  const deleted: string[] = [];
  let goodKept = false;
  const kept: StoredBackup[] = [];
  for (const backup of backups) {
    if (goodKept && Date.parse(backup.backup.finished_at) < beforeMs) {
      await removeIfThere(backup.path);
      deleted.push(backup.backup.id);
      continue;
    }
    kept.push(backup);
    goodKept ||= await isGood(backup, store);
  }
  if (unreadable.length > 0) {
    // What it needs is not known, so nothing may go.
    const problem = `${unreadable[0]!.reason}. Pieces are kept until that file is mended or removed`;
    return { deleted, kept: kept.length, freedBytes: 0, problem };
  }
  const needed = new Set(kept.flatMap(({ backup }) => piecesOf(backup).map(([hash]) => hash)));
  return { deleted, kept: kept.length, freedBytes: await store.removeOthers(needed) };
}
