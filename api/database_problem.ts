/** What a caller is told where the database does not answer. */

import { ApiProblem } from "../process/http/problem.ts";
import { NoAnswerError } from "../warehouse/asked_database.ts";

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
