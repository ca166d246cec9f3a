/**
 * One topic of the lake, read whole: are its files complete and in order, is each line an event that stands where its
 * file says? Hands every good line on.
 *
 * @module
 */

import { EventError } from "../events/event_error.ts";
import { parseInstant } from "../events/instant.ts";
import { parseEvent } from "../events/parse_event.ts";
import type { AirlineEvent, RecordText } from "../events/parse_event.ts";
import { readManifest } from "../lake/manifest.ts";
import { adjoining, covers, listRawFiles } from "../lake/raw_files.ts";
import type { RawFile, RawListing } from "../lake/raw_files.ts";
import type { LakePlace } from "./cut.ts";
import type { Findings } from "./findings.ts";
import { hashOfLine } from "./line_text.ts";
import { ByPlace, OffsetHashes } from "./offset_sets.ts";
import { checkManifest } from "./manifest_check.ts";
import { readRawLines } from "./raw_lines.ts";
import type { RawRead } from "./raw_lines.ts";

/** An event of the lake. */
export interface LakeEvent {
  event: AirlineEvent;
  place: LakePlace;
  /** Its file was written by the lake writer; the place is one of a log. */
  sealed: boolean;
  /** File and line, for a person. */
  shownPlace: () => string;
}

/** What one topic's folder holds. */
export interface LakeTopic {
  topic: string;
  files: number;
  foreignFiles: number;
  /** Lines of the lake writer's files. */
  lines: number;
  foreignLines: number;
  bytes: number;
  /** By log and partition: the lines, as hashes of their events. */
  hashes: ByPlace<OffsetHashes>;
  /** By log and partition: the ranges that the files cover, merged end to end: `[from, to)`. */
  ranges: Map<string, { from: number; to: number }>;
}

export interface LakeScanOptions {
  rawFolder: string;
  topic: string;
  findings: Findings;
  /** Compare files with the manifest's SHA-256. */
  deep: boolean;
  /** How far an event time may lie beyond its append time, milliseconds; for lines of other programs. */
  eventLeadMsMax: number;
  /** Name under which the tables know a file of another program. */
  foreignLog: (name: string) => string;
  take: (event: LakeEvent) => void;
  onBytes?: (bytes: number) => void;
  signal: AbortSignal;
}

/** Key of {@link LakeTopic.ranges}. */
export function rangeKey(log: string, partition: number): string {
  return `${log}/${partition}`;
}

/** Reads the topic's folder. Files that appear while it is read are left for the next time. */
export async function scanLakeTopic(options: LakeScanOptions): Promise<LakeTopic> {
  const { rawFolder, topic } = options;
  const listing = await listRawFiles(rawFolder, topic);
  const scan = new LakeScan(options, listing);
  await scan.run();
  return scan.result;
}

class LakeScan {
  readonly result: LakeTopic;
  readonly #options: LakeScanOptions;
  readonly #listing: RawListing;
  readonly #where: string;

  constructor(options: LakeScanOptions, listing: RawListing) {
    this.#options = options;
    this.#listing = listing;
    this.#where = `lake ${options.topic}`;
    this.result = {
      topic: options.topic,
      files: listing.sealed.length,
      foreignFiles: listing.foreign.length,
      lines: 0,
      foreignLines: 0,
      bytes: 0,
      hashes: new ByPlace(() => new OffsetHashes()),
      ranges: new Map(),
    };
  }

  async run(): Promise<void> {
    const { rawFolder, topic, signal, findings } = this.#options;
    for (const { kind, logId8, partition, from, to } of adjoining(this.#listing.sealed)) {
      findings.add(
        this.#where,
        kind,
        `partition ${partition} of log ${logId8}: offsets ${from} to ${to - 1} are in ${
          kind === "gap" ? "no file" : "two files"
        }`,
      );
    }
    const before = await readManifest(`${rawFolder}/${topic}`);
    const found = new Map<string, RawRead>();
    for (const file of this.#listing.sealed) {
      signal.throwIfAborted();
      this.#addRange(file);
      if (this.#refuseLink(file.name)) continue;
      const read = await this.#readSealed(file);
      if (read !== undefined) found.set(file.name, read);
    }
    await checkManifest({
      rawFolder,
      topic,
      listing: this.#listing,
      before: before.entries,
      found,
      findings,
      where: this.#where,
    });
    for (const name of this.#listing.foreign) {
      signal.throwIfAborted();
      if (this.#refuseLink(name)) continue;
      await this.#readForeign(name);
    }
  }

  /** A symbolic link may lead to any file; the ETL does not follow it either. */
  #refuseLink(name: string): boolean {
    if (!this.#listing.links.includes(name)) return false;
    this.#options.findings.add(this.#where, "link", `${name} is a symbolic link, which is not read`);
    return true;
  }

  #addRange({ logId8, partition, from, to }: RawFile): void {
    const key = rangeKey(logId8, partition);
    const range = this.result.ranges.get(key);
    if (range === undefined) this.result.ranges.set(key, { from, to });
    else {
      range.from = Math.min(range.from, from);
      range.to = Math.max(range.to, to);
    }
  }

  async #readSealed(file: RawFile) {
    const { rawFolder, topic, findings, deep, onBytes } = this.#options;
    const { logId8: log, partition, from, to, name } = file;
    const hashes = this.result.hashes.at(log, topic, partition);
    let last = from - 1;
    let path = file.path;
    const take = (text: string, number: number, _byte: number, bytes?: Uint8Array) => {
      let event: AirlineEvent;
      try {
        ({ event } = parseEvent(recordText(topic, text, bytes)));
      } catch (error) {
        this.result.lines++;
        findings.add(this.#where, "broken", `${name} line ${number}: ${messageOf(error)}`);
        return;
      }
      const { _partition, _offset: offset } = event as unknown as { _partition: unknown; _offset: number };
      // Of a file that it was merged into only its own lines.
      if (path !== file.path && (offset < from || offset >= to)) return;
      this.result.lines++;
      if (_partition !== partition || !Number.isSafeInteger(offset) || offset < from || offset >= to) {
        findings.add(
          this.#where,
          "misplaced",
          `${name} line ${number} says partition ${_partition}, offset ${offset}`,
        );
        return;
      }
      if (offset <= last) {
        // Counted below as doubled where it is; out of order it is another fault.
        if (hashes.get(offset) === 0) {
          findings.add(this.#where, "out of order", `${name} line ${number}: offset ${offset} after ${last}`);
        }
      } else last = offset;
      if (hashes.get(offset) !== 0) {
        findings.add(this.#where, "doubled", `partition ${partition} offset ${offset}, again in ${name}`);
        return;
      }
      hashes.set(offset, hashOfLine(text));
      this.#options.take({
        event,
        place: { log, partition, offset },
        sealed: true,
        shownPlace: () => `${name} line ${number}`,
      });
    };
    try {
      const read = await readRawLines(file.path, take, {
        hash: deep,
        ...(onBytes === undefined ? {} : { onBytes }),
      });
      this.result.bytes += read.bytes;
      if (file.empty && read.bytes > 0) {
        findings.add(this.#where, "misplaced", `${name} is named empty and has ${read.bytes} bytes`);
      }
      return read;
    } catch (error) {
      if (!(error instanceof Deno.errors.NotFound)) throw error;
      const wider = (await listRawFiles(rawFolder, topic)).sealed.find((other) => covers(other, file));
      if (wider === undefined) {
        findings.add(this.#where, "file gone", `${name} went away while it was to be read`);
        return undefined;
      }
      path = wider.path;
      await readRawLines(path, take);
      return undefined;
    }
  }

  async #readForeign(name: string): Promise<void> {
    const { rawFolder, topic, findings, foreignLog, onBytes } = this.#options;
    const log = foreignLog(name);
    const take = (text: string, number: number, byte: number, bytes?: Uint8Array) => {
      if (text.trim() === "") return;
      this.result.foreignLines++;
      let event: AirlineEvent;
      try {
        event = parsedForeign(topic, text, bytes, this.#options.eventLeadMsMax);
      } catch (error) {
        // Its writer checks nothing: what cannot be used is rejected by the ETL, and no fault of the pipeline.
        if (this.#refused++ === 0) {
          findings.note(`${this.#where}: ${name} line ${number} cannot be used: ${messageOf(error)}`);
        }
        return;
      }
      this.#findCopy(name, number, text, event);
      const place = { log, partition: 0, offset: byte };
      this.#options.take({ event, place, sealed: false, shownPlace: () => `${name} line ${number}` });
    };
    try {
      const read = await readRawLines(`${rawFolder}/${topic}/${name}`, take, {
        wholeLinesOnly: true,
        ...(onBytes === undefined ? {} : { onBytes }),
      });
      this.result.bytes += read.bytes;
    } catch (error) {
      if (!(error instanceof Deno.errors.NotFound)) throw error;
    }
  }

  #refused = 0;

  /** A line of the lake writer's in a file of another name: somebody copied it. */
  #findCopy(name: string, number: number, text: string, event: AirlineEvent): void {
    const { _partition, _offset } = event as unknown as Record<string, unknown>;
    if (!Number.isSafeInteger(_partition) || !Number.isSafeInteger(_offset)) return;
    for (const { partition, value } of this.result.hashes.all()) {
      if (partition !== _partition || value.get(_offset as number) !== hashOfLine(text)) continue;
      this.#options.findings.add(
        this.#where,
        "doubled",
        `partition ${partition} offset ${_offset}, again in ${name} line ${number}`,
      );
      return;
    }
  }
}

function recordText(topic: string, text: string, bytes: Uint8Array | undefined): RecordText {
  return { topic, value: text, timestampMs: Infinity, ...(bytes === undefined ? {} : { bytes }) };
}

/** The event of a line of another program. Nobody has judged its time yet by the append time, if it has one. */
function parsedForeign(
  topic: string,
  text: string,
  bytes: Uint8Array | undefined,
  eventLeadMsMax: number,
): AirlineEvent {
  const { event, eventTimeMs } = parseEvent(recordText(topic, text, bytes));
  const { _timestamp } = event as unknown as { _timestamp?: unknown };
  const appendTimeMs = typeof _timestamp === "string" ? parseInstant(_timestamp) : NaN;
  if (eventTimeMs > appendTimeMs + eventLeadMsMax) {
    throw new EventError("event_time", `Event time ${event.event_time} lies too far beyond ${_timestamp}`);
  }
  return event;
}

function messageOf(error: unknown): string {
  if (error instanceof EventError) return error.message;
  return `The line cannot be parsed: ${(error as Error).message}`;
}
