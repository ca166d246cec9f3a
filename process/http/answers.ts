/**
 * Answers as JSON, which may say how old they are: compressed where the caller takes it, with an ETag so that an unchanged
 * answer costs nothing, and rendered once for all callers that ask the same while the data has not changed.
 *
 * The ETag is of what an answer tells, not of its age, which goes on while nothing changes.
 *
 * @module
 */

import { createHash } from "node:crypto";
import { gzipSync } from "node:zlib";
import type { Context } from "hono";

/** An answer without its age, and as it was sent last. */
interface Rendered {
  etag: string;
  text: string;
  sent?: { atMs: number; plain: Uint8Array<ArrayBuffer>; gzip?: Uint8Array<ArrayBuffer> };
}

/** Smaller bodies do not gain by compression. */
const GZIP_BYTES_MIN = 1024;
const RENDERED_MAX = 500;
/** What the answers that are kept may hold together, in UTF-16 units. */
const RENDERED_UNITS_MAX = 4 * 1024 * 1024;
/** The bytes of an answer are sent again for so long; then its age is written anew. */
const SENT_AGAIN_MS = 1000;

function render(body: object): Rendered {
  const text = JSON.stringify(body);
  const hash = createHash("sha256").update(text).digest("base64url").slice(0, 22);
  return { etag: `W/"${hash}"`, text };
}

/** What an answer is kept by: the path and query of an address. */
export function pathAndQuery(url: string): string {
  return url.slice(url.indexOf("/", "https://".length));
}

/** Answers that hold for one version of the data. */
export class RenderedAnswers {
  #version = -1;
  #units = 0;
  readonly #rendered = new Map<string, Rendered>();

  /**
   * The answer to `key` (the request's path and query) at `version`: as rendered before, or made now; with its age, as
   * {@link answerWithAge} gives it.
   *
   * @param make The body, without its age.
   */
  answer(context: Context, key: string, version: number, make: () => object, ageMs: number): Response {
    const isFull = this.#rendered.size >= RENDERED_MAX || this.#units >= RENDERED_UNITS_MAX;
    if (version !== this.#version || isFull) {
      this.#version = version;
      this.#units = 0;
      this.#rendered.clear();
    }
    let rendered = this.#rendered.get(key);
    if (rendered === undefined) {
      rendered = render(make());
      this.#rendered.set(key, rendered);
      this.#units += rendered.text.length;
    }
    return send(context, rendered, ageMs, { inBody: true });
  }
}

/** Who asks the same within this time shares the answer. */
const SHARED_MS = 500;
/** Until the next one is there, an answer is given for so long: many callers need not all wait for it. */
const SHARED_MS_MAX = 1000;
const SHARED_MAX = 200;

interface Asked {
  askedMs: number;
  settled: boolean;
  rendered: Promise<Rendered>;
}

/** Answers that cost a question to somebody else: callers who ask the same at the same time share one. */
export class SharedAnswers {
  readonly #asked = new Map<string, Asked>();
  /** The answer before the one that is being asked for. */
  readonly #before = new Map<string, Asked>();
  readonly #nowMs: () => number;

  /** `nowMs` is a clock that goes steadily; a test's own clock. */
  constructor(nowMs: () => number = () => performance.now()) {
    this.#nowMs = nowMs;
  }

  /**
   * The answer to `key` (the request's path and query), as old as the question that brought it.
   *
   * @throws what `make` throws; a failure is not kept.
   */
  async answer(context: Context, key: string, make: () => Promise<object>): Promise<Response> {
    const nowMs = this.#nowMs();
    let asked = this.#asked.get(key);
    if (asked === undefined || (asked.settled && nowMs - asked.askedMs >= SHARED_MS)) {
      if (asked !== undefined) this.#before.set(key, asked);
      asked = { askedMs: nowMs, settled: false, rendered: make().then(render) };
      this.#keep(key, asked);
    }
    const before = this.#before.get(key);
    if (!asked.settled && before !== undefined && nowMs - before.askedMs < SHARED_MS_MAX) asked = before;
    const rendered = await asked.rendered;
    return send(context, rendered, this.#nowMs() - asked.askedMs, { inBody: true });
  }

  #keep(key: string, asked: Asked): void {
    // In the order in which they were asked for: those that nobody can be given any more go.
    this.#asked.delete(key);
    for (const [old, { askedMs, settled }] of this.#asked) {
      const isOver = settled && asked.askedMs - askedMs >= SHARED_MS_MAX;
      if (!isOver && this.#asked.size < SHARED_MAX) break;
      this.#forget(old);
    }
    this.#asked.set(key, asked);
    asked.rendered.then(
      () => asked.settled = true,
      () => {
        if (this.#asked.get(key) === asked) this.#forget(key);
      },
    );
  }

  #forget(key: string): void {
    this.#asked.delete(key);
    this.#before.delete(key);
  }
}

/** Answers with `body`; `ageMs` says how old what it tells is, for the `Age` header. */
export function answerJson(context: Context, body: object, ageMs: number): Response {
  return send(context, render(body), ageMs, { inBody: false });
}

/** Answers with `body` and how old that is: by its fields `as_of` and `age_ms`, and the `Age` header. */
export function answerWithAge(context: Context, body: object, ageMs: number): Response {
  return send(context, render(body), ageMs, { inBody: true });
}

function send(
  context: Context,
  rendered: Rendered,
  ageMs: number,
  { inBody }: { inBody: boolean },
): Response {
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
  const nowMs = performance.now();
  if (rendered.sent === undefined || nowMs - rendered.sent.atMs >= SENT_AGAIN_MS) {
    const text = inBody ? withAge(rendered.text, Math.max(0, Math.round(ageMs))) : rendered.text;
    rendered.sent = { atMs: nowMs, plain: new TextEncoder().encode(text) };
  }
  const { sent } = rendered;
  if (sent.plain.length >= GZIP_BYTES_MIN && takesGzip(context.req.header("accept-encoding"))) {
    sent.gzip ??= new Uint8Array(gzipSync(sent.plain, { level: 4 }));
    return new Response(sent.gzip, { headers: { ...headers, "content-encoding": "gzip" } });
  }
  return new Response(sent.plain, { headers });
}

/** The text of an object with two fields more. */
function withAge(text: string, ageMs: number): string {
  const fields = `"as_of":"${new Date(Date.now() - ageMs).toISOString()}","age_ms":${ageMs}}`;
  return text === "{}" ? `{${fields}` : `${text.slice(0, -1)},${fields}`;
}

/** Whether an `If-None-Match` header names the tag (RFC 9110, 13.1.2: weak comparison). */
function matches(header: string | undefined, etag: string): boolean {
  if (header === undefined) return false;
  return header.split(",").some((tag) => {
    const text = tag.trim();
    return text === "*" || text.replace(/^W\//, "") === etag.replace(/^W\//, "");
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
