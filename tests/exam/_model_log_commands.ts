/** Everything that is drawn for a sequence on a log. */

import fc from "fast-check";

/** Of each topic of a sequence. */
export const PARTITIONS = 2;

const text = fc.oneof(
  fc.string({ unit: "binary", maxLength: 12 }),
  fc.constantFrom("", "\0", "\u{1f6eb}", "a\nb", "\ufeff", "x".repeat(3000)),
);
const record = fc.record({
  topic: fc.nat({ max: 1 }),
  /** -1: by the key. */
  partition: fc.integer({ min: -1, max: PARTITIONS - 1 }),
  key: fc.option(text, { freq: 4 }),
  value: fc.option(text, { freq: 8 }),
  headers: fc.option(
    fc.dictionary(fc.string({ unit: "grapheme-ascii", maxLength: 4 }), text, { maxKeys: 2 }),
    {
      freq: 3,
    },
  ),
});
const records = fc.array(record, { maxLength: 6 });
const id = fc.nat({ max: 1 });
const position = fc.record({
  topic: id,
  partition: fc.nat({ max: PARTITIONS - 1 }),
  offset: fc.nat({ max: 50 }),
});
const positions = fc.array(position, { maxLength: 3 });

/** What is done next to a log. */
export const command = fc.oneof(
  { weight: 3, arbitrary: fc.record({ do: fc.constant("append" as const), records }) },
  { weight: 3, arbitrary: fc.record({ do: fc.constant("open" as const), id }) },
  {
    weight: 8,
    arbitrary: fc.record({
      do: fc.constant("commit" as const),
      handle: fc.nat(),
      records,
      group: id,
      positions,
    }),
  },
  { weight: 1, arbitrary: fc.record({ do: fc.constant("race" as const), id, records }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant("offsets" as const), group: id, positions }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant("spoil" as const), handle: fc.nat(), records }) },
  { weight: 3, arbitrary: fc.record({ do: fc.constant("read" as const), topic: id, from: fc.nat() }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant("reopen" as const) }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant("crash" as const) }) },
);
export type Command = typeof command extends fc.Arbitrary<infer T> ? T : never;
export type DrawnRecord = typeof record extends fc.Arbitrary<infer T> ? T : never;
export type DrawnPosition = typeof position extends fc.Arbitrary<infer T> ? T : never;
