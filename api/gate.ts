/**
 * Who is let in, and how often the token may be guessed: a few times at once from one address, then one in a while. Whoever
 * has guessed too often is not told whether the next guess is right. Cookies cannot be guessed and are not limited.
 */

import type { Context } from "hono";
import { bearerOf, credentialsOf } from "../process/http/access_control.ts";
import type { AccessControl } from "../process/http/access_control.ts";
import { GuessLimit } from "../process/http/guess_limit.ts";
import { ApiProblem } from "../process/http/problem.ts";

const LOGIN_GUESSES = { burst: 10, refillMs: 30_000 };
const BEARER_GUESSES = { burst: 60, refillMs: 1000, trustMs: 3_600_000 };

/** See the module. */
export class Gate {
  readonly access: AccessControl;
  readonly #logins: GuessLimit;
  readonly #bearers: GuessLimit;

  /** `nowMs` is a clock that goes steadily; a test's own clock. */
  constructor(access: AccessControl, nowMs: () => number = () => performance.now()) {
    this.access = access;
    this.#logins = new GuessLimit({ ...LOGIN_GUESSES, nowMs });
    this.#bearers = new GuessLimit({ ...BEARER_GUESSES, nowMs });
  }

  /**
   * Whether the request brings what lets it in.
   *
   * @throws {ApiProblem} 429 where its address has guessed too often.
   */
  admits(context: Context): boolean {
    const credentials = credentialsOf(context);
    if (!this.access.tokenNeeded || bearerOf(credentials) === undefined) {
      return this.access.allowed(credentials);
    }
    const address = addressOf(context);
    refuseGuess(this.#bearers.waitSeconds(address));
    const admitted = this.access.allowed(credentials);
    if (admitted) this.#bearers.right(address);
    else this.#bearers.wrong(address);
    return admitted;
  }

  /**
   * Whether somebody may log in by the token that they typed.
   *
   * @throws {ApiProblem} 429 where their address has guessed too often.
   */
  admitsLogin(context: Context, token: string): boolean {
    const address = addressOf(context);
    refuseGuess(this.#logins.waitSeconds(address));
    if (this.access.tokenMatches(token)) return true;
    this.#logins.wrong(address);
    return false;
  }
}

/** Whether details are for whoever asks, on a path that anybody may ask: one who guesses learns nothing by it. */
export function mayKnowDetails(gate: Gate, context: Context): boolean {
  try {
    return gate.admits(context);
  } catch (error) {
    if (error instanceof ApiProblem) return false;
    throw error;
  }
}

function refuseGuess(waitSeconds: number): void {
  if (waitSeconds === 0) return;
  throw new ApiProblem(
    429,
    `Too many wrong tokens came from this address: try again in ${waitSeconds} s`,
    { headers: { "retry-after": String(waitSeconds) } },
  );
}

/** The caller's address, as the server that took the connection tells. */
function addressOf(context: Context): string {
  const { remoteAddr } = (context.env ?? {}) as Partial<Deno.ServeHandlerInfo<Deno.NetAddr>>;
  return remoteAddr?.hostname ?? "unknown";
}
