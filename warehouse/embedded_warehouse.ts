/**
 * Runs the embedded warehouse: owns its folder, serves it on 127.0.0.1 over the Postgres protocol, keeps its schema
 * current. Where `DATABASE_URL` names a real Postgres there is nothing to run: its schema and roles are brought up to
 * date, and that is all.
 *
 * @module
 */

import { parseCommandLine } from "../process/command_line.ts";
import { logger } from "../process/logger.ts";
import { Gauge, processRegistry, serveMetrics } from "../process/metrics_server.ts";
import type { MetricsServer } from "../process/metrics_server.ts";
import { OperatorError, report, runProcess } from "../process/run_process.ts";
import { databaseUrl, setting, warehousePort } from "../process/settings.ts";
import { openWarehouse } from "./connect.ts";
import { parseDatabaseUrl, shownHost } from "./database_address.ts";
import { EMBEDDED_DATABASE, EMBEDDED_USER, hasRoom, openEmbeddedDatabase } from "./embedded_database.ts";
import { startMaintenance } from "./embedded_maintenance.ts";
import { prepareWarehouse } from "./migrate.ts";
import type { Preparation } from "./migrate.ts";
import { assertPortFree, PostgresServer } from "./postgres_server.ts";
import { setUpRoles } from "./roles.ts";

const SPEC = {
  usage: "deno task warehouse",
  description:
    "Runs the embedded warehouse; with DATABASE_URL: brings that database's schema and roles up to date.",
  options: {
    "metrics-port": {
      type: "number",
      integer: true,
      min: 0,
      max: 65535,
      value: "PORT",
      description: "Also serve metrics on this port, 0 picks a free one (without it: no metrics)",
    },
  },
  notes: [
    "Environment: WAREHOUSE_DIR (default data/warehouse), WAREHOUSE_PORT (default 5433), DATABASE_URL,",
    "AIRLINE_READER_PASSWORD (with DATABASE_URL: lets the role airline_reader log in, which may only read).",
    "",
    `Connect BI tools to 127.0.0.1, database ${EMBEDDED_DATABASE}, user ${EMBEDDED_USER}, any password.`,
  ],
} as const;

/** The process's work; returns when it has stopped. */
async function runWarehouse(args: readonly string[], signal: AbortSignal): Promise<void> {
  const { values } = parseCommandLine(SPEC, args);
  const { url, embedded } = databaseUrl();
  if (embedded) await runEmbedded(url, values["metrics-port"], signal);
  else await prepareGiven(url);
}

async function prepareGiven(url: string): Promise<void> {
  const address = parseDatabaseUrl(url);
  const warehouse = await openWarehouse({
    url,
    embedded: false,
    applicationName: "airline-warehouse",
    max: 1,
  });
  try {
    logger.info(
      `DATABASE_URL is set: the warehouse is Postgres at ${shownHost(address)}, database ${address.database}`,
    );
    tell(await prepareWarehouse(warehouse.sql));
    const readerPassword = setting("AIRLINE_READER_PASSWORD");
    const warnings = await setUpRoles(warehouse.sql, readerPassword === undefined ? {} : { readerPassword });
    for (const warning of warnings) logger.warn(`⚠ ${warning}`);
    logger.info("✔ Schema and roles are up to date; no embedded warehouse is needed");
  } finally {
    await warehouse.close();
  }
}

async function runEmbedded(url: string, metricsPort: number | undefined, signal: AbortSignal): Promise<void> {
  const folder = setting("WAREHOUSE_DIR")!;
  const port = warehousePort();
  assertPortFree(port);
  if (!await roomIn(folder, signal)) return;
  const database = await openEmbeddedDatabase(folder, {
    onWarning: (text) => logger.warn(`⚠ ${text}`),
    onPanic(reason) {
      report(engineStopped(new Error(reason)));
      Deno.exit(1);
    },
  });
  const failure = Promise.withResolvers<never>();
  let failed = false;
  failure.promise.catch(() => failed = true);
  const server = await PostgresServer.start(database.engine, {
    port,
    database: EMBEDDED_DATABASE,
    onFatal: (error) => failure.reject(engineStopped(error)),
  });
  let metrics: MetricsServer | undefined;
  const stopMaintenance = startMaintenance(server);
  try {
    const warehouse = await openWarehouse({
      url,
      embedded: true,
      applicationName: "airline-warehouse",
      max: 1,
    });
    try {
      tell(await prepareWarehouse(warehouse.sql));
    } finally {
      await warehouse.close();
    }
    if (metricsPort !== undefined) {
      metrics = serveMetrics({ port: metricsPort, registry: registryOf(server) });
    }
    logger.info(
      `✔ Embedded warehouse ready: postgres://${EMBEDDED_USER}@127.0.0.1:${port}/${EMBEDDED_DATABASE} (any password), folder ${folder}`,
    );
    if (metrics !== undefined) logger.info(`  metrics: http://127.0.0.1:${metrics.port}/metrics`);
    await Promise.race([failure.promise, aborted(signal)]);
  } finally {
    // Step 1: no more questions of our own, step 2: none of clients, step 3: all is written down.
    // (The questions of ours that wait for a client have their turn when the clients are cut off.)
    const maintained = stopMaintenance();
    await metrics?.close();
    await server.stop();
    await maintained;
    if (!failed) await database.close();
  }
  logger.info("Embedded warehouse stopped");
}

const ROOM_LOOK_MS = 2000;

/**
 * Waits while the folder's disk is full: an engine that ended itself for want of room would only do so again at each
 * start, until whoever starts it gives up. Tells whether there is room; without, `signal` has aborted.
 */
async function roomIn(folder: string, signal: AbortSignal): Promise<boolean> {
  for (let told = false; !await hasRoom(folder); told = true) {
    if (signal.aborted) return false;
    if (!told) {
      logger.warn(
        `⚠ The disk of "${folder}" is full: the warehouse starts once there is room. Free some space`,
      );
    }
    await new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, ROOM_LOOK_MS);
      signal.addEventListener("abort", () => (clearTimeout(timer), resolve()), { once: true });
    });
  }
  return true;
}

function tell({ applied, created, foreign }: Preparation): void {
  if (applied.length > 0) logger.info(`Migrations applied: ${applied.join(", ")}`);
  if (created.length > 0) logger.info(`Tables created: ${created.join(", ")}`);
  if (foreign.length > 0) {
    logger.info(`Tables of another shape: ${foreign.join(", ")} (the next ETL run builds them anew)`);
  }
}

function engineStopped(error: unknown): OperatorError {
  const reason = (error as { message?: string })?.message ?? String(error);
  return new OperatorError(
    `The engine of the embedded warehouse has stopped (${reason}): mend that and start it again with deno task warehouse; what was committed is there`,
    { cause: error },
  );
}

function aborted(signal: AbortSignal): Promise<void> {
  if (signal.aborted) return Promise.resolve();
  return new Promise((resolve) => signal.addEventListener("abort", () => resolve(), { once: true }));
}

function registryOf(server: PostgresServer) {
  const registry = processRegistry();
  const gauge = (name: string, help: string, value: () => number) =>
    new Gauge({
      name,
      help,
      registers: [registry],
      collect() {
        this.set(value());
      },
    });
  gauge("warehouse_connections", "Clients connected now", () => server.statistics.connections);
  gauge("warehouse_batches_total", "Turns that clients had", () => server.statistics.batchesTotal);
  gauge(
    "warehouse_idle_transactions_ended_total",
    "Clients cut off for doing nothing in an open transaction",
    () => server.statistics.idleTransactionsEndedTotal,
  );
  return registry;
}

if (import.meta.main) await runProcess((signal) => runWarehouse(Deno.args, signal));
