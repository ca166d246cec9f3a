/** The figures that the ETL runner serves to Prometheus. */

import { Counter, Gauge } from "../process/metrics_server.ts";
import type { Registry } from "../process/metrics_server.ts";
import { succeeded } from "./etl_run.ts";
import type { EtlSummary } from "./etl_run.ts";

/** How a run ended. `partial`: something is missing; `locked`: another run was at work. */
export type RunResult = "success" | "partial" | "failed" | "locked" | "stopped";

export interface EtlMetrics {
  /** Counts a run that came to its end. */
  ended(summary: EtlSummary): RunResult;
  /** Counts a run that did not. */
  broke(result: Exclude<RunResult, "success">): void;
}

/** Registers the figures. */
export function etlMetrics(registry: Registry, now: () => number = Date.now): EtlMetrics {
  const registers = [registry];
  const lastSuccess = new Gauge({
    name: "etl_last_success_timestamp_seconds",
    help: "When the last run ended of which nothing is missing, seconds since 1970",
    registers,
  });
  const lastDuration = new Gauge({
    name: "etl_last_duration_seconds",
    help: "How long the last run took that came to its end",
    registers,
  });
  const runs = new Counter({
    name: "etl_runs_total",
    help: "Runs by result: success, partial, failed, locked, stopped",
    labelNames: ["result"],
    registers,
  });
  const rows = new Counter({
    name: "etl_rows_total",
    help: "Rows that were new or changed in each gold table",
    labelNames: ["table"],
    registers,
  });
  const rejected = new Counter({
    name: "etl_rejected_rows_total",
    help: "Raw lines that no table could take, by reason",
    labelNames: ["reason"],
    registers,
  });
  for (const result of ["success", "partial", "failed", "locked", "stopped"]) runs.inc({ result }, 0);
  return {
    ended(summary) {
      const result = succeeded(summary) ? "success" : "partial";
      runs.inc({ result });
      lastDuration.set(summary.seconds.total);
      if (result === "success") lastSuccess.set(now() / 1000);
      for (const { table, newRows } of summary.tables) rows.inc({ table }, newRows);
      for (const [reason, count] of Object.entries(summary.rejected)) rejected.inc({ reason }, count);
      return result;
    },
    broke(result) {
      runs.inc({ result });
    },
  };
}
