/**
 * Process: the tracker's public entry. Finds the services in the registry and hands requests on to their instances.
 * `deno task api-gateway`.
 *
 * @module
 */

import { parseCommandLine, UsageError } from "../process/command_line.ts";
import type { CommandLineSpec } from "../process/command_line.ts";
import { logger } from "../process/logger.ts";
import { runProcess } from "../process/run_process.ts";
import { StaticFiles } from "../process/http/static_files.ts";
import { setting } from "../process/settings.ts";
import { originsOf } from "./cross_origin.ts";
import { addGatewayRoutes, GATEWAY_DOCS } from "./gateway_app.ts";
import { GATEWAY_SERVICES, gatewayDocument } from "./gateway_document.ts";
import { addressOf, InstancePool } from "./instance_pool.ts";
import { pause } from "./pause.ts";
import { RateLimiter } from "./rate_limiter.ts";
import type { RegistryClient } from "./registry_client.ts";
import { registryClient, requestLog, runService, serviceAccess, serviceOptions } from "./run_service.ts";
import { createServiceApp } from "./service_app.ts";
import { ServiceMetrics } from "./service_metrics.ts";

const COMMAND_LINE = {
  usage: "deno task api-gateway",
  description: "Hands requests on to the tracker's services, as the registry knows them.",
  options: {
    ...serviceOptions(8080),
    "requests-per-second": {
      type: "number",
      default: 50,
      min: 0.01,
      description: "What one client, by its address, may ask for in the long run",
    },
    burst: {
      type: "number",
      default: 200,
      min: 1,
      description: "What one client may ask for at once",
    },
    "cors-origins": {
      type: "text",
      value: "ORIGINS",
      description: "Origins whose pages may read the answers, separated by commas; * any",
    },
  },
  notes: [
    "Environment: SERVICE_REGISTRY_URL, TRACKER_INSTANCES, API_TOKEN, which callers then send as a bearer.",
  ],
} as const satisfies CommandLineSpec;

const LOOK_EVERY_MS = 1000;
/** The documentation's library makes its own styles. */
const DOCS_POLICY =
  "script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; connect-src 'self'";
/** Addresses remembered as told of. */
const REFUSED_MAX = 100;

async function main(signal: AbortSignal): Promise<void> {
  const { values } = parseCommandLine(COMMAND_LINE, Deno.args);
  const access = serviceAccess(values);
  const registry = registryClient();
  if (registry === undefined) {
    throw new UsageError("SERVICE_REGISTRY_URL is none: the gateway finds the services there");
  }
  const metrics = new ServiceMetrics();
  const pool = new InstancePool();
  let registryAnswers = false;
  const app = createServiceApp({
    name: "api-gateway",
    description: "The flight tracker: where a flight is",
    metrics,
    access,
    health: () => ({
      registry: { status: "UP", details: { reachable: registryAnswers } },
      // Without summaries it is still the way to the flights.
      services: {
        status: pool.count("FLIGHTDATA-SERVICE") > 0 ? "UP" : "DOWN",
        details: Object.fromEntries(GATEWAY_SERVICES.map((service) => [service, pool.count(service)])),
      },
    }),
    corsOrigins: originsOf(values["cors-origins"]),
    // The documentation's page cannot send a token before somebody has typed it in there.
    openPaths: ["/docs", "/docs/*", "/openapi.json"],
    pagePolicies: { "/docs": DOCS_POLICY },
    document: gatewayDocument({ pool, token: setting("API_TOKEN") }),
    ...requestLog(values),
  });
  addGatewayRoutes(app, {
    pool,
    metrics,
    docs: await StaticFiles.read(GATEWAY_DOCS, import.meta.url),
    limiter: new RateLimiter({ perSecond: values["requests-per-second"], burst: values.burst }),
  });
  const looking = keepLooking(registry, pool, signal, (answers) => registryAnswers = answers);
  await runService({
    app: "API-GATEWAY",
    values,
    fetch: (request, info) => app.fetch(request, info),
    onListening(address) {
      logger.info("🚪 API gateway started");
      logger.info(`   ${address}/api/v1/flight/UA15, described at ${address}/docs`);
    },
  }, signal);
  await looking;
  logger.info("🚪 API gateway stopped");
}

/** Asks the registry who is there, every second; while it is away the last answer holds. */
async function keepLooking(
  registry: RegistryClient,
  pool: InstancePool,
  signal: AbortSignal,
  onLook: (answers: boolean) => void,
): Promise<void> {
  const refused = new Set<string>();
  const named = new Set(setting("TRACKER_INSTANCES")!.split(",").map((address) => address.trim()));
  while (!signal.aborted) {
    try {
      const found = await registry.instances();
      pool.update(found.filter((instance) => mayReach(addressOf(instance), named, refused)), Date.now());
      onLook(true);
    } catch {
      onLook(false);
    }
    await pause(LOOK_EVERY_MS, signal);
  }
}

/**
 * Whether an instance may be asked: whoever can register must not send the gateway anywhere else. What this process was
 * allowed to reach is more than that: the registry, and itself.
 */
function mayReach(address: string, named: ReadonlySet<string>, refused: Set<string>): boolean {
  if (named.has(address) || named.has(address.slice(0, address.lastIndexOf(":")))) return true;
  if (!refused.has(address) && refused.size < REFUSED_MAX) {
    refused.add(address);
    logger.warn(
      `The instance at ${address} is left out: name it in TRACKER_INSTANCES, and start the gateway again`,
    );
  }
  return false;
}

if (import.meta.main) await runProcess(main);
