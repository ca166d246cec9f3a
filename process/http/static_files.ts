/** Files of a page, read once at the start, compressed once, answered with an ETag. */

import { createHash } from "node:crypto";
import { gzipSync } from "node:zlib";
import { fileURLToPath } from "node:url";
import type { Context } from "hono";
import { takesGzip } from "./answers.ts";

const CONTENT_TYPES: Record<string, string> = {
  html: "text/html; charset=utf-8",
  css: "text/css; charset=utf-8",
  js: "text/javascript; charset=utf-8",
  svg: "image/svg+xml",
  png: "image/png",
};

interface StaticFile {
  contentType: string;
  plain: Uint8Array<ArrayBuffer>;
  gzip: Uint8Array<ArrayBuffer>;
  etag: string;
}

/** See the module. */
export class StaticFiles {
  readonly #files = new Map<string, StaticFile>();

  /** Reads `files`: from the path that is asked for to the file, relative to the module at `base`. */
  static async read(files: Record<string, string>, base: string): Promise<StaticFiles> {
    const read = new StaticFiles();
    await Promise.all(
      Object.entries(files).map(async ([path, file]) => {
        const plain = await Deno.readFile(fileURLToPath(new URL(file, base)));
        const extension = file.slice(file.lastIndexOf(".") + 1);
        read.#files.set(path, {
          contentType: CONTENT_TYPES[extension] ?? "application/octet-stream",
          plain,
          gzip: new Uint8Array(gzipSync(plain, { level: 9 })),
          etag: `"${createHash("sha256").update(plain).digest("base64url").slice(0, 22)}"`,
        });
      }),
    );
    return read;
  }

  /** Paths there are. */
  paths(): string[] {
    return [...this.#files.keys()];
  }

  /** Answers with a file, or undefined where there is none of the name. */
  answer(context: Context, path: string): Response | undefined {
    const file = this.#files.get(path);
    if (file === undefined) return undefined;
    const headers: Record<string, string> = {
      "content-type": file.contentType,
      "cache-control": "no-cache",
      "etag": file.etag,
      "vary": "Accept-Encoding",
    };
    if (context.req.header("if-none-match") === file.etag) {
      return new Response(null, { status: 304, headers });
    }
    if (takesGzip(context.req.header("accept-encoding")) && file.gzip.length < file.plain.length) {
      return new Response(file.gzip, { headers: { ...headers, "content-encoding": "gzip" } });
    }
    return new Response(file.plain, { headers });
  }
}
