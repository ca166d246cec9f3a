/**
 * The lake as it must be, by its published form alone (names, lines, manifest) and the log that it was made from. Shares
 * no code with `lake/`.
 *
 * @module
 */

import { createHash } from "node:crypto";
import type { LogRecord } from "../../event_log/event_log.ts";
import type { Findings } from "./_findings.ts";

const NAME = /^(\d{4}-\d\d-\d\d_\d\d)\.([0-9a-f]{8})\.p(\d+)\.(\d{12,})-(\d{12,})\.(jsonl|empty)$/;
/** What may lie in a topic's folder beside finished files. */
const UNFINISHED = /^\..*\.(tmp|merged)$/;
const MANIFEST = "_manifest.ndjson";

/** A finished file, read. */
export interface LakeFile {
  topic: string;
  name: string;
  partition: number;
  from: number;
  to: number;
  bytes: number;
  sha256: string;
  lines: { text: string; offset: number }[];
}

/** Reads the raw folder of one lake; each finished file is read and judged once. */
export class LakeChecker {
  readonly #rawFolder: string;
  readonly #findings: Findings;
  /** Files that are there, by topic and name. */
  readonly #files = new Map<string, LakeFile>();
  #seen = 0;

  constructor(rawFolder: string, findings: Findings) {
    this.#rawFolder = rawFolder;
    this.#findings = findings;
  }

  /** Finished files that were ever seen; small ones give way to larger ones in time. */
  get filesSeen(): number {
    return this.#seen;
  }

  /**
   * Judges what lies in the folders now, whoever works there: every file under a final name is whole, and there is
   * nothing that a reader of `*.jsonl` could mistake for one. Returns the names of temporary files.
   */
  look(topics: readonly string[]): string[] {
    const unfinished: string[] = [];
    for (const topic of topics) {
      const names = new Set(namesIn(`${this.#rawFolder}/${topic}`));
      for (const [key, file] of this.#files) {
        if (file.topic === topic && !names.has(file.name)) this.#files.delete(key);
      }
      for (const name of names) {
        if (this.#files.has(`${topic}/${name}`) || name === MANIFEST) continue;
        const match = NAME.exec(name);
        if (match !== null) this.#take(topic, name, match);
        else if (UNFINISHED.test(name)) unfinished.push(`${topic}/${name}`);
        else {this.#findings.violation(
            `${topic}/${name} is neither a finished file nor a hidden temporary one`,
          );}
      }
    }
    return unfinished;
  }

  #take(topic: string, name: string, match: RegExpExecArray): void {
    let bytes: Uint8Array;
    try {
      bytes = Deno.readFileSync(`${this.#rawFolder}/${topic}/${name}`);
    } catch (error) {
      // Another took its place since it was listed.
      if (error instanceof Deno.errors.NotFound) return;
      throw error;
    }
    this.#seen++;
    const file: LakeFile = {
      topic,
      name,
      partition: Number(match[3]),
      from: Number(match[4]),
      to: Number(match[5]),
      bytes: bytes.length,
      sha256: createHash("sha256").update(bytes).digest("hex"),
      lines: [],
    };
    this.#files.set(`${topic}/${name}`, file);
    const text = new TextDecoder().decode(bytes);
    const wrong = (what: string) => this.#findings.violation(`${topic}/${name} ${what}`);
    if (match[6] === "empty") {
      if (bytes.length > 0) wrong(`is called empty and has ${bytes.length} bytes`);
      return;
    }
    if (!text.endsWith("\n")) return wrong("does not end with a whole line");
    let before = file.from - 1;
    for (const line of text.slice(0, -1).split("\n")) {
      let place: { _partition?: unknown; _offset?: unknown };
      try {
        place = JSON.parse(line);
      } catch {
        return wrong(`holds a line that is torn: ${line.slice(0, 80)}`);
      }
      const offset = Number(place._offset);
      if (place._partition !== file.partition) wrong(`holds a line of partition ${place._partition}`);
      if (!(offset > before && offset < file.to)) wrong(`holds offset ${offset} behind ${before}`);
      before = offset;
      file.lines.push({ text: line, offset });
    }
  }

  /** Where a partition's files end, adjoining from `start` on; what lies behind a gap does not count. */
  end(topic: string, partition: number, start = 0): number {
    let end = start;
    for (const { from, to } of this.#of(topic, partition)) if (from <= end) end = Math.max(end, to);
    return end;
  }

  #of(topic: string, partition: number): LakeFile[] {
    return [...this.#files.values()].filter((file) => file.topic === topic && file.partition === partition)
      .sort((a, b) => a.from - b.from || b.to - a.to);
  }

  /**
   * Compares the whole lake of a topic with the records of the log, byte by byte: ranges adjoin from the first record to
   * the last, every good record is one line, and the hash of all sorted lines is that of the log's.
   *
   * @param records Every record of the topic, by partition and offset.
   * @param isGood Whether a record belongs into the lake, by what the exam itself sent.
   */
  compareWithLog(topic: string, records: readonly LogRecord[], isGood: (record: LogRecord) => boolean): void {
    const partitions = new Set([
      ...records.map(({ partition }) => partition),
      ...[...this.#files.values()].filter((file) => file.topic === topic).map(({ partition }) => partition),
    ]);
    for (const partition of partitions) {
      const own = records.filter((record) => record.partition === partition);
      this.#adjoin(topic, partition, own);
    }
    const expected = records.filter(isGood).map(lineOf);
    const found = [...this.#files.values()].filter((file) => file.topic === topic)
      .flatMap(({ lines }) => lines.map(({ text }) => text));
    if (sortedHash(expected) === sortedHash(found)) this.#findings.checked += expected.length;
    else this.#findings.compare(`a line of ${topic}`, expected, found);
  }

  /** Ranges adjoin from the first record on, as far as they go. */
  mustAdjoin(topic: string): void {
    const own = [...this.#files.values()].filter((file) => file.topic === topic);
    for (const partition of new Set(own.map((file) => file.partition))) this.#adjoin(topic, partition, []);
  }

  #adjoin(topic: string, partition: number, records: readonly LogRecord[]): void {
    let end = 0;
    for (const { name, from, to } of this.#of(topic, partition)) {
      // Small files and the larger one that takes their place are both there for a moment, or after a crash.
      if (to <= end) continue;
      if (from !== end) {
        this.#findings.violation(`${topic}/${name} begins at ${from}, the range before ends at ${end}`);
      }
      end = Math.max(end, to);
    }
    const last = records.at(-1)?.offset ?? -1;
    if (end <= last) {
      this.#findings.violation(
        `The lake ends at ${end} of ${topic}/${partition}, the log holds offset ${last}`,
      );
    }
  }

  /** The manifest names every finished file with its true size, count and hash, and nothing else. */
  compareManifest(topic: string): void {
    const path = `${this.#rawFolder}/${topic}/${MANIFEST}`;
    const own = [...this.#files.values()].filter((file) => file.topic === topic);
    if (own.length === 0) return;
    const entries = new Map<string, { lines: number; bytes: number; sha256: string }>();
    for (const line of Deno.readTextFileSync(path).split("\n")) {
      if (line === "") continue;
      try {
        const entry = JSON.parse(line);
        entries.set(entry.name, entry);
      } catch {
        this.#findings.violation(`The manifest of ${topic} holds a torn line: ${line.slice(0, 80)}`);
      }
    }
    for (const { name, lines, bytes, sha256 } of own) {
      const entry = entries.get(name);
      entries.delete(name);
      if (entry?.lines !== lines.length || entry.bytes !== bytes || entry.sha256 !== sha256) {
        this.#findings.violation(`The manifest of ${topic} says ${JSON.stringify(entry)} of ${name}`);
      }
    }
    for (const name of entries.keys()) {
      this.#findings.violation(`The manifest of ${topic} names ${name}, which is not there`);
    }
  }

  /** Every refused record has its dead letter. A letter may be stored twice by a crash, under the same id. */
  compareDeadLetters(
    refused: readonly LogRecord[],
    letters: readonly LogRecord[],
    options: { topic: string; group: string },
  ): void {
    const ids = new Set<string>();
    const values = new Map<string, unknown>();
    for (const { value } of letters) {
      const letter = JSON.parse(value ?? "{}");
      ids.add(letter.dead_letter_id);
      values.set(letter.dead_letter_id, letter.value);
    }
    for (const { partition, offset, value } of refused) {
      this.#findings.checked++;
      const id = `${options.group}-${options.topic}-${partition}-${offset}`;
      if (!ids.delete(id)) this.#findings.loss(`the dead letter ${id}`);
      else if (values.get(id) !== value) {
        this.#findings.violation(`The dead letter ${id} holds another value`);
      }
    }
    for (const id of ids) this.#findings.violation(`There is a dead letter ${id} of a record that is good`);
  }
}

/** The names in a folder; none where it is missing. */
export function namesIn(folder: string): string[] {
  try {
    return [...Deno.readDirSync(folder)].map(({ name }) => name);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return [];
    throw error;
  }
}

/** The line of a record: the exam sends objects without spaces around their braces. */
function lineOf({ value, partition, offset, timestampMs }: LogRecord): string {
  const place = `"_partition":${partition},"_offset":${offset},"_timestamp":"${
    new Date(timestampMs).toISOString()
  }"`;
  return `${value!.slice(0, -1)},${place}}`;
}

function sortedHash(lines: readonly string[]): string {
  const hash = createHash("sha256");
  for (const line of lines.toSorted()) hash.update(line).update("\n");
  return hash.digest("hex");
}
