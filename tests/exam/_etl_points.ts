/** Where runs of the ETL are stopped and killed: every step of its order, from the first file read to the commit. */

import { killPoint } from "./_project_copy.ts";
import type { SourceMutation } from "./_project_copy.ts";

const LOAD = "warehouse/load_tables.ts";
const REPLACE = "await Deno.rename(temporary, `${folder}/${name}`);";
const LOADED = "loaded[rows.table.name] = await loadTable(warehouse, tx, rows, files, options);";
const LOADING = "const loaded = await loadWarehouse(warehouse, { ...options, lease, other });";

/** Where a run has its rows in hand and no transaction begun: it is put to sleep here. */
export const ZOMBIE_POINT = "rows in hand";

/** The changes that put the points in, and a lease that is over sooner: a dead run would keep each next one waiting. */
export const ETL_POINTS: readonly SourceMutation[] = [
  { file: "etl/etl_run.ts", from: "const LEASE_TTL_MS = 30_000;", to: "const LEASE_TTL_MS = 2_000;" },
  killPoint("leased", { file: "etl/etl_run.ts", after: "this.#lease = attempt.lease;" }),
  { file: "etl/build_gold.ts", from: "onStep = () => {} }", to: 'onStep = () => examPoint("step") }' },
  killPoint("table", { file: "etl/build_gold.ts", before: "options.onStep?.(`table ${name}`);" }),
  {
    file: "etl/gold_table.ts",
    from: "await Deno.rename(made, path);",
    to: `examPoint("gold made"); await Deno.rename(made, path); examPoint("gold renamed");`,
  },
  killPoint("rejected written", {
    file: "etl/rejected_lines.ts",
    before: "await (await this.#opened()).sync();",
  }),
  {
    file: "lake/durable_files.ts",
    from: REPLACE,
    to: `examPoint("state made"); ${REPLACE} examPoint("state renamed");`,
  },
  killPoint(ZOMBIE_POINT, { file: LOAD, after: "await files.values().next().value;" }),
  killPoint("load begun", {
    file: "warehouse/watched_transaction.ts",
    before: "const transaction = await transactionId(tx);",
  }),
  killPoint("lease asserted", { file: LOAD, before: "const { rebuilt } = await ensureTables(tx);" }),
  killPoint("table loaded", { file: LOAD, after: LOADED }),
  killPoint("watermark stored", { file: LOAD, before: "const rowsNew = " }),
  killPoint("before commit", { file: LOAD, before: "return loaded;" }),
  killPoint("committed", { file: "etl/etl_run.ts", after: LOADING }),
];

/** Their names, how often a run passes each at the most, and in which order each is taken once before chance draws. */
export const ETL_POINT_PASSES: readonly (readonly [name: string, passes: number])[] = [
  ["gold made", 4],
  ["table loaded", 5],
  ["state made", 1],
  ["before commit", 1],
  ["gold renamed", 4],
  ["watermark stored", 1],
  ["rejected written", 1],
  ["load begun", 1],
  ["state renamed", 1],
  ["committed", 1],
  ["table", 5],
  ["lease asserted", 1],
  ["step", 9],
  ["leased", 1],
];
