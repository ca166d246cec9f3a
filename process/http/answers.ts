/**
 * Answers as JSON: compressed where the caller takes it, with an ETag so that an unchanged answer costs nothing,
 * and rendered once for all callers that ask the same while the data has not changed.
 *
 * @module
 */

import { createHash } from "node:crypto";
import { gzipSync } from "node:zlib";
import type { Context } from "hono";

interface Rendered {
  etag: string;
  plain: Uint8Array<ArrayBuffer>;
  gzip?: Uint8Array<ArrayBuffer>;
}

/** Smaller bodies do not gain by compression. */
const GZIP_BYTES_MIN = 1024;
const RENDERED_MAX = 500;

function render(body: unknown): Rendered {
  const plain = new TextEncoder().encode(JSON.stringify(body));
  const hash = createHash("sha256").update(plain).digest("base64url").slice(0, 22);
  return { etag: `"${hash}"`, plain };
}

/** Answers that hold for one version of the data. */
export class RenderedAnswers {
  #version = -1;
  readonly #rendered = new Map<string, Rendered>();

  /** The answer to `key` (the request's path and query) at `version`: as rendered before, or made now. */
  answer(context: Context, key: string, version: number, make: () => unknown, ageMs: number): Response {
    if (version !== this.#version || this.#rendered.size >= RENDERED_MAX) {
      this.#version = version;
      this.#rendered.clear();
    }
    let rendered = this.#rendered.get(key);
    if (rendered === undefined) {
      rendered = render(make());
      this.#rendered.set(key, rendered);
    }
    return send(context, rendered, ageMs);
  }
}

/** Answers with `body`; `ageMs` says how old what it tells is, for the `Age` header. */
export function answerJson(context: Context, body: unknown, ageMs: number): Response {
  return send(context, render(body), ageMs);
}

function send(context: Context, rendered: Rendered, ageMs: number): Response {
  const headers: Record<string, string> = {
    "content-type": "application/json",
    "cache-control": "private, no-cache",
    "vary": "Accept-Encoding",
    "etag": rendered.etag,
    "age": String(Math.max(0, Math.floor(ageMs / 1000))),
  };
  if (matches(context.req.header("if-none-match"), rendered.etag)) {
    delete headers["content-type"];
    return new Response(null, { status: 304, headers });
  }
  if (rendered.plain.length >= GZIP_BYTES_MIN && takesGzip(context.req.header("accept-encoding"))) {
    rendered.gzip ??= new Uint8Array(gzipSync(rendered.plain, { level: 4 }));
    return new Response(rendered.gzip, { headers: { ...headers, "content-encoding": "gzip" } });
  }
  return new Response(rendered.plain, { headers });
}

/** Whether an `If-None-Match` header names the tag (RFC 9110, 13.1.2: weak comparison). */
function matches(header: string | undefined, etag: string): boolean {
  if (header === undefined) return false;
  return header.split(",").some((tag) => {
    const text = tag.trim();
    return text === "*" || text.replace(/^W\//, "") === etag;
  });
}

/** Whether an `Accept-Encoding` header takes gzip. */
export function takesGzip(header: string | undefined): boolean {
  return (header ?? "").split(",").some((part) => {
    const [coding, ...parameters] = part.trim().split(";").map((text) => text.trim().toLowerCase());
    const refused = parameters.some((parameter) => /^q=0(\.0*)?$/.test(parameter));
    return (coding === "gzip" || coding === "*") && !refused;
  });
}
