/**
 * Flights of FlightAware's AeroAPI v4. Each try costs a result set of the budget, is bounded in time and size, and goes
 * to the one host that was given; what may pass is tried again a few times, here and nowhere else.
 *
 * @module
 */

import { flightsOf } from "./aeroapi_answer.ts";
import { BodyTooLargeError, boundedBody } from "./bounded_body.ts";
import type { CallBudget } from "./call_budget.ts";
import { CircuitBreaker } from "./circuit_breaker.ts";
import type { FlightIdent } from "./flight_ident.ts";
import { BudgetSpentError, UpstreamError } from "./flight_source.ts";
import type { FlightSource } from "./flight_source.ts";
import { pause } from "./pause.ts";
import type { TrackedFlight } from "./tracked_flight.ts";

export interface AeroApiOptions {
  /** Such as `https://aeroapi.flightaware.com/aeroapi`. */
  baseUrl: string;
  /** Sent as `x-apikey`, never shown. */
  apiKey: string;
  budget: CallBudget;
  breaker?: CircuitBreaker;
  /** For one try. Default 4000 ms. */
  timeoutMs?: number;
  /** Tries in all. Default 3. */
  triesMax?: number;
  /** The longest pause before the second try; each further one is twice that. Default 200 ms. */
  pauseMs?: number;
  /** Told how long each try took and how it ended, for metrics. */
  onCall?: (call: { seconds: number; outcome: string }) => void;
  random?: () => number;
}

const ANSWER_BYTES_MAX = 2_000_000;
const RETRY_AFTER_SECONDS_MAX = 3600;

/** A failure that may have passed by the next try. */
class PassingError extends UpstreamError {}

/** See the module. */
export class AeroApiSource implements FlightSource {
  readonly name = "aeroapi";
  readonly breaker: CircuitBreaker;
  readonly #options: Required<Omit<AeroApiOptions, "breaker">>;
  /** Of `performance.now()`: AeroAPI said that it takes nothing before. */
  #restUntilMs = 0;

  constructor(options: AeroApiOptions) {
    this.breaker = options.breaker ?? new CircuitBreaker();
    this.#options = {
      timeoutMs: 4000,
      triesMax: 3,
      pauseMs: 200,
      onCall: () => {},
      random: Math.random,
      ...options,
      baseUrl: options.baseUrl.replace(/\/+$/, ""),
    };
  }

  async legs(ident: FlightIdent, signal: AbortSignal): Promise<TrackedFlight[]> {
    const { budget, triesMax, pauseMs, random } = this.#options;
    const restSeconds = Math.ceil((this.#restUntilMs - performance.now()) / 1000);
    if (restSeconds > 0) throw notBefore(restSeconds);
    for (let tries = 1;; tries++) {
      if (!this.breaker.allows()) {
        throw new UpstreamError("AeroAPI failed several times in a row and is left alone for half a minute");
      }
      await budget.take();
      try {
        const legs = await this.#ask(ident, signal);
        this.breaker.succeeded();
        return legs;
      } catch (error) {
        if (error instanceof BudgetSpentError) {
          this.#restUntilMs = performance.now() + error.retryAfterSeconds * 1000;
          throw error;
        }
        this.breaker.failed();
        if (!(error instanceof PassingError) || tries >= triesMax || signal.aborted) throw error;
      }
      // Full jitter, so that instances that failed together do not come back together.
      await pause(random() * pauseMs * 2 ** (tries - 1), signal);
    }
  }

  /** One try. */
  async #ask(ident: FlightIdent, signal: AbortSignal): Promise<TrackedFlight[]> {
    const { baseUrl, apiKey, timeoutMs, onCall } = this.#options;
    const startedMs = performance.now();
    const ended = (outcome: string) => onCall({ seconds: (performance.now() - startedMs) / 1000, outcome });
    const timeout = AbortSignal.timeout(timeoutMs);
    try {
      const response = await fetch(`${baseUrl}/flights/${encodeURIComponent(ident.ident)}?max_pages=1`, {
        headers: { "x-apikey": apiKey, accept: "application/json" },
        // A redirect would carry the key to another host.
        redirect: "error",
        signal: AbortSignal.any([signal, timeout]),
      });
      ended(String(response.status));
      if (response.status !== 200) {
        await response.body?.cancel();
        return refused(response);
      }
      return flightsOf(new TextDecoder().decode(await boundedBody(response, ANSWER_BYTES_MAX)));
    } catch (error) {
      if (error instanceof UpstreamError || error instanceof BudgetSpentError) throw error;
      ended("failed");
      if (timeout.aborted || signal.aborted) {
        throw new PassingError(`AeroAPI did not answer within ${timeoutMs} ms`, { timedOut: true });
      }
      if (error instanceof BodyTooLargeError) {
        throw new UpstreamError(`AeroAPI's answer has more than ${ANSWER_BYTES_MAX} bytes`);
      }
      // The runtime's own words name the address asked; the key travels in a header and is in none of them.
      throw new PassingError(`AeroAPI cannot be reached: ${(error as Error).message}`);
    }
  }
}

/** What an answer other than 200 means: no such flight, or an error. */
function refused(response: Response): [] {
  switch (response.status) {
    case 400:
    case 404:
      return [];
    case 401:
    case 403:
      throw new UpstreamError(`AeroAPI refuses the key (${response.status}): check FLIGHTAWARE_API_KEY`);
    case 429: {
      const given = Number(response.headers.get("retry-after") ?? "60");
      const seconds = Math.min(
        RETRY_AFTER_SECONDS_MAX,
        Math.max(1, Math.ceil(Number.isFinite(given) ? given : 60)),
      );
      throw notBefore(seconds);
    }
    default:
      if (response.status >= 500) throw new PassingError(`AeroAPI answered ${response.status}`);
      throw new UpstreamError(`AeroAPI answered ${response.status}`);
  }
}

function notBefore(seconds: number): BudgetSpentError {
  return new BudgetSpentError(`AeroAPI takes no more requests for ${seconds} s`, seconds);
}
