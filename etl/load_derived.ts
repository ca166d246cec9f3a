/** Brings the warehouse's derived tables to those of the gold folder: each replaced as a whole, all as one. */

import pl from "nodejs-polars";
import { answered } from "../warehouse/_answer_deadline.ts";
import type { SqlTransaction, Warehouse } from "../warehouse/connect.ts";
import { assertLease } from "../warehouse/lease.ts";
import type { Lease } from "../warehouse/lease.ts";
import { watchedTransaction } from "../warehouse/watched_transaction.ts";
import { DERIVED_TABLES, derivedRows } from "./derived_tables.ts";

/** Rows of one statement. */
const SLICE_ROWS = 2000;

/** How columns are typed where a list of rows comes as JSON. */
const COLUMN_TYPES = new Map(
  [[pl.String, "text"], [pl.Int32, "integer"], [pl.Float64, "double precision"]].map((
    [type, name],
  ) => [String(type), String(name)]),
);
/** Where the table has another type than the gold folder. */
const TYPED: Record<string, string> = {
  version: "date",
  promo_time: "timestamp with time zone",
  discount_percentage: "numeric(5,2)",
  revenue_after: "numeric(14,2)",
};

/**
 * Fills the tables where the warehouse has those of another day, or `full` says so; `false` where there was nothing to do.
 *
 * @param warehouse As `watchedTransaction` takes it, with an `other` connection.
 * @param day Of the gold folder's derived tables.
 */
export async function loadDerived(
  warehouse: Warehouse,
  options: { goldFolder: string; day: string; lease: Lease; full: boolean; other: Warehouse },
): Promise<boolean> {
  const { goldFolder, day, lease, full, other } = options;
  const asked = warehouse.sql<{ day: string | null }[]>`
    select value as day from public.etl_note where name = 'derived_day'`;
  const [stored] = await answered(warehouse, asked);
  if (!full && stored?.day === day) return false;
  const tables = new Map<string, Record<string, unknown>[]>();
  for (const { name } of DERIVED_TABLES) tables.set(name, await derivedRows(goldFolder, name));
  await watchedTransaction(warehouse, other, async (tx) => {
    await assertLease(tx, lease.name, lease.token);
    for (const [name, rows] of tables) await replaceRows(tx, name, rows);
    await tx`
      insert into public.etl_note (name, value) values ('derived_day', ${day})
      on conflict (name) do update set value = excluded.value`;
  });
  return true;
}

async function replaceRows(tx: SqlTransaction, name: string, rows: Record<string, unknown>[]): Promise<void> {
  await tx.unsafe(`delete from public.${name}`);
  const { schema } = DERIVED_TABLES.find((table) => table.name === name)!;
  const columns = Object.entries(schema).map(([column, type]) => ({
    column,
    type: TYPED[column] ?? COLUMN_TYPES.get(String(type))!,
  }));
  const names = columns.map(({ column }) => column).join(", ");
  const types = columns.map(({ column, type }) => `${column} ${type}`).join(", ");
  for (let at = 0; at < rows.length; at += SLICE_ROWS) {
    await tx.unsafe(
      `insert into public.${name} (${names})
       select ${names} from json_to_recordset($1::text::json) as slice (${types})`,
      [JSON.stringify(rows.slice(at, at + SLICE_ROWS))],
    );
  }
}
