/** What a run of the ETL says: the line of each table as it is written, progress, and the summary. */

import { logger } from "../process/logger.ts";
import { ProgressBar } from "../process/progress_bar.ts";
import type { EtlRunOptions, EtlSummary } from "./etl_run.ts";
import { succeeded } from "./etl_run.ts";

const MEBIBYTE = 1024 * 1024;

/** Callbacks of a run that draw and print; `quiet` leaves the standard output to a machine. */
export function reporting(
  options: { quiet?: boolean } = {},
): Required<Pick<EtlRunOptions, "warn" | "onWrite" | "onRead" | "onLoad">> & { close(): void } {
  const { quiet = false } = options;
  let reading: ProgressBar | undefined;
  let loading: ProgressBar | undefined;
  const clear = () => {
    reading?.close();
    loading?.close();
    reading = loading = undefined;
  };
  return {
    warn: (message) => {
      clear();
      logger.warn(`⚠ ${message}`);
    },
    onWrite: (table) => {
      clear();
      if (!quiet) logger.info(`📦 Writing ${table}`);
    },
    onRead: (bytes, total) => {
      reading ??= new ProgressBar("Reading the lake", total / MEBIBYTE, "MiB");
      reading.update(bytes / MEBIBYTE);
    },
    onLoad: (_table, rows, total) => {
      loading ??= new ProgressBar("Loading the warehouse", total, "rows");
      loading.update(rows);
    },
    close: clear,
  };
}

const count = (number: number) => number.toLocaleString("en");
const counted = (number: number, noun: string) => `${count(number)} ${noun}${number === 1 ? "" : "s"}`;
const seconds = (value: number) => `${value.toFixed(1)} s`;

/** The summary for a person, one line per thing that matters. */
export function summaryLines(summary: EtlSummary): string[] {
  const rejected = Object.values(summary.rejected).reduce((sum, number) => sum + number, 0);
  const reasons = Object.entries(summary.rejected).map(([reason, number]) => `${reason} ${count(number)}`);
  const newRows = summary.tables.reduce((sum, table) => sum + table.newRows, 0);
  const width = Math.max(...summary.tables.map(({ table }) => table.length));
  const lines = [
    ...summary.tables.map((table) =>
      `   ${table.table.padEnd(width)}  ${count(table.newRows).padStart(11)} new  ${
        count(table.rows).padStart(11)
      } in all${loadedText(summary, table.table)}`
    ),
    `${summary.rebuilt ? "Rebuilt from" : "Read"} ${counted(summary.files, "raw file")} with ${
      counted(summary.lines, "line")
    }: ${counted(newRows, "new row")}, ${count(rejected)} rejected${
      reasons.length === 0 ? "" : ` (${reasons.join(", ")}; see lake/rejected)`
    }`,
    `Reading ${seconds(summary.seconds.read)}, writing ${seconds(summary.seconds.write)}, loading ${
      seconds(summary.seconds.load)
    }, in all ${seconds(summary.seconds.total)}`,
  ];
  return lines;
}

function loadedText(summary: EtlSummary, table: string): string {
  return summary.load === undefined ? "" : `  ${count(summary.load.loaded[table] ?? 0).padStart(11)} loaded`;
}

/** The summary for a machine: one JSON object. */
export function summaryJson(summary: EtlSummary): string {
  const { startedAt, load, loadError, tables, ...rest } = summary;
  return JSON.stringify({
    ok: succeeded(summary),
    started_at: startedAt.toISOString(),
    rebuilt: rest.rebuilt,
    files_read: rest.files,
    rows_read: rest.lines,
    rows_new: tables.reduce((sum, { newRows }) => sum + newRows, 0),
    rows_rejected: Object.values(rest.rejected).reduce((sum, number) => sum + number, 0),
    rejected_by_reason: rest.rejected,
    partial: rest.partial,
    tables: Object.fromEntries(
      tables.map(({ table, newRows, rows }) => [table, {
        rows_new: newRows,
        rows,
        ...(load === undefined ? {} : { rows_loaded: load.loaded[table] ?? 0 }),
      }]),
    ),
    warehouse: load === undefined ? null : { full: load.full },
    error: loadError?.message ?? null,
    seconds: rest.seconds,
  });
}
