/**
 * Hands a request on to an instance of a service, and once more to another one where the first failed: it may have just
 * gone away. Only GET and HEAD are handed on, which may be asked twice.
 *
 * @module
 */

import { ApiProblem } from "../process/http/problem.ts";
import { boundedBody } from "./bounded_body.ts";
import { addressOf } from "./instance_pool.ts";
import type { InstancePool } from "./instance_pool.ts";
import type { FoundInstance } from "./registry_client.ts";

export interface ForwardOptions {
  pool: InstancePool;
  /** For each of the two tries. Default 12,000 ms: above what a service itself waits for its source. */
  timeoutMs?: number;
  /** An instance that has not answered for so long gets no further requests for now, as if it had failed. Default 3000 ms. */
  slowMs?: number;
  now?: () => number;
}

/** A request to be handed on: path and query as they came, and the headers that go along. */
export interface ForwardedRequest {
  method: string;
  pathAndQuery: string;
  headers: Record<string, string>;
}

const ANSWER_BYTES_MAX = 1_000_000;
/** An instance that answers so is leaving or overloaded: another one may do better. */
const TRY_ANOTHER = new Set([503]);
/** Of an answer what is the connection's own business is not handed on. */
const ANSWER_HEADERS = [
  "age",
  "cache-control",
  "cache-status",
  "content-type",
  "content-language",
  "etag",
  "last-modified",
  "retry-after",
  "vary",
];

/**
 * The answer of an instance of `app`.
 *
 * @throws {ApiProblem} 503 where there is no instance, 502 where they failed, 504 where they did not answer in time.
 */
export async function forward(
  app: string,
  request: ForwardedRequest,
  options: ForwardOptions,
): Promise<Response> {
  const { pool, now = Date.now } = options;
  const first = pool.pick(app, now());
  if (first === undefined) {
    throw new ApiProblem(503, `No instance of ${app} is there: is it started, and the registry?`, {
      headers: { "retry-after": "5" },
    });
  }
  const answer = await ask(first, request, options);
  const failed = answer instanceof ApiProblem;
  if (!failed && !TRY_ANOTHER.has(answer.status)) {
    pool.succeeded(first);
    return answer;
  }
  pool.failed(first, now());
  const second = pool.pick(app, now(), first);
  if (second === undefined) {
    if (failed) throw answer;
    return answer;
  }
  const other = await ask(second, request, options);
  if (other instanceof ApiProblem) {
    pool.failed(second, now());
    throw other;
  }
  pool.succeeded(second);
  return other;
}

/** One try: an answer, whole, or why there is none. */
async function ask(
  instance: FoundInstance,
  request: ForwardedRequest,
  { pool, timeoutMs = 12_000, slowMs = 3000, now = Date.now }: ForwardOptions,
): Promise<Response | ApiProblem> {
  // AbortSignal.timeout() would keep each request in memory until its time is over, answered or not.
  const giveUp = new AbortController();
  let timer = setTimeout(() => {
    pool.failed(instance, now());
    timer = setTimeout(() => giveUp.abort(), Math.max(0, timeoutMs - slowMs));
  }, Math.min(slowMs, timeoutMs));
  try {
    const response = await fetch(`http://${addressOf(instance)}${request.pathAndQuery}`, {
      method: request.method,
      headers: request.headers,
      // A service has no business elsewhere.
      redirect: "error",
      signal: giveUp.signal,
    });
    // Read whole before any of it is handed on: an instance that goes away within its answer has given none.
    const body = await boundedBody(response, ANSWER_BYTES_MAX);
    const headers = new Headers();
    for (const name of ANSWER_HEADERS) {
      const value = response.headers.get(name);
      if (value !== null) headers.set(name, value);
    }
    const empty = request.method === "HEAD" || response.status === 304 || response.status === 204;
    return new Response(empty ? null : body, { status: response.status, headers });
  } catch (error) {
    if (giveUp.signal.aborted) {
      return new ApiProblem(
        504,
        `The service behind ${request.pathAndQuery.slice(0, 100)} did not answer in time`,
      );
    }
    return new ApiProblem(
      502,
      `The service behind ${request.pathAndQuery.slice(0, 100)} failed: ${kindOf(error)}`,
    );
  } finally {
    clearTimeout(timer);
  }
}

/** What may be told to anybody: no addresses of ours. */
function kindOf(error: unknown): string {
  return error instanceof Error && error.name === "BodyTooLargeError"
    ? "its answer is too large"
    : "it cannot be reached, or broke off its answer";
}
