/** Flights and decisions, from the API's own picture of the log. */

import { createRoute, z } from "@hono/zod-openapi";
import { answerWithAge, pathAndQuery } from "../../process/http/answers.ts";
import type { Api, ApiParts } from "../app.ts";
import type { BoardFlight } from "../board_flight.ts";
import { page } from "../paging.ts";
import { ApiProblem, problemResponse } from "../../process/http/problem.ts";
import {
  ageFields,
  ComparedPointSchema,
  CurvePointSchema,
  DecisionSchema,
  direction,
  FlightSchema,
  HeldBackSchema,
  identifier,
  wholeNumber,
} from "../schemas.ts";
import { curveRow, decisionRow, heldBackRow } from "../answered_rows.ts";
import { databaseProblem } from "../database_problem.ts";

/** What `/flights` sorts by, with the value of a flight. */
const FLIGHT_SORTS = {
  departure: (flight: BoardFlight) => flight.scheduled_departure_time,
  flight_id: (flight: BoardFlight) => flight.flight_id,
  load_factor: (flight: BoardFlight) => flight.load_factor,
  against_usual: (flight: BoardFlight) =>
    flight.usual_load_factor === null ? null : flight.load_factor - flight.usual_load_factor,
  velocity: (flight: BoardFlight) => flight.booking_velocity_per_hour,
  promotion: (flight: BoardFlight) => flight.promotion?.promo_time ?? null,
} as const;
type FlightSort = keyof typeof FLIGHT_SORTS;
const SORT_NAMES = Object.keys(FLIGHT_SORTS) as [FlightSort, ...FlightSort[]];

const FlightQuery = z.object({
  q: z.string().max(100).optional().openapi({
    description: "Text in the flight's id, airline, airports or aircraft type",
    example: "EWR",
  }),
  airline: z.string().max(10).optional().openapi({ example: "UA" }),
  origin: z.string().max(10).optional().openapi({ example: "EWR" }),
  destination: z.string().max(10).optional().openapi({ example: "ORD" }),
  phase: z.enum(["scheduled", "departed", "arrived", "cancelled"]).optional(),
  promoted: z.enum(["true", "false"]).optional().openapi({ description: "With, or without, a promotion" }),
  sort: z.enum(SORT_NAMES).default("departure"),
  direction: direction("asc"),
  limit: wholeNumber({ min: 1, max: 1000, default: 100, description: "Flights at most" }),
  cursor: z.string().min(1).max(1000).optional().openapi({
    description: "next_cursor of the page before; with the same sort and direction",
  }),
}).strict();

const FlightPath = z.object({ flight_id: identifier("The flight", "BA210_2025-11-28") });

export function addFlightRoutes(api: Api, parts: ApiParts): void {
  const { follower, viewers, flightHistory, rendered, version } = parts;
  const shown = (flight: BoardFlight) => ({ ...flight, active_viewers: viewers.of(flight.flight_id) });

  api.openapi(
    createRoute({
      method: "get",
      path: "/flights",
      tags: ["Flights"],
      summary: "Flights on the board",
      request: { query: FlightQuery },
      responses: {
        200: {
          description: "One page",
          content: {
            "application/json": {
              schema: z.object({
                rows: z.array(FlightSchema),
                total: z.number().int().min(0).openapi({ description: "Flights that fit, on all pages" }),
                next_cursor: z.string().nullable(),
                ...ageFields,
              }),
            },
          },
        },
        304: { description: "Unchanged since the ETag that was sent" },
        400: problemResponse("A parameter cannot be used"),
        404: problemResponse("No page has given out the cursor"),
      },
    }),
    (context) => {
      const query = context.req.valid("query");
      const make = () => {
        const rows = [...follower.board.flights()].filter(filterOf(query));
        const { rows: taken, nextCursor } = page(rows, {
          order: `${query.sort} ${query.direction}`,
          direction: query.direction,
          valueOf: FLIGHT_SORTS[query.sort],
          idOf: (flight) => flight.flight_id,
          limit: query.limit,
          cursor: query.cursor,
        });
        return { rows: taken.map(shown), total: rows.length, next_cursor: nextCursor };
      };
      return rendered.answer(
        context,
        pathAndQuery(context.req.url),
        version(),
        make,
        follower.ageMs(),
      ) as never;
    },
  );

  api.openapi(
    createRoute({
      method: "get",
      path: "/flights/{flight_id}",
      tags: ["Flights"],
      summary:
        "One flight: its state, its booking curve, its promotions with their reasons, and those that were held back",
      request: { params: FlightPath, query: z.object({}).strict() },
      responses: {
        200: {
          description: "The flight",
          content: {
            "application/json": {
              schema: z.object({
                flight: FlightSchema,
                curve: z.array(ComparedPointSchema),
                promotions: z.array(DecisionSchema),
                held_back: z.array(HeldBackSchema).openapi({
                  description: "Promotions that were wanted and held back; written where the answer changes",
                }),
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
    (context) => {
      const { flight_id } = context.req.valid("param");
      const flight = follower.board.flight(flight_id);
      if (flight === undefined) throw unknownFlight(flight_id);
      const make = () => {
        const { curve, promotions, heldBack } = follower.board.details(flight_id)!;
        const { airline_code, origin_airport, destination_airport } = flight;
        return {
          flight: shown(flight),
          curve: curve.map((point) => ({
            ...curveRow(point),
            usual_load_factor: follower.board.usualLoadFactor(point.minutesToDeparture),
          })),
          promotions: promotions.map((promotion) =>
            decisionRow({ ...promotion, airline_code, origin_airport, destination_airport })
          ),
          held_back: heldBack.map(heldBackRow),
        };
      };
      return rendered.answer(
        context,
        pathAndQuery(context.req.url),
        version(),
        make,
        follower.ageMs(),
      ) as never;
    },
  );

  api.openapi(
    createRoute({
      method: "get",
      path: "/flights/{flight_id}/history",
      tags: ["Flights"],
      summary: "What the warehouse has of a flight: its stored metrics",
      request: {
        params: FlightPath,
        query: z.object({
          limit: wholeNumber({ min: 1, max: 5000, default: 1000, description: "Newest rows at most" }),
        }).strict(),
      },
      responses: {
        200: {
          description: "Oldest first; as of the last ETL run",
          content: {
            "application/json": {
              schema: z.object({ rows: z.array(CurvePointSchema), ...ageFields }),
            },
          },
        },
        400: problemResponse("A parameter cannot be used"),
        404: problemResponse("The warehouse does not know the flight"),
        503: problemResponse("The database is away"),
        504: problemResponse("The database took too long"),
      },
    }),
    async (context) => {
      const { flight_id } = context.req.valid("param");
      const { limit } = context.req.valid("query");
      const found = await flightHistory.of(flight_id, limit).catch((error) => {
        throw databaseProblem(error);
      });
      if (found === undefined) {
        throw new ApiProblem(
          404,
          `The warehouse does not know the flight "${flight_id}": the ETL brings it in after its first run`,
        );
      }
      const ageMs = found.loadedAtMs === undefined ? 0 : Date.now() - found.loadedAtMs;
      return answerWithAge(context, { rows: found.rows }, Math.max(0, ageMs)) as never;
    },
  );

  api.openapi(
    createRoute({
      method: "get",
      path: "/decisions",
      tags: ["Flights"],
      summary: "Promotions that were decided, newest first, with their reasons",
      request: {
        query: z.object({
          flight_id: identifier("Only this flight", "BA210_2025-11-28").optional(),
          limit: wholeNumber({ min: 1, max: 1000, default: 100, description: "Decisions at most" }),
          cursor: z.string().min(1).max(1000).optional(),
        }).strict(),
      },
      responses: {
        200: {
          description: "One page of the newest 2,000",
          content: {
            "application/json": {
              schema: z.object({
                rows: z.array(DecisionSchema),
                total: z.number().int().min(0).openapi({ description: "Decisions since the log began" }),
                next_cursor: z.string().nullable(),
                ...ageFields,
              }),
            },
          },
        },
        304: { description: "Unchanged since the ETag that was sent" },
        400: problemResponse("A parameter cannot be used"),
        404: problemResponse("No page has given out the cursor"),
      },
    }),
    (context) => {
      const { flight_id, limit, cursor } = context.req.valid("query");
      const make = () => {
        const rows = follower.board.decisions().filter((decision) =>
          flight_id === undefined || decision.flight_id === flight_id
        );
        const { rows: taken, nextCursor } = page(rows, {
          order: "event_time desc",
          direction: "desc",
          valueOf: (decision) => decision.event_time,
          idOf: (decision) => decision.event_id ?? decision.flight_id,
          limit,
          cursor,
        });
        return {
          rows: taken.map(decisionRow),
          total: follower.board.decisionsTotal,
          next_cursor: nextCursor,
        };
      };
      return rendered.answer(
        context,
        pathAndQuery(context.req.url),
        version(),
        make,
        follower.ageMs(),
      ) as never;
    },
  );
}

/** Says that a flight is not on the board. */
export function unknownFlight(flightId: string): ApiProblem {
  return new ApiProblem(
    404,
    `Flight "${flightId}" is not on the board: /flights lists those that are; one that is over leaves it after a day`,
  );
}

function filterOf(query: z.infer<typeof FlightQuery>): (flight: BoardFlight) => boolean {
  const text = query.q?.trim().toLowerCase();
  return (flight) =>
    (query.airline === undefined || flight.airline_code === query.airline) &&
    (query.origin === undefined || flight.origin_airport === query.origin) &&
    (query.destination === undefined || flight.destination_airport === query.destination) &&
    (query.phase === undefined || flight.phase === query.phase) &&
    (query.promoted === undefined || (flight.promotion !== null) === (query.promoted === "true")) &&
    (text === undefined || text === "" || [
      flight.flight_id,
      flight.airline_code,
      flight.origin_airport,
      flight.destination_airport,
      flight.aircraft_type ?? "",
    ].some((part) => part.toLowerCase().includes(text)));
}
