/**
 * The names of the lake's raw files: each says which records it holds, so that listing a folder tells where
 * every reader and the writer stand.
 *
 * `lake/raw/<topic>/2025-11-28_14.1f3a9c2e.p2.000000001200-000000001450.jsonl` holds the records `[1200, 1450)`
 * of partition 2 of the log whose id begins with `1f3a9c2e`; 2025-11-28 14 is the UTC hour of their append
 * time. A range in which nothing was kept (all dead letters) is a file of 0 bytes whose name ends in `.empty`.
 * The ranges of one partition of one log adjoin; where small files were merged (`merge_files.ts`), one file stands
 * for them, and for a moment, or until the next start after a crash, both are there: the wider one counts. All other
 * `*.jsonl` files are foreign: other programs wrote them, and we only read them.
 *
 * @module
 */

/** A finished raw file, as its name tells. */
export interface RawFile {
  topic: string;
  /** The name in its folder. */
  name: string;
  path: string;
  /** The first 8 hexadecimal digits of the log's id. */
  logId8: string;
  partition: number;
  /** Offset of the first record of the range. */
  from: number;
  /** The next offset to be read after the range. */
  to: number;
  /** UTC hour of the append time of its records, `2025-11-28_14`. */
  hour: string;
  /** Nothing of the range was kept; the file has no content. */
  empty: boolean;
}

/** What a name is made of. */
export type RawFileRange = Pick<RawFile, "hour" | "logId8" | "partition" | "from" | "to" | "empty">;

const OFFSET_DIGITS = 12;
const SHAPE =
  /^(\d{4}-\d\d-\d\d_\d\d)\.([0-9a-f]{8})\.p(0|[1-9]\d{0,8})\.(\d{12,16})-(\d{12,16})\.(jsonl|empty)$/;

/**
 * The part of a log's id that goes into names.
 *
 * @throws {Error} when the id has fewer than 8 hexadecimal digits.
 */
export function logId8Of(logId: string): string {
  const digits = logId.toLowerCase().replaceAll(/[^0-9a-f]/g, "").slice(0, 8);
  if (digits.length < 8) throw new Error(`Log id "${logId}" has fewer than 8 hexadecimal digits`);
  return digits;
}

/** UTC date and hour of an instant in milliseconds since 1970: `2025-11-28_14`. */
export function hourOf(ms: number): string {
  const text = new Date(ms).toISOString();
  return `${text.slice(0, 10)}_${text.slice(11, 13)}`;
}

/** The name of the file that holds a range. */
export function rawFileName(range: RawFileRange): string {
  const [from, to] = [range.from, range.to].map((offset) => String(offset).padStart(OFFSET_DIGITS, "0"));
  const ending = range.empty ? "empty" : "jsonl";
  return `${range.hour}.${range.logId8}.p${range.partition}.${from}-${to}.${ending}`;
}

/** What a name in `folder` says, or `undefined` where it is no name of ours. */
export function parseRawFileName(folder: string, topic: string, name: string): RawFile | undefined {
  const match = SHAPE.exec(name);
  if (match === null) return undefined;
  const [from, to] = [Number(match[4]), Number(match[5])];
  if (from >= to || !Number.isSafeInteger(to)) return undefined;
  return {
    topic,
    name,
    path: `${folder}/${name}`,
    hour: match[1]!,
    logId8: match[2]!,
    partition: Number(match[3]),
    from,
    to,
    empty: match[6] === "empty",
  };
}

/** What lies in one topic's folder. */
export interface RawListing {
  /** Finished files of the lake writer, sorted by log, partition and offset. */
  sealed: RawFile[];
  /** Finished files whose range a wider one in {@link RawListing.sealed} holds: a merge is about to remove them. */
  covered: RawFile[];
  /** Names of other `*.jsonl` files, sorted. */
  foreign: string[];
  /** Names among {@link RawListing.sealed} and {@link RawListing.foreign} that are symbolic links: they are not read. */
  links: string[];
}

/** A listing is made again while names vanish from it; a writer that merges for longer than this is none of ours. */
const LISTINGS_MAX = 20;

/**
 * Lists the folder of a topic below `rawFolder`. A folder that does not exist holds nothing. Temporary files
 * and the manifest are in no list.
 *
 * A listing that is made while files are merged may see neither the merged file nor its parts. So it is made twice at
 * least, until nothing of the one before is missing: parts that were there before it began were then there to its end.
 */
export async function listRawFiles(rawFolder: string, topic: string): Promise<RawListing> {
  const folder = `${rawFolder}/${topic}`;
  let names = await namesOf(folder);
  for (let listings = 1; listings < LISTINGS_MAX; listings++) {
    const before = names;
    names = await namesOf(folder);
    if (before.keys().every((name) => names.has(name))) break;
  }
  const all: RawFile[] = [];
  const foreign: string[] = [];
  const links: string[] = [];
  for (const [name, isLink] of names) {
    const file = parseRawFileName(folder, topic, name);
    if (file !== undefined) all.push(file);
    else foreign.push(name);
    if (isLink) links.push(name);
  }
  foreign.sort();
  links.sort();
  return { ...widest(all), foreign, links };
}

/** Names of finished and foreign files, and whether each is a symbolic link. */
async function namesOf(folder: string): Promise<Map<string, boolean>> {
  const names = new Map<string, boolean>();
  try {
    for await (const { name, isDirectory, isSymlink } of Deno.readDir(folder)) {
      if (isDirectory) continue;
      if (name.endsWith(".jsonl") || SHAPE.test(name)) names.set(name, isSymlink);
    }
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
  }
  return names;
}

/** Whether the range of `file` lies within that of the wider `other`. */
export function covers(other: RawFile, file: RawFile): boolean {
  return other.topic === file.topic && other.logId8 === file.logId8 && other.partition === file.partition &&
    other.from <= file.from && other.to >= file.to && other.to - other.from > file.to - file.from;
}

/** Tells files whose range a wider one holds from those that count; sorts both. */
function widest(files: RawFile[]): { sealed: RawFile[]; covered: RawFile[] } {
  const sealed: RawFile[] = [];
  const covered: RawFile[] = [];
  // Of the files before, the one that reaches furthest: none begins later, so it covers what any of them covers.
  let wide: RawFile | undefined;
  for (const file of files.sort(byPlace)) {
    if (wide !== undefined && covers(wide, file)) {
      covered.push(file);
      continue;
    }
    sealed.push(file);
    const sameLine = wide !== undefined && wide.logId8 === file.logId8 && wide.partition === file.partition;
    if (!sameLine || file.to > wide!.to) wide = file;
  }
  return { sealed, covered };
}

/** Orders files by log, partition and offset, the wider first. */
function byPlace(a: RawFile, b: RawFile): number {
  if (a.logId8 !== b.logId8) return a.logId8 < b.logId8 ? -1 : 1;
  return a.partition - b.partition || a.from - b.from || b.to - a.to;
}

/** A place where the ranges of one partition do not adjoin: offsets `[from, to)` are in no file, or in two. */
export interface RangeBreak {
  kind: "gap" | "overlap";
  topic: string;
  logId8: string;
  partition: number;
  from: number;
  to: number;
}

/**
 * Where the ranges of `files` (any order, any number of topics and logs) do not adjoin; empty when all is well.
 * What lies before the first and after the last range of a partition is not judged.
 */
export function adjoining(files: readonly RawFile[]): RangeBreak[] {
  const partitions = new Map<string, RawFile[]>();
  for (const file of files) {
    const place = `${file.topic}/${file.logId8}/${file.partition}`;
    const list = partitions.get(place);
    if (list === undefined) partitions.set(place, [file]);
    else list.push(file);
  }
  const breaks: RangeBreak[] = [];
  for (const list of partitions.values()) {
    list.sort(byPlace);
    let end = list[0]!.from;
    for (const { topic, logId8, partition, from, to } of list) {
      const place = { topic, logId8, partition };
      if (from > end) breaks.push({ kind: "gap", ...place, from: end, to: from });
      if (from < end) breaks.push({ kind: "overlap", ...place, from, to: Math.min(end, to) });
      end = Math.max(end, to);
    }
  }
  return breaks;
}
