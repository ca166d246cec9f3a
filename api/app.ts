/**
 * The API as a value: it listens nowhere and opens nothing. `metrics_api.ts` puts it on a port; tests call
 * `app.request(url)`.
 *
 * @module
 */

import { OpenAPIHono } from "@hono/zod-openapi";
import type { Context } from "hono";
import { secureHeaders } from "hono/secure-headers";
import { pathAndQuery, RenderedAnswers } from "../process/http/answers.ts";
import type { ApiMetrics } from "./api_metrics.ts";
import type { FlightHistory } from "./flight_history.ts";
import { mayKnowDetails } from "./gate.ts";
import type { Gate } from "./gate.ts";
import type { LiveFeed } from "./live_feed.ts";
import type { LogFollower } from "./log_follower.ts";
import type { PipelineWatch } from "./pipeline_watch.ts";
import { answerProblem, ApiProblem } from "../process/http/problem.ts";
import type { StaticFiles } from "../process/http/static_files.ts";
import { addContractRoutes } from "./routes/contract.ts";
import { addEventRoutes } from "./routes/events.ts";
import type { Listeners } from "./routes/events.ts";
import { addFlightRoutes } from "./routes/flights.ts";
import { addLogin } from "./routes/login.ts";
import { addPipelineRoutes } from "./routes/pipeline.ts";
import { addTrackingRoutes } from "./routes/tracking.ts";
import type { StreamMetrics } from "./stream_metrics.ts";
import type { Position } from "../tracker/great_circle.ts";
import type { TrackerLink } from "./tracker_link.ts";
import type { ViewerWatch } from "./viewer_watch.ts";

/** What the API answers from. */
export interface ApiParts {
  follower: LogFollower;
  watch: Pick<PipelineWatch, "health">;
  viewers: ViewerWatch;
  streams: StreamMetrics;
  flightHistory: FlightHistory;
  feed: LiveFeed;
  listeners: Listeners;
  metrics: ApiMetrics;
  gate: Gate;
  files: StaticFiles;
  /** IANA names by airport code. */
  timeZones: ReadonlyMap<string, string>;
  airportPositions: ReadonlyMap<string, Position>;
  tracker: Pick<TrackerLink, "about">;
  /** Rises whenever flights, decisions or viewers have changed. */
  version: () => number;
  rendered: RenderedAnswers;
  /** Aborts when the server drains: event streams end. */
  stopping: AbortSignal;
  /** One line a request, or nothing. */
  logRequest?: (line: string, status: number) => void;
}

type Environment = { Variables: { requestId: string } };
export type Api = OpenAPIHono<Environment>;

/** Parameters are checked one by one; this only bounds what is looked at. */
const URL_UNITS_MAX = 32 * 1024;
const REQUEST_ID = /^[A-Za-z0-9._-]{1,64}$/;

/** Builds the API. */
export function createApp(parts: ApiParts): Api {
  const app: Api = new OpenAPIHono<Environment>({
    defaultHook: (result) => {
      if (result.success) return;
      const errors = result.error.issues.map(({ path, message }) => ({
        parameter: path.join("."),
        message,
      }));
      const first = errors[0];
      const detail = first === undefined || first.parameter === ""
        ? `The ${result.target} cannot be used: ${first?.message ?? "unknown"}`
        : `Parameter "${first.parameter}" cannot be used: ${first.message}`;
      throw new ApiProblem(400, detail, { more: { errors } });
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
    const { method } = context.req;
    const { status } = context.res;
    parts.metrics.count(
      KNOWN_METHODS.has(method) ? method : "OTHER",
      patternOf(context, parts),
      status,
      durationMs,
    );
    const path = pathAndQuery(context.req.url);
    parts.logRequest?.(
      `${method} ${path.slice(0, 500)} ${status} ${durationMs.toFixed(1)} ms ${requestId}`,
      status,
    );
  });
  const headers = securityHeaders(CONTENT_SECURITY_POLICY);
  // The styles of the documentation's library stand in the page that it makes.
  const docsHeaders = securityHeaders({
    ...CONTENT_SECURITY_POLICY,
    styleSrc: ["'self'", "'unsafe-inline'"],
  });
  app.use((context, next) => (context.req.path === "/docs" ? docsHeaders : headers)(context, next));
  app.use(async (context, next) => {
    if (context.req.url.length > URL_UNITS_MAX) {
      throw new ApiProblem(
        414,
        `The address has ${context.req.url.length} characters, at most ${URL_UNITS_MAX} are taken`,
      );
    }
    if (!parts.gate.access.hostAllowed(context.req.header("host"))) {
      throw new ApiProblem(
        421,
        `This server does not answer as "${
          (context.req.header("host") ?? "").slice(0, 200)
        }": name it by --allow-host`,
      );
    }
    // Another site's page cannot read an answer, but it could take up all places of /events. Its links are welcome.
    const isLink = context.req.header("sec-fetch-mode") === "navigate";
    if (context.req.header("sec-fetch-site") === "cross-site" && !isLink) {
      throw new ApiProblem(
        403,
        "Pages of other sites are not answered: open the dashboard at this server itself",
      );
    }
    await next();
  });
  app.use(async (context, next) => {
    const { path } = context.req;
    const open = OPEN_PATHS.has(path) || path.startsWith("/dashboard/");
    if (!open && !parts.gate.admits(context)) {
      if (context.req.header("accept")?.includes("text/html")) return context.redirect("/login");
      throw new ApiProblem(
        401,
        "This needs the token of API_TOKEN: send it as Authorization: Bearer …, or log in at /login",
        { headers: { "www-authenticate": "Bearer" } },
      );
    }
    await next();
  });

  addContractRoutes(app, parts);
  addFlightRoutes(app, parts);
  addTrackingRoutes(app, parts);
  addPipelineRoutes(app, parts);
  addEventRoutes(app, parts);
  addLogin(app, parts);
  app.get("/openapi.json", (context) =>
    context.json(
      app.getOpenAPI31Document({
        openapi: "3.1.0",
        info: {
          title: "Airline streaming analytics",
          version: "1.0.0",
          description:
            "Flights, decisions and viewer windows, live and stored. Each answer says how old it is: as_of, age_ms and the header Age.",
        },
        ...(parts.gate.access.tokenNeeded ? { security: [{ bearer: [] }] } : {}),
      }),
    ));
  app.openAPIRegistry.registerComponent("securitySchemes", "bearer", { type: "http", scheme: "bearer" });
  app.get("/healthz", (context) => context.text("ok\n"));
  app.get("/readyz", (context) => {
    const { caughtUp, problem } = parts.follower;
    if (caughtUp && problem === undefined) return context.text("ready\n");
    const reason = problem === undefined
      ? "The log is still being read"
      : mayKnowDetails(parts.gate, context)
      ? problem
      : "The log does not answer";
    return context.text(`${reason}\n`, 503);
  });
  app.get("*", (context, next) => {
    return Promise.resolve(parts.files.answer(context, context.req.path) ?? next());
  });

  app.notFound((context) => {
    const known = parts.files.paths().includes(context.req.path) ||
      app.routes.some(({ method, path }) => method === "GET" && matches(path, context.req.path));
    const wrongMethod = known && context.req.method !== "GET" && context.req.method !== "HEAD";
    return answerProblem(
      context,
      wrongMethod
        ? new ApiProblem(405, `${context.req.method} is not taken here, only GET`, {
          headers: { allow: context.req.path === "/login" ? "GET, HEAD, POST" : "GET, HEAD" },
        })
        : new ApiProblem(
          404,
          `There is nothing at "${context.req.path.slice(0, 200)}": /docs lists what there is`,
        ),
    );
  });
  app.onError((error, context) => {
    if (error instanceof ApiProblem) return answerProblem(context, error);
    const status = (error as { status?: number }).status;
    if (status === 400 || status === 413) {
      return answerProblem(context, new ApiProblem(status, error.message || "The request cannot be read"));
    }
    parts.logRequest?.(`Failed: ${error.stack ?? error.message} ${context.get("requestId")}`, 500);
    return answerProblem(
      context,
      new ApiProblem(500, `Something failed here; the log has it under request ${context.get("requestId")}`),
    );
  });
  return app;
}

/** Asked without a token: the way in, and whether the process lives. */
const OPEN_PATHS = new Set(["/login", "/health", "/healthz", "/readyz"]);

const KNOWN_METHODS = new Set(["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"]);

const CONTENT_SECURITY_POLICY = {
  defaultSrc: ["'none'"],
  scriptSrc: ["'self'"],
  styleSrc: ["'self'"],
  imgSrc: ["'self'", "data:", "blob:"],
  connectSrc: ["'self'"],
  baseUri: ["'none'"],
  formAction: ["'self'"],
  frameAncestors: ["'none'"],
};

function securityHeaders(contentSecurityPolicy: Record<string, string[]>) {
  return secureHeaders({
    contentSecurityPolicy,
    referrerPolicy: "no-referrer",
    crossOriginResourcePolicy: "same-origin",
    strictTransportSecurity: false,
    xFrameOptions: "DENY",
  });
}

/** A route's pattern as a label; one label for all that is nowhere. */
function patternOf(context: Context<Environment>, { files }: ApiParts): string {
  const { path } = context.req;
  if (files.paths().includes(path)) return path;
  const route = context.req.matchedRoutes.findLast(({ path }) => path !== "*" && path !== "/*");
  return route?.path ?? "(none)";
}

function matches(pattern: string, path: string): boolean {
  if (pattern.includes("*")) return false;
  const expression = pattern.replaceAll(/[.+?^$()|[\]\\]/g, "\\$&").replaceAll(/:\w+|\{\w+\}/g, "[^/]+");
  return new RegExp(`^${expression}$`).test(path);
}
