/** What the comparisons of the tables came to: rows, and money. */

import type { Findings } from "./findings.ts";
import { GOLD_TABLES } from "../warehouse/gold_tables.ts";
import type { RevenueReport, SinkReport, TableReport } from "./report.ts";
import type { RevenueByCurrency, TableComparison } from "./table_comparison.ts";

/** One line for each table. */
export function tableReports(comparisons: readonly TableComparison[], findings: Findings): TableReport[] {
  const bad = new Set(findings.differences().map(({ where }) => where));
  const sinkReport = (sink: "gold" | "warehouse", table: string): SinkReport | null => {
    const comparison = comparisons.find(({ snapshot }) =>
      snapshot.sink === sink && snapshot.table.name === table
    );
    if (comparison === undefined) return null;
    return {
      rows: comparison.rows,
      expected_rows: comparison.expectedRows,
      not_yet_written: comparison.notYetWritten,
      rows_beyond: comparison.rowsBeyond,
      agrees: !bad.has(comparison.where),
    };
  };
  return GOLD_TABLES.map(({ name }) => ({
    table: name,
    gold: sinkReport("gold", name),
    warehouse: sinkReport("warehouse", name),
  }));
}

const NOTHING = { passengerCents: 0, bookingCents: 0 };

/** Revenue by sink and currency, to the cent; what differs is a difference. */
export function revenueReports(comparisons: readonly TableComparison[], findings: Findings): RevenueReport[] {
  return comparisons.flatMap(({ snapshot, where, revenue, expectedRevenue }) =>
    currenciesOf(revenue, expectedRevenue).map((currency) => {
      const found = revenue[currency] ?? NOTHING;
      const expected = expectedRevenue[currency] ?? NOTHING;
      const agrees = found.passengerCents === expected.passengerCents &&
        found.bookingCents === expected.bookingCents && found.passengerCents === found.bookingCents;
      if (!agrees) {
        findings.add(
          where,
          "revenue",
          `${currency}: passengers' prices sum to ${money(found.passengerCents)}, bookings' to ${
            money(found.bookingCents)
          }, the lake says ${money(expected.passengerCents)}`,
        );
      }
      return {
        sink: snapshot.sink,
        currency,
        passenger_prices: money(found.passengerCents),
        booking_prices: money(found.bookingCents),
        expected: money(expected.passengerCents),
        agrees,
      };
    })
  );
}

function currenciesOf(...revenues: RevenueByCurrency[]): string[] {
  return [...new Set(revenues.flatMap((revenue) => Object.keys(revenue)))].sort();
}

/** Cents as decimal text, `1234.50`. */
export function money(cents: number): string {
  return (cents / 100).toFixed(2);
}
