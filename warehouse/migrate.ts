/**
 * Brings a warehouse to the schema of this code.
 *
 * Each migration is one transaction that holds a lock on the table of what was applied, so that of several processes
 * that start at once one applies it and the others find it done. (An advisory lock would not do: all clients of the
 * embedded warehouse share one session.)
 *
 * @module
 */

import { createHash } from "node:crypto";
import { OperatorError } from "../process/run_process.ts";
import type { Sql, SqlClient } from "./connect.ts";
import { ensureTables, tablesAreOurs } from "./ensure_tables.ts";
import { MIGRATIONS } from "./migrations.ts";
import type { Migration } from "./migrations.ts";

/** What `prepareWarehouse` did and found. */
export interface Preparation {
  /** Names of the migrations that were applied. */
  applied: string[];
  /** Gold tables that were created, empty. */
  created: string[];
  /** Gold tables of another shape, left as they are: the next ETL run rebuilds them. */
  foreign: string[];
}

/**
 * Applies what is missing: migrations, then gold tables. Tables of another shape, such as Python's ETL writes, are left
 * for the ETL, which can fill them again. Idempotent, and safe when several do it at once.
 *
 * @throws {OperatorError} as {@link migrate} does.
 */
export async function prepareWarehouse(sql: Sql): Promise<Preparation> {
  const applied = await migrate(sql);
  const { missing, foreign } = await tablesAreOurs(sql);
  const created = missing.length === 0 ? [] : (await ensureTables(sql, { onlyMissing: true })).rebuilt;
  return { applied, created, foreign: foreign.map(({ table }) => table) };
}

/**
 * Applies the migrations that are missing, in order; returns their names.
 *
 * @param options `table`: where it is noted what was applied, with its schema. Default `public.schema_migrations`.
 * @throws {OperatorError} when an applied one differs from this code's, or the database is newer than the code.
 */
export async function migrate(
  sql: Sql,
  migrations: readonly Migration[] = MIGRATIONS,
  options: { table?: string } = {},
): Promise<string[]> {
  const { table = "public.schema_migrations" } = options;
  await createMigrationsTable(sql, table);
  const applied: string[] = [];
  // Most starts find nothing to do: they take no lock and need no right but to read.
  while (pendingOf(migrations, await appliedOf(sql, table)).length > 0) {
    const done = await sql.begin(async (tx) => {
      await tx`lock table ${tx(table)} in share row exclusive mode`;
      const next = pendingOf(migrations, await appliedOf(tx, table))[0];
      if (next === undefined) return undefined;
      await tx.unsafe(next.statements);
      await tx`
        insert into ${tx(table)} (version, name, checksum)
        values (${next.version}, ${next.name}, ${checksumOf(next)})`;
      return next.name;
    });
    if (done !== undefined) applied.push(done);
  }
  return applied;
}

/** SHA-256 of a migration's text; line ends do not count, since a checkout on Windows may change them. */
export function checksumOf(migration: Migration): string {
  return createHash("sha256").update(migration.statements.replaceAll("\r\n", "\n")).digest("hex");
}

interface AppliedMigration {
  version: number;
  name: string;
  checksum: string;
}

async function appliedOf(sql: SqlClient, table: string): Promise<AppliedMigration[]> {
  return await sql<AppliedMigration[]>`
    select version, name, checksum from ${sql(table)} order by version`;
}

function pendingOf(migrations: readonly Migration[], applied: AppliedMigration[]): Migration[] {
  for (const { version, name, checksum } of applied) {
    const known = migrations.find((migration) => migration.version === version);
    if (known === undefined) {
      throw new OperatorError(
        `The warehouse has schema version ${version} (${name}), this program knows up to ${
          Math.max(0, ...migrations.map((migration) => migration.version))
        }: run the newer version of the program that made it, or give this one a database of its own`,
      );
    }
    if (checksumOf(known) !== checksum) {
      throw new OperatorError(
        `Migration ${version} (${known.name}) differs from the one that was applied to this warehouse as "${name}": restore the file as it was and put the change into a new migration`,
      );
    }
  }
  const done = new Set(applied.map(({ version }) => version));
  return migrations.filter(({ version }) => !done.has(version));
}

async function createMigrationsTable(sql: Sql, table: string): Promise<void> {
  // Asked first, since CREATE needs a right that a process which only uses the tables may not have.
  const exists = async () => (await sql`select to_regclass(${table}) is not null as yes`)[0]!.yes as boolean;
  if (await exists()) return;
  try {
    await sql`
      create table if not exists ${sql(table)} (
        version integer primary key,
        name text not null,
        checksum text not null,
        applied_at timestamp with time zone not null default now()
      )`;
  } catch (error) {
    // "if not exists" does not hold among several that do it at the same moment.
    if (!await exists()) throw error;
  }
}
