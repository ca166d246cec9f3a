/** Errors as problem details (RFC 9457). */

import type { Context } from "hono";
import { z } from "@hono/zod-openapi";
import { pathAndQuery } from "./answers.ts";

/** What is thrown to answer with a problem. */
export class ApiProblem extends Error {
  override name = "ApiProblem";
  readonly status: ProblemStatus;
  readonly title: string;
  readonly more: Record<string, unknown>;
  readonly headers: Record<string, string>;

  /** `detail` tells the caller what happened, the value, and what to do. */
  constructor(
    status: ProblemStatus,
    detail: string,
    options: { more?: Record<string, unknown>; headers?: Record<string, string> } = {},
  ) {
    super(detail);
    this.status = status;
    this.title = TITLES[status];
    this.more = options.more ?? {};
    this.headers = options.headers ?? {};
  }
}

const TITLES = {
  400: "Bad Request",
  401: "Unauthorized",
  403: "Forbidden",
  404: "Not Found",
  405: "Method Not Allowed",
  406: "Not Acceptable",
  408: "Request Timeout",
  413: "Content Too Large",
  414: "URI Too Long",
  421: "Misdirected Request",
  429: "Too Many Requests",
  500: "Internal Server Error",
  502: "Bad Gateway",
  503: "Service Unavailable",
  504: "Gateway Timeout",
} as const;

export type ProblemStatus = keyof typeof TITLES;

/** The body of a problem, for the OpenAPI document. */
export const ProblemSchema = z.object({
  type: z.string().openapi({ example: "about:blank" }),
  title: z.string().openapi({ example: "Bad Request" }),
  status: z.number().int().openapi({ example: 400 }),
  detail: z.string().openapi({ example: 'Query parameter "limit" is "0", expected at least 1' }),
  instance: z.string().openapi({ example: "/flights" }),
  request_id: z.string().openapi({ example: "9b2f7a1c0d3e4f56" }),
  errors: z.array(z.object({ parameter: z.string(), message: z.string() })).optional(),
}).openapi("Problem");

/** A response of an OpenAPI route that is a problem. */
export function problemResponse(description: string) {
  return { description, content: { "application/problem+json": { schema: ProblemSchema } } };
}

/** The path as it came. What a client calls the host may be no address that could be parsed. */
function pathOf(url: string): string {
  return pathAndQuery(url).split(/[?#]/, 1)[0]!.slice(0, 2000);
}

/** Answers with a problem. */
export function answerProblem(context: Context, problem: ApiProblem): Response {
  const body = {
    type: "about:blank",
    title: problem.title,
    status: problem.status,
    detail: problem.message,
    instance: pathOf(context.req.url),
    request_id: String(context.get("requestId") ?? ""),
    ...problem.more,
  };
  return new Response(JSON.stringify(body), {
    status: problem.status,
    headers: {
      "content-type": "application/problem+json",
      "cache-control": "no-store",
      ...problem.headers,
    },
  });
}
