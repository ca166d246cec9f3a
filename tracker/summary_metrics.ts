/** What the summary service counts beside its requests. */

import { Counter, Gauge, Histogram } from "../process/metrics_server.ts";
import type { ServiceMetrics } from "./service_metrics.ts";
import type { ModelFailure } from "./summary_model.ts";
import type { SummaryCommitInfo } from "./summary_task.ts";
import { TEMPLATE_NAME } from "./summary_template.ts";

/** See the module. */
export class SummaryMetrics {
  readonly #records: Counter;
  readonly #letters: Counter;
  readonly #written: Counter;
  readonly #reasons: Counter;
  readonly #fallbacks: Counter;
  readonly #tokens: Counter;
  readonly #calls: Histogram;
  readonly #lag: Gauge;

  constructor({ registry }: ServiceMetrics, consumer: { assigned: readonly number[] | undefined }) {
    const registers = [registry];
    const counter = (name: string, help: string, labelNames: string[] = []) =>
      new Counter({ name, help, labelNames, registers });
    this.#records = counter(
      "summary_records_total",
      "Records of flight-data-events, by what became of them",
      ["outcome"],
    );
    this.#letters = counter("summary_dead_letters_total", "Records refused, by reason", ["reason"]);
    this.#written = counter("summaries_written_total", "Summaries stored, by who wrote them", ["by"]);
    this.#reasons = counter("summary_changes_total", "Why flights were told of anew", ["reason"]);
    this.#fallbacks = counter(
      "summary_fallbacks_total",
      "Times that the template wrote in the model's place, by why",
      ["reason"],
    );
    this.#tokens = counter("llm_tokens_total", "Tokens that the model said its answers cost, used or not");
    this.#calls = new Histogram({
      name: "llm_api_duration_seconds",
      help: "Time that one call of the model took, by status",
      labelNames: ["outcome"],
      buckets: [0.1, 0.25, 0.5, 1, 2, 4, 10],
      registers,
    });
    this.#lag = new Gauge({
      name: "summary_lag_records",
      help: "Records of the partition that were known to wait at the last commit",
      labelNames: ["partition"],
      registers,
    });
    new Gauge({
      name: "summary_partitions",
      help: "Partitions of flight-data-events that this instance reads",
      registers,
      collect() {
        this.set(consumer.assigned?.length ?? 0);
      },
    });
  }

  committed(info: SummaryCommitInfo): void {
    for (const [outcome, count] of Object.entries(info.records)) {
      if (count > 0) this.#records.inc({ outcome }, count);
    }
    for (const reason of info.refusals) this.#letters.inc({ reason });
    for (const { modelUsed } of info.summaries) {
      this.#written.inc({ by: modelUsed === TEMPLATE_NAME ? "template" : "model" });
    }
    for (const reason of info.reasons) this.#reasons.inc({ reason });
    this.#lag.set({ partition: String(info.partition) }, info.lag);
  }

  closed(partition: number): void {
    this.#lag.remove({ partition: String(partition) });
  }

  called({ seconds, outcome, tokens }: { seconds: number; outcome: string; tokens: number }): void {
    this.#calls.observe({ outcome }, seconds);
    this.#tokens.inc(tokens);
  }

  fellBack(reason: ModelFailure): void {
    this.#fallbacks.inc({ reason });
  }
}
