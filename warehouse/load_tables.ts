/**
 * Loads rows into the gold tables: everything a run brings in one transaction with its watermark, so that the warehouse
 * is always some state of the lake, whole.
 *
 * 1 assert the lease, 2 make sure that the tables are ours, 3 fill each table, 4 watermark and run, 5 make sure that the
 * connection is still the one that began the transaction, 6 commit.
 *
 * A real Postgres is filled by `COPY`, the embedded one by lists of rows as JSON (it takes no streaming `COPY`).
 *
 * @module
 */

import { copyFile, LoadFailedError } from "./_copy_file.ts";
import type { SqlTransaction, Warehouse } from "./connect.ts";
import { dropIndexes } from "./_drop_indexes.ts";
import { ensureTables } from "./ensure_tables.ts";
import type { GoldTable } from "./gold_tables.ts";
import { assertLease } from "./lease.ts";
import type { Lease } from "./lease.ts";
import { watchedTransaction } from "./watched_transaction.ts";

export { LoadFailedError };

/** Rows that are to go into one table. */
export interface TableRows {
  table: GoldTable;
  rows: number;
  /** Path of a CSV file without a header, columns in the table's order, null as nothing, text quoted where needed. */
  csvFile: () => Promise<string>;
  /** The same rows as JSON arrays of objects with the table's columns, some thousand each. */
  jsonSlices: () => AsyncIterable<string>;
}

/** How far a partition is in the warehouse. */
export interface WatermarkEntry {
  log_id: string;
  topic: string;
  partition: number;
  /** The offset of the next record to be loaded. */
  next_offset: number;
}

/** What a run tells of itself; stored with its rows. */
export interface LoadedRun {
  runId: string;
  startedAt: Date;
  rowsRead: number;
  rowsRejected: number;
}

export interface LoadOptions {
  lease: Lease;
  tables: readonly TableRows[];
  watermark: readonly WatermarkEntry[];
  /** The tables are emptied first and their watermark with them; readers see the old rows until the commit. */
  full: boolean;
  run: LoadedRun;
  /** Told while a table is filled: how many of its rows (an estimate where `COPY` fills it). */
  onProgress?: (table: string, rows: number) => void;
  /** A `COPY` that takes nothing for so long is given up. Default 60,000 ms. */
  copyStallMs?: number;
  /** Another connection, which tells when the transaction is over and its own connection has died in silence. */
  other?: Warehouse;
}

/** What a load did: rows that were added or changed, by table. */
export type LoadedRows = Record<string, number>;

/** The tables changed their shape since it was decided what to load: decide again. */
export class TablesChangedError extends Error {
  override name = "TablesChangedError";
}

/** The watermark that is stored; empty: the tables are to be filled in full. */
export async function readWatermark({ sql }: Warehouse): Promise<WatermarkEntry[]> {
  return await sql<WatermarkEntry[]>`
    select log_id, topic, partition, next_offset from public.etl_watermark order by 1, 2, 3`;
}

/**
 * Loads all rows as one transaction.
 *
 * @param warehouse Opened with `max: 1`: a load must stay on one connection. Where that is lost it is closed.
 * @throws {LeaseLostError} when another run took over.
 * @throws {TablesChangedError} when tables had to be made anew and `full` is not set.
 * @throws {LoadFailedError} when the server refuses rows or stops answering; the message says which table.
 */
export async function loadTables(warehouse: Warehouse, options: LoadOptions): Promise<LoadedRows> {
  const files = warehouse.embedded ? new Map() : csvFiles(options.tables);
  try {
    // A transaction that waits for long would be ended as idle: the first file is there when it begins, and the next ones
    // are made faster than the server takes the one before.
    await files.values().next().value;
    return await watchedTransaction(
      warehouse,
      options.other,
      (tx) => loadAll(warehouse, tx, files, options),
    );
  } finally {
    await Promise.allSettled(files.values());
  }
}

/** Starts making the CSV files, one after another, while those before are loaded. */
function csvFiles(tables: readonly TableRows[]): Map<string, Promise<string>> {
  const files = new Map<string, Promise<string>>();
  let previous: Promise<unknown> = Promise.resolve();
  for (const rows of tables) {
    if (rows.rows === 0) continue;
    const file = previous.then(() => rows.csvFile());
    // Whoever waits for the file is told of its failure.
    previous = file.catch(() => {});
    files.set(rows.table.name, file);
  }
  return files;
}

async function loadAll(
  warehouse: Warehouse,
  tx: SqlTransaction,
  files: ReadonlyMap<string, Promise<string>>,
  options: LoadOptions,
): Promise<LoadedRows> {
  const { lease, tables, watermark, full, run } = options;
  await assertLease(tx, lease.name, lease.token);
  const { rebuilt } = await ensureTables(tx);
  if (rebuilt.length > 0 && !full) {
    throw new TablesChangedError(
      `Tables ${rebuilt.join(", ")} had to be made anew: they are filled in full`,
    );
  }
  if (!warehouse.embedded) await tx`select set_config('maintenance_work_mem', '256MB', true)`;
  const loaded: LoadedRows = {};
  for (const rows of tables) {
    loaded[rows.table.name] = await loadTable(warehouse, tx, rows, files, options);
  }
  if (full) await tx`delete from public.etl_watermark`;
  await tx`
      insert into public.etl_watermark as old (log_id, topic, partition, next_offset, updated_at)
      select log_id, topic, partition, next_offset, now()
      from json_to_recordset(${JSON.stringify(watermark)}::text::json)
        as new (log_id text, topic text, partition integer, next_offset bigint)
      on conflict (log_id, topic, partition) do update
      set next_offset = excluded.next_offset, updated_at = excluded.updated_at
      where old.next_offset < excluded.next_offset`;
  const rowsNew = Object.values(loaded).reduce((total, rows) => total + rows, 0);
  await tx`
      insert into public.etl_run
        (run_id, started_at, finished_at, full_rebuild, rows_read, rows_new, rows_rejected)
      values (${run.runId}, ${run.startedAt}, clock_timestamp(), ${full}, ${run.rowsRead}, ${rowsNew},
        ${run.rowsRejected})`;
  return loaded;
}

const COPY_STALL_MS = 60_000;

/** From so many rows on, an empty table gets its indexes after its rows: about twice as fast. */
const BULK_ROWS = 50_000;

async function loadTable(
  warehouse: Warehouse,
  tx: SqlTransaction,
  rows: TableRows,
  files: ReadonlyMap<string, Promise<string>>,
  options: LoadOptions,
): Promise<number> {
  const { table } = rows;
  const name = `public.${table.name}`;
  if (options.full) await tx.unsafe(`truncate ${name}`);
  if (rows.rows === 0) return 0;
  const [found] = await tx.unsafe(`select exists (select 1 from ${name}) as any`);
  if (found!.any === false) {
    if (rows.rows < BULK_ROWS) {
      await fill(warehouse, tx, name, rows, files, options);
      return rows.rows;
    }
    // Rows of a table that was truncated in the same transaction can be written as old ones at once.
    await tx.unsafe(`truncate ${name}`);
    const indexes = await dropIndexes(tx, table);
    await fill(warehouse, tx, name, rows, files, options, { freeze: true });
    for (const statement of indexes) await tx.unsafe(statement);
    // Until the server comes to it by itself, queries would be planned by guesswork.
    await tx.unsafe(`analyze ${name}`);
    return rows.rows;
  }
  const columns = table.columns.map((column) => column.name);
  const staged = `staged_${table.name}`;
  await tx.unsafe(
    `create temporary table ${staged} on commit drop as select ${columns.join(", ")} from ${name} limit 0`,
  );
  await fill(warehouse, tx, staged, rows, files, options);
  await tx.unsafe(`analyze ${staged}`);
  let changed = 0;
  const [first, ...others] = table.key;
  if (others.length > 0) {
    // A booking that another event now stands for may have fewer passengers than before.
    const removed = await tx.unsafe(`
      delete from ${name} as old using (select distinct ${first} from ${staged}) as new
      where old.${first} = new.${first} and not exists (
        select 1 from ${staged} as kept where ${
      table.key.map((column) => `kept.${column} = old.${column}`).join(" and ")
    })`);
    changed += removed.count;
  }
  const rest = columns.filter((column) => !table.key.includes(column));
  const merged = await tx.unsafe(`
    insert into ${name} as old (${columns.join(", ")}) select ${columns.join(", ")} from ${staged}
    on conflict (${table.key.join(", ")}) do update set ${
    rest.map((column) => `${column} = excluded.${column}`).join(", ")
  }
    where (${rest.map((column) => `old.${column}`).join(", ")})
      is distinct from (${rest.map((column) => `excluded.${column}`).join(", ")})`);
  return changed + merged.count;
}

async function fill(
  warehouse: Warehouse,
  tx: SqlTransaction,
  target: string,
  rows: TableRows,
  files: ReadonlyMap<string, Promise<string>>,
  options: LoadOptions,
  { freeze = false } = {},
): Promise<void> {
  const { table } = rows;
  const columns = table.columns.map((column) => column.name);
  const report = (done: number) => options.onProgress?.(table.name, done);
  if (warehouse.embedded) {
    const types = table.columns.map(({ name, type }) => `${name} ${type}`).join(", ");
    // JSON comes as a text within JSON: taken as it is, it would be stored as a string, not as an object.
    const values = table.columns.map(({ name, type }) =>
      type === "jsonb" ? `(${name} #>> '{}')::jsonb` : name
    );
    let done = 0;
    for await (const json of rows.jsonSlices()) {
      const inserted = await tx.unsafe(
        `insert into ${target} (${columns.join(", ")})
         select ${values.join(", ")} from json_to_recordset($1::text::json) as slice (${types})`,
        [json],
      );
      report(done += inserted.count);
    }
    return mustBeAll(rows, done);
  }
  const statement = `copy ${target} (${columns.join(", ")}) from stdin with (format csv${
    freeze ? ", freeze" : ""
  })`;
  await copyFile(warehouse, tx, statement, {
    file: await files.get(table.name)!,
    table: table.name,
    stallMs: options.copyStallMs ?? COPY_STALL_MS,
    onShare: (share) => report(Math.round(rows.rows * share)),
  });
  const [copied] = await tx.unsafe(`select count(*) as rows from ${target}`);
  mustBeAll(rows, Number(copied!.rows));
}

/**
 * Rows may go missing on their way without an error: on a full disk Polars ends a CSV file early and says nothing.
 *
 * @throws {LoadFailedError}
 */
function mustBeAll({ table, rows }: TableRows, filled: number): void {
  if (filled === rows) return;
  throw new LoadFailedError(
    `${filled} of ${rows} rows of ${table.name} came to the warehouse: is the disk of lake/gold full? ` +
      "Nothing of this run is stored there",
  );
}
