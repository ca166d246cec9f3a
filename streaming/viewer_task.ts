/**
 * One partition of `stream.events`, exactly once into the tables of the minute windows.
 *
 * Order of a task's life:
 *  1. Take the partition over in the database: whoever owned it before can store nothing more.
 *  2. Read the state back: as of the last commit.
 *  3. Go on at the offsets that are stored with it.
 *  4. Read, judge what is late, step; records of other partitions' streams are to be passed on.
 *  5. Append dead letters and passed-on records to the log, and wait until it has them.
 *  6. Store windows, state and offsets in one transaction.
 *  7. On any error drop the state: the task begins again at 1.
 *
 * A crash between 5 and 6 appends the same again: a dead letter has the same id then, and a passed-on record the same
 * origin, by which whoever receives it knows it.
 *
 * @module
 */

import type { EventErrorReason } from "../events/event_error.ts";
import type { Appender, AssignedPartition, EventLog } from "../event_log/event_log.ts";
import { appendInOrder } from "./_append_in_order.ts";
import { deadLetterRecords } from "./_intake.ts";
import { PassedOnReader } from "./_passed_on_reader.ts";
import { ViewerIntake } from "./_viewer_intake.ts";
import { ViewerStateJournal } from "./_viewer_state_journal.ts";
import { PartitionWatermark } from "./partition_watermark.ts";
import { readStateChunk } from "./viewer_state_chunk.ts";
import type { ClaimedPartition, ViewerStore } from "./viewer_store.ts";
import { ViewerWindows } from "./viewer_windows.ts";

/** One commit. */
export interface ViewerCommitInfo {
  partition: number;
  /** Records moved past. */
  records: number;
  counted: number;
  duplicates: number;
  passedOn: number;
  refusals: EventErrorReason[];
  /** Windows that were stored. */
  rows: number;
  durationMs: number;
  nextOffset: number;
  /** Where reading what was passed on goes on: several partitions may share one of that topic. */
  repartition: { partition: number; offset: number };
  watermarkMs: number;
}

/** Told what a task does. Must not throw. */
export interface ViewerTaskObserver {
  restored?(
    info: { partition: number; windows: ViewerWindows; lostRecords: number; durationMs: number },
  ): void;
  committed?(info: ViewerCommitInfo): void;
  closed?(partition: number): void;
}

export interface ViewerTaskOptions {
  log: EventLog;
  store: ViewerStore;
  group: string;
  topic: string;
  /** Partitions of the topic. */
  partitions: number;
  repartitionTopic: string;
  repartitionPartitions: number;
  eventLeadMsMax: number;
  observer?: ViewerTaskObserver;
  /** Commits at the latest this long after the first uncommitted record. Default 200 ms. */
  commitIntervalMs?: number;
  /** Commits at the latest after this many records. Default 20,000. */
  commitRecordsMax?: number;
  /** The newest window of a stream that was not heard of for so long is complete. Default 60,000 ms. */
  idleTimeoutMs?: number;
  /** Events before its horizon are late. Default: none are for that. */
  retention?: { readonly horizonMs: number };
}

const WAIT_MS = 100;
const LOOK_INTERVAL_MS = 1000;
/** Values that one commit moves past at the most, about, in UTF-16 units: large ones may all become dead letters. */
const COMMIT_UNITS_MAX = 16 * 1024 * 1024;

/** Runs until `signal` aborts; finishes the commit at hand. Throws what went wrong; see step 7. */
export async function runViewerTask(
  assigned: AssignedPartition,
  signal: AbortSignal,
  options: ViewerTaskOptions,
): Promise<void> {
  const { log, store, partitions } = options;
  const { partition } = assigned;
  const startedMs = performance.now();
  const opened: { close(): Promise<void> }[] = [];
  try {
    // Step 1: take over.
    const claim = await store.claim(partition, partitions);
    const appender = await log.appender();
    opened.push(appender);
    // Step 2: the state.
    const windows = new ViewerWindows();
    if (claim.progress !== undefined) {
      const { newestMs, cutMs } = claim.progress;
      windows.restore(
        { newestMs: newestMs ?? -Infinity, cutMs: cutMs ?? -Infinity },
        performance.now(),
        (sink) => {
          for (const chunk of claim.chunks) readStateChunk(chunk, sink);
        },
      );
    }
    // Step 3: where to go on.
    const range = (await log.ranges([options.topic])).find((range) => range.partition === partition)!;
    const lostRecords = Math.max(0, range.start - (claim.nextOffset ?? range.start));
    const nextOffset = (claim.nextOffset ?? range.start) + lostRecords;
    assigned.reader.seek({ topic: options.topic, partition, offset: nextOffset });
    assigned.reader.resume([options.topic]);
    const passedOn = await PassedOnReader.open(log, {
      topic: options.repartitionTopic,
      partition: repartitionPartitionOf(partition, options),
      offset: claim.repartitionOffset ?? undefined,
    });
    opened.push(passedOn);
    const durationMs = performance.now() - startedMs;
    options.observer?.restored?.({ partition, windows, lostRecords, durationMs });
    await new ViewerTask(assigned, options, { claim, windows, appender, passedOn, nextOffset }).run(signal);
  } finally {
    options.observer?.closed?.(partition);
    for (const each of opened) await each.close();
  }
}

/** What a task works with. */
interface Begun {
  claim: ClaimedPartition;
  windows: ViewerWindows;
  appender: Appender;
  passedOn: PassedOnReader;
  nextOffset: number;
}

class ViewerTask {
  readonly #partition: number;
  readonly #reader: AssignedPartition["reader"];
  readonly #options: ViewerTaskOptions;
  readonly #claim: ClaimedPartition;
  readonly #windows: ViewerWindows;
  readonly #watermark: PartitionWatermark;
  readonly #appender: Appender;
  readonly #passedOnReader: PassedOnReader;
  readonly #journal: ViewerStateJournal;
  readonly #intake: ViewerIntake;
  #nextOffset: number;
  #storedCutMs: number;
  #lookedMs = performance.now();
  #firstInputMs = 0;
  #mustWait = false;

  constructor(assigned: AssignedPartition, options: ViewerTaskOptions, begun: Begun) {
    const { claim } = begun;
    this.#partition = assigned.partition;
    this.#reader = assigned.reader;
    this.#options = options;
    this.#claim = claim;
    this.#windows = begun.windows;
    this.#appender = begun.appender;
    this.#passedOnReader = begun.passedOn;
    this.#nextOffset = begun.nextOffset;
    this.#storedCutMs = begun.windows.cutMs;
    this.#journal = new ViewerStateJournal(claim);
    this.#watermark = new PartitionWatermark(
      this.#partition,
      options.partitions,
      performance.now(),
      claim.progress?.watermark,
    );
    this.#intake = new ViewerIntake(this.#windows, this.#watermark, this.#journal.sink, {
      ...options,
      partition: this.#partition,
    });
  }

  async run(signal: AbortSignal): Promise<void> {
    const { commitIntervalMs = 200, commitRecordsMax = 20_000, idleTimeoutMs = 60_000 } = this.#options;
    const intake = this.#intake;
    while (!signal.aborted) {
      await this.#read(signal);
      const nowMs = performance.now();
      const { records, units } = intake.inputs;
      const isTimeToLook = nowMs - this.#lookedMs >= LOOK_INTERVAL_MS;
      if (isTimeToLook) {
        this.#windows.advance(this.#horizonMs);
        this.#windows.completeQuiet(nowMs - idleTimeoutMs);
      }
      const isDue = records >= commitRecordsMax || units >= COMMIT_UNITS_MAX ||
        (records > 0 && nowMs - this.#firstInputMs >= commitIntervalMs);
      if (isDue || isTimeToLook) await this.#commit();
      if (isTimeToLook || this.#mustWait) this.#look(nowMs);
    }
    // Drain: what was stepped is committed.
    if (intake.inputs.records > 0) await this.#commit();
  }

  /** Step 4. */
  async #read(signal: AbortSignal): Promise<void> {
    const intake = this.#intake;
    const before = intake.inputs.records;
    const nowMs = performance.now();
    for (const record of await this.#passedOnReader.take()) intake.takePassedOn(record, nowMs);
    const maxWaitMs = intake.inputs.records > 0 ? WAIT_MS / 4 : WAIT_MS;
    if (this.#mustWait) {
      // Far ahead of partitions that pass records on to this one: nothing of its own until they have come nearer.
      await new Promise((resolve) => setTimeout(resolve, maxWaitMs));
    } else {
      for (const batch of await this.#reader.poll({ maxWaitMs, signal })) {
        const nowMs = performance.now();
        for (const record of batch.records) intake.takeOwn(record, nowMs);
        this.#nextOffset = batch.nextOffset;
      }
    }
    if (before === 0) this.#firstInputMs = performance.now();
  }

  /** Lets go of what is final, and sees whether others lag behind. */
  #look(nowMs: number): void {
    this.#lookedMs = nowMs;
    const { floorMs, mustWait } = this.#watermark.floor(this.#windows.size, nowMs);
    this.#mustWait = mustWait;
    // Only between commits: what has not been stored yet must not be forgotten.
    if (this.#intake.inputs.records === 0) this.#windows.trim(Math.max(floorMs, this.#horizonMs));
  }

  /** Events before it are not to be counted any more, however far this partition is. */
  get #horizonMs(): number {
    return this.#options.retention?.horizonMs ?? -Infinity;
  }

  async #commit(): Promise<void> {
    const startedMs = performance.now();
    const { group, log, observer } = this.#options;
    const changes = this.#windows.take();
    const inputs = this.#intake.inputs;
    const rows = changes.rows.length;
    // What is beyond the horizon may only be deleted once it is stored that nothing of it is taken any more.
    const isCut = this.#storedCutMs < this.#horizonMs && this.#storedCutMs < this.#windows.cutMs;
    const isNothing = rows === 0 && changes.emptied.length === 0 && changes.states.length === 0;
    if (inputs.records === 0 && isNothing && !isCut) return;
    // Step 5: the log.
    const letters = await deadLetterRecords(inputs.refusals, { group, logId: log.logId });
    await appendInOrder(this.#appender, [...letters, ...inputs.passedOn]);
    // Step 6: the database.
    const journaled = this.#journal.next((sink) => {
      this.#windows.trim(this.#watermark.floor(this.#windows.size, startedMs).floorMs);
      this.#windows.snapshot(sink);
    });
    const repartitionOffset = this.#passedOnReader.nextOffset;
    const { newestMs, cutMs } = this.#windows;
    await this.#options.store.commit(this.#claim, {
      changes,
      nextOffset: this.#nextOffset,
      repartitionOffset,
      // What is infinite is null in JSON.
      progress: { watermark: this.#watermark.stored(), newestMs, cutMs },
      ...journaled,
    });
    this.#storedCutMs = cutMs;
    observer?.committed?.({
      partition: this.#partition,
      records: inputs.records,
      counted: inputs.counted,
      duplicates: inputs.duplicates,
      passedOn: inputs.passedOn.length,
      refusals: inputs.refusals.map(({ reason }) => reason),
      rows,
      durationMs: performance.now() - startedMs,
      nextOffset: this.#nextOffset,
      repartition: {
        partition: repartitionPartitionOf(this.#partition, this.#options),
        offset: repartitionOffset,
      },
      watermarkMs: this.#watermark.watermarkMs,
    });
    this.#intake.clear();
  }
}

/** Where there are fewer partitions to pass on by, several share one. */
function repartitionPartitionOf(
  partition: number,
  { repartitionPartitions }: Pick<ViewerTaskOptions, "repartitionPartitions">,
): number {
  return partition % repartitionPartitions;
}
