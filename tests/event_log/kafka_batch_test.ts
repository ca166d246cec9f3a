/** Kafka's record batches: what we write we can read, and so can we what Java wrote. */

import assert from "node:assert/strict";
import fc from "fast-check";
import { decodeBatches } from "../../event_log/_kafka_batch_decoding.ts";
import { type BatchRecord, encodeBatch } from "../../event_log/_kafka_batch_encoding.ts";
import { intoRounds, Rotation } from "../../event_log/_kafka_batching.ts";
import { crc32c } from "../../event_log/_kafka_crc32c.ts";
import { WireReader, WireWriter } from "../../event_log/_kafka_wire.ts";
import javaBatches from "../fixtures/kafka/java_batches.json" with { type: "json" };

const FROM = { topic: "bookings", partition: 2, offset: 0 };
const PLAIN = { producerId: -1n, producerEpoch: -1, transactional: false };
const ATTRIBUTES_AT = 21;

/** A batch as the broker would return it, from `baseOffset` on. */
function batch(records: BatchRecord[], baseOffset: number, producer = PLAIN): Uint8Array {
  const writer = new WireWriter();
  encodeBatch(writer, records, producer, 0, 1_700_000_000_000);
  writer.view.setBigInt64(0, BigInt(baseOffset));
  return writer.written().slice();
}

/** The marker that ends a transaction: a control batch with the key (version 0, type). */
function marker(type: "abort" | "commit", baseOffset: number, producerId: bigint): Uint8Array {
  const producer = { producerId, producerEpoch: 0, transactional: true };
  const key = `\0\0\0${type === "abort" ? "\0" : "\x01"}`;
  const bytes = batch([{ key, value: "" }], baseOffset, producer);
  bytes[ATTRIBUTES_AT + 1]! |= 0x20;
  return bytes;
}

function joined(...parts: Uint8Array[]): Uint8Array {
  const whole = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}

const value = (text: string): BatchRecord => ({ key: null, value: text });
const valuesOf = (decoded: ReturnType<typeof decodeBatches>) => decoded.records.map((record) => record.value);

Deno.test("crc32c() gives the known check values", () => {
  // Sources: RFC 3720 appendix B.4; the check value of CRC-32C in the catalogue of parametrised CRC algorithms.
  const ascending = Uint8Array.from({ length: 32 }, (_, i) => i);
  const table: [Uint8Array, number][] = [
    [new TextEncoder().encode("123456789"), 0xe3069283],
    [new Uint8Array(32), 0x8a9136aa],
    [new Uint8Array(32).fill(0xff), 0x62a8ab43],
    [ascending, 0x46dd794e],
    [new Uint8Array(0), 0],
  ];
  for (const [bytes, expected] of table) assert.equal(crc32c(bytes) >>> 0, expected);
});

Deno.test("varints come back, whatever their size and sign", () => {
  fc.assert(fc.property(fc.integer({ min: -(2 ** 51), max: 2 ** 51 }), (number) => {
    const writer = new WireWriter(1).varint(number);
    assert.equal(new WireReader(writer.written()).varint(), number);
  }));
});

Deno.test("records come back as they went in, whatever text they hold", () => {
  const text = fc.string({ unit: "grapheme", maxLength: 300 });
  const record = fc.record({
    key: fc.option(text),
    value: fc.option(text),
    headers: fc.dictionary(text.filter((name) => name !== "__proto__"), text, { maxKeys: 3 }),
  });
  fc.assert(fc.property(fc.array(record, { minLength: 1, maxLength: 50 }), (records) => {
    const decoded = decodeBatches(batch(records, 40), { ...FROM, offset: 40 }, []);
    assert.equal(decoded.nextOffset, 40 + records.length);
    assert.deepEqual(
      decoded.records.map(({ key, value, headers }) => ({ key, value, headers: { ...headers } })),
      records.map(({ key, value, headers }) => ({ key, value, headers: { ...headers } })),
    );
    assert.deepEqual(decoded.records.map((one) => one.offset), records.map((_, i) => 40 + i));
    assert.ok(decoded.records.every((one) => one.timestampMs === 1_700_000_000_000));
  }));
});

for (const [codec, base64] of Object.entries(javaBatches)) {
  Deno.test(`a batch of Kafka's Java producer is read: ${codec}`, () => {
    const recordSet = Uint8Array.from(atob(base64), (character) => character.charCodeAt(0));
    const seats = Array.from({ length: 12_000 }, (_, n) => `seat ${n % 97}`).join(" ");
    const expected = [["key-0", "plain"], ["key-1", "accents é and a plane ✈️"], ["key-2", seats]];
    const decoded = decodeBatches(recordSet, FROM, []);
    assert.deepEqual(
      decoded.records.map((record) => [record.key, record.value]),
      codec === "none" ? expected.slice(0, 2) : expected,
    );
  });
}

Deno.test("reading goes on in the middle of a batch, and after one that is cut off", () => {
  const first = batch(["a", "b", "c"].map(value), 10);
  const second = batch(["d", "e"].map(value), 13);
  const cutOff = joined(first, second.subarray(0, second.length - 1));
  const decoded = decodeBatches(cutOff, { ...FROM, offset: 11 }, []);
  assert.deepEqual(valuesOf(decoded), ["b", "c"]);
  assert.equal(decoded.nextOffset, 13);
  const nothingWhole = decodeBatches(second.subarray(0, 70), { ...FROM, offset: 13 }, []);
  assert.deepEqual(
    [nothingWhole.records.length, nothingWhole.nextOffset, nothingWhole.bytesNeeded],
    [0, 13, second.length],
  );
});

Deno.test("records of aborted transactions are left out, and only those", () => {
  const owner = (producerId: bigint) => ({ producerId, producerEpoch: 0, transactional: true });
  // Producer 1 aborts at 4 what it wrote from 0 on; producer 2, in between, commits; both then commit more.
  const recordSet = joined(
    batch(["1 aborted", "1 aborted too"].map(value), 0, owner(1n)),
    batch([value("2 committed")], 2, owner(2n)),
    batch([value("plain")], 3),
    marker("abort", 4, 1n),
    batch([value("1 committed")], 5, owner(1n)),
    marker("commit", 6, 1n),
    marker("commit", 7, 2n),
  );
  const decoded = decodeBatches(recordSet, FROM, [{ producerId: 1n, firstOffset: 0 }]);
  assert.deepEqual(valuesOf(decoded), ["2 committed", "plain", "1 committed"]);
  assert.equal(decoded.nextOffset, 8);
});

Deno.test("a value that is not UTF-8 comes with its bytes", () => {
  const bytes = batch([value("caf?"), value("café")], 0);
  bytes[bytes.indexOf("?".charCodeAt(0))] = 0xe9;
  const [broken, whole] = decodeBatches(bytes, FROM, []).records;
  assert.equal(broken!.value, "caf\ufffd");
  assert.deepEqual([...broken!.bytes!], [0x63, 0x61, 0x66, 0xe9]);
  assert.deepEqual([whole!.value, whole!.bytes], ["café", undefined]);
});

Deno.test("a batch that cannot be decoded is named, after the good ones before it", () => {
  const good = batch([value("good")], 0);
  const snappy = batch([value("not snappy at all")], 1);
  snappy[ATTRIBUTES_AT + 1] = 2;
  assert.deepEqual(valuesOf(decodeBatches(joined(good, snappy), FROM, [])), ["good"]);
  assert.throws(
    () => decodeBatches(snappy, { ...FROM, offset: 1 }, []),
    /offset 1 of bookings-2: snappy: .*seek behind it/,
  );
});

Deno.test("intoRounds() keeps the order of a partition over as many batches as it takes", () => {
  const large = (n: number) => ({ topic: "bookings", key: "BA210", value: `${n} ${"x".repeat(400_000)}` });
  const small = { topic: "promo_decisions", partition: 1, key: null, value: "small" };
  const rounds = intoRounds([large(0), large(1), large(2), small, large(3)], () => 3, new Rotation());
  const numbers = rounds.map((round) =>
    round.filter(({ topic }) => topic === "bookings").flatMap(({ records }) =>
      records.map((record) => Number(record.value!.split(" ")[0]))
    )
  );
  assert.deepEqual(numbers, [[0, 1], [2, 3]]);
  assert.deepEqual(rounds[0]!.map(({ topic }) => topic).sort(), ["bookings", "promo_decisions"]);
});
