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
import { PARTITIONS } from "../events/topics.ts";
import type { EventLog, PartitionRange } from "../event_log/event_log.ts";
import type { engineOptions } from "../streaming/engine_options.ts";
import { InventoryEngine } from "../streaming/inventory_engine.ts";
import { Comparison } from "./comparison.ts";
import type { OutputPlace } from "./comparison.ts";
import { InputFold } from "./input_fold.ts";
import { ORDER_TOPIC } from "./order_taken.ts";
import type { OrderedFold } from "./ordered_fold.ts";
import { readRecordedOutputs } from "./recorded_outputs.ts";
import { lakeSource, logSource, REPARTITION_TOPIC } from "./replay_source.ts";
import type { ReplaySource } from "./replay_source.ts";
import { ReplayedPartition } from "./replayed_partition.ts";
import { nameOf, replayedInOrder } from "./replayed_inputs.ts";
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
  /** Of the recorded outputs. */
  #brokenLines = 0;

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
      order_begins_later: false,
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
    const folds = await this.#fold(known, source, ordered);
    const broken = this.#brokenLines + source.brokenLines();
    if (broken > 0) {
      const count = broken.toLocaleString("en");
      report.notes.push(
        `Lines of the lake that are no records, left out: ${count} (deno task verify names them)`,
      );
    }
    if (compare) await this.#compare(known, source, folds);
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
    const { onProgress = () => {} } = this.#options;
    const { beginningGone, brokenLines } = await readRecordedOutputs({
      rawFolder,
      logId,
      log,
      take: (topic, record) => comparison.takeRecorded(topic, record),
      onRecords: (done, total) => onProgress("recorded outputs", done, total, "records"),
      signal: this.#signal,
    });
    this.#brokenLines = brokenLines;
    comparison.begin({ orderKnown, beginningGone });
  }

  /** Steps 2 and 3. */
  async #fold(
    log: EventLog | undefined,
    source: ReplaySource,
    ordered: readonly PartitionRange[],
  ): Promise<Map<number, OrderedFold>> {
    const { byEventTime = false, eventLeadMsMax, compare = false, onProgress = () => {} } = this.#options;
    const report = this.#report;
    const fold = new InputFold({
      source,
      engines: this.#engines,
      report,
      eventLeadMsMax,
      settleEach: compare,
      onRefusal: (reason) => this.#refuse(reason),
      onProgress,
      signal: this.#signal,
    });
    let folds = new Map<number, OrderedFold>();
    if (ordered.length > 0) folds = await fold.inOrder(log!, ordered);
    else {
      const why = byEventTime
        ? "as asked"
        : this.#options.log === undefined
        ? "there is no event log, which would know the order in which the consumer took them"
        : "the event log does not know the order in which the consumer took them";
      report.notes.push(`Records were taken by event time: ${why}`);
      await fold.byEventTime();
    }
    report.first_record_at = timeText(fold.firstMs);
    return folds;
  }

  /** Step 4. */
  async #compare(
    log: EventLog | undefined,
    source: ReplaySource,
    folds: ReadonlyMap<number, OrderedFold>,
  ): Promise<void> {
    const isReplayed = folds.size > 0
      ? await replayedInOrder(log!, folds, this.#signal)
      : ({ topic, partition, offset }: OutputPlace) =>
        source.places.some((place) =>
          place.topic === topic && place.partition === partition && offset < place.end
        );
    const waiting = this.#engines.map((engine) => engine.waiting);
    this.#report.comparison = this.#comparison!.conclude({
      isReplayed: (place) => isReplayed(place) && !waiting.some((names) => names.has(nameOf(place))),
      historyMissing: this.#report.history_missing,
      orderBegunLater: this.#report.order_begins_later,
    });
  }
}

function timeText(ms: number): string | null {
  return Number.isFinite(ms) ? new Date(ms).toISOString() : null;
}
