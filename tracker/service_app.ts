/**
 * What the tracker's services have in common as HTTP APIs: request ids, problem details, the host check, the actuator
 * and the OpenAPI document. A value: it listens nowhere.
 *
 * @module
 */

import { OpenAPIHono } from "@hono/zod-openapi";
import type { Context } from "hono";
import { secureHeaders } from "hono/secure-headers";
import type { AccessControl } from "../process/http/access_control.ts";
import { answerProblem, ApiProblem } from "../process/http/problem.ts";
import { addActuator } from "./actuator.ts";
import type { HealthCheck } from "./actuator.ts";
import type { ServiceMetrics } from "./service_metrics.ts";

export interface ServiceAppOptions {
  /** `flightdata-service`. */
  name: string;
  description: string;
  metrics: ServiceMetrics;
  access: AccessControl;
  /** What `/actuator/health` tells, by component. */
  health: HealthCheck;
  /** One line a request, or nothing. */
  logRequest?: (line: string, status: number) => void;
  /** Sent beside the usual security headers; scripts and styles are allowed to none of the services by default. */
  contentSecurityPolicy?: Record<string, string[]>;
}

type Environment = { Variables: { requestId: string } };
export type ServiceApp = OpenAPIHono<Environment>;

const URL_UNITS_MAX = 16_384;
const REQUEST_ID = /^[A-Za-z0-9._-]{1,64}$/;
const KNOWN_METHODS = new Set(["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"]);
/** Asked without a token: whether the process lives. */
const OPEN_PATHS = new Set(["/actuator/health"]);

/** Builds the app; the service adds its routes to it. */
export function createServiceApp(options: ServiceAppOptions): ServiceApp {
  const { access, metrics } = options;
  const app: ServiceApp = new OpenAPIHono<Environment>({
    defaultHook: (result) => {
      if (result.success) return;
      const errors = result.error.issues.map(({ path, message }) => ({ parameter: path.join("."), message }));
      const first = errors[0];
      throw new ApiProblem(
        400,
        first === undefined || first.parameter === ""
          ? `The ${result.target} cannot be used: ${first?.message ?? "unknown"}`
          : `Parameter "${first.parameter}" cannot be used: ${first.message}`,
        { more: { errors } },
      );
    },
  });

  app.use(async (context, next) => {
    const startedMs = performance.now();
    const given = context.req.header("x-request-id");
    const requestId = given !== undefined && REQUEST_ID.test(given)
      ? given
      : crypto.randomUUID().replaceAll("-", "").slice(0, 16);
    context.set("requestId", requestId);
    await next();
    context.res.headers.set("x-request-id", requestId);
    const durationMs = performance.now() - startedMs;
    const { status } = context.res;
    const method = KNOWN_METHODS.has(context.req.method) ? context.req.method : "OTHER";
    metrics.count({ method, uri: patternOf(context), status, seconds: durationMs / 1000 });
    const path = context.req.url.slice(context.req.url.indexOf("/", 8));
    options.logRequest?.(
      `${method} ${path.slice(0, 500)} ${status} ${durationMs.toFixed(1)} ms ${requestId}`,
      status,
    );
  });
  app.use(secureHeaders({
    contentSecurityPolicy: {
      defaultSrc: ["'none'"],
      baseUri: ["'none'"],
      frameAncestors: ["'none'"],
      ...options.contentSecurityPolicy,
    },
    referrerPolicy: "no-referrer",
    crossOriginResourcePolicy: "same-origin",
    strictTransportSecurity: false,
    xFrameOptions: "DENY",
  }));
  app.use(async (context, next) => {
    if (context.req.url.length > URL_UNITS_MAX) {
      throw new ApiProblem(
        414,
        `The address has ${context.req.url.length} characters, at most ${URL_UNITS_MAX} are taken`,
      );
    }
    const host = context.req.header("host");
    if (!access.hostAllowed(host)) {
      throw new ApiProblem(
        421,
        `This server does not answer as "${(host ?? "").slice(0, 200)}": name it by --allow-host`,
      );
    }
    const authorization = context.req.header("authorization");
    // A browser asks what it may send before it sends the token, and gets nothing else by OPTIONS.
    const open = OPEN_PATHS.has(context.req.path) || context.req.method === "OPTIONS";
    if (!open && !access.allowed({ authorization, cookie: undefined })) {
      throw new ApiProblem(401, "This needs the token of API_TOKEN: send it as Authorization: Bearer …", {
        headers: { "www-authenticate": "Bearer" },
      });
    }
    await next();
  });

  addActuator(app, options);
  app.get("/openapi.json", (context) => context.json(documentOf(app, options)));
  app.openAPIRegistry.registerComponent("securitySchemes", "bearer", { type: "http", scheme: "bearer" });

  app.notFound((context) => {
    const known = app.routes.some(({ method, path }) => method === "GET" && matches(path, context.req.path));
    return answerProblem(
      context,
      known && context.req.method !== "GET" && context.req.method !== "HEAD"
        ? new ApiProblem(405, `${context.req.method.slice(0, 20)} is not taken here`, {
          headers: { allow: "GET, HEAD" },
        })
        : new ApiProblem(
          404,
          `There is nothing at "${context.req.path.slice(0, 200)}": /openapi.json lists what there is`,
        ),
    );
  });
  app.onError((error, context) => {
    if (error instanceof ApiProblem) return answerProblem(context, error);
    const status = (error as { status?: number }).status;
    if (status === 400 || status === 413) {
      return answerProblem(context, new ApiProblem(status, error.message || "The request cannot be read"));
    }
    const requestId = context.get("requestId");
    options.logRequest?.(`Failed: ${error.stack ?? error.message} ${requestId}`, 500);
    return answerProblem(
      context,
      new ApiProblem(500, `Something failed here; the log has it under request ${requestId}`),
    );
  });
  return app;
}

/** The service's own OpenAPI document. */
export function documentOf(
  app: ServiceApp,
  { name, description, access }: Pick<ServiceAppOptions, "name" | "description" | "access">,
) {
  return app.getOpenAPI31Document({
    openapi: "3.1.0",
    info: { title: name, version: "1.0.0", description },
    ...(access.tokenNeeded ? { security: [{ bearer: [] }] } : {}),
  });
}

/** A route's pattern as a label; one label for all that is nowhere. */
function patternOf(context: Context<Environment>): string {
  const route = context.req.matchedRoutes.findLast(({ path }) => path !== "*" && path !== "/*");
  return route?.path.replaceAll(/:(\w+)(\{[^}]*\})?/g, "{$1}") ?? "(none)";
}

function matches(pattern: string, path: string): boolean {
  if (pattern.includes("*")) return false;
  const expression = pattern.replaceAll(/[.+?^$()|[\]\\]/g, "\\$&").replaceAll(/:\w+/g, "[^/]+");
  return new RegExp(`^${expression}$`).test(path);
}
