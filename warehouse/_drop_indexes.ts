/** Indexes are made faster after a table's rows than beside them. */

import type { SqlTransaction } from "./connect.ts";
import type { GoldTable } from "./gold_tables.ts";

/** Drops the indexes of an empty table; returns the statements that make them again. */
export async function dropIndexes(tx: SqlTransaction, table: GoldTable): Promise<string[]> {
  const found = await tx<
    { name: string; statement: string; constraint_name: string | null; key: string | null }[]
  >`
    select i.relname as name, pg_get_indexdef(i.oid) as statement, c.conname as constraint_name,
      pg_get_constraintdef(c.oid) as key
    from pg_catalog.pg_index x
    join pg_catalog.pg_class i on i.oid = x.indexrelid
    left join pg_catalog.pg_constraint c on c.conindid = x.indexrelid and c.contype in ('p', 'u')
    where x.indrelid = ${`public.${table.name}`}::regclass
    order by x.indisprimary desc, i.relname`;
  const again: string[] = [];
  for (const { name, statement, constraint_name, key } of found) {
    if (constraint_name === null) {
      await tx.unsafe(`drop index public."${name}"`);
      again.push(statement);
    } else {
      await tx.unsafe(`alter table public.${table.name} drop constraint "${constraint_name}"`);
      again.push(`alter table public.${table.name} add constraint "${constraint_name}" ${key}`);
    }
  }
  return again;
}
