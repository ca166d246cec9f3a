/** Server-sent events: flights, decisions, minute windows and the pipeline's state, as they change. */

import { createRoute, z } from "@hono/zod-openapi";
import type { Api, ApiParts } from "../app.ts";
import { EventChunks } from "../event_chunks.ts";
import type { LiveFeed } from "../live_feed.ts";
import { ApiProblem, problemResponse } from "../../process/http/problem.ts";

const EVENT_KINDS = ["flight", "flight_gone", "decision", "window", "pipeline"] as const;

/** Silence after which a comment keeps the connection alive. */
const PING_MS = 15_000;
/** A listener that takes nothing for so long is let go. */
const STALLED_MS = 120_000;

/** How many listen at present. */
export class Listeners {
  count = 0;
  readonly max: number;
  constructor(max: number) {
    this.max = max;
  }
}

export function addEventRoutes(api: Api, { feed, listeners, stopping }: ApiParts): void {
  const chunks = new EventChunks(feed);
  api.openapi(
    createRoute({
      method: "get",
      path: "/events",
      tags: ["Live"],
      summary: "Live updates as server-sent events",
      description:
        "Kinds: `flight` (a row of /flights), `flight_gone`, `decision` (a row of /decisions), `window` (a row of /metrics), " +
        "`pipeline` (the answer of /pipeline), and, whatever was asked for, `reset`: ask for the state anew, as what was " +
        "missed is not here any more, or the log has just been read to its end. " +
        "Sent at the pace of the reader; a flight or window that changed several times is sent once, as it is then. " +
        "Goes on after `Last-Event-ID`.",
      request: {
        query: z.object({
          kinds: z.string().regex(/^[a-z_]+(,[a-z_]+)*$/).max(100).optional().openapi({
            description: `Only these, separated by commas: ${EVENT_KINDS.join(", ")}`,
            example: "flight,decision",
          }),
        }).strict(),
        headers: z.object({ "last-event-id": z.string().max(100).optional() }),
      },
      responses: {
        200: {
          description: "A stream that does not end",
          content: { "text/event-stream": { schema: z.string() } },
        },
        400: problemResponse("A kind that is none"),
        503: problemResponse("Too many listen already"),
      },
    }),
    (context) => {
      const asked = context.req.valid("query").kinds?.split(",");
      const unknown = asked?.find((kind) => !(EVENT_KINDS as readonly string[]).includes(kind));
      if (unknown !== undefined) {
        throw new ApiProblem(
          400,
          `Query parameter "kinds" holds "${unknown}", expected some of ${EVENT_KINDS.join(", ")}`,
        );
      }
      if (listeners.count >= listeners.max) {
        throw new ApiProblem(503, `${listeners.max} listeners are served already: try again later`, {
          headers: { "retry-after": "10" },
        });
      }
      const headers = {
        "content-type": "text/event-stream; charset=utf-8",
        "cache-control": "no-store",
        "x-accel-buffering": "no",
      };
      // Nobody would read the stream, nor let go of it: it would keep its place for ever.
      if (context.req.method === "HEAD") return new Response(null, { headers }) as never;
      const body = eventStream(feed, {
        kinds: asked === undefined ? undefined : new Set(asked),
        lastEventId: context.req.header("last-event-id"),
        listeners,
        stopping,
        chunks,
      });
      return new Response(body, { headers }) as never;
    },
  );
}

interface EventStreamOptions {
  kinds: ReadonlySet<string> | undefined;
  lastEventId: string | undefined;
  listeners: Listeners;
  stopping: AbortSignal;
  chunks: EventChunks;
}

/** Text is made only when the reader asks for more. */
function eventStream(feed: LiveFeed, options: EventStreamOptions): ReadableStream<Uint8Array> {
  const { kinds, listeners, stopping, chunks } = options;
  const encoder = new TextEncoder();
  const closed = new AbortController();
  const signal = AbortSignal.any([closed.signal, stopping]);
  const start = startOf(feed, options.lastEventId);
  let reached = start.number;
  let first: string | undefined = `retry: 2000\n${
    start.reset ? resetText(feed, reached) : `id: ${feed.id}-${reached}\n\n`
  }`;
  let stalled: ReturnType<typeof setTimeout> | undefined;
  let open = true;
  listeners.count++;
  const close = () => {
    if (!open) return;
    open = false;
    listeners.count--;
    clearTimeout(stalled);
    closed.abort();
  };
  return new ReadableStream<Uint8Array>({
    async pull(controller) {
      clearTimeout(stalled);
      let bytes = encoder.encode(first ?? "");
      first = undefined;
      while (bytes.length === 0) {
        await feed.changed(reached, PING_MS, signal);
        if (signal.aborted) {
          close();
          try {
            controller.close();
          } catch {
            // The reader has gone away already.
          }
          return;
        }
        if (!feed.holds(reached)) {
          // Read too slowly: what comes next is not here any more.
          reached = feed.newest;
          bytes = encoder.encode(resetText(feed, reached));
          break;
        }
        const chunk = chunks.after(reached, kinds);
        bytes = chunk.reached === reached ? encoder.encode(": nothing new\n\n") : chunk.bytes;
        reached = chunk.reached;
      }
      controller.enqueue(bytes);
      stalled = setTimeout(() => {
        close();
        controller.error(new Error("The listener does not read"));
      }, STALLED_MS);
      Deno.unrefTimer(stalled as unknown as number);
    },
    cancel: close,
  }, { highWaterMark: 0 });
}

/** Tells a listener to ask for the state anew. */
function resetText(feed: LiveFeed, reached: number): string {
  return `event: reset\ndata: {}\nid: ${feed.id}-${reached}\n\n`;
}

/** Where a listener begins: after what it has seen, if that is still known here, else with the newest. */
function startOf(feed: LiveFeed, lastEventId: string | undefined): { number: number; reset: boolean } {
  const newest = feed.newest;
  if (lastEventId === undefined || lastEventId === "") return { number: newest, reset: false };
  const match = /^([0-9a-zA-Z]+)-(\d{1,15})$/.exec(lastEventId);
  const number = Number(match?.[2]);
  if (match === null || match[1] !== feed.id || !feed.holds(number)) return { number: newest, reset: true };
  return { number, reset: false };
}
