/** The producer's Prometheus metrics. */

import { Counter, Gauge, Histogram, processRegistry, type Registry } from "../process/metrics_server.ts";
import type { FeedbackResult } from "./feedback.ts";
import type { EventRecord } from "./flight_simulation.ts";
import type { Simulation } from "./simulation.ts";

/** Above so many flights on sale the per-flight series are left out. */
export const FLIGHT_SERIES_MAX = 1000;
const CANCELLED = '{"event_type":"BookingCancelled"';

/** Counts what is committed and shows what the simulation stands at. */
export class ProducerMetrics {
  readonly registry: Registry = processRegistry();
  /** The simulation that is asked at each scrape. */
  simulation: Simulation | undefined;

  readonly #bookings = new Counter({
    name: "producer_bookings_emitted_total",
    help: "Bookings written to the log",
    registers: [this.registry],
  });
  readonly #cancellations = new Counter({
    name: "producer_cancellations_emitted_total",
    help: "Bookings given back, written to the log",
    registers: [this.registry],
  });
  readonly #events = new Counter({
    name: "producer_events_emitted_total",
    help: "Events written to the log",
    labelNames: ["topic"],
    registers: [this.registry],
  });
  readonly #promotions = new Counter({
    name: "producer_promotions_applied_total",
    help: "Promotions that raised the demand of a flight",
    registers: [this.registry],
  });
  readonly #ignored = new Counter({
    name: "producer_promotions_ignored_total",
    help: "Promotions without effect: the sale was closed, or they said nothing new",
    labelNames: ["reason"],
    registers: [this.registry],
  });
  readonly #deadLetters = new Counter({
    name: "producer_dead_letters_total",
    help: "Decisions that were refused",
    labelNames: ["reason"],
    registers: [this.registry],
  });
  readonly #commitSeconds = new Histogram({
    name: "producer_commit_duration_seconds",
    help: "Time of one commit of events, state and offsets",
    buckets: [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5],
    registers: [this.registry],
  });

  constructor() {
    const { registry } = this;
    const current = () => this.simulation;
    const asked = (name: string, help: string, value: (simulation: Simulation) => number) => {
      new Gauge({
        name,
        help,
        registers: [registry],
        collect() {
          const simulation = current();
          this.set(simulation === undefined ? 0 : value(simulation));
        },
      });
    };
    asked(
      "producer_live_flights",
      "Flights whose sale has opened and that are not over yet",
      (simulation) => simulation.liveFlights,
    );
    asked(
      "producer_active_promotions",
      "Flights on sale with a promotion",
      (simulation) => [...simulation.onSale()].filter(({ promotion }) => promotion !== undefined).length,
    );
    asked(
      "producer_backfill_progress_ratio",
      "Share of the flights of the past whose history is written, 0 to 1",
      ({ history }) => history.total === 0 ? 1 : history.done / history.total,
    );
    asked(
      "producer_simulated_time_seconds",
      "The simulated time that the events have reached, seconds since 1970",
      ({ cursor }) => cursor.timeMs / 1000,
    );
    new Gauge({
      name: "producer_booking_probability",
      help: `Probability of a booking within a second; left out above ${FLIGHT_SERIES_MAX} flights on sale`,
      labelNames: ["flight_id"],
      registers: [registry],
      collect() {
        this.reset();
        const flights = [...current()?.onSale() ?? []];
        if (flights.length > FLIGHT_SERIES_MAX) return;
        for (const { flightId, probability } of flights) this.set({ flight_id: flightId }, probability);
      },
    });
  }

  /** Counts what one commit stored. */
  committed(events: readonly EventRecord[], feedback: FeedbackResult, seconds: number): void {
    const byTopic: Record<string, number> = {};
    let cancellations = 0;
    for (const { topic, value } of events) {
      byTopic[topic] = (byTopic[topic] ?? 0) + 1;
      if (topic === "bookings" && value.startsWith(CANCELLED)) cancellations++;
    }
    for (const [topic, count] of Object.entries(byTopic)) this.#events.inc({ topic }, count);
    this.#bookings.inc((byTopic.bookings ?? 0) - cancellations);
    this.#cancellations.inc(cancellations);
    this.#promotions.inc(feedback.applied);
    for (const reason of feedback.ignored) this.#ignored.inc({ reason });
    for (const reason of feedback.refused) this.#deadLetters.inc({ reason });
    this.#commitSeconds.observe(seconds);
  }
}
