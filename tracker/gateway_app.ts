/** The gateway's API: what the services offer, at one address. */

import type { Context } from "hono";
import { createRoute, z } from "@hono/zod-openapi";
import { Counter, Gauge } from "../process/metrics_server.ts";
import { ApiProblem, problemResponse } from "../process/http/problem.ts";
import { FlightSchema, IDENT_PARAMETER } from "./flight_data_app.ts";
import { parseIdent } from "./flight_ident.ts";
import { forward } from "./forward.ts";
import type { ForwardOptions } from "./forward.ts";
import type { RateLimiter } from "./rate_limiter.ts";
import type { ServiceApp } from "./service_app.ts";
import type { ServiceMetrics } from "./service_metrics.ts";

export interface GatewayOptions extends ForwardOptions {
  metrics: ServiceMetrics;
  limiter: RateLimiter;
  /** Origins whose pages may read the answers; `*` any. None by default. */
  corsOrigins?: readonly string[];
}

/** The services behind the gateway, by what they are called in the registry. */
export const GATEWAY_SERVICES = ["FLIGHTDATA-SERVICE"] as const;

/** Handed on as they came; what else a client sends is its own business. */
const REQUEST_HEADERS = ["accept", "if-none-match", "authorization"];

/** Adds the routes. */
export function addGatewayRoutes(app: ServiceApp, options: GatewayOptions): void {
  const { pool, limiter, metrics, now = Date.now, corsOrigins = [] } = options;
  const limited = new Counter({
    name: "gateway_rate_limited_total",
    help: "Requests refused because their client asked too often",
    registers: [metrics.registry],
  });
  new Gauge({
    name: "gateway_instances",
    help: "Instances that the registry told of, by service",
    labelNames: ["service"],
    registers: [metrics.registry],
    collect() {
      for (const service of GATEWAY_SERVICES) this.set({ service }, pool.count(service));
    },
  });

  app.use("/api/*", async (context, next) => {
    await next();
    const origin = context.req.header("origin");
    const anyOrigin = corsOrigins.includes("*");
    if (origin === undefined || !(anyOrigin || corsOrigins.includes(origin))) return;
    const { headers } = context.res;
    headers.set("access-control-allow-origin", anyOrigin ? "*" : origin);
    headers.set("access-control-expose-headers", "age, cache-status, etag, retry-after, x-request-id");
    headers.set("cross-origin-resource-policy", "cross-origin");
    headers.append("vary", "Origin");
  });
  app.use("/api/*", async (context, next) => {
    const seconds = limiter.take(clientOf(context), now());
    if (seconds > 0) {
      limited.inc();
      throw new ApiProblem(429, `Too many requests: ask again in ${seconds} s`, {
        headers: { "retry-after": String(seconds) },
      });
    }
    await next();
  });
  app.options("/api/*", () =>
    new Response(null, {
      status: 204,
      headers: {
        "access-control-allow-methods": "GET, HEAD",
        "access-control-allow-headers": "authorization, if-none-match, x-request-id",
        "access-control-max-age": "600",
      },
    }));

  app.openapi(
    createRoute({
      method: "get",
      path: "/api/v1/flight/{ident}",
      tags: ["Flights"],
      summary: "Where a flight is: the leg under way, else the next, else the last",
      request: { params: z.object({ ident: IDENT_PARAMETER }) },
      responses: {
        200: { description: "The flight", content: { "application/json": { schema: FlightSchema } } },
        304: { description: "Unchanged since the ETag that was sent" },
        400: problemResponse("This is no flight number"),
        401: problemResponse("The token of API_TOKEN is needed"),
        404: problemResponse("No such flight is known"),
        429: problemResponse("Asked too often, or the budget is spent; Retry-After says for how long"),
        502: problemResponse("A service or its source failed"),
        503: problemResponse("No instance of the service is there"),
        504: problemResponse("A service or its source did not answer in time"),
      },
    }),
    async (context) => {
      const given = context.req.param("ident");
      const ident = parseIdent(given);
      if (ident === undefined) {
        throw new ApiProblem(
          400,
          `"${
            given.slice(0, 40)
          }" is no flight number: expected an airline designator and 1 to 4 digits, such as UA1545`,
        );
      }
      return await handOn(context, "FLIGHTDATA-SERVICE", `/api/v1/flight/${ident.ident}`, options) as never;
    },
  );
}

async function handOn(
  context: Context<{ Variables: { requestId: string } }>,
  service: string,
  path: string,
  options: GatewayOptions,
): Promise<Response> {
  const headers: Record<string, string> = { "x-request-id": context.get("requestId") };
  for (const name of REQUEST_HEADERS) {
    const value = context.req.header(name);
    if (value !== undefined) headers[name] = value;
  }
  return await forward(service, { method: context.req.method, pathAndQuery: path, headers }, options);
}

/** Who asks: the address the connection comes from. Headers that a client can write itself say nothing. */
function clientOf(context: Context): string {
  const info = context.env as { remoteAddr?: { hostname?: string } } | undefined;
  return info?.remoteAddr?.hostname ?? "unknown";
}
