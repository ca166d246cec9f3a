/** The consumer's Prometheus figures. */

import type { PartitionOffset, PartitionRange } from "../event_log/event_log.ts";
import { Counter, Gauge, Histogram, processRegistry } from "../process/metrics_server.ts";
import type { Registry } from "../process/metrics_server.ts";
import type { InventoryEngine } from "./inventory_engine.ts";
import type { CommitInfo } from "./partition_task.ts";
import type { PassedOnInfo } from "./pass_on_task.ts";

/** Above this many flights on sale the series by flight are left out. */
export const FLIGHT_SERIES_MAX = 2000;

/** Counts what the partition tasks commit, and asks their engines when it is scraped. */
export class ConsumerMetrics {
  readonly registry: Registry = processRegistry();
  readonly engines = new Map<number, InventoryEngine>();
  readonly #positions = new Map<string, number>();
  readonly #lag: Gauge<"topic" | "partition">;
  readonly #processed: Counter;
  readonly #promotions: Counter;
  readonly #deadLetters: Counter<"reason">;
  readonly #repartitioned: Counter;
  readonly #duplicates: Counter;
  readonly #commitSeconds: Histogram;

  constructor() {
    const registers = [this.registry];
    const engines = this.engines;
    const sum = (of: (engine: InventoryEngine) => number) =>
      engines.values().reduce((total, engine) => total + of(engine), 0);
    this.#processed = new Counter({
      name: "consumer_events_processed_total",
      help: "Input records processed and committed",
      registers,
    });
    this.#promotions = new Counter({
      name: "consumer_promotions_triggered_total",
      help: "Promotions decided and committed",
      registers,
    });
    this.#deadLetters = new Counter({
      name: "consumer_dead_letters_total",
      help: "Records refused, by reason",
      labelNames: ["reason"],
      registers,
    });
    this.#repartitioned = new Counter({
      name: "consumer_repartitioned_total",
      help: "Records without a key or in another partition than their flight's, passed on",
      registers,
    });
    this.#duplicates = new Counter({
      name: "consumer_duplicates_total",
      help: "Bookings and cancellations that came again and did not count",
      registers,
    });
    this.#commitSeconds = new Histogram({
      name: "consumer_commit_duration_seconds",
      help: "Time to commit outputs, state and offsets as one",
      buckets: [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10],
      registers,
    });
    this.#lag = new Gauge({
      name: "consumer_lag_records",
      help: "Records of an input partition, marks of transactions among them, that were not processed yet",
      labelNames: ["topic", "partition"],
      registers,
    });
    new Gauge({
      name: "consumer_flights_tracked",
      help: "Flights on sale",
      registers,
      collect() {
        this.set(sum((engine) => engine.flightsTracked));
      },
    });
    new Gauge({
      name: "consumer_events_waiting",
      help: "Events that wait for a flight that is not known yet",
      registers,
      collect() {
        this.set(sum((engine) => engine.eventsWaiting));
      },
    });
    new Gauge({
      name: "consumer_event_time_seconds",
      help: "Newest event time of a partition, seconds since 1970",
      labelNames: ["partition"],
      registers,
      collect() {
        this.reset();
        for (const [partition, { clockMs }] of engines) {
          if (Number.isFinite(clockMs)) this.set({ partition }, clockMs / 1000);
        }
      },
    });
    new Gauge({
      name: "consumer_booking_velocity_per_hour",
      help: `Bookings in the last 60 minutes of event time; left out above ${FLIGHT_SERIES_MAX} flights`,
      labelNames: ["flight_id"],
      registers,
      collect() {
        this.reset();
        if (sum((engine) => engine.flightsTracked) > FLIGHT_SERIES_MAX) return;
        for (const engine of engines.values()) {
          for (const [flight_id, velocity] of engine.velocities()) this.set({ flight_id }, velocity);
        }
      },
    });
  }

  committed(info: CommitInfo): void {
    this.#processed.inc(info.inputs);
    this.#repartitioned.inc(info.passedOn);
    this.#duplicates.inc(info.duplicates);
    this.#promotions.inc(
      info.outputs.reduce((n, output) => output.topic === "promo_decisions" ? n + 1 : n, 0),
    );
    this.#refused(info.refusals);
    this.#commitSeconds.observe(info.durationMs / 1000);
    this.reached(info.positions);
  }

  passedOn(info: PassedOnInfo): void {
    this.#repartitioned.inc(info.passedOn);
    this.#refused(info.refusals);
    this.reached(info.positions);
  }

  #refused(reasons: string[]): void {
    for (const reason of reasons) this.#deadLetters.inc({ reason });
  }

  /** All before these positions is processed and committed. */
  reached(positions: readonly PartitionOffset[]): void {
    for (const { topic, partition, offset } of positions) {
      this.#positions.set(`${topic}/${partition}`, offset);
    }
  }

  /** A partition number of these topics was given up: it has no series any more. */
  closed(partition: number, topics: readonly string[]): void {
    for (const topic of topics) this.#positions.delete(`${topic}/${partition}`);
  }

  /** Compares what the partitions hold with what was committed. */
  setLag(ranges: PartitionRange[]): void {
    this.#lag.reset();
    for (const { topic, partition, end } of ranges) {
      const position = this.#positions.get(`${topic}/${partition}`);
      if (position === undefined) continue;
      this.#lag.set({ topic, partition }, Math.max(0, end - position));
    }
  }
}
