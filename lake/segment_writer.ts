/**
 * One file of the lake while it is written: lines go to a temporary name in the same folder and appear under
 * the final one, whole, when the range is complete.
 *
 * The commit order (the same in `lake_session.ts`, and in RUNBOOK.md):
 *
 * 1. write the lines to `.<hour>.<log>.p<partition>.<random>.tmp`
 * 2. append the dead letters of the range and wait until the log has stored them
 * 3. fsync the file
 * 4. rename it to its final name, which tells its range
 * 5. fsync the folder
 * 6. append its line to the manifest, and fsync that
 * 7. commit the consumer group's offsets, for monitoring
 *
 * Until step 4 a crash leaves only a temporary file, which the next start removes, and the range is read again.
 * From step 4 on the listing says that the range is done; the manifest is repaired from it.
 *
 * @module
 */

import { createHash } from "node:crypto";
import type { EventErrorReason } from "../events/event_error.ts";
import { removeIfThere } from "../process/files.ts";
import { onStorage, syncFolder, writeAll } from "./durable_files.ts";
import { appendToManifest, eventTimes } from "./manifest.ts";
import { logId8Of, rawFileName } from "./raw_files.ts";

/** Characters that are collected before they are encoded and written: 512 Ki. */
const CHUNK_LENGTH = 512 * 1024;

const TEMPORARY = /^\.(\d{4}-\d\d-\d\d_\d\d\.[0-9a-f]{8}\.p\d+|_manifest\.ndjson)\.[0-9a-f]{8}\.tmp$/;

/** Whether a name is that of a temporary file of the lake writer, which a crash may have left. */
export function isTemporaryName(name: string): boolean {
  return TEMPORARY.test(name);
}

/** What a segment is about. */
export interface SegmentPlace {
  rawFolder: string;
  topic: string;
  partition: number;
  logId: string;
  /** UTC hour of the append time of its first record. */
  hour: string;
  /** Offset at which its range begins. */
  from: number;
}

/** What became of a segment. */
export interface SealedSegment {
  name: string;
  lines: number;
  bytes: number;
}

/** A range of one partition on its way into the lake. */
export class SegmentWriter {
  readonly place: SegmentPlace;
  /** Records of the range that were refused, by reason. */
  readonly refused = new Map<EventErrorReason, number>();
  readonly #folder: string;
  readonly #stem: string;
  readonly #hash = createHash("sha256");
  #file: Deno.FsFile | undefined;
  #temporary = "";
  #pending = "";
  #torn = false;
  #lines = 0;
  #records = 0;
  #bytes = 0;
  #minEventTimeMs = Infinity;
  #maxEventTimeMs = -Infinity;

  constructor(place: SegmentPlace) {
    this.place = place;
    this.#folder = `${place.rawFolder}/${place.topic}`;
    this.#stem = `${place.hour}.${logId8Of(place.logId)}.p${place.partition}`;
  }

  /** Records taken so far, refused ones included. */
  get records(): number {
    return this.#records;
  }

  /** Bytes so far; what is not written yet counts as one byte a character. */
  get bytes(): number {
    return this.#bytes + this.#pending.length;
  }

  /** Whether enough is collected for {@link SegmentWriter.write}. */
  get chunkIsFull(): boolean {
    return this.#pending.length >= CHUNK_LENGTH;
  }

  /** Takes a line. Cheap and synchronous: it is called for every record. */
  add(line: string, eventTimeMs: number): void {
    this.#pending += line;
    this.#pending += "\n";
    this.#lines++;
    this.#records++;
    if (eventTimeMs < this.#minEventTimeMs) this.#minEventTimeMs = eventTimeMs;
    if (eventTimeMs > this.#maxEventTimeMs) this.#maxEventTimeMs = eventTimeMs;
  }

  /** Counts a record of the range that is not kept. */
  refuse(reason: EventErrorReason): void {
    this.#records++;
    this.refused.set(reason, (this.refused.get(reason) ?? 0) + 1);
  }

  /** Step 1: writes what was collected. Calls must not overlap. */
  async write(): Promise<void> {
    if (this.#pending === "") return;
    const chunk = new TextEncoder().encode(this.#pending);
    this.#pending = "";
    this.#hash.update(chunk);
    // Until all of it is written the file is torn: should this fail, the segment can only be discarded.
    this.#torn = true;
    const file = this.#file ?? await this.#open();
    await onStorage("write", this.#temporary, () => writeAll(file, chunk));
    this.#torn = false;
    this.#bytes += chunk.length;
  }

  async #open(): Promise<Deno.FsFile> {
    this.#temporary = `${this.#folder}/.${this.#stem}.${crypto.randomUUID().slice(0, 8)}.tmp`;
    this.#file = await onStorage(
      "make",
      this.#temporary,
      () => Deno.open(this.#temporary, { write: true, createNew: true }),
    );
    return this.#file;
  }

  /**
   * Steps 1 to 6: makes the range `[place.from, to)` a finished file.
   *
   * @param storeDeadLetters Step 2; resolves once the log has stored them.
   * @throws {StorageError} The range is not in the lake, or is there whole: the listing tells.
   */
  async seal(to: number, storeDeadLetters: () => Promise<void>): Promise<SealedSegment> {
    const { hour, logId, partition, from } = this.place;
    if (to <= from) throw new Error(`Cannot seal the range [${from}, ${to}): offsets must rise`);
    if (this.#torn) throw new Error(`Cannot seal "${this.#temporary}": writing it failed before`);
    // Step 1: the lines that are still in memory. A range without any gets a file of 0 bytes.
    await this.write();
    const file = this.#file ?? await this.#open();
    // Step 2: what this range leaves out is stored elsewhere before the range counts as done.
    await storeDeadLetters();
    // Step 3
    await onStorage("write", this.#temporary, () => file.sync());
    file.close();
    this.#file = undefined;
    const empty = this.#lines === 0;
    const name = rawFileName({ hour, logId8: logId8Of(logId), partition, from, to, empty });
    await onStorage("finish", `${this.#folder}/${name}`, async () => {
      // Step 4
      await Deno.rename(this.#temporary, `${this.#folder}/${name}`);
      this.#temporary = "";
      // Step 5
      await syncFolder(this.#folder);
    });
    // Step 6
    await appendToManifest(this.#folder, {
      name,
      lines: this.#lines,
      bytes: this.#bytes,
      sha256: this.#hash.digest("hex"),
      ...eventTimes(this.#minEventTimeMs, this.#maxEventTimeMs),
      log_id: logId,
    });
    return { name, lines: this.#lines, bytes: this.#bytes };
  }

  /** Gives the range up: it will be read again. Leaves nothing behind; does nothing after {@link seal}. */
  async discard(): Promise<void> {
    this.#file?.close();
    this.#file = undefined;
    this.#pending = "";
    if (this.#temporary !== "") await removeIfThere(this.#temporary).catch(() => {});
    this.#temporary = "";
  }
}
