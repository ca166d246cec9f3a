/** How the pipeline does, and the API's own figures for Prometheus. */

import { createRoute, z } from "@hono/zod-openapi";
import { answerJson } from "../../process/http/answers.ts";
import type { Api, ApiParts } from "../app.ts";
import { PipelineSchema } from "../schemas.ts";

/** What `/pipeline` answers, and the live updates of kind `pipeline` carry. */
export function pipelineBody({ follower, watch }: Pick<ApiParts, "follower" | "watch">) {
  const { board, deadLetters } = follower;
  const ageMs = Math.round(follower.ageMs());
  return {
    checked_at: watch.health?.checked_at ?? null,
    processes: watch.health?.processes ?? [],
    topics: watch.health?.topics ?? [],
    last_etl: watch.health?.last_etl ?? null,
    dead_letters: {
      total: deadLetters.total,
      by_reason: deadLetters.byReason(),
      newest: deadLetters.newest().slice(0, 20),
    },
    flights: board.flightCount,
    decisions: board.decisionsTotal,
    event_clock: board.clockMs === undefined ? null : new Date(board.clockMs).toISOString(),
    log: {
      caught_up: follower.caughtUp,
      records_read: follower.recordsRead,
      records_skipped: follower.recordsSkipped,
      problem: follower.problem ?? null,
    },
    as_of: new Date(Date.now() - ageMs).toISOString(),
    age_ms: ageMs,
  };
}

export function addPipelineRoutes(api: Api, parts: ApiParts): void {
  api.openapi(
    createRoute({
      method: "get",
      path: "/pipeline",
      tags: ["Pipeline"],
      summary: "Processes, lag, throughput, dead letters, last ETL run",
      request: { query: z.object({}).strict() },
      responses: {
        200: {
          description: "As of the last look, at most two seconds ago",
          content: { "application/json": { schema: PipelineSchema } },
        },
      },
    }),
    (context) => context.json(pipelineBody(parts) as never, 200, { "cache-control": "no-store" }) as never,
  );

  api.openapi(
    createRoute({
      method: "get",
      path: "/airports",
      tags: ["Flights"],
      summary: "Time zones of the airports",
      request: { query: z.object({}).strict() },
      responses: {
        200: {
          description: "IANA names, and positions where they are known",
          content: {
            "application/json": {
              schema: z.object({
                rows: z.array(z.object({
                  airport: z.string(),
                  time_zone: z.string(),
                  latitude: z.number().nullable(),
                  longitude: z.number().nullable(),
                })),
              }),
            },
          },
        },
        304: { description: "Unchanged since the ETag that was sent" },
      },
    }),
    (context) => {
      const rows = [...parts.timeZones].map(([airport, time_zone]) => ({
        airport,
        time_zone,
        latitude: parts.airportPositions.get(airport)?.latitude ?? null,
        longitude: parts.airportPositions.get(airport)?.longitude ?? null,
      }));
      return answerJson(context, { rows }, 0) as never;
    },
  );

  api.openapi(
    createRoute({
      method: "get",
      path: "/prometheus",
      tags: ["Pipeline"],
      summary: "The API's own figures",
      request: { query: z.object({}).strict() },
      responses: {
        200: {
          description: "Prometheus's text format",
          content: { "text/plain": { schema: z.string() } },
        },
      },
    }),
    async (context) =>
      context.body(await parts.metrics.page(), 200, {
        "content-type": parts.metrics.contentType,
        "cache-control": "no-store",
      }) as never,
  );
}
