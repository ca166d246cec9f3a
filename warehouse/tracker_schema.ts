/** The schema of the flight summaries: its migrations, and who may read them. */

import { migrate } from "./migrate.ts";
import type { Migration } from "./migrations.ts";
import type { Sql } from "./connect.ts";
import { READER_ROLE } from "./roles.ts";
import flightSummaries from "./tracker_migrations/0001_flight_summaries.sql" with { type: "text" };

/** Where the tables are: `public` in a database of their own, `tracker` beside the warehouse. */
export type TrackerSchema = "public" | "tracker";

const MIGRATIONS: readonly Migration[] = [
  { version: 1, name: "flight_summaries", statements: flightSummaries },
];

/**
 * Applies the migrations that are missing and lets the reader read; returns the names of those applied. Idempotent, and
 * safe when several do it at once.
 *
 * @throws {OperatorError} as `migrate()` does.
 */
export async function prepareTracker(sql: Sql, schema: TrackerSchema): Promise<string[]> {
  if (schema !== "public") await createSchema(sql, schema);
  const applied = await migrate(
    sql,
    MIGRATIONS.map((migration) => ({
      ...migration,
      statements: migration.statements.replaceAll("{schema}", schema),
    })),
    { table: `${schema}.tracker_migrations` },
  );
  await letReaderRead(sql, schema);
  return applied;
}

async function createSchema(sql: Sql, schema: TrackerSchema): Promise<void> {
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

/** The role that may only read the warehouse may read the summaries too, where there is such a role. */
async function letReaderRead(sql: Sql, schema: TrackerSchema): Promise<void> {
  const summaries = `${schema}.flight_summaries`;
  // One after another: Postgres refuses grants of the same thing at the same moment.
  await sql.unsafe(`
    do $$ begin
      if exists (select from pg_catalog.pg_roles where rolname = '${READER_ROLE}') then
        perform pg_advisory_xact_lock(hashtext('${summaries} grants'));
        if not (has_schema_privilege('${READER_ROLE}', '${schema}', 'usage')
          and has_table_privilege('${READER_ROLE}', '${summaries}', 'select')) then
          grant usage on schema ${schema} to ${READER_ROLE};
          grant select on ${summaries} to ${READER_ROLE};
        end if;
      end if;
    exception when insufficient_privilege then null;
    end $$`);
}
