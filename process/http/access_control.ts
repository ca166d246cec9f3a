/**
 * Who may ask. On loopback everybody; elsewhere whoever has the token: as a bearer, or by the cookie that the page
 * `/login` sets, because a browser's event stream cannot send a bearer. The Host header is always checked, so that a
 * page of somebody else's cannot reach us under a name of its own (DNS rebinding).
 *
 * @module
 */

import { createHmac, randomBytes, timingSafeEqual } from "node:crypto";
import type { Context } from "hono";

/** The cookie's name. */
export const SESSION_COOKIE = "airline_session";
const SESSION_SECONDS = 12 * 60 * 60;

export interface AccessOptions {
  /** Undefined: nobody is asked for one. */
  token?: string | undefined;
  /** Host names beside the loopback ones that the API answers under, without ports; `*` takes any. */
  allowedHosts?: readonly string[];
  /** Milliseconds since 1970; a test's own clock. */
  now?: () => number;
}

/** The headers by which a caller shows who they are. */
export interface Credentials {
  authorization: string | undefined;
  cookie: string | undefined;
}

/** Those of a request. */
export function credentialsOf({ req }: Context): Credentials {
  return { authorization: req.header("authorization"), cookie: req.header("cookie") };
}

/** The token that a caller sends, right or wrong. */
export function bearerOf({ authorization }: Pick<Credentials, "authorization">): string | undefined {
  return /^Bearer +(\S+)$/i.exec(authorization ?? "")?.[1];
}

const LOOPBACK_HOSTS = new Set(["localhost", "127.0.0.1", "[::1]"]);

/** See the module. */
export class AccessControl {
  readonly #token: string | undefined;
  readonly #hosts: ReadonlySet<string>;
  readonly #now: () => number;
  /** Cookies of an earlier run of the process do not count: a token that was changed is changed. */
  readonly #key = randomBytes(32);

  constructor(options: AccessOptions) {
    this.#token = options.token;
    this.#hosts = new Set([
      ...LOOPBACK_HOSTS,
      ...(options.allowedHosts ?? []).map((host) => host.toLowerCase()),
    ]);
    this.#now = options.now ?? Date.now;
  }

  get tokenNeeded(): boolean {
    return this.#token !== undefined;
  }

  /** Whether the API answers under the name that a Host header gives. */
  hostAllowed(header: string | undefined): boolean {
    if (header === undefined) return false;
    const name = /^(\[[0-9a-fA-F:.]+\]|[^:]+)(?::\d{1,5})?$/.exec(header)?.[1]?.toLowerCase();
    return name !== undefined && (this.#hosts.has(name) || this.#hosts.has("*"));
  }

  /** Whether a request with these headers may ask. */
  allowed(headers: Credentials): boolean {
    if (this.#token === undefined) return true;
    const bearer = bearerOf(headers);
    if (bearer !== undefined && this.tokenMatches(bearer)) return true;
    const session = (headers.cookie ?? "").split(";").map((part) => part.trim().split("="))
      .find(([name]) => name === SESSION_COOKIE)?.[1];
    return session !== undefined && this.#sessionValid(session);
  }

  /** Compares in a time that does not depend on where they differ. */
  tokenMatches(given: string): boolean {
    const digest = (text: string) => createHmac("sha256", this.#key).update(text).digest();
    return this.#token !== undefined && timingSafeEqual(digest(given), digest(this.#token));
  }

  /** The value of a `Set-Cookie` header that lets a browser in for twelve hours. */
  sessionCookie(): string {
    const expires = Math.floor(this.#now() / 1000) + SESSION_SECONDS;
    return `${SESSION_COOKIE}=${expires}.${
      this.#signature(expires)
    }; Path=/; HttpOnly; SameSite=Strict; Max-Age=${SESSION_SECONDS}`;
  }

  #signature(expires: number): string {
    return createHmac("sha256", this.#key).update(`session ${expires}`).digest("hex");
  }

  #sessionValid(session: string): boolean {
    const match = /^(\d{1,12})\.([0-9a-f]{64})$/.exec(session);
    if (match === null || Number(match[1]) * 1000 < this.#now()) return false;
    return timingSafeEqual(
      new TextEncoder().encode(match[2]!),
      new TextEncoder().encode(this.#signature(Number(match[1]))),
    );
  }
}
