import { equal, notEqual, ok } from "node:assert/strict";
import fc from "fast-check";
import { lakeLine } from "../../lake/lake_line.ts";
import { KeyTable } from "../../verification/key_table.ts";
import { hashOfLine, hashOfValue } from "../../verification/line_text.ts";
import { OffsetHashes, OffsetSet } from "../../verification/offset_sets.ts";
import { hash32, hashRow } from "../../verification/text_hash.ts";

Deno.test("KeyTable keeps values and flags as a Map does, however much it grows", () => {
  const table = new KeyTable();
  const map = new Map<string, number>();
  // Ids as they are: much alike, and some of them twice.
  for (let number = 0; number < 300_000; number++) {
    const key = `bookings-${number % 3}-${(number * 7919) % 250_000}-0@1f3a9c2e`;
    table.setValueAt(table.add(key), number);
    map.set(key, number);
  }
  equal(table.size, map.size);
  for (const [key, value] of map) equal(table.valueAt(table.find(key)), value);
  equal(table.find("bookings-0-250000-0@1f3a9c2e"), -1);
  const slot = table.add("one more");
  table.setFlags(slot, 5);
  ok(table.hasFlags(slot, 1) && table.hasFlags(slot, 6) && !table.hasFlags(slot, 2));
  equal(table.findHash(table.hashAt(slot)), slot);
  equal(table.count(5, 2), 1);
  equal(table.count(0, 5), map.size);
});

Deno.test("OffsetSet and OffsetHashes hold what was put in", () => {
  fc.assert(fc.property(
    fc.array(fc.tuple(fc.integer({ min: 0, max: 200_000 }), fc.integer({ min: 0, max: 2 ** 32 - 1 }))),
    (entries) => {
      const [set, hashes] = [new OffsetSet(), new OffsetHashes()];
      const [plainSet, plainHashes] = [new Set<number>(), new Map<number, number>()];
      for (const [offset, hash] of entries) {
        equal(set.add(offset), !plainSet.has(offset));
        plainSet.add(offset);
        hashes.set(offset, hash);
        if (hash === 0) plainHashes.delete(offset);
        else plainHashes.set(offset, hash);
      }
      equal(set.size, plainSet.size);
      equal(set.min, Math.min(Infinity, ...plainSet));
      equal([...set].sort().join(), [...plainSet].sort().join());
      equal(hashes.size, plainHashes.size);
      equal([...hashes].sort().join(), [...plainHashes.keys()].sort().join());
      for (const [offset, hash] of plainHashes) equal(hashes.get(offset), hash);
    },
  ));
});

Deno.test("a line of the lake and the record it holds have one hash, and nothing else has it", () => {
  const place = { partition: 2, offset: 17, timestampMs: 1 };
  const values = [
    "{}",
    '{"a":1}',
    ' {"a":1} ',
    '{"a":1 }',
    '{\n  "a": "x }",\r\n  "b": [1]\n}\n',
    '{"a":"\\",\\"_partition\\":1"}',
    '{"a":{"_partition":1,"_offset":2,"_timestamp":"x"}}',
  ];
  const hashes = new Set(values.map((value) => {
    equal(hashOfLine(lakeLine(value, place)), hashOfValue(value), value);
    return hashOfValue(value);
  }));
  // Only white space around the whole event is left out.
  equal(hashes.size, values.length - 1);
  for (const own of ['{"_offset":5}', '{"a":1,"_partition":7,"_offset":5,"_timestamp":"x"}']) {
    equal(hashOfLine(lakeLine(own, place, true)), hashOfValue(own), own);
  }
  notEqual(hashOfLine(lakeLine('{"a":1}', place).replace("1", "2")), hashOfValue('{"a":1}'));
  notEqual(hashOfLine('{"a":1}'), hashOfValue('{"a":1}'));
});

Deno.test("a hash tells texts and rows apart by every unit, cell, type and order", () => {
  const texts = ["", "a", "b", "ab", "ba", "abc", "acb", "aab", "\0", "\0\0", "é", "e"];
  equal(new Set(texts.map((text) => hash32(text))).size, texts.length);
  equal(hash32("xaby", 1, 3), hash32("ab"));
  const rows = [[], [null], [true], [false], [0], [1], ["1"], [""], [1, 2], [2, 1], [null, 1], [1, null], [
    1.5,
  ]];
  equal(new Set(rows.map((row) => hashRow(row))).size, rows.length);
  equal(hashRow([-0]), hashRow([0]));
});
