/**
 * `COPY … FROM STDIN` on an embedded engine. It reads what belongs to a statement only from the bytes that it is given
 * with it, and ends itself where they stop short: so the rows are gathered first and handed over with the statement.
 *
 * @module
 */

import { code, concat, message, texts, uint32 } from "./_postgres_messages.ts";

/** The most that one statement may bring. */
const COPY_BYTES_MAX = 128 * 1024 * 1024;

/** A statement that fails with the reason. */
export const REFUSED_COPY = "do $refuse$ begin raise exception using errcode = '0A000', message = " +
  "'The embedded warehouse takes COPY FROM STDIN only as a simple statement on its own'; end $refuse$";

const QUOTED = /'(?:[^']|'')*'|"(?:[^"]|"")*"|\$(\w*)\$[\s\S]*?\$\1\$|--[^\n]*|\/\*[\s\S]*?\*\//g;

/** Whether a text is a `COPY … FROM STDIN`, has one among its statements, or none. */
export function copyKind(text: string): "alone" | "among others" | "none" {
  if (!/\bstdin\b/i.test(text)) return "none";
  const bare = text.replace(QUOTED, " x ");
  if (/^[\sx]*copy\b[^;]*\bfrom\s+stdin\b[^;]*;?\s*$/i.test(bare)) return "alone";
  return /\bcopy\b[^;]*\bfrom\s+stdin\b/i.test(bare) ? "among others" : "none";
}

/** One such statement and its rows so far. */
export class CopyIn {
  readonly #query: Uint8Array;
  #rows: Uint8Array[] = [];
  #bytes = 0;

  constructor(query: Uint8Array) {
    this.#query = query;
  }

  /** What the client waits for before it sends rows: `CopyInResponse`. */
  response(): Uint8Array {
    const binary = /\bbinary\b/i.test(texts(this.#query, 5, 1)[0]!) ? 1 : 0;
    return message("G", [binary, 0, 0]);
  }

  push(row: Uint8Array): void {
    this.#bytes += row.length;
    if (this.#bytes <= COPY_BYTES_MAX) this.#rows.push(row);
    else this.#rows = [];
  }

  /** All that the engine needs at once; `last` is the client's `CopyDone` or `CopyFail`. */
  whole(last: Uint8Array): Uint8Array {
    if (this.#bytes > COPY_BYTES_MAX) {
      return concat([
        this.#query,
        message("f", `more than ${COPY_BYTES_MAX / 1024 / 1024} MiB in one statement: copy in several`),
      ]);
    }
    return concat([this.#query, ...this.#rows, last]);
  }

  /** The engine's answers without the `CopyInResponse` that the client has had already. */
  static withoutResponse(answers: Uint8Array): Uint8Array {
    const kept: Uint8Array[] = [];
    for (let at = 0; at < answers.length;) {
      const end = at + 1 + uint32(answers, at + 1);
      if (answers[at] !== code("G")) kept.push(answers.subarray(at, end));
      at = end;
    }
    return concat(kept);
  }
}
