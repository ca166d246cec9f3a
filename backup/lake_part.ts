/** The lake's raw events, while the lake writer adds to them and merges them. */

import { join } from "node:path";
import { listRawFiles } from "../lake/raw_files.ts";
import { MANIFEST_NAME, readManifest } from "../lake/manifest.ts";
import type { BackedUpFile, BackedUpPart } from "./backup_file.ts";
import { storeFile, storeStream } from "./store_files.ts";
import type { Storing } from "./store_files.ts";

/** Files may be merged away while they are read: the folder is then listed again, this often at most. */
const LISTINGS_MAX = 10;

/**
 * Stores the raw events of every topic's folder: finished files, other programs' files, and what the manifest says of
 * them. Finished files never change, so those of an earlier backup are not read again. Symbolic links are left out, as
 * all readers of the lake do.
 */
export async function storeLake(
  rawFolder: string,
  storing: Storing,
  before: BackedUpPart | undefined,
): Promise<BackedUpPart> {
  const as_of = new Date().toISOString();
  const known = new Map((before?.files ?? []).map((file) => [file.path, file]));
  const files: BackedUpFile[] = [];
  for (const topic of await topicsOf(rawFolder)) {
    files.push(...await storeTopic(rawFolder, topic, storing, known));
  }
  return { name: "lake", kind: "files", files, as_of };
}

async function topicsOf(rawFolder: string): Promise<string[]> {
  const topics: string[] = [];
  try {
    for await (const { name, isDirectory } of Deno.readDir(rawFolder)) {
      if (isDirectory && !name.startsWith(".")) topics.push(name);
    }
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
  }
  return topics.sort();
}

async function storeTopic(
  rawFolder: string,
  topic: string,
  storing: Storing,
  known: Map<string, BackedUpFile>,
): Promise<BackedUpFile[]> {
  const stored = new Map<string, BackedUpFile>();
  for (let listing = 1;; listing++) {
    const { sealed, foreign, links } = await listRawFiles(rawFolder, topic);
    const names = [...sealed.map(({ name }) => name), ...foreign].filter((name) => !links.includes(name));
    try {
      for (const name of names) {
        if (stored.has(name)) continue;
        const path = `${topic}/${name}`;
        stored.set(name, await storeFile(join(rawFolder, topic, name), path, storing, known.get(path)));
      }
    } catch (error) {
      if (!(error instanceof Deno.errors.NotFound) || listing >= LISTINGS_MAX) throw error;
      continue;
    }
    const manifest = await storeManifest(rawFolder, topic, new Set(names), storing);
    return [...names.map((name) => stored.get(name)!), ...manifest];
  }
}

/** The lines of those files only: the others' files would seem to be gone. */
async function storeManifest(
  rawFolder: string,
  topic: string,
  names: ReadonlySet<string>,
  storing: Storing,
): Promise<BackedUpFile[]> {
  const { entries } = await readManifest(join(rawFolder, topic));
  const lines = [...entries.values()].filter(({ name }) => names.has(name))
    .map((entry) => `${JSON.stringify(entry)}\n`);
  if (lines.length === 0) return [];
  const bytes = new TextEncoder().encode(lines.join(""));
  const file = await storeStream(ReadableStream.from([bytes]), storing);
  return [{ path: `${topic}/${MANIFEST_NAME}`, modified_ms: null, ...file }];
}
