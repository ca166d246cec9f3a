/** Reads the lake's files of one partition of one topic in offset order, in bounded memory. */

import { listRawFiles } from "../lake/raw_files.ts";
import type { RawFile } from "../lake/raw_files.ts";
import type { LogRecord } from "../event_log/event_log.ts";
import type { OffsetSet } from "../verification/offset_sets.ts";
import { recordOfLine } from "./lake_record.ts";
import type { RecordScan } from "./record_scan.ts";

const CHUNK_BYTES = 512 * 1024;
/** Append time of a record that the lake left out: it knows nothing of it. */
export const LEFT_OUT_MS = -1;

export interface LakeScanOptions {
  rawFolder: string;
  topic: string;
  partition: number;
  /** The first 8 digits of the log's id. */
  logId8: string;
  /** The partition's files, in order: {@link listRawFiles}. */
  files: readonly RawFile[];
  /**
   * Offsets of records that were refused: each comes as one without a value, also where the lake leaves it out, so that
   * none of the partition's records is missing.
   */
  refused?: OffsetSet | undefined;
  /** Offsets of records that had no key; where it is not given nobody knows. */
  keyless?: OffsetSet | undefined;
  signal?: AbortSignal | undefined;
}

/** Lines that are no records of the lake writer's are counted and passed over. */
export class LakeScan implements RecordScan {
  readonly topic: string;
  readonly partition: number;
  readonly start: number;
  readonly end: number;
  readonly #options: LakeScanOptions;
  #files: readonly RawFile[];
  #next: number;
  #file: Deno.FsFile | undefined;
  #fileEnd = 0;
  #rest = new Uint8Array();
  #records: LogRecord[] = [];
  #at = 0;
  #broken = 0;

  constructor(options: LakeScanOptions) {
    this.#options = options;
    this.#files = options.files;
    this.topic = options.topic;
    this.partition = options.partition;
    this.start = options.files[0]?.from ?? 0;
    this.end = options.files.reduce((end, { to }) => Math.max(end, to), 0);
    this.#next = this.start;
  }

  /** Lines that could not be read as records. */
  get brokenLines(): number {
    return this.#broken;
  }

  get head(): LogRecord | undefined {
    return this.#records[this.#at];
  }

  next(): LogRecord | undefined {
    return this.#records[this.#at++];
  }

  async fill(): Promise<boolean> {
    while (this.#at >= this.#records.length) {
      this.#records = [];
      this.#at = 0;
      if (this.#file === undefined && !await this.#openNext()) return false;
      this.#options.signal?.throwIfAborted();
      await this.#readChunk();
    }
    return true;
  }

  seek(offset: number): void {
    this.#closeFile();
    this.#records = [];
    this.#at = 0;
    this.#next = offset;
  }

  close(): Promise<void> {
    this.#closeFile();
    return Promise.resolve();
  }

  #closeFile(): void {
    this.#file?.close();
    this.#file = undefined;
    this.#rest = new Uint8Array();
  }

  /** Opens the file that holds the next offset, or the first one after it; `false` at the end. */
  async #openNext(): Promise<boolean> {
    for (;;) {
      const file = this.#files.find(({ to }) => to > this.#next);
      if (file === undefined) return false;
      if (file.empty) {
        this.#passOver(file.to);
        if (this.#records.length > 0) return true;
        continue;
      }
      try {
        this.#file = await Deno.open(file.path, { read: true });
      } catch (error) {
        if (!(error instanceof Deno.errors.NotFound)) throw error;
        // Small files were merged into one meanwhile: it holds what they held.
        const { rawFolder, topic, partition, logId8 } = this.#options;
        const { sealed } = await listRawFiles(rawFolder, topic);
        const files = sealed.filter((other) => other.partition === partition && other.logId8 === logId8);
        if (files.some(({ path }) => path === file.path)) throw error;
        this.#files = files;
        continue;
      }
      this.#fileEnd = file.to;
      return true;
    }
  }

  async #readChunk(): Promise<void> {
    if (this.#file === undefined) return;
    const buffer = new Uint8Array(this.#rest.length + CHUNK_BYTES);
    buffer.set(this.#rest);
    const read = await this.#file.read(buffer.subarray(this.#rest.length));
    if (read === null) {
      if (this.#rest.length > 0) this.#takeLines(this.#rest);
      this.#closeFile();
      this.#passOver(this.#fileEnd);
      return;
    }
    const bytes = buffer.subarray(0, this.#rest.length + read);
    const end = bytes.lastIndexOf(10) + 1;
    this.#rest = bytes.slice(end);
    if (end > 0) this.#takeLines(bytes.subarray(0, end - 1));
  }

  #takeLines(bytes: Uint8Array): void {
    const { topic, partition, keyless, refused } = this.#options;
    for (const line of new TextDecoder().decode(bytes).split("\n")) {
      const record = recordOfLine(topic, line);
      if (record === undefined || record.partition !== partition) this.#broken++;
      else if (record.offset >= this.#next) {
        this.#passOver(record.offset);
        if (keyless?.has(record.offset) === true) record.key = null;
        if (refused?.has(record.offset) === true) record.value = null;
        this.#records.push(record);
        this.#next = record.offset + 1;
      }
    }
  }

  /** Goes on at `offset`; refused records on the way take their places. */
  #passOver(offset: number): void {
    const { topic, partition, refused } = this.#options;
    if (refused !== undefined && refused.size > 0) {
      for (let at = this.#next; at < offset; at++) {
        if (!refused.has(at)) continue;
        this.#records.push({
          topic,
          partition,
          offset: at,
          timestampMs: LEFT_OUT_MS,
          key: null,
          value: null,
        });
      }
    }
    this.#next = Math.max(this.#next, offset);
  }
}
