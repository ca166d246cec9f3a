/**
 * Finds and mends gold tables that are missing or not ours. Python's ETL drops the tables and writes them anew with
 * every column as text; ours then creates them again and fills them from the lake.
 *
 * @module
 */

import { OperatorError } from "../process/run_process.ts";
import type { Sql, SqlClient, SqlTransaction } from "./connect.ts";
import { createStatements, GOLD_TABLES } from "./gold_tables.ts";
import type { GoldTable } from "./gold_tables.ts";

/** How the gold tables stand. */
export interface TablesState {
  /** Whether all are there and of our shape. */
  ours: boolean;
  missing: string[];
  /** Tables of another shape, and what is other. */
  foreign: { table: string; reason: string }[];
}

interface ColumnRow {
  table: string;
  kind: string;
  name: string | null;
  type: string | null;
  required: boolean | null;
  has_default: boolean | null;
}

/** Compares the gold tables in `public` with ours: column types, what may be null, keys. Further columns may be there. */
export async function tablesAreOurs(sql: SqlClient): Promise<TablesState> {
  const names = GOLD_TABLES.map(({ name }) => name);
  const columns = await sql<ColumnRow[]>`
    select c.relname as table, c.relkind::text as kind, a.attname as name,
      format_type(a.atttypid, a.atttypmod) as type, a.attnotnull as required, a.atthasdef as has_default
    from pg_catalog.pg_class c
    left join pg_catalog.pg_attribute a on a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped
    where c.relnamespace = 'public'::regnamespace and c.relname = any(${names})`;
  const keys = await sql<{ table: string; columns: string[] }[]>`
    select c.relname as table, array_agg(a.attname::text order by k.place) as columns
    from pg_catalog.pg_index i
    join pg_catalog.pg_class c on c.oid = i.indrelid
    cross join lateral unnest(i.indkey::int2[]) with ordinality as k (number, place)
    join pg_catalog.pg_attribute a on a.attrelid = c.oid and a.attnum = k.number
    where i.indisprimary and c.relnamespace = 'public'::regnamespace and c.relname = any(${names})
    group by c.relname`;
  const state: TablesState = { ours: true, missing: [], foreign: [] };
  for (const table of GOLD_TABLES) {
    const own = columns.filter((column) => column.table === table.name);
    if (own.length === 0) {
      state.missing.push(table.name);
      continue;
    }
    const reason = difference(table, own, keys.find((key) => key.table === table.name)?.columns);
    if (reason !== undefined) state.foreign.push({ table: table.name, reason });
  }
  state.ours = state.missing.length === 0 && state.foreign.length === 0;
  return state;
}

function difference(table: GoldTable, found: ColumnRow[], key: string[] | undefined): string | undefined {
  if (found[0]!.kind !== "r") return "it is not a plain table";
  for (const { name, type, nullable } of table.columns) {
    const column = found.find((candidate) => candidate.name === name);
    if (column === undefined) return `column ${name} is missing`;
    if (column.type !== type) return `column ${name} is ${column.type}, expected ${type}`;
    if (column.required && nullable) return `column ${name} takes no null`;
  }
  const known = new Set(table.columns.map(({ name }) => name));
  const further = found.find((column) => !known.has(column.name!) && column.required && !column.has_default);
  if (further !== undefined) return `column ${further.name} is not ours and takes no null`;
  if (key?.join() !== table.key.join()) {
    return `its key is ${key?.join(", ") ?? "missing"}, expected ${table.key.join(", ")}`;
  }
  return undefined;
}

const DROP: Record<string, string> = {
  r: "table",
  p: "table",
  f: "foreign table",
  v: "view",
  m: "materialized view",
};

/**
 * Creates the gold tables that are missing and, unless `onlyMissing`, drops and creates those of another shape. Where it
 * created any, the watermark is emptied in the same transaction: the tables are to be filled in full.
 *
 * Given a transaction it works within it, so that tables are dropped, created and filled as one.
 *
 * @throws {OperatorError} when something that is not ours depends on a table that has to go.
 */
export async function ensureTables(
  sql: Sql | SqlTransaction,
  options: { onlyMissing?: boolean } = {},
): Promise<{ rebuilt: string[] }> {
  const { onlyMissing = false } = options;
  const toRebuild = ({ missing, foreign }: TablesState) =>
    onlyMissing ? missing : [...missing, ...foreign.map(({ table }) => table)];
  if (toRebuild(await tablesAreOurs(sql)).length === 0) return { rebuilt: [] };
  const mend = async (tx: SqlTransaction) => {
    // The same lock as the migrations': of several that start at once, one creates the tables.
    await tx`lock table public.schema_migrations in share row exclusive mode`;
    const rebuilt = toRebuild(await tablesAreOurs(tx));
    for (const table of GOLD_TABLES.filter(({ name }) => rebuilt.includes(name))) await recreate(tx, table);
    if (rebuilt.length > 0) await tx`delete from public.etl_watermark`;
    return { rebuilt };
  };
  return "begin" in sql ? await sql.begin(mend) as { rebuilt: string[] } : await mend(sql);
}

async function recreate(tx: SqlTransaction, table: GoldTable): Promise<void> {
  const [found] = await tx<{ kind: string }[]>`
    select relkind::text as kind from pg_catalog.pg_class where oid = to_regclass(${`public.${table.name}`})`;
  if (found !== undefined) {
    try {
      await tx.savepoint((inner) => inner.unsafe(`drop ${DROP[found.kind] ?? "table"} public.${table.name}`));
    } catch (error) {
      const { code, detail } = error as { code?: string; detail?: string };
      if (code !== "2BP01") throw error;
      throw new OperatorError(
        `Table "${table.name}" has to be rebuilt, and other objects depend on it (${
          detail ?? ""
        }): drop them first`,
        { cause: error },
      );
    }
  }
  for (const statement of createStatements(table)) await tx.unsafe(statement);
}
