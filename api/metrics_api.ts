/**
 * Process: the API and the dashboard. Follows the log into its own picture of flights and decisions, asks the
 * database for what is stored, and serves both on one port.
 *
 * @module
 */

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
  trackerUrl,
  watchedProcesses,
} from "../process/settings.ts";
import { AskedDatabase } from "../warehouse/asked_database.ts";
import { AccessControl } from "../process/http/access_control.ts";
import { apiParts } from "./api_parts.ts";
import { TrackerLink } from "./tracker_link.ts";
import { createApp } from "./app.ts";
import type { ApiParts } from "./app.ts";

/** The command line, as `--help` shows it. */
const API_COMMAND_LINE = {
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
    insecure: { type: "flag", description: "Serve everybody on that address where API_TOKEN is not set" },
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
    "PIPELINE_PROCESSES, TRACKER_URL; see .env.example.",
  ],
} as const satisfies CommandLineSpec;

const LOOPBACK = new Set(["127.0.0.1", "::1", "localhost"]);
/** What the databases are asked with. The server gives a statement up before its client does. */
const ASKED = { max: 4, statementTimeoutMs: 5000, answerMs: 15_000 };
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
  const { schema, ...realtimeAddress } = realtimeDatabase();
  const realtime = new AskedDatabase({
    ...realtimeAddress,
    ...ASKED,
    applicationName: "airline-api-realtime",
  });
  const warehouse = new AskedDatabase({ ...databaseUrl(), ...ASKED, applicationName: "airline-api" });
  const { parts, run } = await apiParts({
    openLog: () => openEventLog("airline-api", { readOnly: true }),
    eventLeadMsMax: maxEventLeadMs(),
    processes: watchedProcesses(),
    realtime,
    realtimeSchema: schema,
    warehouse,
    access: new AccessControl({ token, allowedHosts: allowedHosts(values["allow-host"], values) }),
    tracker: new TrackerLink({ url: trackerUrl(), token }),
    listenersMax: values["listeners-max"],
    warn: logger.warn,
    ...requestLog(values["access-log"]),
  }, signal);
  const server = listen(values.host, values.port, createApp(parts).fetch);
  const shown = values.host.includes(":")
    ? `[${values.host}]`
    : values.host === "0.0.0.0"
    ? "127.0.0.1"
    : values.host;
  logger.info("📈 API started");
  logger.info(`   http://${shown}:${server.addr.port}/ shows the dashboard, /docs the API`);
  await run();
  // Event streams end by the signal; what else is under way gets its answer.
  await Promise.race([
    server.shutdown(),
    new Promise<void>((resolve) => Deno.unrefTimer(setTimeout(resolve, DRAIN_MS) as unknown as number)),
  ]);
  await Promise.all([realtime.close(), warehouse.close()]);
  logger.info("📈 API stopped");
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
