/** The tables that are made of one topic, in each sink that is there, with what the topic's events make expect of them. */

import type { Warehouse } from "../warehouse/connect.ts";
import { DIM_FLIGHT } from "../warehouse/gold_tables.ts";
import type { GoldTable } from "../warehouse/gold_tables.ts";
import type { DeadLetter } from "../events/dead_letters.ts";
import { FACT_RULES } from "./expected_rows.ts";
import type { Findings } from "./findings.ts";
import { GoldUnreadableError, openGold } from "./gold_snapshot.ts";
import type { GoldSnapshot } from "./gold_snapshot.ts";
import { KeyTable } from "./key_table.ts";
import type { LakeEvent } from "./lake_scan.ts";
import { TableComparison } from "./table_comparison.ts";
import type { TableSnapshot } from "./table_comparison.ts";
import { FactExpectation, FlightExpectation } from "./table_expectation.ts";
import type { TableExpectation } from "./table_expectation.ts";
import { WarehouseSnapshot } from "./warehouse_snapshot.ts";

export interface TopicTablesOptions {
  goldFolder: string | undefined;
  warehouse: Warehouse | undefined;
  findings: Findings;
  onRows: (step: string, done: number, total: number) => void;
}

/** Tables by topic, and what the topic's rows follow from. */
function expectationsOf(topic: string): [GoldTable, (own: TableComparison[]) => TableExpectation][] {
  if (topic === "flight_lifecycle") return [[DIM_FLIGHT, (own) => new FlightExpectation(own)]];
  return FACT_RULES.filter((rule) => rule.topic === topic)
    .map((rule) => [rule.table, (own) => new FactExpectation(rule, own)]);
}

export class TopicTables {
  readonly comparisons: TableComparison[] = [];
  readonly #topic: string;
  readonly #expectations: TableExpectation[] = [];
  readonly #gold: GoldSnapshot[] = [];
  readonly #deadLetterIds = new KeyTable();

  private constructor(topic: string) {
    this.#topic = topic;
  }

  /** Opens the topic's tables and reads their rows. */
  static async open(topic: string, options: TopicTablesOptions): Promise<TopicTables> {
    const tables = new TopicTables(topic);
    try {
      for (const [table, expect] of expectationsOf(topic)) {
        const own: TableComparison[] = [];
        for (const snapshot of await tables.#snapshots(table, options)) {
          const comparison = new TableComparison(snapshot, topic, options.findings);
          const total = await snapshot.size();
          await comparison.load((done) => options.onRows(comparison.where, done, total));
          own.push(comparison);
        }
        tables.comparisons.push(...own);
        tables.#expectations.push(expect(own));
      }
    } catch (error) {
      tables.close();
      throw error;
    }
    return tables;
  }

  async #snapshots(table: GoldTable, options: TopicTablesOptions): Promise<TableSnapshot[]> {
    const { goldFolder, warehouse, findings } = options;
    const snapshots: TableSnapshot[] = [];
    if (goldFolder !== undefined) {
      try {
        const gold = await openGold(goldFolder, table);
        this.#gold.push(gold);
        snapshots.push(gold);
      } catch (error) {
        if (!(error instanceof GoldUnreadableError)) throw error;
        findings.add(`gold ${table.name}`, "unreadable", error.message);
      }
    }
    if (warehouse !== undefined) snapshots.push(new WarehouseSnapshot(warehouse, table));
    return snapshots;
  }

  take({ event, place }: LakeEvent): void {
    for (const expectation of this.#expectations) expectation.take(event, place);
    if (event.event_type === "DeadLetter") this.#deadLetterIds.add((event as DeadLetter).dead_letter_id);
  }

  /** The name under which the tables know a file of another program. */
  foreignLog(name: string): string {
    const cut = this.comparisons[0]?.snapshot.cut;
    return cut === undefined ? `file:${name}` : cut.foreignLog(this.#topic, name);
  }

  /** Different ids of the topic's events; of bookings, those that were made. */
  distinctIds(): number | null {
    if (this.#topic === "dead_letters") return this.#deadLetterIds.size;
    return this.#expectations[0]?.distinctIds() ?? null;
  }

  async conclude(): Promise<void> {
    for (const expectation of this.#expectations) await expectation.conclude();
  }

  close(): void {
    for (const gold of this.#gold) gold.close();
    this.#gold.length = 0;
  }
}
