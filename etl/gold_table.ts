/**
 * The gold tables as files: `lake/gold/<table>.parquet`, each replaced as one, so that a reader sees the old table or
 * the new and never a part.
 *
 * @module
 */

import pl from "nodejs-polars";
import type { LazyDataFrame } from "nodejs-polars";
import { onStorage, syncFolder } from "../lake/durable_files.ts";
import { dimFlight, flightRows, foldFlights, readFlights, writeFlightLines } from "./dim_flight.ts";
import type { FactTable } from "./fact_table.ts";
import type { Schema } from "./raw_topic.ts";

/** Where tables stand and where they are made. */
export interface GoldFolders {
  gold: string;
  /** Below `gold`, so that a rename is all it takes; cleared at each run. */
  work: string;
}

/** What a merge did. */
export interface Merge {
  /** Rows that the table did not have, changed ones included. */
  newRows: number;
  /** Rows of the table now. */
  rows: number;
}

export interface MergeOptions {
  /** Whether the table starts empty, whatever stands there now. */
  fresh: boolean;
  /** Told before the file is written; not when there is nothing new. */
  onWrite?: ((table: string) => void) | undefined;
}

/** The path of a gold table. */
export function goldPath(goldFolder: string, table: string): string {
  return `${goldFolder}/${table}.parquet`;
}

/** Whether the table's file is there with exactly our columns and types; another program may have written it. */
export async function goldIsOurs(goldFolder: string, table: string, schema: Schema): Promise<boolean> {
  try {
    const found = (await pl.scanParquet(goldPath(goldFolder, table)).limit(0).collect()).schema as Schema;
    const describe = (types: Schema) =>
      Object.entries(types).map(([name, type]) => `${name} ${type.toString()}`).join();
    return describe(found) === describe(schema);
  } catch {
    return false;
  }
}

/** Rows of a query's result, without taking them over. */
async function countOf(rows: LazyDataFrame): Promise<number> {
  return (await rows.select(pl.len().alias("rows")).collect({ streaming: true })).toRecords()[0]!
    .rows as number;
}

/** Writes `rows` to a file of the work folder and makes it the table; returns how many there are. */
export async function replaceTable(
  folders: GoldFolders,
  table: string,
  rows: LazyDataFrame,
  onWrite: ((table: string) => void) | undefined,
): Promise<number> {
  onWrite?.(table);
  const made = `${folders.work}/${table}.parquet`;
  const path = goldPath(folders.gold, table);
  return await onStorage("write the gold table", path, async () => {
    await rows.sinkParquet(made, { compression: "zstd", compressionLevel: 1 }).collect();
    {
      using file = await Deno.open(made, { read: true, write: true });
      await file.sync();
    }
    const count = await countOf(pl.scanParquet(made));
    await Deno.rename(made, path);
    await syncFolder(folders.gold);
    return count;
  });
}

function emptyTable(schema: Schema): LazyDataFrame {
  const columns = Object.fromEntries(Object.keys(schema).map((name) => [name, []]));
  return pl.DataFrame(columns, { schema }).lazy();
}

const PLACE = ["_log", "_partition", "_offset"];

/**
 * Adds the events of `parts` to a fact table, each event once: of several with one key the first by log, partition and
 * offset stays, whichever run reads it.
 */
export async function mergeFacts(
  table: FactTable,
  parts: readonly string[],
  folders: GoldFolders,
  options: MergeOptions,
): Promise<Merge> {
  const { fresh, onWrite } = options;
  const path = goldPath(folders.gold, table.name);
  const old = fresh ? undefined : pl.scanParquet(path);
  const events = parts.length === 0 ? undefined : pl.concat(parts.map((part) => pl.scanParquet(part)))
    .filter(pl.col("event_type").eq(pl.lit(table.eventType)));
  const added = events === undefined ? undefined : table.rows(events);
  if (added === undefined || await countOf(events!) === 0) {
    if (old !== undefined) return { newRows: 0, rows: await countOf(old) };
    return { newRows: 0, rows: await replaceTable(folders, table.name, emptyTable(table.schema), onWrite) };
  }
  const losers = await losersOf(table, old, added);
  const oldRows = old === undefined ? 0 : await countOf(old);
  if (losers === undefined) {
    const rows = await replaceTable(
      folders,
      table.name,
      old === undefined ? added : pl.concat([old, added]),
      onWrite,
    );
    return { newRows: rows - oldRows, rows };
  }
  const keptNew = added.join(losers.filter(pl.col("_new").eq(1)), {
    on: [table.eventKey, ...PLACE],
    how: "anti",
    maintainOrder: "left",
  });
  const newRows = await countOf(keptNew);
  if (newRows === 0 && old !== undefined) return { newRows: 0, rows: oldRows };
  const keptOld = old?.join(losers.filter(pl.col("_new").eq(0)), {
    on: [table.eventKey, ...PLACE],
    how: "anti",
    maintainOrder: "left",
  });
  const rows = await replaceTable(
    folders,
    table.name,
    keptOld === undefined ? keptNew : pl.concat([keptOld, keptNew]),
    onWrite,
  );
  return { newRows, rows };
}

/**
 * The events that give way to another with the same key (`_new` says whether they are among the added),
 * or `undefined` where all keys differ. An event that is in the table already gives way to itself there.
 */
async function losersOf(
  table: FactTable,
  old: LazyDataFrame | undefined,
  added: LazyDataFrame,
): Promise<LazyDataFrame | undefined> {
  const ids = (rows: LazyDataFrame, isNew: 0 | 1) =>
    (table.firstRow === undefined ? rows : rows.filter(table.firstRow))
      .select(
        pl.col(table.eventKey),
        ...PLACE.map((name) => pl.col(name)),
        pl.lit(isNew).cast(pl.Int32).alias("_new"),
      );
  const addedIds = ids(added, 1);
  const [count] = (await addedIds.select(
    pl.len().alias("events"),
    pl.col(table.eventKey).nUnique().alias("keys"),
  ).collect({ streaming: true })).toRecords() as { events: number; keys: number }[];
  const known = old === undefined ? undefined : ids(old, 0)
    .join(addedIds.select(pl.col(table.eventKey)), { on: table.eventKey, how: "semi" });
  const overlap = known === undefined ? 0 : await countOf(known);
  if (count!.events === count!.keys && overlap === 0) return undefined;
  const all = known === undefined ? addedIds : pl.concat([known, addedIds]);
  const sorted = all.sort({
    by: [table.eventKey, ...PLACE, "_new"].map((name) => pl.col(name)),
    maintainOrder: true,
  });
  const frame = await sorted.withColumns(
    pl.col(table.eventKey).isFirstDistinct().alias("_wins"),
  ).filter(pl.col("_wins").not()).select(table.eventKey, ...PLACE, "_new").collect();
  return frame.lazy();
}

/** Folds the lifecycle events of `parts` into `dim_flight`. */
export async function mergeFlights(
  parts: readonly string[],
  folders: GoldFolders,
  options: MergeOptions,
): Promise<Merge> {
  const { fresh, onWrite } = options;
  const name = dimFlight.name;
  const old = fresh ? undefined : pl.scanParquet(goldPath(folders.gold, name));
  const oldRows = old === undefined ? 0 : await countOf(old);
  const scans = parts.map((part) => pl.scanParquet(part));
  const touched = scans.length === 0 ? undefined : pl.concat(scans).select(pl.col("flight_id")).unique();
  const flights = old === undefined || touched === undefined
    ? new Map()
    : await readFlights(old.join(touched, { on: "flight_id", how: "semi" }));
  const changed = new Set<string>();
  for (const events of scans) for (const id of await foldFlights(flights, events)) changed.add(id);
  if (changed.size === 0) {
    if (old !== undefined) return { newRows: 0, rows: oldRows };
    return { newRows: 0, rows: await replaceTable(folders, name, emptyTable(dimFlight.schema), onWrite) };
  }
  const lines = `${folders.work}/${name}.ndjson`;
  await onStorage(
    "write the gold table",
    goldPath(folders.gold, name),
    () => writeFlightLines(lines, [...changed].map((id) => flights.get(id)!)),
  );
  const folded = flightRows(lines);
  const kept = old?.join(folded.select(pl.col("flight_id")), {
    on: "flight_id",
    how: "anti",
    maintainOrder: "left",
  });
  const rows = await replaceTable(
    folders,
    name,
    kept === undefined ? folded : pl.concat([kept, folded]),
    onWrite,
  );
  return { newRows: changed.size, rows };
}
