/** A topic's manifest against its folder, while the lake writer finishes files and merges small ones. */

import { readManifest } from "../lake/manifest.ts";
import type { ManifestEntry } from "../lake/manifest.ts";
import { covers, listRawFiles, parseRawFileName } from "../lake/raw_files.ts";
import type { RawFile, RawListing } from "../lake/raw_files.ts";
import type { Findings } from "./findings.ts";
import type { RawRead } from "./raw_lines.ts";

export interface ManifestCheck {
  rawFolder: string;
  topic: string;
  /** The folder before its files were read. */
  listing: RawListing;
  /** The manifest from before its files were read. */
  before: ReadonlyMap<string, ManifestEntry>;
  /** What the files held, by name. */
  found: ReadonlyMap<string, RawRead>;
  findings: Findings;
  /** The findings' place. */
  where: string;
}

/** Adds what does not agree to the findings. */
export async function checkManifest(check: ManifestCheck): Promise<void> {
  const { rawFolder, topic, listing, before, found, findings, where } = check;
  const folder = `${rawFolder}/${topic}`;
  const now = await listRawFiles(rawFolder, topic);
  // Parts beside their merged file: a merge is over in a moment, so those that are still there were left by a crash.
  for (const { name, partition, from, to } of now.covered) {
    if (!listing.covered.some((file) => file.name === name)) continue;
    const range = `partition ${partition}: offsets ${from} to ${to - 1}`;
    findings.add(
      where,
      "overlap",
      `${range} are in two files, ${name} and a wider one; if a merge left it, the lake writer removes it at its next start`,
    );
  }
  for (const [name, { lines }] of before) {
    if (isGone(parseRawFileName(folder, topic, name), listing, now)) {
      findings.add(where, "file gone", `${name} is in the manifest (${lines} lines) and not there`);
    }
  }
  // Read again: a file's entry is written just after the file.
  const after = (await readManifest(folder)).entries;
  for (const [name, read] of found) {
    const entry = after.get(name);
    if (entry !== undefined) {
      const difference = differenceOf(read, entry);
      if (difference !== undefined) findings.add(where, "manifest", `${name} ${difference}`);
    } else if (now.sealed.some((file) => file.name === name)) {
      findings.note(`${where}: ${name} is not in the manifest; the lake writer adds it at its next start`);
    }
  }
}

/** Whether a file of the manifest is neither there nor merged into one that is; files may be merged between looks. */
function isGone(file: RawFile | undefined, ...listings: RawListing[]): boolean {
  if (file === undefined) return true;
  return !listings.some(({ sealed, covered }) =>
    [...sealed, ...covered].some((other) => other.name === file.name || covers(other, file))
  );
}

function differenceOf({ lines, bytes, sha256 }: RawRead, entry: ManifestEntry): string | undefined {
  if (entry.lines !== lines) return `has ${lines} lines, its manifest says ${entry.lines}`;
  if (entry.bytes !== bytes) return `has ${bytes} bytes, its manifest says ${entry.bytes}`;
  if (sha256 === undefined || sha256 === entry.sha256) return undefined;
  return "has another SHA-256 than its manifest says";
}
