/** The schema of the minute windows: its migrations, and who may read it. */

import { migrate } from "./migrate.ts";
import type { Migration } from "./migrations.ts";
import type { Sql } from "./connect.ts";
import { READER_ROLE } from "./roles.ts";
import minuteWindows from "./realtime_migrations/0001_minute_windows.sql" with { type: "text" };

/** Where the tables are: `public` in a database of their own, `realtime` beside the warehouse. */
export type RealtimeSchema = "public" | "realtime";

const MIGRATIONS: readonly Migration[] = [
  { version: 1, name: "minute_windows", statements: minuteWindows },
];

/**
 * Applies the migrations that are missing and lets the reader read; returns the names of those applied. Idempotent, and safe when several do it at once.
 *
 * @throws {OperatorError} as `migrate()` does.
 */
export async function prepareRealtime(sql: Sql, schema: RealtimeSchema): Promise<string[]> {
  if (schema !== "public") await createSchema(sql, schema);
  const applied = await migrate(
    sql,
    MIGRATIONS.map((migration) => ({
      ...migration,
      statements: migration.statements.replaceAll("{schema}", schema),
    })),
    { table: `${schema}.realtime_migrations` },
  );
  await letReaderRead(sql, schema);
  return applied;
}

async function createSchema(sql: Sql, schema: RealtimeSchema): Promise<void> {
  // Asked first, since CREATE needs a right that a process which only uses the tables may not have.
  const exists = async () =>
    (await sql`select to_regnamespace(${schema}) is not null as yes`)[0]!.yes as boolean;
  if (await exists()) return;
  try {
    await sql.unsafe(`create schema if not exists ${schema}`);
  } catch (error) {
    // "if not exists" does not hold among several that do it at the same moment.
    if (!await exists()) throw error;
  }
}

/**
 * The role that may only read the warehouse may read this too, where there is such a role. One at a time: two GRANTs at
 * the same moment fail by "tuple concurrently updated".
 */
async function letReaderRead(sql: Sql, schema: RealtimeSchema): Promise<void> {
  const tables = [`${schema}.stream_metrics_minute`, `${schema}.stream_state`];
  const [{ missing } = { missing: false }] = await sql<{ missing: boolean }[]>`
    select exists (
      select from pg_catalog.pg_roles as r, unnest(${tables}::text[]) as t (name)
      where r.rolname = ${READER_ROLE} and not (
        pg_catalog.has_schema_privilege(r.oid, ${schema}, 'USAGE')
        and pg_catalog.has_table_privilege(r.oid, t.name, 'SELECT')
      )
    ) as missing`;
  if (!missing) return;
  await sql.unsafe(`
    do $$ begin
      lock table ${schema}.realtime_migrations in share row exclusive mode;
      grant usage on schema ${schema} to ${READER_ROLE};
      grant select on ${tables.join(", ")} to ${READER_ROLE};
    exception when insufficient_privilege then null;
    end $$`);
}
