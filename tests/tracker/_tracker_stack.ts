/** Gateway, flight data service and summary service on ports of their own, in the test's process, over a stub of AeroAPI. */

import { AccessControl } from "../../process/http/access_control.ts";
import { AeroApiSource } from "../../tracker/aeroapi_source.ts";
import { MemoryStore } from "../../tracker/cache_store.ts";
import { CallBudget } from "../../tracker/call_budget.ts";
import { CircuitBreaker } from "../../tracker/circuit_breaker.ts";
import { FlightCache } from "../../tracker/flight_cache.ts";
import { addFlightRoutes, FlightDataMetrics } from "../../tracker/flight_data_app.ts";
import { addGatewayRoutes } from "../../tracker/gateway_app.ts";
import { gatewayDocument } from "../../tracker/gateway_document.ts";
import { InstancePool } from "../../tracker/instance_pool.ts";
import { RateLimiter } from "../../tracker/rate_limiter.ts";
import { createServiceApp } from "../../tracker/service_app.ts";
import { ServiceMetrics } from "../../tracker/service_metrics.ts";
import { addSummaryRoutes } from "../../tracker/summary_app.ts";
import type { StoredSummary } from "../../tracker/summary_store.ts";
import type { Stub } from "./_tracker_support.ts";

/** A gateway over one instance of each service. */
export interface TrackerStack {
  /** Of the gateway. */
  url: string;
  port: number;
  [Symbol.asyncDispose](): Promise<void>;
}

/** Of a third of the numbers there is a summary, of a third none, and of a third the store fails. */
function summaryOf(ident: string): Promise<StoredSummary | undefined> {
  const kind = Number(ident.at(-1)) % 3;
  if (kind === 1) return Promise.resolve(undefined);
  if (kind === 2) return Promise.reject(new Error("The store is away"));
  return Promise.resolve({
    ident,
    faFlightId: `${ident}-1`,
    text: "On time.",
    modelUsed: "template",
    generatedMs: 0,
  });
}

/** Starts all three. */
export function trackerStack(stub: Stub, options: { timeoutMs?: number } = {}): TrackerStack {
  const access = new AccessControl({});
  const serviceMetrics = new ServiceMetrics();
  const source = new AeroApiSource({
    baseUrl: stub.url,
    apiKey: "k",
    budget: new CallBudget({ perMinute: 1_000_000, perDay: 1_000_000 }),
    breaker: new CircuitBreaker({ failuresMax: 1_000_000 }),
    pauseMs: 1,
    triesMax: 1,
    ...options,
  });
  const service = createServiceApp({
    name: "flightdata-service",
    description: "test",
    metrics: serviceMetrics,
    access,
    health: () => ({}),
  });
  addFlightRoutes(service, {
    cache: new FlightCache({ source, store: new MemoryStore() }),
    metrics: new FlightDataMetrics(serviceMetrics, { waiting: 0, dropped: 0, sent: 0 }),
    ttlMs: 300_000,
  });
  const summaryService = createServiceApp({
    name: "llm-summary-service",
    description: "test",
    metrics: new ServiceMetrics(),
    access,
    health: () => ({}),
  });
  addSummaryRoutes(summaryService, { store: () => ({ newest: summaryOf }) });
  const listen = (handler: Deno.ServeHandler<Deno.NetAddr>) =>
    Deno.serve({ hostname: "127.0.0.1", port: 0, onListen: () => {} }, handler);
  const serviceServer = listen(service.fetch);
  const summaryServer = listen(summaryService.fetch);
  const pool = new InstancePool();
  pool.update([
    { app: "FLIGHTDATA-SERVICE", id: "1", host: "127.0.0.1", port: serviceServer.addr.port },
    { app: "LLM-SUMMARY-SERVICE", id: "2", host: "127.0.0.1", port: summaryServer.addr.port },
  ], Date.now());
  const metrics = new ServiceMetrics();
  const gateway = createServiceApp({
    name: "api-gateway",
    description: "test",
    metrics,
    access,
    health: () => ({}),
    document: gatewayDocument({ pool }),
  });
  const limiter = new RateLimiter({ perSecond: 1_000_000, burst: 1_000_000 });
  addGatewayRoutes(gateway, { pool, metrics, limiter });
  const server = listen((request, info) => gateway.fetch(request, info));
  return {
    url: `http://127.0.0.1:${server.addr.port}`,
    port: server.addr.port,
    async [Symbol.asyncDispose]() {
      await server.shutdown();
      await serviceServer.shutdown();
      await summaryServer.shutdown();
    },
  };
}
