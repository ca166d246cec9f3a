/** The published endpoints over the minute windows, by their published names. */

import { createRoute, z } from "@hono/zod-openapi";
import type { Context } from "hono";
import { pathAndQuery, SharedAnswers } from "../../process/http/answers.ts";
import type { Api, ApiParts } from "../app.ts";
import { mayKnowDetails } from "../gate.ts";
import { databaseProblem } from "../database_problem.ts";
import { decodeCursor, encodeCursor } from "../paging.ts";
import { problemResponse } from "../../process/http/problem.ts";
import {
  ageFields,
  direction,
  identifier,
  MinuteTotalSchema,
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

/** Rows of one answer at the most: what is beyond comes with the next page. */
const ROWS_MAX = 10_000;
const HISTORY_ORDER = "window_start, stream_id";

const limit = () => wholeNumber({ min: 1, max: ROWS_MAX, default: ROWS_MAX, description: "Rows at most" });
const streamPage = {
  after: identifier("Only streams after this one by name: next_after of the page before", "s1").optional(),
  limit: limit(),
};
const nextAfter = {
  next_after: z.string().nullable().openapi({ description: "Gives the next page as after; null at the end" }),
};

const rowsResponse = (row: z.ZodType, description: string, more: z.ZodRawShape = {}) => ({
  200: {
    description,
    content: { "application/json": { schema: z.object({ rows: z.array(row), ...more, ...ageFields }) } },
  },
  304: { description: "Unchanged since the ETag that was sent" },
  400: problemResponse("A parameter cannot be used"),
  503: problemResponse("The database is away"),
  504: problemResponse("The database took too long"),
});

export function addContractRoutes(api: Api, { streams, gate }: ApiParts): void {
  const answers = new SharedAnswers();
  /** What the database says, as old as the question is. */
  const stored = (context: Context, ask: () => Promise<object>): Promise<Response> =>
    answers.answer(context, pathAndQuery(context.req.url), async () => {
      try {
        return await ask();
      } catch (error) {
        throw databaseProblem(error);
      }
    });
  /** A page of streams. Asks for one more than it gives, to see whether another one follows. */
  const streamRows = <Row extends { stream_id: string }>(
    context: Context,
    limit: number,
    ask: (limit: number) => Promise<Row[]>,
  ): Promise<Response> =>
    stored(context, async () => {
      const found = await ask(limit + 1);
      const rows = found.slice(0, limit);
      return { rows, next_after: found.length > limit ? rows.at(-1)!.stream_id : null };
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
      const headers = { "cache-control": "no-store" };
      try {
        await streams.ping();
        return context.json({ ok: true } as const, 200, headers);
      } catch (cause) {
        const { message } = databaseProblem(cause);
        // Anybody may ask this: where the database is, and what exactly it said, is for those who have the token.
        const error = mayKnowDetails(gate, context) ? message : "The database does not answer";
        return context.json({ ok: false, error } as const, 503, headers);
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
      responses: rowsResponse(MinuteWindowSchema, "Windows, and when the newest of all began", {
        latest_window_start: z.string().nullable(),
      }),
    }),
    async (context) => {
      const { stream_id, minutes, limit, order_by, direction } = context.req.valid("query");
      return await stored(context, async () => {
        const [rows, latest] = await Promise.all([
          streams.windows({ streamId: stream_id, minutes, limit, orderBy: order_by, direction }),
          streams.latestWindowStart(),
        ]);
        return { rows, latest_window_start: latest };
      }) as never;
    },
  );

  api.openapi(
    createRoute({
      method: "get",
      path: "/metrics/latest",
      tags: ["Stream analytics"],
      summary: "The newest complete window of each stream",
      request: { query: z.object(streamPage).strict() },
      responses: rowsResponse(MinuteWindowSchema, "One window a stream, by its name", nextAfter),
    }),
    async (context) => {
      const { after, limit } = context.req.valid("query");
      return await streamRows(
        context,
        limit,
        (limit) => streams.latestOfEachStream({ after, limit }),
      ) as never;
    },
  );

  api.openapi(
    createRoute({
      method: "get",
      path: "/metrics/history",
      tags: ["Stream analytics"],
      summary: "All windows of the last minutes, oldest first",
      request: {
        query: z.object({
          minutes: minutes(10),
          limit: limit(),
          cursor: z.string().min(1).max(1000).optional().openapi({
            description: "next_cursor of the page before",
          }),
        }).strict(),
      },
      responses: {
        ...rowsResponse(MinuteWindowSchema, "The newest windows; where there are more, older ones follow", {
          next_cursor: z.string().nullable().openapi({
            description: "Gives the windows before these; null where there are none",
          }),
        }),
        404: problemResponse("No page has given out the cursor"),
      },
    }),
    async (context) => {
      const { minutes, limit, cursor } = context.req.valid("query");
      const at = cursor === undefined ? undefined : decodeCursor(cursor, HISTORY_ORDER);
      const before = at === undefined ? undefined : { windowStart: String(at.value), streamId: at.id };
      return await stored(context, async () => {
        const found = await streams.history({ minutes, limit: limit + 1, before });
        const rows = found.slice(-limit);
        const { window_start, stream_id } = rows[0] ?? {};
        return {
          rows,
          next_cursor: found.length > limit
            ? encodeCursor({ order: HISTORY_ORDER, value: window_start!, id: stream_id! })
            : null,
        };
      }) as never;
    },
  );

  api.openapi(
    createRoute({
      method: "get",
      path: "/metrics/totals",
      tags: ["Stream analytics"],
      summary: "The last minutes, all streams together, oldest first",
      request: { query: z.object({ minutes: minutes(60) }).strict() },
      responses: rowsResponse(MinuteTotalSchema, "One row a minute"),
    }),
    async (context) => {
      const { minutes } = context.req.valid("query");
      return await stored(context, async () => ({ rows: await streams.totals(minutes) })) as never;
    },
  );

  api.openapi(
    createRoute({
      method: "get",
      path: "/state",
      tags: ["Stream analytics"],
      summary: "Who watches each stream at present",
      request: { query: z.object(streamPage).strict() },
      responses: rowsResponse(StreamStateSchema, "One row a stream, by its name", nextAfter),
    }),
    async (context) => {
      const { after, limit } = context.req.valid("query");
      return await streamRows(context, limit, (limit) => streams.states({ after, limit })) as never;
    },
  );

  api.openapi(
    createRoute({
      method: "get",
      path: "/streams",
      tags: ["Stream analytics"],
      summary: "The streams there are, and their windows of the last minutes",
      request: { query: z.object({ minutes: minutes(60), ...streamPage }).strict() },
      responses: rowsResponse(StreamSchema, "One row a stream, by its name", nextAfter),
    }),
    async (context) => {
      const { minutes, after, limit } = context.req.valid("query");
      return await streamRows(context, limit, (limit) => streams.streams({ minutes, after, limit })) as never;
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
      const query = context.req.valid("query");
      return await stored(context, async () => ({ rows: await streams.top(query) })) as never;
    },
  );
}
