import assert from "node:assert/strict";
import fc from "fast-check";
import { murmur2, partitionOf } from "../../event_log/partitioner.ts";

/** Known answers: Apache Kafka's own `UtilsTest.testMurmur2`. */
const MURMUR2_OF: Record<string, number> = {
  "21": -973932308,
  "foobar": -790332482,
  "a-little-bit-long-string": -985981536,
  "a-little-bit-longer-string": -1486304829,
  "lkjh234lh9fiuh90y23oiuhsafujhadof229phr9h19h89h8": -58897971,
  "abc": 479470107,
};

for (const [key, hash] of Object.entries(MURMUR2_OF)) {
  Deno.test(`murmur2() of "${key}" is Kafka's ${hash}`, () => {
    assert.equal(murmur2(new TextEncoder().encode(key)), hash);
  });
}

Deno.test("partitionOf() drops the sign as Kafka does, not the absolute value", () => {
  // (-973932308 & 0x7fffffff) = 1173551340; 1173551340 % 1000 = 340, where Math.abs would give 308.
  assert.equal(partitionOf("21", 1000), 340);
});

Deno.test("partitionOf() names a partition that exists and answers the same when asked again", () => {
  fc.assert(fc.property(fc.string(), fc.integer({ min: 1, max: 64 }), (key, partitions) => {
    const partition = partitionOf(key, partitions);
    assert.ok(Number.isInteger(partition) && partition >= 0 && partition < partitions);
    assert.equal(partitionOf(key, partitions), partition);
  }));
});

Deno.test("partitionOf() hashes the UTF-8 bytes of a key", () => {
  const bytes = new Uint8Array([0xc3, 0xa9]); // é
  assert.equal(partitionOf("é", 1009), (murmur2(bytes) & 0x7fffffff) % 1009);
});
