/**
 * One partition number of the inventory engine, exactly once: reads, steps, and commits outputs, state and input
 * offsets as one.
 *
 * Order of a task's life:
 *  1. Open the transactor of this partition number: fences whoever owned it before.
 *  2. Append a marker to the changelog and read the changelog up to it: the state as of the last commit.
 *  3. Go on at the offsets committed for the group.
 *  4. Read, merge by event time, step.
 *  5. Commit outputs, dead letters, passed-on records, the order taken, state changes and offsets as one.
 *  6. On any error drop the engine and the transactor: the task begins again at 1.
 *
 * @module
 */

import type { AssignedPartition, NewRecord, Transactor } from "../event_log/event_log.ts";
import { commitRecords } from "./_commit_records.ts";
import { intake, passedOnRecord } from "./_intake.ts";
import type { IntakeItem, IntakeOptions } from "./_intake.ts";
import { EventTimeMerge } from "./event_time_merge.ts";
import type { InventoryEngine } from "./inventory_engine.ts";
import type { CommitInfo, PartitionTaskObserver, PartitionTaskOptions } from "./partition_task_options.ts";
import type { Refusal } from "./refusals.ts";
import { restoreEngine } from "./restore_engine.ts";

export type { CommitInfo, PartitionTaskObserver, PartitionTaskOptions };

/** A topic that waits for others is read ahead so far; values are counted in UTF-16 units. */
const LANE_ITEMS_MAX = 4_000;
const LANE_ITEMS_RESUME = 1_000;
const LANE_UNITS_MAX = 8 * 1024 * 1024;
const LANE_UNITS_RESUME = 2 * 1024 * 1024;
/** Values that one commit moves past at the most, about: large ones may all become dead letters. */
const COMMIT_UNITS_MAX = 16 * 1024 * 1024;

/** Runs until `signal` aborts; finishes the commit at hand. Throws what went wrong; see step 6. */
export async function runPartitionTask(
  assigned: AssignedPartition,
  signal: AbortSignal,
  options: PartitionTaskOptions,
): Promise<void> {
  const { log, group } = options;
  // Step 1: fence.
  const transactor = await log.transactor(`${group}-${assigned.partition}`);
  try {
    // Step 2: restore.
    const engine = await restoreEngine(assigned, transactor, signal, options);
    if (engine !== undefined) await new PartitionTask(assigned, transactor, engine, options).run(signal);
  } finally {
    options.observer?.closed?.(assigned.partition);
    await transactor.close();
  }
}

class PartitionTask {
  readonly #partition: number;
  readonly #reader: AssignedPartition["reader"];
  readonly #transactor: Transactor;
  readonly #engine: InventoryEngine;
  readonly #options: PartitionTaskOptions;
  readonly #intake: IntakeOptions;
  readonly #merge: EventTimeMerge<IntakeItem>;
  /** By topic: the next offset to be read, and the next to be processed. */
  readonly #readTo = new Map<string, number>();
  readonly #positions = new Map<string, number>();
  /** By topic: the position that the observer was told. */
  readonly #told = new Map<string, number>();
  readonly #paused = new Set<string>();
  /** By topic: the values that were read and not processed yet, in UTF-16 units. */
  readonly #bufferedUnits = new Map<string, number>();

  #inputs = 0;
  #inputUnits = 0;
  #firstInputMs = 0;
  #from = new Map<string, number>();
  #runs: [lane: number, records: number][] = [];
  #passedOn: NewRecord[] = [];
  #refusals: Refusal[] = [];

  constructor(
    assigned: AssignedPartition,
    transactor: Transactor,
    engine: InventoryEngine,
    options: PartitionTaskOptions,
  ) {
    this.#partition = assigned.partition;
    this.#reader = assigned.reader;
    this.#transactor = transactor;
    this.#engine = engine;
    this.#options = options;
    this.#intake = {
      repartitionTopic: options.repartitionTopic,
      partitions: options.partitions,
      eventLeadMsMax: options.eventLeadMsMax,
    };
    this.#merge = new EventTimeMerge<IntakeItem>(options.topics, performance.now());
  }

  async run(signal: AbortSignal): Promise<void> {
    const { commitIntervalMs = 100, commitRecordsMax = 5_000 } = this.#options;
    await this.#goToCommitted();
    while (!signal.aborted) {
      await this.#read(signal);
      this.#step(commitRecordsMax);
      const due = this.#inputs >= commitRecordsMax || this.#inputUnits >= COMMIT_UNITS_MAX ||
        (this.#inputs > 0 && performance.now() - this.#firstInputMs >= commitIntervalMs);
      if (due) await this.#commit();
      if (this.#inputs === 0) this.#tellPositions();
    }
    // Drain: what was stepped is committed; what was only read comes again.
    if (this.#inputs > 0) await this.#commit();
  }

  /** Everything that was taken is committed: what was passed since then are marks of transactions. */
  #tellPositions(): void {
    const { topics, observer } = this.#options;
    let moved = false;
    for (const topic of topics) {
      const offset = this.#positions.get(topic)!;
      if (this.#told.get(topic) !== offset) moved = true;
      this.#told.set(topic, offset);
    }
    if (!moved) return;
    const partition = this.#partition;
    observer?.reached?.(topics.map((topic) => ({ topic, partition, offset: this.#positions.get(topic)! })));
  }

  /** Step 3. */
  async #goToCommitted(): Promise<void> {
    const { log, group, topics } = this.#options;
    const [ranges, committed] = await Promise.all([
      log.ranges([...topics]),
      log.committedOffsets(group, [...topics]),
    ]);
    for (const topic of topics) {
      const here = (place: { topic: string; partition: number }) =>
        place.topic === topic && place.partition === this.#partition;
      const range = ranges.find(here)!;
      const offset = committed.find(here)?.offset ?? range.start;
      this.#readTo.set(topic, offset);
      this.#positions.set(topic, offset);
      this.#reader.seek({ topic, partition: this.#partition, offset });
    }
    this.#from = new Map(this.#positions);
    this.#reader.resume([...topics]);
  }

  /** Step 4, the reading. */
  async #read(signal: AbortSignal): Promise<void> {
    const { commitIntervalMs = 100 } = this.#options;
    let buffered = 0;
    for (const topic of this.#options.topics) buffered += this.#merge.buffered(topic);
    const maxWaitMs = buffered > 0 ? 0 : this.#inputs > 0 ? commitIntervalMs / 2 : 250;
    const batches = await this.#reader.poll({ maxWaitMs, signal });
    for (const batch of batches) {
      this.#merge.push(
        batch.topic,
        batch.records.map((record) => intake(record, batch.seenMs, this.#intake)),
      );
      this.#readTo.set(batch.topic, batch.nextOffset);
      const units = batch.records.reduce(
        (sum, { value }) => sum + (value?.length ?? 0),
        this.#bufferedUnits.get(batch.topic) ?? 0,
      );
      this.#bufferedUnits.set(batch.topic, units);
      if (this.#merge.buffered(batch.topic) > LANE_ITEMS_MAX || units > LANE_UNITS_MAX) {
        this.#reader.pause([batch.topic]);
        this.#paused.add(batch.topic);
      }
    }
    for (const topic of this.#options.topics) {
      this.#merge.setEndSeen(topic, this.#reader.endSeenMs(topic));
      const next = this.#reader.nextOffset({ topic, partition: this.#partition });
      if (next !== undefined) this.#readTo.set(topic, next);
    }
    if (batches.length === 0 && buffered > 0) await new Promise((resolve) => setTimeout(resolve, 1));
  }

  /** Step 4, the stepping. */
  #step(recordsMax: number): void {
    const { topics } = this.#options;
    const nowMs = performance.now();
    while (this.#inputs < recordsMax && this.#inputUnits < COMMIT_UNITS_MAX) {
      const next = this.#merge.next(nowMs);
      if (next === undefined) break;
      const { item, lane } = next;
      if (this.#inputs++ === 0) this.#firstInputMs = nowMs;
      const topic = topics[lane]!;
      const units = item.origin.value?.length ?? 0;
      this.#inputUnits += units;
      this.#bufferedUnits.set(topic, this.#bufferedUnits.get(topic)! - units);
      this.#positions.set(topic, item.offset + 1);
      const run = this.#runs.at(-1);
      if (run !== undefined && run[0] === lane) run[1]++;
      else this.#runs.push([lane, 1]);
      this.#take(item);
    }
    for (const topic of topics) {
      const buffered = this.#merge.buffered(topic);
      if (buffered === 0) {
        this.#positions.set(topic, Math.max(this.#positions.get(topic)!, this.#readTo.get(topic)!));
      }
      const drained = buffered <= LANE_ITEMS_RESUME &&
        (this.#bufferedUnits.get(topic) ?? 0) <= LANE_UNITS_RESUME;
      if (drained && this.#paused.delete(topic)) this.#reader.resume([topic]);
    }
  }

  #take({ origin, outcome }: IntakeItem): void {
    switch (outcome.kind) {
      case "event":
        this.#engine.apply(outcome.parsed, origin);
        return;
      case "pass on":
        this.#passedOn.push(passedOnRecord(origin, outcome.flightId, this.#options.repartitionTopic));
        return;
      case "refuse":
        this.#refusals.push({ record: origin, reason: outcome.reason, message: outcome.message });
    }
  }

  /** Step 5. */
  async #commit(): Promise<void> {
    const { log, group, topics, observer, changelogTopic, orderTopic } = this.#options;
    const partition = this.#partition;
    const startedMs = performance.now();
    const step = this.#engine.take();
    const refusals = [...this.#refusals, ...step.refusals];
    const { records, outputs } = await commitRecords({
      partition,
      group,
      logId: log.logId,
      changelogTopic,
      orderTopic,
      step,
      refusals,
      passedOn: this.#passedOn,
      order: {
        topics,
        from: topics.map((topic) => this.#from.get(topic)),
        to: topics.map((topic) => this.#positions.get(topic)),
        runs: this.#runs,
      },
    });
    const positions = topics.map((topic) => ({ topic, partition, offset: this.#positions.get(topic)! }));
    await this.#transactor.commit({
      records,
      offsets: { group, positions },
    });
    observer?.committed?.({
      partition,
      inputs: this.#inputs,
      outputs,
      refusals: refusals.map(({ reason }) => reason),
      passedOn: this.#passedOn.length,
      duplicates: step.duplicates,
      durationMs: performance.now() - startedMs,
      positions,
    });
    this.#inputs = 0;
    this.#inputUnits = 0;
    this.#runs = [];
    this.#passedOn = [];
    this.#refusals = [];
    this.#from = new Map(this.#positions);
  }
}
