/**
 * One run of the lake writer over an open log, until it is told to stop or something fails. It holds nothing
 * that the lake does not hold: after a failure the next session lists the folders and goes on from there.
 *
 * Commit order of a range, the same in `segment_writer.ts` (which takes steps 1 to 6) and in RUNBOOK.md:
 * 1 write the lines, 2 store the dead letters, 3 fsync, 4 rename, 5 fsync the folder, 6 manifest, 7 group offsets.
 *
 * @module
 */

import { EventError } from "../events/event_error.ts";
import { parseEvent } from "../events/parse_event.ts";
import type { ParsedEvent } from "../events/parse_event.ts";
import type { EventLog, LogRecord, Reader, RecordBatch } from "../event_log/event_log.ts";
import { DeadLetterQueue } from "./dead_letter_queue.ts";
import { StorageError } from "./durable_files.ts";
import type { FileMerger } from "./file_merger.ts";
import { GroupOffsets } from "./group_offsets.ts";
import { LagWatch } from "./lag_watch.ts";
import { appendTimeMs, hasLakeFields, lakeLine } from "./lake_line.ts";
import type { LakeMetrics } from "./lake_metrics.ts";
import { hourOf } from "./raw_files.ts";
import { placeName, slotAt } from "./_slot.ts";
import type { Slot } from "./_slot.ts";
import { SealQueue } from "./seal_queue.ts";
import { SegmentWriter } from "./segment_writer.ts";
import type { SealedSegment } from "./segment_writer.ts";
import type { StartPosition } from "./start_positions.ts";

/** When a file is finished; whichever comes first. It is also finished when the hour of its records ends. */
export interface SealLimits {
  bytes: number;
  /** Records, refused ones included. */
  events: number;
  /** Since the first record was taken, in milliseconds. */
  ageMs: number;
}

export interface LakeSessionOptions {
  rawFolder: string;
  group: string;
  positions: readonly StartPosition[];
  limits: SealLimits;
  metrics: LakeMetrics;
  /** Merges small files; without it none are. */
  merger?: Pick<FileMerger, "next">;
  /** How far an event time may lie beyond its append time. Default 7 days. */
  eventLeadMsMax?: number;
  /** Told after each finished file. */
  onSealed?: (topic: string, sealed: SealedSegment) => void;
  /** Told when the log answered. */
  onHeard?: () => void;
  /** Told when the log has had nothing new for some seconds and no range is open: all is well. */
  onQuiet?: () => void;
  /** Something is wrong that does not stop the work. */
  warn?: (message: string) => void;
  /** A clock that only runs forward, in milliseconds; ages are measured by it. */
  now?: () => number;
}

const HOUR_MS = 3_600_000;
const POLL_WAIT_MS_MAX = 1000;
/** Shared by all partitions, most of which are quiet at any time: less starves the busy ones. */
const READER_BYTES_MAX = 16 * 1024 * 1024;

/** Why a session ended without an error. */
export type SessionEnd = "stopped" | "partitions changed";

export class LakeSession {
  readonly #log: EventLog;
  readonly #options: LakeSessionOptions;
  readonly #now: () => number;
  readonly #slots = new Map<string, Slot>();
  /** Segments that are not finished yet: open, or waiting in the queue. */
  readonly #unfinished = new Set<SegmentWriter>();
  readonly #seals = new SealQueue();
  readonly #lag: LagWatch;
  readonly #offsets: GroupOffsets;
  #deadLetters!: DeadLetterQueue;

  constructor(log: EventLog, options: LakeSessionOptions) {
    this.#log = log;
    this.#options = options;
    this.#now = options.now ?? (() => performance.now());
    this.#lag = new LagWatch(log, options.metrics.lagRecords, this.#now);
    this.#offsets = new GroupOffsets(log, options.group, { warn: options.warn, now: this.#now });
    for (const position of options.positions) this.#slots.set(placeName(position), slotAt(position));
  }

  /**
   * Reads and writes until `signal` aborts; what is open is finished then. When the log fails, what is open is
   * finished as far as that goes without the log.
   *
   * @throws {StorageError} The lake's disk failed. All open ranges are given up.
   * @throws {Error} The log failed.
   */
  async run(signal: AbortSignal): Promise<SessionEnd> {
    const positions = this.#options.positions.map(({ topic, partition, offset }) => ({
      topic,
      partition,
      offset,
    }));
    const reader = await this.#log.reader({ positions, maxBytes: READER_BYTES_MAX });
    try {
      const appender = await this.#log.appender();
      try {
        const { group } = this.#options;
        this.#deadLetters = new DeadLetterQueue(appender, { group, logId: this.#log.logId });
        return await this.#run(reader, signal);
      } finally {
        await this.#giveUp();
        await appender.close();
      }
    } finally {
      await reader.close();
    }
  }

  async #run(reader: Reader, signal: AbortSignal): Promise<SessionEnd> {
    // A crash between steps 6 and 7 left the group behind.
    await this.#offsets.commit(this.#options.positions.filter(({ source }) => source === "lake"));
    try {
      while (!signal.aborted) {
        const found = await this.#lag.check([...this.#slots.values()]);
        if (found === "new partitions") break;
        if (found !== "not due") this.#options.onHeard?.();
        if (found === "quiet" && this.#unfinished.size === 0) this.#options.onQuiet?.();
        const batches = await reader.poll({ maxWaitMs: this.#waitMs(), signal });
        if (batches.length > 0) this.#lag.found();
        for (const batch of batches) await this.#take(batch);
        await this.#sealAged();
        const merge = this.#options.merger?.next();
        if (merge !== undefined) await this.#seals.add(merge);
        this.#seals.check();
      }
    } catch (error) {
      // What is read already need not wait for the log to come back.
      if (!(error instanceof StorageError)) await this.#sealAll().catch(() => {});
      throw error;
    }
    await this.#takeOwnDeadLetters(reader);
    await this.#sealAll();
    return signal.aborted ? "stopped" : "partitions changed";
  }

  /** Before the end: the dead letters that this run made belong into the lake, too. */
  async #takeOwnDeadLetters(reader: Reader): Promise<void> {
    await this.#deadLetters.store();
    const slots = [...this.#slots.values()];
    if (this.#deadLetters.storedLetters === 0 || !slots.some(({ topic }) => topic === "dead_letters")) return;
    const ends = new Map(
      (await this.#log.ranges(["dead_letters"])).map(({ partition, end }) => [partition, end]),
    );
    const behind = () =>
      slots.some((s) => s.topic === "dead_letters" && s.position < (ends.get(s.partition) ?? 0));
    reader.pause([...new Set(slots.map(({ topic }) => topic))].filter((topic) => topic !== "dead_letters"));
    while (behind()) {
      const batches = await reader.poll({ maxWaitMs: POLL_WAIT_MS_MAX });
      // What then still seems to be missing are marks of transactions.
      if (batches.length === 0) return;
      for (const batch of batches) await this.#take(batch);
    }
  }

  async #take(batch: RecordBatch): Promise<void> {
    const slot = this.#slots.get(placeName(batch))!;
    const { limits } = this.#options;
    for (const record of batch.records) {
      if (record.offset < slot.position) {
        throw new Error(
          `Offset ${record.offset} of ${slot.topic}/${slot.partition} came after ${slot.position - 1}`,
        );
      }
      const timestampMs = appendTimeMs(record.timestampMs);
      const hour = Math.floor(timestampMs / HOUR_MS);
      // Only a later hour ends a file: writers' clocks differ a little, and must not cut files to pieces.
      if (slot.segment !== undefined && hour > slot.hour) await this.#seal(slot);
      const segment = slot.segment ?? this.#begin(slot, timestampMs);
      this.#add(segment, record, timestampMs);
      slot.position = record.offset + 1;
      if (segment.chunkIsFull) await segment.write();
      if (this.#deadLetters.isFull) await this.#deadLetters.store();
      if (segment.records >= limits.events || segment.bytes >= limits.bytes) await this.#seal(slot);
    }
    slot.position = batch.nextOffset;
  }

  #begin(slot: Slot, timestampMs: number): SegmentWriter {
    const { topic, partition, from } = slot;
    slot.segment = new SegmentWriter({
      rawFolder: this.#options.rawFolder,
      topic,
      partition,
      logId: this.#log.logId,
      hour: hourOf(timestampMs),
      from,
    });
    slot.hour = Math.floor(timestampMs / HOUR_MS);
    slot.openedMs = this.#now();
    this.#unfinished.add(slot.segment);
    this.#options.metrics.openFiles.set(this.#unfinished.size);
    return slot.segment;
  }

  #add(segment: SegmentWriter, record: LogRecord, timestampMs: number): void {
    const { topic, value, bytes, partition, offset } = record;
    let parsed: ParsedEvent;
    try {
      parsed = parseEvent(
        { topic, value, ...(bytes === undefined ? {} : { bytes }), timestampMs },
        this.#options,
      );
    } catch (error) {
      this.#refuse(segment, { ...record, timestampMs }, error);
      return;
    }
    const line = lakeLine(value!, { partition, offset, timestampMs }, hasLakeFields(parsed.event));
    segment.add(line, parsed.eventTimeMs);
  }

  #refuse(segment: SegmentWriter, record: LogRecord, error: unknown): void {
    // Anything else than an EventError is a value that the parser itself broke on, such as one nested too deep.
    const refusal = error instanceof EventError
      ? error
      : new EventError("invalid_json", `The value cannot be parsed: ${(error as Error).message}`);
    segment.refuse(refusal.reason);
    if (record.topic !== "dead_letters") {
      this.#deadLetters.add(record, refusal);
      return;
    }
    // A dead letter of a dead letter would come back here for ever.
    this.#options.warn?.(
      `Left out of the lake: ${record.topic}/${record.partition} offset ${record.offset}, ${refusal.message}`,
    );
  }

  /** Hands the open range of a partition over to be finished. */
  async #seal(slot: Slot): Promise<void> {
    const segment = slot.segment;
    if (segment === undefined) return;
    const { topic, partition, position: to } = slot;
    slot.segment = undefined;
    slot.from = to;
    const { metrics, onSealed } = this.#options;
    await this.#seals.add(async () => {
      const startedMs = this.#now();
      // Steps 1 to 6
      const sealed = await segment.seal(to, () => this.#deadLetters.store());
      this.#unfinished.delete(segment);
      metrics.openFiles.set(this.#unfinished.size);
      metrics.eventsWritten.inc({ topic }, sealed.lines);
      metrics.bytesWritten.inc({ topic }, sealed.bytes);
      metrics.filesSealed.inc({ topic });
      metrics.files.inc({ topic });
      for (const [reason, count] of segment.refused) metrics.deadLetters.inc({ reason }, count);
      metrics.lastSealTimestamp.set(Date.now() / 1000);
      metrics.sealDuration.observe((this.#now() - startedMs) / 1000);
      // Step 7
      await this.#offsets.commit([{ topic, partition, offset: to }]);
      onSealed?.(topic, sealed);
    });
  }

  async #sealAged(): Promise<void> {
    const openedBeforeMs = this.#now() - this.#options.limits.ageMs;
    for (const slot of this.#slots.values()) {
      if (slot.segment !== undefined && slot.openedMs <= openedBeforeMs) await this.#seal(slot);
    }
  }

  async #sealAll(): Promise<void> {
    for (const slot of this.#slots.values()) await this.#seal(slot);
    await this.#seals.drain();
  }

  /** Removes what is not finished; it will be read again. */
  async #giveUp(): Promise<void> {
    await this.#seals.idle();
    for (const segment of this.#unfinished) await segment.discard();
    this.#unfinished.clear();
    this.#options.metrics.openFiles.set(0);
  }

  /** Until the next range is due by age. */
  #waitMs(): number {
    let waitMs = POLL_WAIT_MS_MAX;
    const nowMs = this.#now();
    for (const { segment, openedMs } of this.#slots.values()) {
      if (segment !== undefined) waitMs = Math.min(waitMs, openedMs + this.#options.limits.ageMs - nowMs);
    }
    return Math.max(0, waitMs);
  }
}
