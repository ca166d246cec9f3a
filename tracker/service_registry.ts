/**
 * Process: who is there. Eureka's REST operations over instances that renew their leases. `deno task service-registry`.
 *
 * @module
 */

import { parseCommandLine } from "../process/command_line.ts";
import type { CommandLineSpec } from "../process/command_line.ts";
import { logger } from "../process/logger.ts";
import { Gauge } from "../process/metrics_server.ts";
import { runProcess } from "../process/run_process.ts";
import { InstanceRegistry } from "./instance_registry.ts";
import { addRegistryRoutes } from "./registry_app.ts";
import { requestLog, runService, serviceAccess, serviceOptions } from "./run_service.ts";
import { createServiceApp } from "./service_app.ts";
import { ServiceMetrics } from "./service_metrics.ts";

const { advertise: _, ...OPTIONS } = serviceOptions(8761);

const COMMAND_LINE = {
  usage: "deno task service-registry",
  description: "Keeps who is there: Eureka's REST operations below /eureka, and a page.",
  options: OPTIONS,
  notes: [
    "Leases last 90 s unless an instance says otherwise. There is no self-preservation: a lease that ran out is gone.",
    "Environment: API_TOKEN, which instances then send as a bearer.",
  ],
} as const satisfies CommandLineSpec;

async function main(signal: AbortSignal): Promise<void> {
  const { values } = parseCommandLine(COMMAND_LINE, Deno.args);
  const metrics = new ServiceMetrics();
  const registry = new InstanceRegistry();
  new Gauge({
    name: "registry_instances",
    help: "Instances whose leases hold",
    registers: [metrics.registry],
    collect() {
      this.set(registry.all(Date.now()).length);
    },
  });
  const app = createServiceApp({
    name: "service-registry",
    description: "Who is there: Eureka's REST operations",
    metrics,
    access: serviceAccess(values),
    health: () => ({ registry: { status: "UP", details: { instances: registry.all(Date.now()).length } } }),
    pagePolicies: { "/": "style-src 'self'" },
    ...requestLog(values),
  });
  addRegistryRoutes(app, { registry });
  await runService({
    values,
    fetch: app.fetch,
    onListening(address) {
      logger.info("📇 Service registry started");
      logger.info(`   ${address}/ lists who is there, ${address}/eureka is for instances`);
    },
  }, signal);
  logger.info("📇 Service registry stopped");
}

if (import.meta.main) await runProcess(main);
