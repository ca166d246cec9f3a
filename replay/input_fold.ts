/** Brings the input records to the engines: in the order in which the consumer took them, or by event time. */

import type { EventErrorReason } from "../events/event_error.ts";
import { BOOKING_CURVES_TOPIC, ENGINE_INPUT_TOPICS } from "../events/topics.ts";
import type { EventLog, PartitionRange } from "../event_log/event_log.ts";
import { partitionOf } from "../event_log/partitioner.ts";
import { PartitionScan } from "../event_log/partition_scan.ts";
import { foldByEventTime } from "./merged_fold.ts";
import { ORDER_TOPIC, orderTaken } from "./order_taken.ts";
import { foldInOrder } from "./ordered_fold.ts";
import type { OrderedFold } from "./ordered_fold.ts";
import type { RecordScan } from "./record_scan.ts";
import type { ReplayReport } from "./replay_report.ts";
import type { ReplaySource } from "./replay_source.ts";
import type { ReplayedPartition } from "./replayed_partition.ts";

export interface InputFoldOptions {
  source: ReplaySource;
  /** One for each partition number. */
  engines: readonly ReplayedPartition[];
  /** Told what was taken, what is missing, and what a person should know of it. */
  report: ReplayReport;
  eventLeadMsMax: number;
  /** By event time: hand on what comes of each record before the next, so that outputs know their input's time. */
  settleEach: boolean;
  onRefusal: (reason: EventErrorReason | "left_out_by_lake") => void;
  onProgress: (step: string, done: number, total: number, unit: string) => void;
  signal: AbortSignal;
}

/** By event time outputs are handed on after so many records. */
const SETTLE_EVERY = 500;

export class InputFold {
  /** Append time of the oldest record that was taken; infinite where there was none. */
  firstMs = Infinity;
  readonly #options: InputFoldOptions;

  constructor(options: InputFoldOptions) {
    this.#options = options;
  }

  /**
   * Takes the commits of `ordered`, the ranges of the order topic, one partition after the other; before them what the
   * order does not reach back to.
   */
  async inOrder(log: EventLog, ordered: readonly PartitionRange[]): Promise<Map<number, OrderedFold>> {
    const { source, engines, report, onProgress, signal } = this.#options;
    report.order = "as taken";
    await this.#beforeOrder(log, ordered);
    const folds = new Map<number, OrderedFold>();
    const total = ordered.reduce((sum, { start, end }) => sum + end - start, 0);
    let commits = 0;
    for (const range of ordered) {
      const engine = engines[range.partition]!;
      const orders = await PartitionScan.open(log, range, { signal });
      try {
        const fold = await foldInOrder({
          orders,
          openScan: (topic) => source.open(topic, range.partition),
          take: (record) => {
            this.#noteTime(record.timestampMs);
            engine.takeRecord(record);
          },
          settle: () => {
            engine.settle();
            onProgress("records in the order taken", ++commits, total, "commits");
          },
          signal,
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
    this.#noteMissing();
    return folds;
  }

  #noteMissing(): void {
    const { report } = this.#options;
    const count = (value: number) => value.toLocaleString("en");
    if (report.records_missing > 0) {
      report.history_missing = true;
      report.notes.push(
        `${
          count(report.records_missing)
        } records that the consumer took are not there any more: flights and bookings that came in them are not known here`,
      );
    }
    if (report.commits_left > 0) {
      report.notes.push(
        `The last ${
          count(report.commits_left)
        } commits of the consumer took records that the lake does not hold yet: left out`,
      );
    }
  }

  /** What lies before the order's first record, where the records before that have aged out of the log. */
  async #beforeOrder(log: EventLog, ordered: readonly PartitionRange[]): Promise<void> {
    const { report, signal } = this.#options;
    const until = new Map<string, number>();
    for (const range of ordered) {
      if (range.start === 0 || range.start >= range.end) continue;
      const scan = await PartitionScan.open(log, range, { signal });
      if (await scan.fill()) {
        const { topics, from } = orderTaken(scan.head!.value, `${ORDER_TOPIC}-${range.partition}`);
        topics.forEach((topic, lane) => until.set(`${topic}/${range.partition}`, from[lane]!));
      }
      await scan.close();
    }
    if (until.size === 0) return;
    report.order_begins_later = true;
    report.notes.push(
      "The order of the oldest records has aged out of the log: they were taken by event time, the others as the consumer took them",
    );
    await this.byEventTime(({ topic, partition }) => until.get(`${topic}/${partition}`) ?? 0);
  }

  /** Takes records by event time, each to its flight's partition number. */
  async byEventTime(until: (scan: RecordScan) => number = ({ end }) => end): Promise<void> {
    const { source, engines, report, eventLeadMsMax, settleEach, onRefusal, onProgress, signal } =
      this.#options;
    const scans: RecordScan[] = [];
    let total = 0;
    for (const topic of [...ENGINE_INPUT_TOPICS, BOOKING_CURVES_TOPIC]) {
      for (const place of source.places.filter((place) => place.topic === topic)) {
        if (place.start > 0 && topic !== BOOKING_CURVES_TOPIC) report.history_missing = true;
        const scan = await source.open(topic, place.partition);
        scans.push(scan);
        total += Math.max(0, Math.min(scan.end, until(scan)) - place.start);
      }
    }
    let [done, unsettled] = [0, 0];
    try {
      report.records += await foldByEventTime({
        scans,
        until: (scan) => Math.min(scan.end, until(scan)),
        eventLeadMsMax,
        take: (parsed, record) => {
          this.#noteTime(record.timestampMs);
          const { event } = parsed;
          const partition = event.event_type === "BookingCurvesPublished"
            ? record.partition
            : partitionOf((event as { flight_id: string }).flight_id, engines.length);
          const engine = engines[partition];
          if (engine === undefined) return;
          engine.take(parsed, record);
          if (settleEach) engine.settle();
          else if (++unsettled % SETTLE_EVERY === 0) { for (const each of engines) each.settle(); }
        },
        refuse: onRefusal,
        onRecords: (records) => onProgress("records by event time", done += records, total, "records"),
        signal,
      });
      for (const each of engines) each.settle();
    } finally {
      for (const scan of scans) await scan.close();
    }
    if (!report.history_missing) return;
    const since = Number.isFinite(this.firstMs) ? new Date(this.firstMs).toISOString() : "the first record";
    report.notes.push(
      `History before ${since} is missing: flights and bookings of before are not known here`,
    );
  }

  #noteTime(timestampMs: number): void {
    if (timestampMs > 0 && timestampMs < this.firstMs) this.firstMs = timestampMs;
  }
}
