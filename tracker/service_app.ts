/**
 * What the tracker's services have in common as HTTP APIs: request ids, problem details, the host check, the actuator
 * and the OpenAPI document. A value: it listens nowhere.
 *
 * @module
 */

import { OpenAPIHono } from "@hono/zod-openapi";
import type { Context } from "hono";
import type { AccessControl } from "../process/http/access_control.ts";
import { pathAndQuery } from "../process/http/answers.ts";
import { answerProblem, ApiProblem, ProblemSchema } from "../process/http/problem.ts";
import { addActuator } from "./actuator.ts";
import type { HealthCheck } from "./actuator.ts";
import { CrossOrigin } from "./cross_origin.ts";
import type { OpenApiDocument } from "./merged_document.ts";
import type { ServiceMetrics } from "./service_metrics.ts";

export interface ServiceAppOptions {
  /** `flightdata-service`. */
  name: string;
  description: string;
  metrics: ServiceMetrics;
  access: AccessControl;
  /** What `/actuator/health` tells, by component. */
  health: HealthCheck;
  /** Told each request; the line is made only where it is wanted. */
  logRequest?: (line: () => string, status: number) => void;
  /** What a page at a path may load, as directives of a content security policy. Nothing by default. */
  pagePolicies?: Readonly<Record<string, string>>;
  /** Origins whose pages may ask for `/api/…` and read the answers; `*` any. None by default. */
  corsOrigins?: readonly string[];
  /** Paths asked without a token beside `/actuator/health`; one that ends with `/*` stands for all below. */
  openPaths?: readonly string[];
  /** Makes of the service's own OpenAPI document the one that is shown. As it is by default. */
  document?: (own: OpenApiDocument) => OpenApiDocument | Promise<OpenApiDocument>;
}

type Environment = { Variables: { requestId: string } };
export type ServiceApp = OpenAPIHono<Environment>;

const URL_UNITS_MAX = 16_384;
const REQUEST_ID = /^[A-Za-z0-9._-]{1,64}$/;
const KNOWN_METHODS = new Set(["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"]);
/** A segment that means "here" or "above", plain or encoded: no path of ours has one. */
const DOT_SEGMENT = /\/(?:\.|%2e){1,2}(?:\/|$)/i;
const BASE_POLICY = "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";
const SECURITY_HEADERS = Object.entries({
  "content-security-policy": BASE_POLICY,
  "cross-origin-opener-policy": "same-origin",
  "cross-origin-resource-policy": "same-origin",
  "referrer-policy": "no-referrer",
  "x-content-type-options": "nosniff",
  "x-frame-options": "DENY",
});

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

  const crossOrigin = new CrossOrigin(options.corsOrigins);
  app.use(async (context, next) => {
    const startedMs = performance.now();
    const given = context.req.header("x-request-id");
    const requestId = given !== undefined && REQUEST_ID.test(given) ? given : newRequestId();
    context.set("requestId", requestId);
    await next();
    const { status, headers } = context.res;
    headers.set("x-request-id", requestId);
    for (const [name, value] of SECURITY_HEADERS) headers.set(name, value);
    const { path, method } = context.req;
    const policy = options.pagePolicies?.[path];
    if (policy !== undefined) headers.set("content-security-policy", `${BASE_POLICY}; ${policy}`);
    if (options.corsOrigins !== undefined && path.startsWith("/api/")) {
      for (const [name, value] of Object.entries(crossOrigin.headersFor(context.req.header("origin")))) {
        if (name === "vary") headers.append(name, value);
        else headers.set(name, value);
      }
    }
    const durationMs = performance.now() - startedMs;
    const counted = KNOWN_METHODS.has(method) ? method : "OTHER";
    metrics.count({ method: counted, uri: patternOf(context), status, seconds: durationMs / 1000 });
    options.logRequest?.(
      () =>
        `${counted} ${pathAndQuery(context.req.url).slice(0, 500)} ${status} ${
          durationMs.toFixed(1)
        } ms ${requestId}`,
      status,
    );
  });
  const openPaths = new Set(["/actuator/health", ...options.openPaths ?? []]);
  const isOpen = (path: string) =>
    openPaths.has(path) || openPaths.has(`${path.slice(0, path.lastIndexOf("/"))}/*`);
  app.use(async (context, next) => {
    const { req } = context;
    if (req.url.length > URL_UNITS_MAX) {
      throw new ApiProblem(
        414,
        `The address has ${req.url.length} characters, at most ${URL_UNITS_MAX} are taken`,
      );
    }
    const host = req.header("host");
    if (!access.hostAllowed(host)) {
      throw new ApiProblem(
        421,
        `This server does not answer as "${(host ?? "").slice(0, 200)}": name it by --allow-host`,
      );
    }
    const refused = crossOrigin.refuses({
      method: req.method,
      host,
      origin: req.header("origin"),
      site: req.header("sec-fetch-site"),
      mode: req.header("sec-fetch-mode"),
      destination: req.header("sec-fetch-dest"),
    });
    if (refused) {
      throw new ApiProblem(
        403,
        "Pages of other sites are not answered, unless --cors-origins of the gateway names them",
      );
    }
    if (DOT_SEGMENT.test(req.path)) {
      throw new ApiProblem(400, `The path "${req.path.slice(0, 200)}" holds "." or ".." as a segment`);
    }
    const authorization = req.header("authorization");
    // A browser asks what it may send before it sends the token, and gets nothing else by OPTIONS.
    const open = isOpen(req.path) || req.method === "OPTIONS";
    if (!open && !access.allowed({ authorization, cookie: undefined })) {
      throw new ApiProblem(401, "This needs the token of API_TOKEN: send it as Authorization: Bearer …", {
        headers: { "www-authenticate": "Bearer" },
      });
    }
    await next();
  });

  addActuator(app, options);
  const { document = (own) => own } = options;
  // Made when it is asked for first: by then all routes are there, and it never changes.
  let own: OpenApiDocument | undefined;
  app.get(
    "/openapi.json",
    async (context) =>
      context.json(await document(own ??= documentOf(app, options)), 200, { "cache-control": "no-store" }),
  );
  app.openAPIRegistry.register("Problem", ProblemSchema);
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
    options.logRequest?.(() => `Failed: ${error.stack ?? error.message} ${requestId}`, 500);
    return answerProblem(
      context,
      new ApiProblem(500, `Something failed here; the log has it under request ${requestId}`),
    );
  });
  return app;
}

/** The service's own OpenAPI document. */
function documentOf(
  app: ServiceApp,
  { name, description, access }: Pick<ServiceAppOptions, "name" | "description" | "access">,
): OpenApiDocument {
  const document: unknown = app.getOpenAPI31Document({
    openapi: "3.1.0",
    info: { title: name, version: "1.0.0", description },
    ...(access.tokenNeeded ? { security: [{ bearer: [] }] } : {}),
  });
  return document as OpenApiDocument;
}

/** A route's pattern as a label; one label for all that is nowhere. */
function patternOf(context: Context<Environment>): string {
  const route = context.req.matchedRoutes.findLast(({ path }) => path !== "*" && path !== "/*");
  if (route === undefined) return "(none)";
  let label = labels.get(route.path);
  if (label === undefined) {
    label = route.path.replaceAll(/:(\w+)(\{[^}]*\})?/g, "{$1}");
    labels.set(route.path, label);
  }
  return label;
}

/** Of the patterns of our own routes. */
const labels = new Map<string, string>();

/** Sixteen hexadecimal digits: enough to find a line of the log by. */
function newRequestId(): string {
  return crypto.randomUUID().replaceAll("-", "").slice(0, 16);
}

function matches(pattern: string, path: string): boolean {
  if (pattern.includes("*")) return false;
  const expression = pattern.replaceAll(/[.+?^$()|[\]\\]/g, "\\$&").replaceAll(/:\w+/g, "[^/]+");
  return new RegExp(`^${expression}$`).test(path);
}
