/** What a warehouse holds, to compare with the gold tables. */

import { GOLD_TABLES } from "../../warehouse/gold_tables.ts";
import type { TestWarehouse } from "../warehouse/_warehouse_support.ts";
import type { Fields, TestLake } from "./_etl_support.ts";

/** All gold tables of the warehouse, sorted, numbers as numbers and times as text. */
export async function warehouseContent(target: TestWarehouse): Promise<Record<string, Fields[]>> {
  const warehouse = await target.open(1);
  try {
    const content: Record<string, Fields[]> = {};
    for (const table of GOLD_TABLES) {
      const rows = await warehouse.sql.unsafe(`select * from public.${table.name}`);
      content[table.name] = sorted(rows.map((row) => plain(row as Fields)));
    }
    return content;
  } finally {
    await warehouse.close();
  }
}

/** The same of the gold tables. */
export function goldContent(lake: TestLake): Record<string, Fields[]> {
  return Object.fromEntries(GOLD_TABLES.map((table) => {
    const names = table.columns.map(({ name }) => name);
    const rows = lake.rows(table.name).map((row) =>
      Object.fromEntries(names.map((name) => [name, row[name]]))
    );
    return [table.name, sorted(rows.map(plain))];
  }));
}

function plain(row: Fields): Fields {
  const entries = Object.entries(row).map(([name, value]): [string, unknown] => {
    if (value instanceof Date) return [name, value.toISOString()];
    if (["total_price", "passenger_price", "discount_percentage"].includes(name)) {
      return [name, Number(value)];
    }
    if (["inputs", "thresholds"].includes(name)) return [name, canonical(value)];
    return [name, value];
  });
  return Object.fromEntries(entries.sort(([a], [b]) => a < b ? -1 : 1));
}

/** JSON objects compare by content. */
function canonical(value: unknown): unknown {
  const object = typeof value === "string" ? JSON.parse(value) : value;
  if (object === null || object === undefined) return null;
  return JSON.stringify(Object.entries(object).sort(([a], [b]) => a < b ? -1 : 1));
}

function sorted(rows: Fields[]): Fields[] {
  return rows.sort((a, b) => JSON.stringify(a) < JSON.stringify(b) ? -1 : 1);
}
