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
import { addGatewayRoutes, GATEWAY_SERVICES } from "./gateway_app.ts";
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
      services: {
        status: GATEWAY_SERVICES.every((service) => pool.count(service) > 0) ? "UP" : "DOWN",
        details: Object.fromEntries(GATEWAY_SERVICES.map((service) => [service, pool.count(service)])),
      },
    }),
    ...requestLog(values),
  });
  addGatewayRoutes(app, {
    pool,
    metrics,
    limiter: new RateLimiter({ perSecond: values["requests-per-second"], burst: values.burst }),
    corsOrigins: (values["cors-origins"] ?? "").split(",").map((origin) => origin.trim())
      .filter((origin) => origin !== ""),
  });
  const looking = keepLooking(registry, pool, signal, (answers) => registryAnswers = answers);
  await runService({
    app: "API-GATEWAY",
    values,
    fetch: (request, info) => app.fetch(request, info),
    onListening(address) {
      logger.info("🚪 API gateway started");
      logger.info(`   ${address}/api/v1/flight/UA15, described at ${address}/openapi.json`);
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
  while (!signal.aborted) {
    try {
      const found = await registry.instances();
      pool.update(found.filter((instance) => mayReach(addressOf(instance), refused)), Date.now());
      onLook(true);
    } catch {
      onLook(false);
    }
    await pause(LOOK_EVERY_MS, signal);
  }
}

/** Whether this process was allowed to reach an instance: whoever can register must not send it anywhere else. */
function mayReach(address: string, refused: Set<string>): boolean {
  if (Deno.permissions.querySync({ name: "net", host: address }).state === "granted") return true;
  if (!refused.has(address) && refused.size < REFUSED_MAX) {
    refused.add(address);
    logger.warn(
      `The instance at ${address} is left out: name it in TRACKER_INSTANCES, and start the gateway again`,
    );
  }
  return false;
}

if (import.meta.main) await runProcess(main);
