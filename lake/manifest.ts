/**
 * `lake/raw/<topic>/_manifest.ndjson`: one line per finished file with what its name does not tell. The folder's
 * listing is the truth; the manifest is made to agree with it at each start, so a line that a crash cut off or
 * never wrote costs one reading of that file and nothing else.
 *
 * @module
 */

import { createHash } from "node:crypto";
import { parseInstant } from "../events/instant.ts";
import { onStorage, replaceFile, writeAll } from "./durable_files.ts";
import { listRawFiles, logId8Of } from "./raw_files.ts";
import type { RawFile } from "./raw_files.ts";

/** The manifest's name in a topic's folder. */
export const MANIFEST_NAME = "_manifest.ndjson";

/** What the manifest says of one finished file. */
export interface ManifestEntry {
  name: string;
  lines: number;
  bytes: number;
  /** Hexadecimal SHA-256 of the file's bytes. */
  sha256: string;
  /** Earliest `event_time` of its events; `null` where it has none. */
  min_event_time: string | null;
  /** Latest `event_time` of its events. */
  max_event_time: string | null;
  /** The whole id of the log; its first 8 digits where only the file's name was left to tell. */
  log_id: string;
}

/** A manifest as it was read. */
export interface ManifestContent {
  entries: Map<string, ManifestEntry>;
  /** Lines that are no entries: a crash tore them. */
  brokenLines: number;
}

function isEntry(value: unknown): value is ManifestEntry {
  const entry = value as Partial<ManifestEntry> | null;
  return typeof entry === "object" && entry !== null && typeof entry.name === "string" &&
    typeof entry.lines === "number" && typeof entry.bytes === "number" &&
    typeof entry.sha256 === "string" && typeof entry.log_id === "string";
}

/** Reads the manifest of a topic's folder; one that is not there is empty. */
export async function readManifest(folder: string): Promise<ManifestContent> {
  let text: string;
  try {
    text = await Deno.readTextFile(`${folder}/${MANIFEST_NAME}`);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return { entries: new Map(), brokenLines: 0 };
    throw error;
  }
  const entries = new Map<string, ManifestEntry>();
  let brokenLines = text.length > 0 && !text.endsWith("\n") ? 1 : 0;
  for (const line of text.split("\n")) {
    if (line === "") continue;
    try {
      const entry: unknown = JSON.parse(line);
      if (isEntry(entry)) entries.set(entry.name, entry);
      else brokenLines++;
    } catch {
      brokenLines++;
    }
  }
  return { entries, brokenLines };
}

/** Appends one line, durably. */
export async function appendToManifest(folder: string, entry: ManifestEntry): Promise<void> {
  const path = `${folder}/${MANIFEST_NAME}`;
  await onStorage("write the manifest", path, async () => {
    using file = await Deno.open(path, { append: true, create: true });
    await writeAll(file, new TextEncoder().encode(`${JSON.stringify(entry)}\n`));
    await file.sync();
  });
}

/** Writes the manifest anew, as one. */
export async function replaceManifest(folder: string, entries: Iterable<ManifestEntry>): Promise<void> {
  const text = Array.from(entries, (entry) => `${JSON.stringify(entry)}\n`).join("");
  await onStorage(
    "write the manifest",
    `${folder}/${MANIFEST_NAME}`,
    () => replaceFile(folder, MANIFEST_NAME, text),
  );
}

/**
 * Makes a topic's manifest agree with its folder: entries of files that are gone are dropped, files without an
 * entry are read. Writes only where something differs.
 *
 * @param logId The whole id of the present log.
 * @returns How many entries were added or dropped.
 */
export async function repairManifest(rawFolder: string, topic: string, logId: string): Promise<number> {
  const folder = `${rawFolder}/${topic}`;
  const [{ sealed }, { entries, brokenLines }] = await Promise.all([
    listRawFiles(rawFolder, topic),
    readManifest(folder),
  ]);
  const missing = sealed.filter((file) => !entries.has(file.name));
  const stale = entries.size - (sealed.length - missing.length);
  if (missing.length === 0 && stale === 0 && brokenLines === 0) return 0;
  const logIds = new Map<string, string>();
  for (const { log_id } of entries.values()) if (log_id.length > 8) logIds.set(logId8Of(log_id), log_id);
  logIds.set(logId8Of(logId), logId);
  for (const file of missing) {
    entries.set(file.name, await entryOf(file, logIds.get(file.logId8) ?? file.logId8));
  }
  await replaceManifest(folder, sealed.map((file) => entries.get(file.name)!));
  return missing.length + stale + brokenLines;
}

/** What a finished file holds, by reading it. */
async function entryOf(file: RawFile, logId: string): Promise<ManifestEntry> {
  const hash = createHash("sha256");
  let [lines, bytes, minMs, maxMs] = [0, 0, Infinity, -Infinity];
  const decoder = new TextDecoder();
  let rest = "";
  const takeLine = (line: string) => {
    lines++;
    const ms = eventTimeOf(line);
    if (Number.isNaN(ms)) return;
    minMs = Math.min(minMs, ms);
    maxMs = Math.max(maxMs, ms);
  };
  const handle = await Deno.open(file.path, { read: true });
  for await (const chunk of handle.readable) {
    hash.update(chunk);
    bytes += chunk.length;
    const parts = (rest + decoder.decode(chunk, { stream: true })).split("\n");
    rest = parts.pop()!;
    for (const line of parts) takeLine(line);
  }
  return {
    name: file.name,
    lines,
    bytes,
    sha256: hash.digest("hex"),
    ...eventTimes(minMs, maxMs),
    log_id: logId,
  };
}

/** `NaN` for a line that is broken: somebody else's hands were in the file, and the readers will say so. */
function eventTimeOf(line: string): number {
  try {
    return parseInstant(String(JSON.parse(line).event_time));
  } catch {
    return NaN;
  }
}

/** The manifest's times of a range of event times; infinite where there was no event. */
export function eventTimes(
  minMs: number,
  maxMs: number,
): Pick<ManifestEntry, "min_event_time" | "max_event_time"> {
  const text = (ms: number) => Number.isFinite(ms) ? new Date(ms).toISOString() : null;
  return { min_event_time: text(minMs), max_event_time: text(maxMs) };
}
