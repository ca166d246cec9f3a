import assert from "node:assert/strict";
import fc from "fast-check";
import {
  BatchCursor,
  BODY_UNITS_MAX,
  type PackedBatch,
  packPlaced,
  packRecords,
  type PlacedRecord,
} from "../../event_log/_sqlite_batch.ts";
import type { LogRecord } from "../../event_log/event_log.ts";

const text = fc.option(fc.string({ unit: "binary" }), { nil: null });
const headers = fc.option(fc.dictionary(fc.string(), fc.string({ unit: "binary" })), { nil: undefined });
const anyRecords = fc.array(fc.record({ key: text, value: text, headers }), { minLength: 1, maxLength: 40 });

function open(batch: PackedBatch, first: number, last: number): BatchCursor {
  return new BatchCursor([first, last, 1000, batch.lengths, batch.places, batch.headers, batch.body]);
}

function readAll(cursor: BatchCursor, unitsMax: number): LogRecord[] {
  const records: LogRecord[] = [];
  while (cursor.take("topic", 1, unitsMax, records) > 0);
  return records;
}

Deno.test("packed records come out as they went in, in bites of any size", () => {
  fc.assert(fc.property(anyRecords, fc.integer({ min: 1, max: 60 }), (records, unitsMax) => {
    const [batch, ...further] = packRecords(records);
    assert.equal(further.length, 0);
    const found = readAll(open(batch!, 50, 49 + records.length), unitsMax);
    const expected = records.map(({ key, value, headers: own }, at) => {
      const record: LogRecord = {
        topic: "topic",
        partition: 1,
        offset: 50 + at,
        timestampMs: 1000,
        key,
        value,
      };
      if (own && Object.keys(own).length > 0) record.headers = { ...own };
      return record;
    });
    assert.deepEqual(found.map((record) => ({ ...record })), expected);
  }));
});

Deno.test("skipTo() passes over what lies before an offset", () => {
  fc.assert(fc.property(anyRecords, fc.nat(45), (records, skipped) => {
    const cursor = open(packRecords(records)[0]!, 50, 49 + records.length);
    cursor.skipTo(50 + skipped);
    const found = readAll(cursor, Infinity);
    assert.deepEqual(found.map(({ value }) => value), records.slice(skipped).map(({ value }) => value));
    assert.equal(cursor.nextOffset, 50 + records.length);
  }));
});

Deno.test("records that keep their places keep offset and time", () => {
  const records: PlacedRecord[] = [
    { offset: 7, timestampMs: 900, key: "a", value: "1" },
    { offset: 12, timestampMs: 2_000_000_000_000, key: "b", value: null, headers: { h: "x" } },
    { offset: 2 ** 39, timestampMs: 1000, key: "c", value: "" },
  ];
  const cursor = open(packPlaced(records, 5, 1000), 5, 2 ** 39 + 3);
  assert.equal(cursor.nextOffset, 7);
  const found = readAll(cursor, 1);
  assert.deepEqual(found.map(({ offset, timestampMs }) => [offset, timestampMs]), [
    [7, 900],
    [12, 2_000_000_000_000],
    [2 ** 39, 1000],
  ]);
  assert.equal(cursor.nextOffset, 2 ** 39 + 4);
});

Deno.test("many records become several batches of bounded size", () => {
  const records = Array.from({ length: 5000 }, (_, n) => ({ key: `${n}`, value: "x".repeat(1000) }));
  const batches = packRecords(records);
  assert.ok(batches.length > 1);
  assert.ok(batches.every(({ body }) => body.length <= BODY_UNITS_MAX));
  assert.equal(batches.reduce((sum, { count }) => sum + count, 0), 5000);
});

Deno.test("a body that is not UTF-8 is an error, not a guess", () => {
  const batch = packRecords([{ key: null, value: "ab" }])[0]!;
  batch.body[1] = 0xff;
  assert.throws(() => open(batch, 0, 0), TypeError);
});
