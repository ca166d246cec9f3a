/** The port through which flights come: from AeroAPI, or from our own simulated network. */

import type { FlightIdent } from "./flight_ident.ts";
import type { TrackedFlight } from "./tracked_flight.ts";

/** Where flights are asked for. */
export interface FlightSource {
  /** For logs and metrics: `aeroapi`, `simulated`. */
  readonly name: string;
  /**
   * The legs of an ident around now, in no order; none where the ident is unknown.
   *
   * @throws {UpstreamError} when it cannot be asked, or answers nonsense.
   * @throws {BudgetSpentError} when asking would cost more than was allowed.
   */
  legs(ident: FlightIdent, signal: AbortSignal): Promise<TrackedFlight[]>;
}

/** A source failed; the message never holds a key. */
export class UpstreamError extends Error {
  override name = "UpstreamError";
  /** Whether it did not answer in time (a gateway says 504 then, else 502). */
  readonly timedOut: boolean;

  constructor(message: string, options: { timedOut?: boolean; cause?: unknown } = {}) {
    super(message, { cause: options.cause });
    this.timedOut = options.timedOut ?? false;
  }
}

/** The budget of result sets is spent; the message says until when. */
export class BudgetSpentError extends Error {
  override name = "BudgetSpentError";
  readonly retryAfterSeconds: number;

  constructor(message: string, retryAfterSeconds: number) {
    super(message);
    this.retryAfterSeconds = retryAfterSeconds;
  }
}
