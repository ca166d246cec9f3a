/** The state of the windows survives the way through its bytes. */

import fc from "fast-check";
import { deepEqual, throws } from "node:assert/strict";
import { EventIdTable } from "../../streaming/_event_id_table.ts";
import { readStateChunk, ViewerStateWriter } from "../../streaming/viewer_state_chunk.ts";

const word = fc.integer({ min: 0, max: 2 ** 32 - 1 });
const minute = fc.integer({ min: 0, max: 120_000_000 });
const text = fc.string({ minLength: 1, maxLength: 60, unit: "grapheme" });
const entry = fc.oneof(
  fc.tuple(
    fc.constant("viewer"),
    text,
    text,
    fc.integer({ min: 631_152_000_000, max: 7_258_118_400_000 }),
    fc.boolean(),
  ),
  fc.tuple(fc.constant("counted"), text, minute, fc.integer({ min: 0, max: 2 ** 31 }), fc.maxSafeNat()),
  fc.tuple(fc.constant("known"), minute, word, word),
);

Deno.test("readStateChunk() reads what ViewerStateWriter wrote, chunk by chunk", () => {
  fc.assert(fc.property(fc.array(fc.array(entry, { maxLength: 200 })), (chunks) => {
    const writer = new ViewerStateWriter();
    const found: unknown[] = [];
    const sink = {
      viewer: (...entry: unknown[]) => void found.push(["viewer", ...entry]),
      counted: (...entry: unknown[]) => void found.push(["counted", ...entry]),
      known: (...entry: unknown[]) => void found.push(["known", ...entry]),
    };
    const methods = writer as unknown as Record<string, (...entry: unknown[]) => void>;
    for (const entries of chunks) {
      for (const [kind, ...fields] of entries) methods[kind as string]!.apply(writer, fields);
      readStateChunk(writer.take(), sink);
    }
    deepEqual(found, chunks.flat());
  }));
});

Deno.test("readStateChunk() refuses another version's chunk, with what to do", () => {
  throws(
    () => readStateChunk(new Uint8Array([9, 1]), { viewer() {}, counted() {}, known() {} }),
    /format 9, this program knows 1.*--reset-state/,
  );
});

Deno.test("EventIdTable knows each id once, and forgets those of minutes that are over", () => {
  fc.assert(
    fc.property(
      fc.array(fc.record({ id: fc.integer({ min: 1, max: 300 }), minute: fc.integer({ min: 1, max: 50 }) }), {
        maxLength: 3000,
        size: "max",
      }),
      (steps) => {
        const table = new EventIdTable();
        const expected = new Map<number, number>();
        for (const { id, minute } of steps) {
          table.oldestMinute = Math.max(table.oldestMinute, minute - 10);
          const known = (expected.get(id) ?? 0) >= table.oldestMinute && expected.has(id);
          deepEqual(table.add(0, id * 1024, minute), !known);
          if (!known) expected.set(id, minute);
        }
        const found = new Map<number, number>();
        table.forEach((_high, low, minute) => void found.set(low / 1024, minute));
        deepEqual(found, new Map([...expected].filter(([, minute]) => minute >= table.oldestMinute)));
      },
    ),
    { numRuns: 50 },
  );
});
