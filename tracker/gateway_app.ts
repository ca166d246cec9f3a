/** The gateway's API: what the services offer, at one address. */

import type { Context } from "hono";
import { Counter, Gauge } from "../process/metrics_server.ts";
import { ApiProblem } from "../process/http/problem.ts";
import type { StaticFiles } from "../process/http/static_files.ts";
import { parseIdent } from "./flight_ident.ts";
import { forward } from "./forward.ts";
import type { ForwardOptions } from "./forward.ts";
import { GATEWAY_ROUTES, GATEWAY_SERVICES } from "./gateway_document.ts";
import { networkOf } from "./rate_limiter.ts";
import type { RateLimiter } from "./rate_limiter.ts";
import type { ServiceApp } from "./service_app.ts";
import type { ServiceMetrics } from "./service_metrics.ts";

export interface GatewayOptions extends ForwardOptions {
  metrics: ServiceMetrics;
  limiter: RateLimiter;
  /** Requests handed on at the same time; more are refused. Default 4000. */
  underWayMax?: number;
  /** The documentation's page; none in tests that do not look at it. */
  docs?: StaticFiles;
}

/** The documentation's files, by path; relative to this module. */
export const GATEWAY_DOCS: Record<string, string> = {
  "/docs": "docs/docs.html",
  "/docs/docs.js": "docs/docs.js",
  "/docs/swagger-ui.css": "../node_modules/swagger-ui-dist/swagger-ui.css",
  "/docs/swagger-ui.js": "../node_modules/swagger-ui-dist/swagger-ui-bundle.js",
};

/** Handed on as they came; what else a client sends is its own business. */
const REQUEST_HEADERS = ["accept", "if-none-match", "authorization"];

/** Adds the routes. */
export function addGatewayRoutes(app: ServiceApp, options: GatewayOptions): void {
  const { pool, limiter, metrics, now = Date.now, underWayMax = 4000, docs } = options;
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

  let underWay = 0;
  for (const { service, path } of GATEWAY_ROUTES) {
    app.get(path.replace("{ident}", ":ident"), async (context) => {
      const given = context.req.param("ident")!;
      const ident = parseIdent(given);
      if (ident === undefined) {
        const shown = given.slice(0, 40);
        throw new ApiProblem(
          400,
          `"${shown}" is no flight number: expected an airline designator and 1 to 4 digits, such as UA1545`,
        );
      }
      if (underWay >= underWayMax) {
        throw new ApiProblem(503, `${underWay} requests wait for the services already: ask again later`, {
          headers: { "retry-after": "1" },
        });
      }
      underWay++;
      try {
        return await handOn(context, service, path.replace("{ident}", ident.ident), options);
      } finally {
        underWay--;
      }
    });
  }
  if (docs !== undefined) {
    for (const path of docs.paths()) app.get(path, (context) => docs.answer(context, path)!);
  }
}

async function handOn(
  context: Context<{ Variables: { requestId: string } }>,
  service: string,
  path: string,
  options: GatewayOptions,
): Promise<Response> {
  const headers: Record<string, string> = {
    "x-request-id": context.get("requestId"),
    // Compressed it would only be unpacked here.
    "accept-encoding": "identity",
  };
  for (const name of REQUEST_HEADERS) {
    const value = context.req.header(name);
    if (value !== undefined) headers[name] = value;
  }
  const request = { method: context.req.method, pathAndQuery: path, headers };
  return await forward(service, request, options);
}

/** Who asks: the address the connection comes from. Headers that a client can write itself say nothing. */
function clientOf(context: Context): string {
  const info = context.env as { remoteAddr?: { hostname?: string } } | undefined;
  return networkOf(info?.remoteAddr?.hostname ?? "unknown");
}
