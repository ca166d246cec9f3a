/**
 * What the flight tracker says of a flight, asked of its gateway. Nobody waits for it long: while it is away, or slow, there
 * is simply nothing to tell, and it is left alone for a moment.
 *
 * @module
 */

import { z } from "@hono/zod-openapi";
import { boundedBody } from "../tracker/bounded_body.ts";

const text = () => z.string().max(200).nullable();
const number = () => z.number().nullable();

/** A flight as the tracker tells it. */
export const TrackedFlightSchema = z.object({
  ident: z.string().max(20),
  fa_flight_id: z.string().max(200),
  status: z.string().max(200),
  aircraft_type: text(),
  origin: text(),
  destination: text(),
  scheduled_out: text(),
  actual_out: text(),
  scheduled_in: text(),
  actual_in: text(),
  latitude: number(),
  longitude: number(),
  altitude: number().openapi({ description: "Hundreds of feet" }),
  groundspeed: number().openapi({ description: "Knots" }),
}).openapi("TrackedFlight");

/** The tracker's summary of a flight. */
export const FlightSummarySchema = z.object({
  fa_flight_id: z.string().max(200),
  summary_text: z.string().max(10_000),
  generated_at: z.string().max(40),
}).openapi("FlightSummary");

/** What the tracker says; nulls where it knows nothing. */
export interface Tracking {
  flight: z.infer<typeof TrackedFlightSchema> | null;
  /** Of the same leg. */
  summary: z.infer<typeof FlightSummarySchema> | null;
  /** Of `performance.now()`. */
  askedMs: number;
}

export interface TrackerLinkOptions {
  /** Of the gateway, such as `http://127.0.0.1:8080`; undefined: there is no tracker. */
  url: string | undefined;
  /** Sent as a bearer. */
  token?: string | undefined;
  /** For both questions about a flight together. Default 1500 ms. */
  timeoutMs?: number;
  /** Who asks within this time gets the same answer. Default 5000 ms. */
  keptMs?: number;
}

const KEPT_MAX = 500;
const UNDER_WAY_MAX = 20;
const ANSWER_BYTES_MAX = 100_000;
/** While it is away it is asked so seldom. */
const AWAY_MS = 5000;

/** See the module. */
export class TrackerLink {
  readonly #options: Required<Omit<TrackerLinkOptions, "url" | "token">> & TrackerLinkOptions;
  readonly #kept = new Map<string, { untilMs: number; tracking: Promise<Tracking> }>();
  #awayUntilMs = -Infinity;
  #underWay = 0;

  constructor(options: TrackerLinkOptions) {
    this.#options = { timeoutMs: 1500, keptMs: 5000, ...options };
  }

  /** What the tracker says of a flight number. Never throws. */
  async about(ident: string): Promise<Tracking> {
    const { url, keptMs } = this.#options;
    const nowMs = performance.now();
    const kept = this.#kept.get(ident);
    if (kept !== undefined && kept.untilMs > nowMs) return await kept.tracking;
    const nothing: Tracking = { flight: null, summary: null, askedMs: nowMs };
    if (url === undefined || nowMs < this.#awayUntilMs || this.#underWay >= UNDER_WAY_MAX) return nothing;
    this.#underWay++;
    const tracking = this.#ask(`${url}/api/v1/flight/${encodeURIComponent(ident)}`).catch(() => {
      this.#awayUntilMs = performance.now() + AWAY_MS;
      return nothing;
    }).finally(() => this.#underWay--);
    if (this.#kept.size >= KEPT_MAX) this.#kept.delete(this.#kept.keys().next().value!);
    this.#kept.set(ident, { untilMs: nowMs + keptMs, tracking });
    return await tracking;
  }

  async #ask(address: string): Promise<Tracking> {
    const askedMs = performance.now();
    const signal = AbortSignal.timeout(this.#options.timeoutMs);
    const [flightAnswer, summaryAnswer] = await Promise.all([
      this.#json(address, signal),
      // Without summaries there is still a flight to show.
      this.#json(`${address}/summary`, signal).catch(() => undefined),
    ]);
    const flight = TrackedFlightSchema.safeParse(flightAnswer).data ?? null;
    const summary = FlightSummarySchema.safeParse(summaryAnswer).data ?? null;
    const isOfThisLeg = summary !== null && summary.fa_flight_id === flight?.fa_flight_id;
    return { flight, summary: isOfThisLeg ? summary : null, askedMs };
  }

  /** The body of an answer; undefined where the tracker has none. Throws where it is away, or fails. */
  async #json(address: string, signal: AbortSignal): Promise<unknown> {
    const { token } = this.#options;
    const response = await fetch(address, {
      headers: {
        accept: "application/json",
        ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
      },
      redirect: "error",
      signal,
    });
    if (response.status !== 200) {
      await response.body?.cancel();
      if (response.status >= 500) throw new Error(`The tracker answered ${response.status}`);
      return undefined;
    }
    return JSON.parse(new TextDecoder().decode(await boundedBody(response, ANSWER_BYTES_MAX)));
  }
}
