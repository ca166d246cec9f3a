/**
 * What pages of other origins may do. A browser sends their requests without asking us, and only keeps the answers from
 * them: so what costs something, or changes something, is refused here.
 *
 * @module
 */

import { UsageError } from "../process/command_line.ts";

/**
 * The origins of `--cors-origins`.
 *
 * @throws {UsageError} for one that no browser would ever send.
 */
export function originsOf(text: string | undefined): string[] {
  const origins = (text ?? "").split(",").map((origin) => origin.trim()).filter((origin) => origin !== "");
  for (const origin of origins) {
    if (origin === "*" || (URL.canParse(origin) && new URL(origin).origin === origin)) continue;
    throw new UsageError(
      `--cors-origins holds "${origin}", expected an origin such as https://ops.example.com, without a path, or *`,
    );
  }
  return origins;
}

/** The headers of a request that a browser sets by itself, and no page can. */
export interface BrowserHeaders {
  method: string;
  host: string | undefined;
  origin: string | undefined;
  /** `Sec-Fetch-Site`, `-Mode` and `-Dest`. */
  site: string | undefined;
  mode: string | undefined;
  destination: string | undefined;
}

const SAFE_METHODS = new Set(["GET", "HEAD", "OPTIONS"]);

/** See the module. */
export class CrossOrigin {
  readonly #origins: ReadonlySet<string>;

  /** `origins` may ask and read the answers; `*`: every one. */
  constructor(origins: readonly string[] = []) {
    this.#origins = new Set(origins);
  }

  /** Whether a page of another site asks, or makes somebody's browser ask, who was not named. */
  refuses({ method, host, origin, site, mode, destination }: BrowserHeaders): boolean {
    // A browser asks first what it may do; the answer gives nothing to those who were not named.
    if (method === "OPTIONS" || this.#isNamed(origin)) return false;
    if (!SAFE_METHODS.has(method) && origin !== undefined && hostOf(origin) !== host) return true;
    const followsLink = mode === "navigate" && destination === "document";
    return site === "cross-site" && !followsLink;
  }

  /** The headers that let a page of `origin` read an answer; none for those who were not named. */
  headersFor(origin: string | undefined): Record<string, string> {
    if (this.#origins.size === 0) return {};
    // What is kept for one origin is no answer for another.
    const vary: Record<string, string> = this.#origins.has("*") ? {} : { vary: "Origin" };
    if (!this.#isNamed(origin)) return vary;
    return {
      ...vary,
      "access-control-allow-origin": this.#origins.has("*") ? "*" : origin!,
      "access-control-expose-headers": "age, cache-status, etag, retry-after, x-request-id",
      "cross-origin-resource-policy": "cross-origin",
    };
  }

  #isNamed(origin: string | undefined): boolean {
    return origin !== undefined && (this.#origins.has("*") || this.#origins.has(origin));
  }
}

function hostOf(origin: string): string | undefined {
  return URL.canParse(origin) ? new URL(origin).host : undefined;
}
