import assert from "node:assert/strict";
import * as fc from "fast-check";
import { decodeCursor, encodeCursor, page } from "../../api/paging.ts";
import { ApiProblem } from "../../process/http/problem.ts";

interface Row {
  id: string;
  value: number | null;
}

Deno.test("pages, one after another, give every row once and in order, missing values last", () => {
  const rows = fc.uniqueArray(
    fc.record({ id: fc.string({ minLength: 1 }), value: fc.option(fc.integer({ min: -3, max: 3 })) }),
    { selector: ({ id }) => id },
  );
  fc.assert(
    fc.property(
      rows,
      fc.integer({ min: 1, max: 7 }),
      fc.constantFrom("asc", "desc"),
      (all, limit, direction) => {
        const seen: Row[] = [];
        let cursor: string | undefined;
        do {
          const { rows, nextCursor } = page<Row>(all, {
            order: `value ${direction}`,
            direction: direction as "asc" | "desc",
            valueOf: ({ value }) => value,
            idOf: ({ id }) => id,
            limit,
            cursor,
          });
          seen.push(...rows);
          cursor = nextCursor ?? undefined;
        } while (cursor !== undefined);
        const sign = direction === "asc" ? 1 : -1;
        const expected = all.toSorted((a, b) =>
          a.value === b.value
            ? (a.id < b.id ? -1 : 1)
            : a.value === null
            ? 1
            : b.value === null
            ? -1
            : sign * (a.value - b.value)
        );
        assert.deepEqual(seen, expected);
      },
    ),
  );
});

Deno.test("a cursor comes back as it was given out", () => {
  const cursor = { order: "load_factor desc", value: 0.5, id: "BA210_2025-11-28 ✈" };
  assert.deepEqual(decodeCursor(encodeCursor(cursor), cursor.order), cursor);
});

for (
  const [what, text] of [
    ["of another order", encodeCursor({ order: "departure asc", value: 1, id: "a" })],
    ["that is no base64", "!!!"],
    ["that is no JSON", btoa("{")],
    ["of another shape", btoa('["load_factor desc",{},"a"]')],
    ["that is not UTF-8", "_-8="],
  ] as const
) {
  Deno.test(`a cursor ${what} leads to no page`, () => {
    assert.throws(
      () => decodeCursor(text, "load_factor desc"),
      (error: unknown) => error instanceof ApiProblem && error.status === 404,
    );
  });
}
