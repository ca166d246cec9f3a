/** Pages by cursor: the sort value and the id of the last row, so that rows that come and go in between shift nothing. */

import { ApiProblem } from "../process/http/problem.ts";

/** Where a page ended. */
export interface Cursor {
  /** What the list is sorted by and in which direction: a cursor of another list is refused. */
  order: string;
  value: number | string | null;
  id: string;
}

export function encodeCursor(cursor: Cursor): string {
  const json = JSON.stringify([cursor.order, cursor.value, cursor.id]);
  return new TextEncoder().encode(json).toBase64({ alphabet: "base64url", omitPadding: true });
}

/** @throws {ApiProblem} 404 for a text that no page of this order has given out. */
export function decodeCursor(text: string, order: string): Cursor {
  try {
    const json = new TextDecoder("utf-8", { fatal: true }).decode(
      Uint8Array.fromBase64(text, { alphabet: "base64url" }),
    );
    const [of, value, id] = JSON.parse(json) as [unknown, unknown, unknown];
    const known = value === null || typeof value === "number" || typeof value === "string";
    if (of === order && known && typeof id === "string") return { order, value, id };
  } catch {
    // Said below.
  }
  throw new ApiProblem(
    404,
    `There is no page at this "cursor" by "${order}": take next_cursor of the page before, with the same sort and direction`,
  );
}

/** Compares sort values; missing ones come last in either direction. */
export function compareValues(
  a: number | string | null,
  b: number | string | null,
  direction: "asc" | "desc",
): number {
  if (a === b) return 0;
  if (a === null) return 1;
  if (b === null) return -1;
  const ascending = a < b ? -1 : 1;
  return direction === "asc" ? ascending : -ascending;
}

/** Rows after the cursor, at most `limit`, in order; ties are broken by id. */
export function page<Row>(
  rows: Row[],
  options: {
    order: string;
    direction: "asc" | "desc";
    valueOf: (row: Row) => number | string | null;
    idOf: (row: Row) => string;
    limit: number;
    cursor: string | undefined;
  },
): { rows: Row[]; nextCursor: string | null } {
  const { order, direction, valueOf, idOf, limit } = options;
  const before = (aValue: number | string | null, aId: string, bValue: number | string | null, bId: string) =>
    compareValues(aValue, bValue, direction) || (aId < bId ? -1 : aId > bId ? 1 : 0);
  const after = options.cursor === undefined ? undefined : decodeCursor(options.cursor, order);
  const rest = after === undefined
    ? rows
    : rows.filter((row) => before(valueOf(row), idOf(row), after.value, after.id) > 0);
  const sorted = rest.toSorted((a, b) => before(valueOf(a), idOf(a), valueOf(b), idOf(b)));
  const taken = sorted.slice(0, limit);
  const last = taken.at(-1);
  const more = sorted.length > taken.length && last !== undefined;
  return {
    rows: taken,
    nextCursor: more ? encodeCursor({ order, value: valueOf(last), id: idOf(last) }) : null,
  };
}
