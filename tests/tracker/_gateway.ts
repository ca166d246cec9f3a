/** A gateway over instances that tests make up. */

import assert from "node:assert/strict";
import { AccessControl } from "../../process/http/access_control.ts";
import { addGatewayRoutes } from "../../tracker/gateway_app.ts";
import type { GatewayOptions } from "../../tracker/gateway_app.ts";
import { gatewayDocument } from "../../tracker/gateway_document.ts";
import { InstancePool } from "../../tracker/instance_pool.ts";
import { RateLimiter } from "../../tracker/rate_limiter.ts";
import { createServiceApp } from "../../tracker/service_app.ts";
import { ServiceMetrics } from "../../tracker/service_metrics.ts";
import { FLIGHT } from "./_tracker_support.ts";
import type { Stub } from "./_tracker_support.ts";

/** What is asked for where a test does not say. */
export const PATH = "/api/v1/flight/ua1545";

/** A gateway over instances on these ports, asked without a port of its own. */
export function gatewayOver(
  ports: number[],
  options: Partial<GatewayOptions> & { token?: string; corsOrigins?: string[]; app?: string } = {},
) {
  const pool = new InstancePool();
  pool.update(
    ports.map((port) => ({
      app: options.app ?? "FLIGHTDATA-SERVICE",
      id: String(port),
      host: "127.0.0.1",
      port,
    })),
    Date.now(),
  );
  const metrics = new ServiceMetrics();
  const app = createServiceApp({
    name: "api-gateway",
    description: "test",
    metrics,
    access: new AccessControl({ token: options.token }),
    health: () => ({ services: { status: pool.count("FLIGHTDATA-SERVICE") > 0 ? "UP" : "DOWN" } }),
    corsOrigins: options.corsOrigins ?? [],
    openPaths: ["/docs", "/docs/*", "/openapi.json"],
    document: gatewayDocument({
      pool,
      token: options.token,
      ...(options.now === undefined ? {} : { now: options.now }),
    }),
  });
  addGatewayRoutes(app, {
    pool,
    metrics,
    limiter: new RateLimiter({ perSecond: 1000, burst: 1000 }),
    ...options,
  });
  return async (path = PATH, init: RequestInit & { headers?: Record<string, string> } = {}) =>
    await app.request(
      `http://localhost:8080${path}`,
      { ...init, headers: { host: "localhost:8080", ...init.headers } },
      { remoteAddr: { hostname: "192.0.2.7" } },
    );
}

/** The port of a stub. */
export const portOf = (stub: Stub) => Number(new URL(stub.url).port);
/** A service's answer. */
export const flight = () =>
  Response.json(FLIGHT, { headers: { "cache-status": "flights; hit; ttl=5", "age": "3", "x-secret": "s" } });

/** What a problem says, which has to be one. */
export async function problemOf(response: Response, status: number): Promise<string> {
  assert.equal(response.status, status);
  assert.equal(response.headers.get("content-type"), "application/problem+json");
  return (await response.json()).detail;
}
