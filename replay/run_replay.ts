/**
 * Runs the engine again over what was recorded, without touching anything that runs: it only reads.
 *
 * 1. Note how far the consumer's order reaches, then read the outputs that were recorded (to compare).
 * 2. Records before the order begins, and all of them where there is none: by event time.
 * 3. Partition by partition, commit by commit: records in the order in which the consumer took them.
 * 4. Compare.
 *
 * @module
 */

import type { PromotionTriggered } from "../events/promo_decisions.ts";
import { ENGINE_INPUT_TOPICS, PARTITIONS } from "../events/topics.ts";
import type { EventLog, PartitionRange } from "../event_log/event_log.ts";
import { partitionOf } from "../event_log/partitioner.ts";
import { PartitionScan } from "../event_log/partition_scan.ts";
import type { engineOptions } from "../streaming/engine_options.ts";
import { InventoryEngine } from "../streaming/inventory_engine.ts";
import { Comparison } from "./comparison.ts";
import type { OutputPlace } from "./comparison.ts";
import { foldByEventTime } from "./merged_fold.ts";
import { ORDER_TOPIC, orderTaken } from "./order_taken.ts";
import { foldInOrder } from "./ordered_fold.ts";
import type { OrderedFold } from "./ordered_fold.ts";
import type { RecordScan } from "./record_scan.ts";
import { readRecordedOutputs } from "./recorded_outputs.ts";
import { lakeSource, logSource, originPlace, REPARTITION_TOPIC } from "./replay_source.ts";
import type { ReplaySource } from "./replay_source.ts";
import { ReplayedPartition } from "./replayed_partition.ts";
import type { ReplayedOutput } from "./replayed_partition.ts";
import type { ReplayReport } from "./replay_report.ts";

export interface ReplayOptions {
  source: "lake" | "log";
  rawFolder: string;
  /** The event log; the lake can do without it, and then nobody knows the order. */
  log?: EventLog | undefined;
  /** What decides; {@link engineOptions}. */
  engine: ReturnType<typeof engineOptions>;
  eventLeadMsMax: number;
  /** Outputs of this time are reported, by their event time: `[from, to)`, milliseconds since 1970. */
  fromMs?: number;
  toMs?: number;
  /** Take all records by event time, as if the order in which the consumer took them were not known. */
  byEventTime?: boolean;
  /** Hold the outputs against those that were recorded. */
  compare?: boolean;
  /** Told each output that is reported. */
  onOutput?: (output: ReplayedOutput) => void;
  /** Told as a step goes on: `done` of `total` of `unit`. */
  onProgress?: (step: string, done: number, total: number, unit: string) => void;
  signal?: AbortSignal;
}

/**
 * Replays, and says what came of it.
 *
 * @throws {OperatorError} where there is nothing to replay, or an order cannot be read.
 * @throws {DOMException} `AbortError` when `signal` aborts.
 */
export async function runReplay(options: ReplayOptions): Promise<ReplayReport> {
  const signal = options.signal ?? new AbortController().signal;
  return await new Replay(options, signal).run();
}

/** Events are handed on in steps of so many where no commit says when. */
const SETTLE_EVERY = 500;

class Replay {
  readonly #options: ReplayOptions;
  readonly #signal: AbortSignal;
  readonly #fromMs: number;
  readonly #toMs: number;
  readonly #report: ReplayReport;
  readonly #flights = new Set<string>();
  #partitions = PARTITIONS;
  #engines: ReplayedPartition[] = [];
  #comparison: Comparison | undefined;
  #firstMs = Infinity;

  constructor(options: ReplayOptions, signal: AbortSignal) {
    this.#options = options;
    this.#signal = signal;
    this.#fromMs = options.fromMs ?? -Infinity;
    this.#toMs = options.toMs ?? Infinity;
    this.#report = {
      source: options.source,
      policy: `${options.engine.policy.name}/${options.engine.policy.version}`,
      log_id: "",
      from: timeText(this.#fromMs),
      to: timeText(this.#toMs),
      order: "by event time",
      commits: 0,
      records: 0,
      records_missing: 0,
      commits_left: 0,
      first_record_at: null,
      metrics: 0,
      decisions: 0,
      decisions_by_discount: {},
      flights_with_decisions: 0,
      refused: {},
      seconds: 0,
      history_missing: false,
      comparison: null,
      notes: [],
    };
  }

  async run(): Promise<ReplayReport> {
    const startedMs = performance.now();
    const { log, rawFolder, compare = false } = this.#options;
    const report = this.#report;
    const orders = await this.#orders();
    const source = await this.#source();
    report.log_id = source.logId;
    report.notes.push(...source.notes);
    const known = log !== undefined && log.logId === source.logId ? log : undefined;
    const ordered = known === undefined ? [] : orders;
    if (ordered.length > 0) this.#partitions = ordered.length;
    this.#open(source.logId);
    if (compare) await this.#readRecorded(rawFolder, source.logId, known, ordered.length > 0);
    const folds = ordered.length > 0
      ? await this.#foldInOrder(known!, source, ordered)
      : await this.#foldAll(source);
    if (compare) await this.#compare(known, source, folds);
    report.first_record_at = timeText(this.#firstMs);
    report.flights_with_decisions = this.#flights.size;
    report.seconds = Math.round(performance.now() - startedMs) / 1000;
    return report;
  }

  /** Step 1: the order as far as it reaches now, by partition number; none where it is not known. */
  async #orders(): Promise<PartitionRange[]> {
    const { log, byEventTime = false } = this.#options;
    if (log === undefined || byEventTime) return [];
    if (!(await log.listTopics()).some(({ name }) => name === ORDER_TOPIC)) return [];
    const ranges = await log.ranges([ORDER_TOPIC]);
    return ranges.some(({ start, end }) => start < end) ? ranges : [];
  }

  async #source(): Promise<ReplaySource> {
    const { source, rawFolder, log } = this.#options;
    if (source === "log") return await logSource(log!, this.#signal);
    return await lakeSource({ rawFolder, log, signal: this.#signal });
  }

  #open(logId: string): void {
    const { engine, eventLeadMsMax, compare } = this.#options;
    if (compare === true) {
      this.#comparison = new Comparison({
        logId,
        policy: this.#report.policy,
        fromMs: this.#fromMs,
        toMs: this.#toMs,
      });
    }
    this.#engines = Array.from({ length: this.#partitions }, (_, partition) =>
      new ReplayedPartition({
        partition,
        engine: new InventoryEngine({ ...engine, logId }),
        intake: { repartitionTopic: REPARTITION_TOPIC, partitions: this.#partitions, eventLeadMsMax },
        onOutput: (output, from, inputMs) => this.#takeOutput(output, from, inputMs),
        onRefusal: (reason) => this.#refuse(reason),
      }));
  }

  #refuse(reason: string): void {
    this.#report.refused[reason] = (this.#report.refused[reason] ?? 0) + 1;
  }

  #takeOutput(output: ReplayedOutput, partition: number, inputMs: number): void {
    if (!(output.timeMs >= this.#fromMs && output.timeMs < this.#toMs)) return;
    const report = this.#report;
    if (output.topic === "inventory_metrics") report.metrics++;
    else {
      report.decisions++;
      this.#flights.add(output.flightId);
      const { discount_percentage } = JSON.parse(output.value) as PromotionTriggered;
      const discounts = report.decisions_by_discount;
      discounts[discount_percentage] = (discounts[discount_percentage] ?? 0) + 1;
    }
    this.#comparison?.takeReplayed(output, partition, inputMs);
    this.#options.onOutput?.(output);
  }

  async #readRecorded(
    rawFolder: string,
    logId: string,
    log: EventLog | undefined,
    orderKnown: boolean,
  ): Promise<void> {
    const comparison = this.#comparison!;
    const beginningGone = await readRecordedOutputs({
      rawFolder,
      logId,
      log,
      take: (topic, record) => comparison.takeRecorded(topic, record),
      signal: this.#signal,
    });
    comparison.begin({ orderKnown, beginningGone });
  }

  /** Step 2, all of it. */
  async #foldAll(source: ReplaySource): Promise<Map<number, OrderedFold>> {
    const { byEventTime = false, log } = this.#options;
    const { notes } = this.#report;
    if (byEventTime) notes.push("Records were taken by event time, as asked");
    else if (log === undefined) {
      notes.push(
        "There is no event log, which knows the order in which the consumer took its records: they were taken by event time",
      );
    } else {notes.push(
        "The event log does not know the order in which the consumer took these records: they were taken by event time",
      );}
    await this.#merge(source, () => Infinity);
    return new Map();
  }

  /** Steps 2 and 3. */
  async #foldInOrder(
    log: EventLog,
    source: ReplaySource,
    ordered: readonly PartitionRange[],
  ): Promise<Map<number, OrderedFold>> {
    const report = this.#report;
    report.order = "as taken";
    await this.#foldBeforeOrder(log, source, ordered);
    const folds = new Map<number, OrderedFold>();
    const { onProgress = () => {} } = this.#options;
    const total = ordered.reduce((sum, { start, end }) => sum + end - start, 0);
    let commits = 0;
    for (const range of ordered) {
      const engine = this.#engines[range.partition]!;
      const orders = await PartitionScan.open(log, range, { signal: this.#signal });
      try {
        const fold = await foldInOrder({
          orders,
          openScan: (topic) => source.open(topic, range.partition),
          take: (record) => {
            this.#noteFirst(record.timestampMs);
            engine.takeRecord(record);
          },
          settle: () => {
            engine.settle();
            onProgress("records in the order taken", ++commits, total, "commits");
          },
          signal: this.#signal,
        });
        folds.set(range.partition, fold);
        report.commits += fold.commits;
        report.records += fold.records;
        report.records_missing += fold.missing;
        report.commits_left += fold.left;
      } finally {
        await orders.close();
      }
    }
    if (report.records_missing > 0) {
      report.history_missing = true;
      report.notes.push(
        `${
          report.records_missing.toLocaleString("en")
        } records that the consumer took are not there any more: flights and bookings that came in them are not known here`,
      );
    }
    if (report.commits_left > 0) {
      report.notes.push(
        `The last ${
          report.commits_left.toLocaleString("en")
        } commits of the consumer took records that the lake does not hold yet: left out`,
      );
    }
    return folds;
  }

  /** What lies before the order's first record, where that has aged out of the log. */
  async #foldBeforeOrder(
    log: EventLog,
    source: ReplaySource,
    ordered: readonly PartitionRange[],
  ): Promise<void> {
    const until = new Map<string, number>();
    for (const range of ordered) {
      if (range.start === 0 || range.start >= range.end) continue;
      const scan = await PartitionScan.open(log, range, { signal: this.#signal });
      if (await scan.fill()) {
        const { topics, from } = orderTaken(scan.head!.value, `${ORDER_TOPIC}-${range.partition}`);
        topics.forEach((topic, lane) => until.set(`${topic}/${range.partition}`, from[lane]!));
      }
      await scan.close();
    }
    if (until.size === 0) return;
    this.#report.notes.push(
      "The order of the oldest records has aged out of the log: they were taken by event time, the others as the consumer took them",
    );
    this.#report.history_missing = true;
    await this.#merge(source, ({ topic, partition }) => until.get(`${topic}/${partition}`) ?? 0);
  }

  /** Takes records by event time, each to its flight's partition number. */
  async #merge(source: ReplaySource, until: (scan: RecordScan) => number): Promise<void> {
    const report = this.#report;
    const { eventLeadMsMax, compare = false, onProgress = () => {} } = this.#options;
    const scans: RecordScan[] = [];
    for (const topic of ENGINE_INPUT_TOPICS) {
      for (const place of source.places.filter((place) => place.topic === topic)) {
        if (place.start > 0) report.history_missing = true;
        scans.push(await source.open(topic, place.partition));
      }
    }
    const ends = scans.map((scan) => Math.min(scan.end, until(scan)));
    const starts = scans.map((scan) =>
      source.places.find((place) => place.topic === scan.topic && place.partition === scan.partition)!.start
    );
    const total = ends.reduce((sum, end, at) => sum + Math.max(0, end - starts[at]!), 0);
    let [done, unsettled] = [0, 0];
    try {
      report.records += await foldByEventTime({
        scans,
        until: (scan) => Math.min(scan.end, until(scan)),
        eventLeadMsMax,
        take: (parsed, record) => {
          this.#noteFirst(record.timestampMs);
          const { flight_id } = parsed.event as { flight_id: string };
          const engine = this.#engines[partitionOf(flight_id, this.#partitions)]!;
          engine.take(parsed, record);
          // To compare, each output must know the append time of its input.
          if (compare) engine.settle();
          else if (++unsettled % SETTLE_EVERY === 0) this.#engines.forEach((each) => each.settle());
        },
        refuse: (reason) => this.#refuse(reason),
        onRecords: (records) => onProgress("records by event time", done += records, total, "records"),
        signal: this.#signal,
      });
      this.#engines.forEach((each) => each.settle());
    } finally {
      for (const scan of scans) await scan.close();
    }
    if (report.history_missing) {
      report.notes.push(
        `History before ${
          report.first_record_at ?? "the first record"
        } is missing: flights and bookings of before are not known here`,
      );
    }
  }

  #noteFirst(timestampMs: number): void {
    if (timestampMs > 0 && timestampMs < this.#firstMs) this.#firstMs = timestampMs;
  }

  /** Step 4. */
  async #compare(
    log: EventLog | undefined,
    source: ReplaySource,
    folds: ReadonlyMap<number, OrderedFold>,
  ): Promise<void> {
    const isReplayed = folds.size > 0
      ? await this.#replayedInOrder(log!, folds)
      : ({ topic, partition, offset }: OutputPlace) =>
        source.places.some((place) =>
          place.topic === topic && place.partition === partition && offset < place.end
        );
    const waiting = this.#engines.map((engine) => engine.waiting);
    this.#report.comparison = this.#comparison!.conclude({
      isReplayed: (place) => {
        const name = `${place.topic}-${place.partition}-${place.offset}`;
        return isReplayed(place) && !waiting.some((names) => names.has(name));
      },
      historyMissing: this.#report.history_missing,
    });
  }

  /** Which inputs the commits hold that were replayed: by the partition of a record, or of what passed it on. */
  async #replayedInOrder(
    log: EventLog,
    folds: ReadonlyMap<number, OrderedFold>,
  ): Promise<(place: OutputPlace) => boolean> {
    const pending = new Set<string>();
    for (const range of await log.ranges([REPARTITION_TOPIC])) {
      const position = folds.get(range.partition)?.positions.get(REPARTITION_TOPIC) ?? 0;
      const start = Math.max(range.start, position);
      const scan = await PartitionScan.open(log, { ...range, start }, { signal: this.#signal });
      while (scan.head !== undefined || await scan.fill()) {
        const origin = originPlace(scan.next()!.headers);
        if (origin !== undefined) pending.add(`${origin.topic}-${origin.partition}-${origin.offset}`);
      }
      await scan.close();
    }
    return ({ topic, partition, offset }) => {
      if (pending.has(`${topic}-${partition}-${offset}`)) return false;
      const position = folds.get(partition)?.positions.get(topic);
      // A topic that is passed on whole has no place in the order: what it holds came by way of the other one.
      return position === undefined ? folds.size > 0 : offset < position;
    };
  }
}

function timeText(ms: number): string | null {
  return Number.isFinite(ms) ? new Date(ms).toISOString() : null;
}
