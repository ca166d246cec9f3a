/** How the leader of a Kafka group shares partition numbers among the members. */

import assert from "node:assert/strict";
import fc from "fast-check";
import {
  decodeAssignment,
  encodeAssignment,
  sharePartitions,
} from "../../event_log/_kafka_group_protocol.ts";

const member = (memberId: string, owned: number[] = []) => ({ memberId, owned });

Deno.test("sharePartitions() gives every number to one member, evenly, whatever they claim", () => {
  const claims = fc.array(fc.array(fc.nat(9), { maxLength: 10 }), { minLength: 1, maxLength: 8 });
  fc.assert(fc.property(fc.integer({ min: 1, max: 10 }), claims, (partitions, owned) => {
    const members = owned.map((numbers, i) => member(`m${i}`, numbers));
    const shares = [...sharePartitions(partitions, members).values()];
    const all = Array.from({ length: partitions }, (_, number) => number);
    assert.deepEqual(shares.flat().sort((a, b) => a - b), all);
    const sizes = shares.map((share) => share.length);
    assert.ok(Math.max(...sizes) - Math.min(...sizes) <= 1);
  }));
});

Deno.test("sharePartitions() moves no more numbers than it must", () => {
  const joins = sharePartitions(3, [member("a", [0, 1, 2]), member("b")]);
  assert.deepEqual([joins.get("a"), joins.get("b")], [[0, 1], [2]]);
  const leaves = sharePartitions(4, [member("a", [1]), member("b", [0, 3])]);
  assert.deepEqual([leaves.get("a"), leaves.get("b")], [[1, 2], [0, 3]]);
  const settled = sharePartitions(3, [member("z", [0, 2]), member("a", [1])]);
  assert.deepEqual([settled.get("z"), settled.get("a")], [[0, 2], [1]]);
});

Deno.test("an assignment is read back from the bytes that other members get", () => {
  assert.deepEqual(decodeAssignment(encodeAssignment(["bookings", "seat_inventory"], [2, 0])), [0, 2]);
  assert.deepEqual(decodeAssignment(new Uint8Array(0)), []);
});
