/**
 * Brings the warehouse up to the gold tables: what lies behind its watermark is taken from the Parquet files, so it makes no
 * difference whether this run wrote it, or an earlier one while the warehouse was away.
 *
 * @module
 */

import pl from "nodejs-polars";
import type { LazyDataFrame } from "nodejs-polars";
import { answered } from "../warehouse/_answer_deadline.ts";
import { GOLD_TABLES } from "../warehouse/gold_tables.ts";
import type { GoldTable } from "../warehouse/gold_tables.ts";
import { tablesAreOurs } from "../warehouse/ensure_tables.ts";
import { loadTables, readWatermark, TablesChangedError } from "../warehouse/load_tables.ts";
import type { LoadedRows, LoadedRun, TableRows, WatermarkEntry } from "../warehouse/load_tables.ts";
import type { Lease } from "../warehouse/lease.ts";
import type { Warehouse } from "../warehouse/connect.ts";
import { FACT_TABLES } from "./build_gold.ts";
import { flightLifecycleTopic, flightsBeyond } from "./dim_flight.ts";
import { foreignFile, foreignLog } from "./etl_state.ts";
import type { EtlState } from "./etl_state.ts";
import { goldPath } from "./gold_table.ts";

/** Rows of one statement on the embedded warehouse: some megabytes of JSON. */
const SLICE_ROWS = 5000;

export interface LoadWarehouseOptions {
  goldFolder: string;
  /** Where the CSV files are made; the caller removes them. */
  workFolder: string;
  state: EtlState;
  lease: Lease;
  full: boolean;
  run: LoadedRun;
  /** Another connection to the same warehouse. */
  other: Warehouse;
  warn?: (message: string) => void;
  onProgress?: (table: string, rows: number, total: number) => void;
}

export interface LoadSummary {
  /** Whether all tables were emptied and filled anew. */
  full: boolean;
  /** Rows that were added or changed, by table. */
  loaded: LoadedRows;
}

/** Loads what the warehouse does not have yet; asks nothing of it but its watermark when there is nothing. */
export async function loadWarehouse(
  warehouse: Warehouse,
  options: LoadWarehouseOptions,
): Promise<LoadSummary> {
  const stored = await answered(warehouse, readWatermark(warehouse));
  const { ours } = await answered(warehouse, tablesAreOurs(warehouse.sql));
  // Without a watermark nobody knows what the tables hold: they were made just now, or another program's.
  const replaced = ours && !options.full ? replacedFile(stored, options.state) : undefined;
  if (replaced !== undefined) {
    options.warn?.(
      `The warehouse is ahead of the gold tables in "${replaced}", which another program has written anew: its tables ` +
        "are filled anew",
    );
  }
  const full = options.full || !ours || stored.length === 0 || replaced !== undefined;
  try {
    return await load(warehouse, full ? [] : stored, { ...options, full });
  } catch (error) {
    if (!(error instanceof TablesChangedError)) throw error;
    return await load(warehouse, [], { ...options, full: true });
  }
}

async function load(
  warehouse: Warehouse,
  stored: readonly WatermarkEntry[],
  options: LoadWarehouseOptions,
): Promise<LoadSummary> {
  const { full, state, onProgress } = options;
  const watermark = watermarkOf(state);
  const behind = new Set(
    watermark.filter((entry) => entry.next_offset > nextOffset(stored, entry)).map(({ topic }) => topic),
  );
  if (!full && behind.size === 0) return { full, loaded: {} };
  const tables: TableRows[] = [];
  for (const table of GOLD_TABLES) {
    const topic = topicOf(table);
    if (!full && !behind.has(topic)) continue;
    const entries = stored.filter((entry) => entry.topic === topic);
    tables.push(await rowsBeyond(table, entries, options));
  }
  const total = tables.reduce((sum, { rows }) => sum + rows, 0);
  let before = 0;
  let current = { table: "", rows: 0 };
  const loaded = await loadTables(warehouse, {
    lease: options.lease,
    tables,
    watermark,
    full,
    run: options.run,
    other: options.other,
    onProgress: (table, rows) => {
      if (table !== current.table) before += current.rows;
      current = { table, rows };
      onProgress?.(table, before + rows, total);
    },
  });
  return { full, loaded };
}

/** The topic that a table is made of. */
function topicOf(table: GoldTable): string {
  return FACT_TABLES.find(({ name }) => name === table.name)?.topic.name ?? flightLifecycleTopic.name;
}

/** How far the gold tables are, in the warehouse's terms. */
function watermarkOf(state: EtlState): WatermarkEntry[] {
  return Object.entries(state.topics).flatMap(([topic, { positions, foreign }]) => [
    ...Object.entries(positions).flatMap(([log_id, partitions]) =>
      Object.entries(partitions).map(([partition, next_offset]) => ({
        log_id,
        topic,
        partition: Number(partition),
        next_offset,
      }))
    ),
    ...Object.entries(foreign).map(([name, { bytes, generation }]) => ({
      log_id: foreignLog(name, generation),
      topic,
      partition: 0,
      next_offset: bytes,
    })),
  ]);
}

/**
 * A file of another program of which the warehouse holds more than the gold tables: it shrank, and the gold tables were
 * built anew since. (Files that the gold tables do not know may be those of another lake.)
 */
function replacedFile(stored: readonly WatermarkEntry[], state: EtlState): string | undefined {
  return stored.flatMap(({ log_id, topic, next_offset }) => {
    const file = foreignFile(log_id);
    const known = file === undefined ? undefined : state.topics[topic]?.foreign[file.name];
    if (file === undefined || known === undefined) return [];
    const ahead = file.generation > known.generation ||
      file.generation === known.generation && Number(next_offset) > known.bytes;
    return ahead ? [file.name] : [];
  })[0];
}

function nextOffset(stored: readonly WatermarkEntry[], { log_id, topic, partition }: WatermarkEntry): number {
  return stored.find((entry) =>
    entry.log_id === log_id && entry.topic === topic && entry.partition === partition
  )?.next_offset ?? 0;
}

/** The rows of a gold table that lie behind the watermark `stored` of its topic. */
async function rowsBeyond(
  table: GoldTable,
  stored: readonly WatermarkEntry[],
  { goldFolder, workFolder }: LoadWarehouseOptions,
): Promise<TableRows> {
  const gold = pl.scanParquet(goldPath(goldFolder, table.name));
  const rows = stored.length === 0
    ? gold
    : table.name === "dim_flight"
    ? await flightsBeyond(gold, stored)
    : factsBeyond(gold, stored);
  const selected = rows.select(...table.columns.map(({ name }) => pl.col(name)));
  const [count] = (await rows.select(pl.len().alias("rows")).collect({ streaming: true })).toRecords();
  return {
    table,
    rows: count!.rows as number,
    csvFile: async () => {
      const path = `${workFolder}/${table.name}.csv`;
      await selected.sinkCSV(path, { includeHeader: false, datetimeFormat: "%Y-%m-%dT%H:%M:%S%.3fZ" })
        .collect();
      return path;
    },
    jsonSlices: async function* () {
      const total = count!.rows as number;
      for (let at = 0; at < total; at += SLICE_ROWS) {
        yield JSON.stringify((await selected.slice(at, SLICE_ROWS).collect()).toRecords());
      }
    },
  };
}

function factsBeyond(gold: LazyDataFrame, stored: readonly WatermarkEntry[]): LazyDataFrame {
  const watermark = pl.DataFrame({
    _log: stored.map(({ log_id }) => log_id),
    _partition: stored.map(({ partition }) => partition),
    _next: stored.map(({ next_offset }) => next_offset),
  }, { schema: { _log: pl.String, _partition: pl.Int32, _next: pl.Int64 } }).lazy();
  return gold.join(watermark, { on: ["_log", "_partition"], how: "left", maintainOrder: "left" })
    .filter(pl.col("_next").isNull().or(pl.col("_offset").gtEq(pl.col("_next"))));
}
