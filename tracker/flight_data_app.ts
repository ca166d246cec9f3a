/** The flight data service's API: one flight by its number, from the cache or its source. */

import { createRoute, z } from "@hono/zod-openapi";
import { Counter, Gauge, Histogram } from "../process/metrics_server.ts";
import { answerJson } from "../process/http/answers.ts";
import { ApiProblem, problemResponse } from "../process/http/problem.ts";
import type { CachedFlight, FlightCache } from "./flight_cache.ts";
import { parseIdent } from "./flight_ident.ts";
import type { FlightOutbox } from "./flight_outbox.ts";
import { BudgetSpentError, UpstreamError } from "./flight_source.ts";
import type { ServiceApp } from "./service_app.ts";
import type { ServiceMetrics } from "./service_metrics.ts";

const text = () => z.string().nullable();
const number = (description: string) => z.number().nullable().openapi({ description });

/** A flight as it is answered and published. */
export const FlightSchema = z.object({
  ident: z.string().openapi({ example: "UAL1545" }),
  fa_flight_id: z.string().openapi({ example: "UA1545_2025-11-28" }),
  status: z.string().openapi({ example: "En Route / On Time" }),
  aircraft_type: text(),
  origin: text(),
  destination: text(),
  scheduled_out: text(),
  actual_out: text(),
  scheduled_in: text(),
  actual_in: text(),
  latitude: number("Degrees north"),
  longitude: number("Degrees east"),
  altitude: number("Hundreds of feet"),
  groundspeed: number("Knots"),
}).openapi("Flight");

/** The path's flight number, for the document; the service itself says what is wrong with one. */
export const IDENT_PARAMETER = z.string().openapi({
  param: { name: "ident", in: "path" },
  description: "Airline designator (IATA or ICAO) and flight number",
  pattern: "^([A-Za-z]{3}|[A-Za-z][A-Za-z0-9]|[0-9][A-Za-z])[0-9]{1,4}$",
  example: "UA1545",
});

/** What the service counts beside its requests. */
export class FlightDataMetrics {
  readonly #hits: Counter;
  readonly #misses: Counter;
  readonly #calls: Histogram;

  constructor({ registry }: ServiceMetrics, outbox: Pick<FlightOutbox, "waiting" | "dropped" | "sent">) {
    const registers = [registry];
    this.#hits = new Counter({
      name: "flight_cache_hits_total",
      help: "Answers that needed no call of the source, stale ones included",
      registers,
    });
    this.#misses = new Counter({
      name: "flight_cache_misses_total",
      help: "Answers that needed a call of the source, failed ones included",
      registers,
    });
    this.#calls = new Histogram({
      name: "flightaware_api_duration_seconds",
      help: "Time that one call of AeroAPI took until its answer began, by status",
      labelNames: ["outcome"],
      buckets: [0.05, 0.1, 0.25, 0.5, 1, 2, 4, 10],
      registers,
    });
    const gauge = (name: string, help: string, value: () => number) =>
      new Gauge({
        name,
        help,
        registers,
        collect() {
          this.set(value());
        },
      });
    gauge("flight_outbox_waiting", "Flights fetched and not in the log yet", () => outbox.waiting);
    gauge("flight_outbox_sent", "Flights that the log has taken", () => outbox.sent);
    gauge("flight_outbox_dropped", "Flights given up while the log was away", () => outbox.dropped);
  }

  called({ seconds, outcome }: { seconds: number; outcome: string }): void {
    this.#calls.observe({ outcome }, seconds);
  }

  answered(outcome: CachedFlight["outcome"] | "failed"): void {
    if (outcome === "hit" || outcome === "stale") this.#hits.inc();
    else this.#misses.inc();
  }
}

/** Adds `GET /api/v1/flight/{ident}`. */
export function addFlightRoutes(
  app: ServiceApp,
  { cache, metrics, ttlMs }: { cache: FlightCache; metrics: FlightDataMetrics; ttlMs: number },
): void {
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
        404: problemResponse("No such flight is known"),
        429: problemResponse("The budget of upstream requests is spent; Retry-After says for how long"),
        502: problemResponse("The source failed"),
        504: problemResponse("The source did not answer in time"),
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
      let found: CachedFlight;
      try {
        found = await cache.get(ident);
      } catch (error) {
        metrics.answered("failed");
        throw problemOf(error);
      }
      metrics.answered(found.outcome);
      const cacheStatus = { "cache-status": cacheStatusOf(found, ttlMs) };
      if (found.flight === null) {
        throw new ApiProblem(404, `No flight ${ident.ident} is known around now`, {
          headers: { ...cacheStatus, age: String(Math.floor(found.ageMs / 1000)) },
        });
      }
      const answer = answerJson(context, found.flight, found.ageMs);
      answer.headers.set("cache-status", cacheStatus["cache-status"]);
      return answer as never;
    },
  );
}

/** The field of RFC 9211. */
function cacheStatusOf({ outcome, ageMs }: CachedFlight, ttlMs: number): string {
  const ttl = Math.floor((ttlMs - ageMs) / 1000);
  switch (outcome) {
    case "hit":
      return `flights; hit; ttl=${ttl}`;
    case "stale":
      return `flights; hit; ttl=${ttl}; detail=revalidating`;
    case "stale_if_error":
      return `flights; hit; ttl=${ttl}; detail=source-failed`;
    case "miss":
      return "flights; fwd=uri-miss; stored";
  }
}

function problemOf(error: unknown): unknown {
  if (error instanceof BudgetSpentError) {
    return new ApiProblem(429, error.message, {
      headers: { "retry-after": String(error.retryAfterSeconds) },
    });
  }
  if (error instanceof UpstreamError) return new ApiProblem(error.timedOut ? 504 : 502, error.message);
  if (error instanceof DOMException && (error.name === "TimeoutError" || error.name === "AbortError")) {
    return new ApiProblem(504, "The source of flight data did not answer in time");
  }
  return error;
}
