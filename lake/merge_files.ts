/**
 * Merges finished files of one partition that adjoin into one that holds the same bytes and covers their range.
 *
 * The commit order (the same in RUNBOOK.md):
 *
 * 1. copy the parts, in order, to a temporary name; each must be what its line of the manifest says
 * 2. fsync it, rename it to `.<its final name>.merged`, fsync the folder: from here on the merge will be finished
 * 3. rename it to its final name, and remove the parts, both at once, without waiting for anything in between
 * 4. fsync the folder
 * 5. replace the manifest: the merged file instead of its parts
 *
 * Until step 2 a crash leaves a temporary file, which the next start removes. After it the next start goes on at step 3.
 * Within step 3 both are there: our readers take the wider file. A reader that takes every `*.jsonl` sees the events of
 * the parts twice for the moment that it takes to remove them, and never misses one.
 *
 * @module
 */

import { Buffer } from "node:buffer";
import { createHash } from "node:crypto";
import { removeIfThere } from "../process/files.ts";
import { onStorage, StorageError, syncFolder, writeAll } from "./durable_files.ts";
import { readManifest, replaceManifest } from "./manifest.ts";
import type { ManifestEntry } from "./manifest.ts";
import type { MergeGroup } from "./merge_plan.ts";
import { covers, listRawFiles, parseRawFileName, rawFileName } from "./raw_files.ts";
import type { RawFile } from "./raw_files.ts";

/** A part is not what it was when it was finished. It is left alone: `verify` and the ETL tell of it. */
export class DamagedPartError extends StorageError {
  override name = "DamagedPartError";
}

const CHUNK_BYTES = 1024 * 1024;
const PREPARED = /^\.(.+)\.merged$/;

/** The name between steps 2 and 3. */
function preparedName(name: string): string {
  return `.${name}.merged`;
}

/**
 * Merges files of one folder that adjoin, in offset order. Nobody else may write the folder meanwhile.
 *
 * @returns The merged file.
 * @throws {DamagedPartError} when a part is not what its manifest says; nothing has changed.
 * @throws {StorageError} The parts are there still, or the merged file is, or both: the listing tells.
 */
export async function mergeFiles(folder: string, parts: MergeGroup): Promise<RawFile> {
  const { topic, hour, logId8, partition, from } = parts[0]!;
  const { entries } = await readManifest(folder);
  const temporary = `${folder}/.${hour}.${logId8}.p${partition}.${crypto.randomUUID().slice(0, 8)}.tmp`;
  const { entry, merged } = await onStorage("merge files into", temporary, async () => {
    try {
      // Step 1
      const content = await copyParts(temporary, parts, entries);
      const range = { hour, logId8, partition, from, to: parts.at(-1)!.to, empty: content.bytes === 0 };
      const name = rawFileName(range);
      // Step 2: the copy is synced already.
      await Deno.rename(temporary, `${folder}/${preparedName(name)}`);
      await syncFolder(folder);
      return { entry: { name, ...content }, merged: parseRawFileName(folder, topic, name)! };
    } catch (error) {
      await removeIfThere(temporary).catch(() => {});
      throw error;
    }
  });
  await onStorage("merge files into", merged.path, async () => {
    // Step 3
    swapIn(folder, merged, parts);
    // Step 4
    await syncFolder(folder);
  });
  // Step 5
  for (const { name } of parts) entries.delete(name);
  entries.set(entry.name, entry);
  await replaceManifest(folder, entries.values());
  return merged;
}

/** Step 3: in one go, so that both are there for as short as it can be. */
function swapIn(folder: string, merged: RawFile, parts: readonly RawFile[]): void {
  Deno.renameSync(`${folder}/${preparedName(merged.name)}`, merged.path);
  for (const { path } of parts) Deno.removeSync(path);
}

/** Step 1, and the fsync of step 2; returns what the manifest will say of the copy. */
async function copyParts(
  target: string,
  parts: MergeGroup,
  entries: ReadonlyMap<string, ManifestEntry>,
): Promise<Omit<ManifestEntry, "name">> {
  const hash = createHash("sha256");
  const buffer = new Uint8Array(CHUNK_BYTES);
  let [lines, bytes] = [0, 0];
  let times: (string | null)[] = [];
  using file = await Deno.open(target, { write: true, createNew: true });
  for (const { name, path } of parts) {
    const entry = entries.get(name);
    if (entry === undefined) throw new DamagedPartError(`Raw file "${path}" is not in the manifest`);
    const partHash = createHash("sha256");
    using part = await Deno.open(path, { read: true });
    for (let count = await part.read(buffer); count !== null; count = await part.read(buffer)) {
      const chunk = buffer.subarray(0, count);
      hash.update(chunk);
      partHash.update(chunk);
      await writeAll(file, chunk);
      bytes += count;
    }
    if (partHash.digest("hex") !== entry.sha256) {
      throw new DamagedPartError(
        `Raw file "${path}" is not what it was when it was finished (its SHA-256 differs): restore it`,
      );
    }
    lines += entry.lines;
    times = [...times, entry.min_event_time, entry.max_event_time];
  }
  await file.sync();
  // All are of one form, so their order as text is that in time.
  const sorted = times.filter((time) => time !== null).sort();
  return {
    lines,
    bytes,
    sha256: hash.digest("hex"),
    min_event_time: sorted[0] ?? null,
    max_event_time: sorted.at(-1) ?? null,
    log_id: entries.get(parts[0]!.name)!.log_id,
  };
}

/**
 * Finishes what a crash left of merges in a topic's folder: those past step 2, and parts beside their merged file.
 *
 * @returns How many files were put in place or removed, and what an operator should know.
 * @throws {StorageError} when the folder cannot be written.
 */
export async function finishMerges(
  rawFolder: string,
  topic: string,
): Promise<{ changed: number; warnings: string[] }> {
  const folder = `${rawFolder}/${topic}`;
  return await onStorage("finish merges in", folder, async () => {
    const prepared: RawFile[] = [];
    for await (const { name, isFile } of Deno.readDir(folder)) {
      const final = PREPARED.exec(name)?.[1];
      const file = final === undefined ? undefined : parseRawFileName(folder, topic, final);
      if (isFile && file !== undefined) prepared.push(file);
    }
    for (const file of prepared) {
      const { sealed, covered } = await listRawFiles(rawFolder, topic);
      swapIn(folder, file, [...sealed, ...covered].filter((part) => covers(file, part)));
    }
    const { removed, warnings } = await removeCovered(rawFolder, topic);
    if (prepared.length + removed > 0) await syncFolder(folder);
    return { changed: prepared.length + removed, warnings };
  });
}

/** Removes parts that stand beside their merged file; what is no such part is kept and told of. */
async function removeCovered(
  rawFolder: string,
  topic: string,
): Promise<{ removed: number; warnings: string[] }> {
  const { sealed, covered } = await listRawFiles(rawFolder, topic);
  const warnings: string[] = [];
  let removed = 0;
  for (const wide of sealed) {
    const parts = covered.filter((file) => covers(wide, file));
    if (parts.length === 0) continue;
    const reason = await strangenessOf(parts, wide);
    if (reason !== undefined) {
      warnings.push(
        `Raw file "${
          parts[0]!.path
        }" lies within the range of "${wide.name}" and ${reason}: a reader of *.jsonl sees ` +
          "its events twice, ours take the wider file. Look which of them is right, and move the other one away",
      );
      continue;
    }
    for (const { path } of parts) await Deno.remove(path);
    removed += parts.length;
  }
  return { removed, warnings };
}

/** Why files within the range of `wide` are not what a merge left; `undefined` when they are. */
async function strangenessOf(parts: readonly RawFile[], wide: RawFile): Promise<string | undefined> {
  // Parts are removed in their order: what is left of them adjoins, and ends where the merged file does.
  const isRest = parts.every(({ to }, at) => to === (parts[at + 1]?.from ?? wide.to));
  if (!isRest) return "was not left there by a merge";
  const content = Buffer.from((await Deno.readFile(wide.path)).buffer);
  let end = 0;
  for (const { path } of parts) {
    const bytes = await Deno.readFile(path);
    const at = content.indexOf(bytes, end);
    if (at === -1) return "has lines that it does not hold";
    end = at + bytes.length;
  }
  return undefined;
}
