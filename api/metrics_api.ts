/**
 * Process: the API and the dashboard. Follows the log into its own picture of flights and decisions, asks the
 * database for what is stored, and serves both on one port.
 *
 * @module
 */

import { airportTimeZones } from "../producer/airport_time_zones.ts";
import { parseCommandLine, UsageError } from "../process/command_line.ts";
import type { CommandLineSpec } from "../process/command_line.ts";
import { logger } from "../process/logger.ts";
import { PortError } from "../process/metrics_server.ts";
import { openEventLog } from "../process/open_event_log.ts";
import { runProcess } from "../process/run_process.ts";
import {
  databaseUrl,
  maxEventLeadMs,
  realtimeDatabase,
  setting,
  watchedProcesses,
} from "../process/settings.ts";
import { openWarehouse } from "../warehouse/connect.ts";
import type { Sql, Warehouse } from "../warehouse/connect.ts";
import { AccessControl } from "./access_control.ts";
import { RenderedAnswers } from "./answers.ts";
import { ApiMetrics } from "./api_metrics.ts";
import { createApp } from "./app.ts";
import type { ApiParts } from "./app.ts";
import { FlightHistory } from "./flight_history.ts";
import { LiveFeed } from "./live_feed.ts";
import { LiveUpdates } from "./live_updates.ts";
import { LogFollower } from "./log_follower.ts";
import { PipelineWatch } from "./pipeline_watch.ts";
import { Listeners } from "./routes/events.ts";
import { DASHBOARD_FILES, StaticFiles } from "./static_files.ts";
import { StreamMetrics } from "./stream_metrics.ts";
import { ViewerWatch } from "./viewer_watch.ts";

/** The command line, as `--help` shows it. */
export const API_COMMAND_LINE = {
  usage: "deno task api",
  description: "Serve flights, decisions and viewer windows as JSON and live events, and the dashboard.",
  options: {
    host: {
      type: "text",
      value: "ADDRESS",
      default: "127.0.0.1",
      description: "Address to listen on; beyond loopback, API_TOKEN or --insecure is needed",
    },
    port: {
      type: "number",
      default: 8000,
      min: 0,
      max: 65535,
      integer: true,
      description: "Port; 0 picks a free one",
    },
    "allow-host": {
      type: "text",
      value: "NAMES",
      description: "Names beside localhost that requests may come by, separated by commas; * takes any",
    },
    insecure: { type: "flag", description: "Serve everybody on that address, without a token" },
    "listeners-max": {
      type: "number",
      default: 200,
      min: 1,
      max: 100_000,
      integer: true,
      description: "Listeners of /events at once",
    },
    "access-log": {
      type: "text",
      choices: ["all", "errors", "none"],
      default: "all",
      description: "Requests that are told: all, those answered with 4xx or 5xx, or none",
    },
  },
  notes: [
    "Environment: KAFKA_BROKERS or EVENT_LOG_FILE, DATABASE_URL, REALTIME_DATABASE_URL, API_TOKEN,",
    "PIPELINE_PROCESSES; see .env.example.",
  ],
} as const satisfies CommandLineSpec;

const LOOPBACK = new Set(["127.0.0.1", "::1", "localhost"]);
const PUBLISH_MS = 250;
const STATEMENT_TIMEOUT_MS = 5000;
/** Once told to stop, answers under way get so long. */
const DRAIN_MS = 5000;

async function main(signal: AbortSignal): Promise<void> {
  const { values } = parseCommandLine(API_COMMAND_LINE, Deno.args);
  const token = setting("API_TOKEN");
  if (!LOOPBACK.has(values.host) && token === undefined && !values.insecure) {
    throw new UsageError(
      `--host ${values.host} is not loopback: set API_TOKEN, which callers then send as a bearer, or give --insecure`,
    );
  }
  const realtime = realtimeDatabase();
  const realtimeConnection = new Connection({ ...realtime, applicationName: "airline-api-realtime" });
  const warehouseConnection = new Connection({ ...databaseUrl(), applicationName: "airline-api" });
  const openLog = () => openEventLog("airline-api", { readOnly: true });
  const follower = new LogFollower({ openLog, eventLeadMsMax: maxEventLeadMs(), warn: logger.warn });
  const watch = new PipelineWatch(watchedProcesses(), openLog);
  const streams = new StreamMetrics(() => realtimeConnection.sql(), realtime.schema);
  const viewers = new ViewerWatch(streams);
  const feed = new LiveFeed();
  const listeners = new Listeners(values["listeners-max"]);
  const updates = new LiveUpdates({ follower, viewers, feed, watch });
  const metrics = new ApiMetrics({
    databaseOk: () => viewers.databaseOk,
    latestWindowStartMs: () => viewers.latestWindowStartMs,
    recentRows: () => viewers.recentRows,
    listeners: () => listeners.count,
    followerAgeMs: () => follower.ageMs(),
  });
  const parts: ApiParts = {
    follower,
    watch,
    viewers,
    streams,
    flightHistory: new FlightHistory(() => warehouseConnection.sql()),
    feed,
    listeners,
    metrics,
    access: new AccessControl({ token, allowedHosts: allowedHosts(values["allow-host"], values) }),
    files: await StaticFiles.read(DASHBOARD_FILES),
    timeZones: airportTimeZones(await Deno.readTextFile("producer/data/airports.csv")),
    version: () => updates.version,
    rendered: new RenderedAnswers(),
    stopping: signal,
    ...requestLog(values["access-log"]),
  };
  const server = listen(values.host, values.port, createApp(parts).fetch);
  const shown = values.host.includes(":")
    ? `[${values.host}]`
    : values.host === "0.0.0.0"
    ? "127.0.0.1"
    : values.host;
  logger.info("📈 API started");
  logger.info(`   http://${shown}:${server.addr.port}/ shows the dashboard, /docs the API`);
  const publishing = setInterval(() => updates.publishBoard(), PUBLISH_MS);
  await Promise.all([
    follower.run(signal),
    watch.run(signal, () => updates.publishPipeline()),
    viewers.run(signal, (changes) => updates.publishViewers(changes)),
  ]);
  clearInterval(publishing);
  // Event streams end by the signal; what else is under way gets its answer.
  await Promise.race([
    server.shutdown(),
    new Promise<void>((resolve) => Deno.unrefTimer(setTimeout(resolve, DRAIN_MS) as unknown as number)),
  ]);
  await Promise.all([realtimeConnection.close(), warehouseConnection.close()]);
  logger.info("📈 API stopped");
}

/** A database that is connected to when it is first asked, and again after it was away. */
class Connection {
  readonly #options: { url: string; embedded: boolean; applicationName: string };
  #opening: Promise<Warehouse> | undefined;

  constructor(options: { url: string; embedded: boolean; applicationName: string }) {
    this.#options = options;
  }

  /** @throws {WarehouseUnavailableError} while it is away. */
  async sql(): Promise<Sql> {
    this.#opening ??= openWarehouse({ ...this.#options, max: 4, statementTimeoutMs: STATEMENT_TIMEOUT_MS });
    try {
      return (await this.#opening).sql;
    } catch (error) {
      this.#opening = undefined;
      throw error;
    }
  }

  async close(): Promise<void> {
    const open = await this.#opening?.catch(() => undefined);
    await open?.close();
  }
}

function allowedHosts(names: string | undefined, { host }: { host: string }): string[] {
  const own = host === "0.0.0.0" || host === "::" ? [] : [host.includes(":") ? `[${host}]` : host];
  return [...own, ...(names ?? "").split(",").map((name) => name.trim()).filter((name) => name !== "")];
}

function requestLog(which: "all" | "errors" | "none" | string): Pick<ApiParts, "logRequest"> {
  if (which === "none") return {};
  return {
    logRequest(line, status) {
      if (status >= 500) logger.warn(line);
      else if (which === "all" || status >= 400) logger.info(line);
    },
  };
}

function listen(
  hostname: string,
  port: number,
  handler: (request: Request) => Response | Promise<Response>,
): Deno.HttpServer<Deno.NetAddr> {
  try {
    return Deno.serve({ hostname, port, onListen: () => {} }, handler);
  } catch (error) {
    if (error instanceof Deno.errors.AddrInUse) {
      throw new PortError(
        `Port ${port} on ${hostname} is taken. Is another API running? Stop it, or choose another by --port (0 picks a free one)`,
      );
    }
    throw new PortError(
      `Cannot listen on port ${port} of ${hostname}: ${(error as Error).message}. Check --host and --port`,
    );
  }
}

if (import.meta.main) await runProcess(main);
