/** Gateway and flight data service on ports of their own, in the test's process, over a stub of AeroAPI. */

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
import type { Stub } from "./_tracker_support.ts";

/** A gateway over one flight data service. */
export interface TrackerStack {
  /** Of the gateway. */
  url: string;
  port: number;
  [Symbol.asyncDispose](): Promise<void>;
}

/** Starts both. */
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
  const listen = (handler: Deno.ServeHandler<Deno.NetAddr>) =>
    Deno.serve({ hostname: "127.0.0.1", port: 0, onListen: () => {} }, handler);
  const serviceServer = listen(service.fetch);
  const pool = new InstancePool();
  const { port: servicePort } = serviceServer.addr;
  pool.update([{ app: "FLIGHTDATA-SERVICE", id: "1", host: "127.0.0.1", port: servicePort }], Date.now());
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
    },
  };
}
