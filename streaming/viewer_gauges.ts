/** The Prometheus figures of viewer metrics. */

import type { PartitionRange } from "../event_log/event_log.ts";
import { Counter, Gauge, Histogram, processRegistry } from "../process/metrics_server.ts";
import type { Registry } from "../process/metrics_server.ts";
import type { ViewerCommitInfo } from "./viewer_task.ts";
import type { ViewerWindows } from "./viewer_windows.ts";

/** Offsets at a partition's end that may be transaction markers: no lag once reading finds nothing more. */
const TRAILING_MARKERS = 8;

/** Counts what the tasks commit, and asks their windows when it is scraped. */
export class ViewerGauges {
  readonly registry: Registry = processRegistry();
  readonly windows = new Map<number, ViewerWindows>();
  readonly #topics: { own: string; repartition: string };
  /** How far each partition is in what it reads: places by topic and partition. */
  readonly #positions = new Map<number, Map<string, number>>();
  readonly #watermarksMs = new Map<number, number>();
  readonly #processed: Counter;
  readonly #late: Counter;
  readonly #duplicates: Counter;
  readonly #deadLetters: Counter<"reason">;
  readonly #repartitioned: Counter;
  readonly #rows: Counter;
  readonly #lost: Counter;
  readonly #commitSeconds: Histogram;
  readonly #lag: Gauge<"topic" | "partition">;

  constructor(topics: { own: string; repartition: string }) {
    this.#topics = topics;
    const registers = [this.registry];
    const { windows } = this;
    const watermarksMs = this.#watermarksMs;
    const counter = (name: string, help: string) => new Counter({ name, help, registers });
    const sum = (name: string, help: string, of: (windows: ViewerWindows) => number) =>
      new Gauge({
        name,
        help,
        registers,
        collect() {
          this.set(windows.values().reduce((total, each) => total + of(each), 0));
        },
      });
    this.#processed = counter("viewer_events_processed_total", "Records moved past and committed");
    this.#late = counter("viewer_late_events_total", "Events behind the watermark, kept as dead letters");
    this.#duplicates = counter("viewer_duplicates_total", "Events that came again and did not count");
    this.#deadLetters = new Counter({
      name: "viewer_dead_letters_total",
      help: "Records refused, by reason",
      labelNames: ["reason"],
      registers,
    });
    this.#repartitioned = counter(
      "viewer_repartitioned_total",
      "Records in another partition than their stream's, passed on",
    );
    this.#rows = counter(
      "viewer_window_rows_written_total",
      "Minute windows written, each time they changed",
    );
    this.#lost = counter(
      "viewer_lost_records_total",
      "Records that aged out of the log before they were counted",
    );
    this.#commitSeconds = new Histogram({
      name: "viewer_commit_duration_seconds",
      help: "Time to store windows, state and offsets as one",
      buckets: [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10],
      registers,
    });
    this.#lag = new Gauge({
      name: "viewer_lag_records",
      help: "Records of a partition that were not counted yet",
      labelNames: ["topic", "partition"],
      registers,
    });
    sum("viewer_streams_tracked", "Streams whose windows may still change", (each) => each.streams);
    sum("viewer_active_viewers", "Viewers present now, in event time", (each) => each.viewersPresent);
    sum("viewer_state_entries", "Entries of the state in memory", (each) => each.size);
    new Gauge({
      name: "viewer_watermark_seconds",
      help: "Event time before which events are late, seconds since 1970",
      labelNames: ["partition"],
      registers,
      collect() {
        this.reset();
        for (const [partition, ms] of watermarksMs) {
          if (Number.isFinite(ms)) this.set({ partition }, ms / 1000);
        }
      },
    });
  }

  committed(info: ViewerCommitInfo): void {
    const { partition, refusals } = info;
    this.#processed.inc(info.records);
    this.#duplicates.inc(info.duplicates);
    this.#repartitioned.inc(info.passedOn);
    this.#rows.inc(info.rows);
    for (const reason of refusals) {
      this.#deadLetters.inc({ reason });
      if (reason === "late") this.#late.inc();
    }
    this.#commitSeconds.observe(info.durationMs / 1000);
    this.#watermarksMs.set(partition, info.watermarkMs);
    const { own, repartition } = this.#topics;
    this.#positions.set(
      partition,
      new Map([
        [`${own}/${partition}`, info.nextOffset],
        [`${repartition}/${info.repartition.partition}`, info.repartition.offset],
      ]),
    );
  }

  lost(records: number): void {
    this.#lost.inc(records);
  }

  /** A partition was given up: it has no series any more. */
  closed(partition: number): void {
    this.windows.delete(partition);
    this.#watermarksMs.delete(partition);
    this.#positions.delete(partition);
  }

  /** Compares what the partitions hold with what was committed. */
  setLag(ranges: PartitionRange[]): void {
    this.#lag.reset();
    for (const { topic, partition, end } of ranges) {
      // Of several who read the same partition, the one that is furthest behind.
      const key = `${topic}/${partition}`;
      const places = [...this.#positions.values()].map((of) => of.get(key) ?? Infinity);
      const position = Math.min(...places);
      if (position === Infinity) continue;
      const lag = end - position;
      this.#lag.set({ topic, partition }, lag <= TRAILING_MARKERS ? 0 : lag);
    }
  }
}
