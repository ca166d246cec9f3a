/** The summary service's API: what to tell people of one flight, by its number. */

import { createRoute, z } from "@hono/zod-openapi";
import { answerJson } from "../process/http/answers.ts";
import { ApiProblem, problemResponse } from "../process/http/problem.ts";
import { IDENT_PARAMETER } from "./flight_data_app.ts";
import { parseIdent } from "./flight_ident.ts";
import type { ServiceApp } from "./service_app.ts";
import type { StoredSummary, SummaryStore } from "./summary_store.ts";

/** A summary as it is answered. */
export const SummarySchema = z.object({
  ident: z.string().openapi({ example: "UAL1545" }),
  fa_flight_id: z.string().openapi({ example: "UA1545_2025-11-28" }),
  summary_text: z.string().openapi({
    example:
      "Flight UAL1545 (UA1545) from EWR to ORD is scheduled to leave at 12:00 UTC on 28 November 2025 and to arrive at 14:00 UTC.",
  }),
  generated_at: z.string().openapi({ example: "2025-11-28T10:15:30.000Z" }),
  model_used: z.string().nullable().openapi({
    description: "The model that wrote the text, or template",
    example: "template",
  }),
}).openapi("Summary");

/** What the route answers, for the documents of the service and its gateway. */
export const SUMMARY_RESPONSES = {
  200: { description: "The summary", content: { "application/json": { schema: SummarySchema } } },
  304: { description: "Unchanged since the ETag that was sent" },
  400: problemResponse("This is no flight number"),
  404: problemResponse("There is no summary of this flight yet"),
  503: problemResponse("The summaries cannot be read now"),
} as const;

export interface SummaryRoutesOptions {
  /** Undefined while the store does not answer. */
  store: () => Pick<SummaryStore, "newest"> | undefined;
  /** Told that the store failed. */
  onStoreError?: (error: unknown) => void;
  /** Milliseconds since 1970. */
  now?: () => number;
}

/** Adds `GET /api/v1/flight/{ident}/summary`. */
export function addSummaryRoutes(app: ServiceApp, options: SummaryRoutesOptions): void {
  const { store, onStoreError = () => {}, now = Date.now } = options;
  app.openapi(
    createRoute({
      method: "get",
      path: "/api/v1/flight/{ident}/summary",
      tags: ["Flights"],
      summary: "What to tell people of a flight, in a few sentences",
      request: { params: z.object({ ident: IDENT_PARAMETER }) },
      responses: SUMMARY_RESPONSES,
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
      let summary: StoredSummary | undefined;
      try {
        const open = store();
        if (open === undefined) throw new Error("it is not open");
        summary = await open.newest(ident.ident);
      } catch (error) {
        onStoreError(error);
        throw new ApiProblem(503, "The summaries cannot be read now: ask again in a moment", {
          headers: { "retry-after": "5" },
        });
      }
      if (summary === undefined) {
        throw new ApiProblem(
          404,
          `There is no summary of ${ident.ident} yet: it is written once somebody has asked for the flight itself`,
        );
      }
      const body = {
        ident: summary.ident,
        fa_flight_id: summary.faFlightId,
        summary_text: summary.text,
        generated_at: new Date(summary.generatedMs).toISOString(),
        model_used: summary.modelUsed,
      };
      return answerJson(context, body, now() - summary.generatedMs) as never;
    },
  );
}
