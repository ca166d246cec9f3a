/** The published endpoints over the minute windows, by their published names. */

import { createRoute, z } from "@hono/zod-openapi";
import type { Context } from "hono";
import { pathAndQuery, SharedAnswers } from "../../process/http/answers.ts";
import type { Api, ApiParts } from "../app.ts";
import { inTime, NoAnswerError } from "../in_time.ts";
import { ApiProblem, problemResponse } from "../../process/http/problem.ts";
import {
  ageFields,
  direction,
  identifier,
  MinuteWindowSchema,
  StreamSchema,
  StreamStateSchema,
  TopStreamSchema,
  wholeNumber,
} from "../schemas.ts";
import { METRICS_ORDER, TOP_BY } from "../stream_metrics.ts";

const minutes = (fallback: number) =>
  wholeNumber({
    min: 1,
    max: 7 * 24 * 60,
    default: fallback,
    description: "How far back, in minutes before the newest window",
  });

const rowsOf = (row: z.ZodType) => z.object({ rows: z.array(row), ...ageFields });
const rowsResponse = (row: z.ZodType, description: string) => ({
  200: { description, content: { "application/json": { schema: rowsOf(row) } } },
  304: { description: "Unchanged since the ETag that was sent" },
  400: problemResponse("A parameter cannot be used"),
  503: problemResponse("The database is away"),
  504: problemResponse("The database took too long"),
});

export function addContractRoutes(api: Api, { streams }: ApiParts): void {
  const answers = new SharedAnswers();
  /** Rows from the database, as old as the question is. */
  const rows = <Row>(
    context: Context,
    ask: () => Promise<Row[]>,
    more: () => Promise<object> = () => Promise.resolve({}),
  ): Promise<Response> =>
    answers.answer(context, pathAndQuery(context.req.url), async () => {
      const [found, others] = await stored(() => Promise.all([ask(), more()]));
      return { rows: found, ...others };
    });

  api.openapi(
    createRoute({
      method: "get",
      path: "/health",
      tags: ["Stream analytics"],
      summary: "Whether the database answers",
      responses: {
        200: {
          description: "It does",
          content: { "application/json": { schema: z.object({ ok: z.literal(true) }) } },
        },
        503: {
          description: "It does not",
          content: { "application/json": { schema: z.object({ ok: z.literal(false), error: z.string() }) } },
        },
      },
    }),
    async (context) => {
      try {
        await inTime(streams.ping());
        return context.json({ ok: true } as const, 200, { "cache-control": "no-store" });
      } catch (error) {
        const message = error instanceof Error ? error.message : String(error);
        return context.json({ ok: false, error: message } as const, 503, { "cache-control": "no-store" });
      }
    },
  );

  api.openapi(
    createRoute({
      method: "get",
      path: "/metrics",
      tags: ["Stream analytics"],
      summary: "Minute windows",
      request: {
        query: z.object({
          stream_id: identifier("Only this stream", "s1").optional(),
          minutes: minutes(60),
          limit: wholeNumber({ min: 1, max: 5000, default: 200, description: "Rows at most" }),
          order_by: z.enum(METRICS_ORDER).default("window_start"),
          direction: direction("desc"),
        }).strict(),
      },
      responses: {
        ...rowsResponse(MinuteWindowSchema, "Windows, and when the newest of all began"),
        200: {
          description: "Windows, and when the newest of all began",
          content: {
            "application/json": {
              schema: rowsOf(MinuteWindowSchema).extend({ latest_window_start: z.string().nullable() }),
            },
          },
        },
      },
    }),
    async (context) => {
      const { stream_id, minutes, limit, order_by, direction } = context.req.valid("query");
      return await rows(
        context,
        () => streams.windows({ streamId: stream_id, minutes, limit, orderBy: order_by, direction }),
        async () => ({ latest_window_start: await streams.latestWindowStart() }),
      ) as never;
    },
  );

  api.openapi(
    createRoute({
      method: "get",
      path: "/metrics/latest",
      tags: ["Stream analytics"],
      summary: "The newest complete window of each stream",
      request: { query: z.object({}).strict() },
      responses: rowsResponse(MinuteWindowSchema, "One window a stream"),
    }),
    async (context) => {
      return await rows(context, () => streams.latestOfEachStream()) as never;
    },
  );

  api.openapi(
    createRoute({
      method: "get",
      path: "/metrics/history",
      tags: ["Stream analytics"],
      summary: "All windows of the last minutes, oldest first",
      request: { query: z.object({ minutes: minutes(10) }).strict() },
      responses: rowsResponse(MinuteWindowSchema, "Windows, at most 10,000"),
    }),
    async (context) => {
      return await rows(context, () => streams.history(context.req.valid("query").minutes)) as never;
    },
  );

  api.openapi(
    createRoute({
      method: "get",
      path: "/state",
      tags: ["Stream analytics"],
      summary: "Who watches each stream at present",
      request: { query: z.object({}).strict() },
      responses: rowsResponse(StreamStateSchema, "One row a stream"),
    }),
    async (context) => {
      return await rows(context, () => streams.states()) as never;
    },
  );

  api.openapi(
    createRoute({
      method: "get",
      path: "/streams",
      tags: ["Stream analytics"],
      summary: "The streams there are",
      request: { query: z.object({}).strict() },
      responses: rowsResponse(StreamSchema, "One row a stream"),
    }),
    async (context) => {
      return await rows(context, () => streams.streams()) as never;
    },
  );

  api.openapi(
    createRoute({
      method: "get",
      path: "/streams/top",
      tags: ["Stream analytics"],
      summary: "The most watched, or busiest, streams",
      request: {
        query: z.object({
          minutes: minutes(60),
          n: wholeNumber({ min: 1, max: 1000, default: 10, description: "Streams at most" }),
          by: z.enum(TOP_BY).default("active_viewers"),
        }).strict(),
      },
      responses: rowsResponse(TopStreamSchema, "The first n"),
    }),
    async (context) => {
      return await rows(context, () => streams.top(context.req.valid("query"))) as never;
    },
  );
}

/** What the database is asked; that it is away is a 503 of ours. */
async function stored<T>(ask: () => Promise<T>): Promise<T> {
  try {
    return await inTime(ask());
  } catch (error) {
    throw databaseProblem(error);
  }
}

/** A failed question to the database as a problem: 503, or 504 where it took too long. */
export function databaseProblem(error: unknown): ApiProblem {
  if (error instanceof ApiProblem) return error;
  if (error instanceof NoAnswerError) return new ApiProblem(504, error.message);
  const code = (error as { code?: string }).code;
  if (code === "57014") {
    return new ApiProblem(504, "The database took longer than 5 s for the answer: ask for less");
  }
  if (code === "42P01") {
    return new ApiProblem(
      503,
      "The tables are not there yet: run deno task viewer-metrics, and the ETL, once",
    );
  }
  const message = error instanceof Error ? error.message : String(error);
  return new ApiProblem(503, `The database is away: ${message}`, { headers: { "retry-after": "2" } });
}
