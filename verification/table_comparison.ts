/**
 * One table of one sink against the rows that the lake makes expect. The sink's rows are loaded as hashes, then the
 * expected ones are held against them; nothing is kept as text but a few examples.
 *
 * @module
 */

import { FACT_BOOKING } from "../warehouse/gold_tables.ts";
import type { GoldTable } from "../warehouse/gold_tables.ts";
import type { Cut, LakePlace } from "./cut.ts";
import type { Findings } from "./findings.ts";
import { KeyTable } from "./key_table.ts";
import { columnIndex, keyOf, shownChanges, shownKey } from "./table_rows.ts";
import type { Row } from "./table_rows.ts";
import { hashRow } from "./text_hash.ts";

const FOUND = 1;
const EXPECTED = 2;
/** The sink holds a newer row of that key, beyond its cut. */
const BEYOND = 4;

/** Money of bookings in one currency, in cents. */
export interface Revenue {
  /** Sum of the passengers' shares. */
  passengerCents: number;
  /** Sum of the bookings' prices, each booking once. */
  bookingCents: number;
}

export type RevenueByCurrency = Record<string, Revenue>;

/** What a sink holds of a table. */
export interface TableSnapshot {
  sink: "gold" | "warehouse";
  table: GoldTable;
  /** What the rows cover; known once they were read. */
  readonly cut: Cut;
  /** How many rows there are, for the progress. */
  size(): Promise<number>;
  /** Hands over all rows; rows with a place beyond the cut are left out by {@link TableComparison.load}. */
  rows(take: (row: Row, place?: LakePlace) => void): Promise<void>;
}

const CURRENCY = columnIndex(FACT_BOOKING, "currency");
const PASSENGER_NUMBER = columnIndex(FACT_BOOKING, "passenger_number");
const PASSENGER_PRICE = columnIndex(FACT_BOOKING, "passenger_price");
const TOTAL_PRICE = columnIndex(FACT_BOOKING, "total_price");

function addRevenue(revenue: RevenueByCurrency, row: Row): void {
  const own = revenue[String(row[CURRENCY] ?? "none")] ??= { passengerCents: 0, bookingCents: 0 };
  own.passengerCents += row[PASSENGER_PRICE] as number;
  if (row[PASSENGER_NUMBER] === 1) own.bookingCents += row[TOTAL_PRICE] as number;
}

/** Examples of changed rows that are looked for in the sink. */
const CHANGED_MAX = 5;

export class TableComparison {
  readonly snapshot: TableSnapshot;
  /** Rows that the sink holds, up to its cut. */
  rows = 0;
  expectedRows = 0;
  /** Events that the sink has not taken yet. */
  notYetWritten = 0;
  /** Rows that the sink holds beyond its cut: a run is under way, or was cut off. */
  rowsBeyond = 0;
  readonly revenue: RevenueByCurrency = {};
  readonly expectedRevenue: RevenueByCurrency = {};
  readonly where: string;
  readonly #topic: string;
  readonly #keys = new KeyTable();
  readonly #findings: Findings;
  readonly #changed = new Map<string, Row>();

  constructor(snapshot: TableSnapshot, topic: string, findings: Findings) {
    this.snapshot = snapshot;
    this.where = `${snapshot.sink} ${snapshot.table.name}`;
    this.#topic = topic;
    this.#findings = findings;
  }

  /** Reads the sink's rows. */
  async load(onRow: (rows: number) => void): Promise<void> {
    const { table } = this.snapshot;
    await this.snapshot.rows((row, place) => {
      if (place !== undefined && !this.snapshot.cut.covers(this.#topic, place)) {
        this.rowsBeyond++;
        this.#keys.setFlags(this.#keys.add(keyOf(table, row)), BEYOND);
        return;
      }
      this.rows++;
      if ((this.rows & 0x3ff) === 0) onRow(this.rows);
      if (table === FACT_BOOKING) addRevenue(this.revenue, row);
      const slot = this.#keys.add(keyOf(table, row));
      if (this.#keys.hasFlags(slot, FOUND)) {
        this.#findings.add(this.where, "doubled", shownKey(table, row));
        return;
      }
      this.#keys.setFlags(slot, FOUND);
      this.#keys.setValueAt(slot, hashRow(row));
    });
  }

  /** Whether the sink says that it holds what stands there; counts what it does not hold yet. */
  covers(place: LakePlace): boolean {
    if (this.snapshot.cut.covers(this.#topic, place)) return true;
    this.notYetWritten++;
    return false;
  }

  /** Holds one expected row against the sink's; the same key must not come twice. */
  expect(row: Row): void {
    const { table } = this.snapshot;
    const key = keyOf(table, row);
    const slot = this.#keys.add(key);
    this.#keys.setFlags(slot, EXPECTED);
    // A newer event has taken the row's place already.
    if (this.#keys.hasFlags(slot, BEYOND) && !this.#keys.hasFlags(slot, FOUND)) return;
    this.expectedRows++;
    if (table === FACT_BOOKING) addRevenue(this.expectedRevenue, row);
    if (!this.#keys.hasFlags(slot, FOUND)) {
      this.#findings.add(this.where, "missing", shownKey(table, row));
    } else if (this.#keys.valueAt(slot) !== hashRow(row)) {
      this.#findings.add(this.where, "changed", undefined);
      if (this.#changed.size < CHANGED_MAX) this.#changed.set(key, row);
    }
  }

  /** Once all is expected: counts rows that nothing explains, and reads the sink again to name a few of each. */
  async conclude(): Promise<void> {
    const { table, cut } = this.snapshot;
    const unexpected = this.#keys.count(FOUND, EXPECTED);
    this.#findings.add(this.where, "unexpected", undefined, unexpected);
    if (unexpected === 0 && this.#changed.size === 0) return;
    const shown = new Set<string>();
    await this.snapshot.rows((row, place) => {
      if (place !== undefined && !cut.covers(this.#topic, place)) return;
      const key = keyOf(table, row);
      const expected = this.#changed.get(key);
      if (expected !== undefined && !shown.has(key)) {
        const changes = shownChanges(table, row, expected);
        if (changes !== "") {
          shown.add(key);
          this.#findings.addExample(this.where, "changed", `${shownKey(table, row)}: ${changes}`);
        }
      }
      if (unexpected === 0 || !this.#findings.wantsExamples(this.where, "unexpected")) return;
      const slot = this.#keys.find(key);
      if (slot !== -1 && this.#keys.hasFlags(slot, FOUND) && !this.#keys.hasFlags(slot, EXPECTED)) {
        this.#findings.addExample(this.where, "unexpected", shownKey(table, row));
      }
    });
  }
}
