/** `deno task verify --every …`: compares again and again, and serves what was found to Prometheus. */

import { setTimeout as delay } from "node:timers/promises";
import { logger } from "../process/logger.ts";
import { Counter, Gauge, processRegistry, serveMetrics } from "../process/metrics_server.ts";
import { report as reportError } from "../process/run_process.ts";
import type { VerificationReport } from "../verification/report.ts";

export interface VerifyWatchOptions {
  /** Time from the start of one comparison to that of the next, in milliseconds. */
  everyMs: number;
  /** Of `/metrics`, `/healthz` and `/readyz`; 0 picks a free one. */
  metricsPort: number;
  /** Compares once. It may throw: the next comes in time all the same. */
  verify: () => Promise<VerificationReport>;
  /** Told each result. */
  onReport: (report: VerificationReport) => unknown;
}

/**
 * Compares until `signal` aborts.
 *
 * @throws {PortError} when the port is taken.
 */
export async function watchVerification(options: VerifyWatchOptions, signal: AbortSignal): Promise<void> {
  const { everyMs, verify, onReport } = options;
  const registry = processRegistry();
  const registers = [registry];
  const gauge = (name: string, help: string) => new Gauge({ name, help, registers });
  const differences = gauge(
    "verify_differences",
    "Kinds of differences that the last comparison found between the parts that were there",
  );
  const lastRun = gauge(
    "verify_last_run_timestamp_seconds",
    "When the last comparison came to its end, seconds since 1970",
  );
  const duration = gauge("verify_duration_seconds", "How long the last comparison took that came to its end");
  const runs = new Counter({
    name: "verify_runs_total",
    help: "Comparisons by result: agrees, differs, failed",
    labelNames: ["result"],
    registers,
  });
  for (const result of ["agrees", "differs", "failed"]) runs.inc({ result }, 0);
  let notReady: string | undefined = "No comparison has come to its end yet";
  const server = serveMetrics({ port: options.metricsPort, registry, notReady: () => notReady });
  logger.info(`🔎 Compares every ${everyMs / 1000} s; metrics on port ${server.port}`);
  try {
    while (!signal.aborted) {
      const startedMs = performance.now();
      try {
        const report = await verify();
        // What is not there yet, or not now, is told by other figures.
        const found = report.differences.filter(({ kind }) => kind !== "absent").length;
        differences.set(found);
        lastRun.set(Date.now() / 1000);
        duration.set(report.seconds);
        runs.inc({ result: found === 0 ? "agrees" : "differs" });
        notReady = undefined;
        await onReport(report);
      } catch (error) {
        if (signal.aborted) return;
        runs.inc({ result: "failed" });
        reportError(error);
        notReady = `The last comparison failed: ${error instanceof Error ? error.message : String(error)}`;
      }
      const restMs = Math.max(0, everyMs - (performance.now() - startedMs));
      await delay(restMs, undefined, { signal }).catch(() => {});
    }
  } finally {
    await server.close();
  }
}
