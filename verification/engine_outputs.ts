/**
 * What the inventory engine put out, by the input records that led to it: each output's id names one
 * (`<topic>-<partition>-<offset>-<n>@<log>`), and no input may lead to two metrics or two promotions.
 *
 * @module
 */

import type { CabinInventoryMetrics } from "../events/inventory_metrics.ts";
import type { PromotionTriggered } from "../events/promo_decisions.ts";
import type { Findings } from "./findings.ts";
import { ByPlace, OffsetSet } from "./offset_sets.ts";

const OUTPUT_ID = /^(.+)-(\d{1,9})-(\d{1,16})-(\d{1,6})@([0-9a-f]{8})$/;
const OUTPUT_TOPICS = ["inventory_metrics", "promo_decisions"] as const;

type EngineOutput = CabinInventoryMetrics | PromotionTriggered;

export class EngineOutputs {
  /** Outputs that say which record they come from. */
  linked = 0;
  /** Outputs of other programs, which do not say. */
  unlinked = 0;
  readonly #findings: Findings;
  readonly #byTopic = {
    inventory_metrics: new ByPlace(() => new OffsetSet()),
    promo_decisions: new ByPlace(() => new OffsetSet()),
  };
  readonly #inputs = new ByPlace(() => new OffsetSet());
  readonly #promotions = new Map<string, number>();
  readonly #oversold = new Set<string>();

  constructor(findings: Findings) {
    this.#findings = findings;
  }

  /** Takes one output, each record of the log once. `log` is the log it stands in. */
  take(event: EngineOutput, log: string, shownPlace: () => string): void {
    if (event.event_type === "CabinInventoryMetrics") this.#checkSeats(event, shownPlace);
    const match = typeof event.event_id === "string" ? OUTPUT_ID.exec(event.event_id) : null;
    if (match === null) this.unlinked++;
    else {
      this.linked++;
      const topic = event.event_type === "CabinInventoryMetrics" ? "inventory_metrics" : "promo_decisions";
      const offsets = this.#byTopic[topic].at(match[5]!, match[1]!, Number(match[2]));
      if (!offsets.add(Number(match[3]))) {
        this.#findings.add("engine", `${topic} doubled`, `${event.event_id}, again in ${shownPlace()}`);
        return;
      }
    }
    if (event.event_type === "PromotionTriggered") {
      const key = `${event.flight_id}\n${log}`;
      this.#promotions.set(key, (this.#promotions.get(key) ?? 0) + 1);
    }
  }

  /** An input record that exists, in the lake or in the log. */
  addInput(log: string, topic: string, partition: number, offset: number): void {
    this.#inputs.at(log, topic, partition).add(offset);
  }

  /** Whether an input record led to metrics. */
  hasMetrics(log: string, topic: string, partition: number, offset: number): boolean {
    return this.#byTopic.inventory_metrics.existing(log, topic, partition)?.has(offset) ?? false;
  }

  /** Promotions that were decided, and the flights they are on. */
  promotions(): { decided: number; flights: number } {
    let decided = 0;
    for (const count of this.#promotions.values()) decided += count;
    return { decided, flights: this.#promotions.size };
  }

  /**
   * Once inputs and outputs are all known: every output's input must exist, unless it has aged out.
   *
   * @param currentLog The log that was read, where one was: of it all inputs are known.
   */
  checkInputs(currentLog: string | undefined): void {
    for (const outputTopic of OUTPUT_TOPICS) {
      for (const { log, topic, partition, value } of this.#byTopic[outputTopic].all()) {
        const inputs = this.#inputs.existing(log, topic, partition);
        // Of a log of which nothing is left, nothing can be said.
        if (inputs === undefined && log !== currentLog) continue;
        const first = inputs?.min ?? 0;
        for (const offset of value) {
          if (offset < first || inputs?.has(offset)) continue;
          this.#findings.add(
            "engine",
            `${outputTopic} without input`,
            `${topic}-${partition}-${offset} of log ${log} does not exist`,
          );
        }
      }
    }
  }

  /** No flight may have more promotions than the consumer was allowed to give. */
  checkPromotions(max: number): void {
    for (const [key, count] of this.#promotions) {
      if (count <= max) continue;
      this.#findings.add("promotions", "too many", `${key.split("\n")[0]} has ${count}, at most ${max}`);
    }
  }

  #checkSeats(event: CabinInventoryMetrics, shownPlace: () => string): void {
    if (event.booked_seats <= event.total_seats || this.#oversold.has(event.flight_id)) return;
    this.#oversold.add(event.flight_id);
    this.#findings.add(
      "seats",
      "flights oversold by their metrics",
      `${event.flight_id} had ${event.booked_seats} of ${event.total_seats} seats booked at ${event.event_time} (${shownPlace()})`,
    );
  }
}
