/** What one topic's events make expect of its tables: of the same event twice, the first by log, partition, offset. */

import type { FlightLifecycleEvent } from "../events/flight_lifecycle.ts";
import type { AirlineEvent } from "../events/parse_event.ts";
import type { LakePlace } from "./cut.ts";
import { ExpectedFlights } from "./expected_flights.ts";
import type { FactRule } from "./expected_rows.ts";
import { KeyTable } from "./key_table.ts";
import type { TableComparison } from "./table_comparison.ts";

/** Takes the lake's events of one topic in the lake's order, and holds the rows that follow against the sinks. */
export interface TableExpectation {
  take(event: AirlineEvent, place: LakePlace): void;
  /** Different ids of the events that were taken. */
  distinctIds(): number;
  conclude(): Promise<void>;
}

/** A fact table in up to seven sinks. */
export class FactExpectation implements TableExpectation {
  readonly #rule: FactRule;
  readonly #comparisons: readonly TableComparison[];
  readonly #keys = new KeyTable();

  constructor(rule: FactRule, comparisons: readonly TableComparison[]) {
    this.#rule = rule;
    this.#comparisons = comparisons;
  }

  take(event: AirlineEvent, place: LakePlace): void {
    if (event.event_type !== this.#rule.eventType) return;
    const slot = this.#keys.add(this.#rule.eventKey(event, place));
    let rows: ReturnType<FactRule["rows"]> | undefined;
    for (let index = 0; index < this.#comparisons.length; index++) {
      const comparison = this.#comparisons[index]!;
      if (!comparison.covers(place) || this.#keys.hasFlags(slot, 1 << index)) continue;
      this.#keys.setFlags(slot, 1 << index);
      rows ??= this.#rule.rows(event, place);
      for (const row of rows) comparison.expect(row);
    }
  }

  distinctIds(): number {
    return this.#keys.size;
  }

  async conclude(): Promise<void> {
    for (const comparison of this.#comparisons) await comparison.conclude();
  }
}

/** `dim_flight`: each sink's flights are folded up to the sink's own cut. */
export class FlightExpectation implements TableExpectation {
  readonly #sinks: { comparison: TableComparison; flights: ExpectedFlights }[];
  readonly #ids = new KeyTable();

  constructor(comparisons: readonly TableComparison[]) {
    this.#sinks = comparisons.map((comparison) => ({ comparison, flights: new ExpectedFlights() }));
  }

  take(event: AirlineEvent, place: LakePlace): void {
    const lifecycle = event as FlightLifecycleEvent;
    this.#ids.add(lifecycle.flight_id);
    for (const { comparison, flights } of this.#sinks) {
      if (comparison.covers(place)) flights.take(lifecycle, place);
    }
  }

  distinctIds(): number {
    return this.#ids.size;
  }

  async conclude(): Promise<void> {
    for (const { comparison, flights } of this.#sinks) {
      for (const row of flights.rows()) comparison.expect(row);
      await comparison.conclude();
    }
  }
}
