/** Where a flight is, as the flight tracker tells it, for the page's view of the flight. */

import { createRoute, z } from "@hono/zod-openapi";
import { answerWithAge } from "../../process/http/answers.ts";
import { problemResponse } from "../../process/http/problem.ts";
import { parseIdent } from "../../tracker/flight_ident.ts";
import type { Api, ApiParts } from "../app.ts";
import { ageFields, identifier } from "../schemas.ts";
import { FlightSummarySchema, TrackedFlightSchema } from "../tracker_link.ts";
import type { Tracking } from "../tracker_link.ts";
import { unknownFlight } from "./flights.ts";

/** The tracker's times may be an upstream's own, which differ from ours by less than this for the same departure. */
const SAME_DEPARTURE_MS = 6 * 60 * 60 * 1000;
const NOTHING: Pick<Tracking, "flight" | "summary"> = { flight: null, summary: null };

/** Adds the route. */
export function addTrackingRoutes(api: Api, { follower, tracker }: ApiParts): void {
  api.openapi(
    createRoute({
      method: "get",
      path: "/flights/{flight_id}/tracking",
      tags: ["Flights"],
      summary: "Where the flight is, by the flight tracker; nulls while that is away or knows nothing",
      request: {
        params: z.object({ flight_id: identifier("The flight's id", "BA210_2025-11-28") }),
        query: z.object({}).strict(),
      },
      responses: {
        200: {
          description: "What the tracker says",
          content: {
            "application/json": {
              schema: z.object({
                tracked: TrackedFlightSchema.nullable(),
                is_this_departure: z.boolean().openapi({
                  description:
                    "The tracker follows the departure at hand of a number, which may be another day's",
                }),
                summary: FlightSummarySchema.nullable(),
                ...ageFields,
              }),
            },
          },
        },
        304: { description: "Unchanged since the ETag that was sent" },
        400: problemResponse("The id cannot be one"),
        404: problemResponse("The flight is not on the board"),
      },
    }),
    async (context) => {
      const { flight_id } = context.req.valid("param");
      const known = follower.board.flight(flight_id);
      if (known === undefined) throw unknownFlight(flight_id);
      const ident = parseIdent(flight_id.slice(0, flight_id.indexOf("_")));
      const { flight, summary, askedMs } = ident === undefined
        ? { ...NOTHING, askedMs: performance.now() }
        : await tracker.about(ident.ident);
      const isThisDeparture = flight !== null && (flight.fa_flight_id === flight_id ||
        Math.abs(Date.parse(flight.scheduled_out ?? "") - Date.parse(known.scheduled_departure_time)) <
          SAME_DEPARTURE_MS);
      const body = {
        tracked: flight,
        is_this_departure: isThisDeparture,
        summary: isThisDeparture ? summary : null,
      };
      return answerWithAge(context, body, performance.now() - askedMs) as never;
    },
  );
}
