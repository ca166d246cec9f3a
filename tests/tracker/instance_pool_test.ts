import assert from "node:assert/strict";
import { addressOf, InstancePool } from "../../tracker/instance_pool.ts";
import { networkOf, RateLimiter } from "../../tracker/rate_limiter.ts";

const instance = (port: number) => ({ app: "A", id: String(port), host: "h", port });
const [ONE, TWO, THREE] = [instance(1), instance(2), instance(3)];

function picks(pool: InstancePool, times: number, nowMs: number): (number | undefined)[] {
  return Array.from({ length: times }, () => pool.pick("A", nowMs)?.port);
}

Deno.test("each instance has its turn", () => {
  const pool = new InstancePool();
  assert.equal(pool.pick("A", 0), undefined);
  pool.update([ONE, TWO, THREE, { ...ONE, app: "B" }], 0);
  assert.deepEqual(picks(pool, 6, 0).toSorted(), [1, 1, 2, 2, 3, 3]);
  assert.equal(pool.count("A"), 3);
});

Deno.test("one that failed rests for five seconds, unless all have failed", () => {
  const pool = new InstancePool();
  pool.update([ONE, TWO], 0);
  pool.failed(ONE, 0);
  assert.deepEqual(picks(pool, 4, 4999), [2, 2, 2, 2]);
  assert.deepEqual(picks(pool, 2, 5000).toSorted(), [1, 2]);
  pool.failed(ONE, 6000);
  pool.failed(TWO, 6000);
  assert.deepEqual(picks(pool, 2, 6001).toSorted(), [1, 2]);
  pool.succeeded(TWO);
  assert.deepEqual(picks(pool, 2, 6001), [2, 2]);
});

Deno.test("the one that just failed is not taken for the second try", () => {
  const pool = new InstancePool();
  pool.update([ONE], 0);
  assert.equal(pool.pick("A", 0, ONE), undefined);
  pool.update([ONE, TWO], 0);
  assert.equal(pool.pick("A", 0, ONE), TWO);
});

Deno.test("one that left is gone at once; a service that vanished as a whole keeps its instances for 90 s", () => {
  const pool = new InstancePool();
  pool.update([ONE, TWO], 0);
  pool.update([TWO], 1000);
  assert.deepEqual(picks(pool, 2, 1000), [2, 2]);
  pool.update([], 90_000);
  assert.deepEqual(picks(pool, 1, 90_000), [2]);
  pool.update([], 91_001);
  assert.equal(pool.pick("A", 91_001), undefined);
});

Deno.test("an IPv6 address stands in brackets", () => {
  assert.deepEqual([addressOf({ host: "::1", port: 8 }), addressOf({ host: "h", port: 8 })], [
    "[::1]:8",
    "h:8",
  ]);
});

Deno.test("a client may ask in a burst, then at its rate; another one is not touched", () => {
  const limiter = new RateLimiter({ perSecond: 0.5, burst: 3 });
  assert.deepEqual([1, 2, 3, 4].map(() => limiter.take("a", 0)), [0, 0, 0, 2]);
  assert.equal(limiter.take("b", 0), 0);
  assert.equal(limiter.take("a", 1000), 1);
  assert.equal(limiter.take("a", 2000), 0);
  assert.equal(limiter.take("a", 2000), 2);
  // A clock that was set back gives nothing and takes nothing.
  assert.equal(limiter.take("a", 0), 2);
});

Deno.test("no more clients are remembered than may be", () => {
  const limiter = new RateLimiter({ perSecond: 1, burst: 1, clientsMax: 2 });
  for (const client of ["a", "b", "c"]) assert.equal(limiter.take(client, 0), 0);
  assert.equal(limiter.take("c", 0), 1);
  assert.equal(limiter.take("a", 0), 0);
});

for (
  const [address, network] of [
    ["192.0.2.7", "192.0.2.7"],
    ["::ffff:192.0.2.7", "192.0.2.7"],
    ["2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"],
    ["2001:0DB8:1:2::9", "2001:db8:1:2::/64"],
    ["2001:db8::1", "2001:db8:0:0::/64"],
    ["::1", "0:0:0:0::/64"],
    ["fe80::1%eth0", "fe80:0:0:0::/64"],
    ["unknown", "unknown"],
  ] as const
) {
  Deno.test(`as a client ${address} counts as ${network}`, () => {
    assert.equal(networkOf(address), network);
  });
}
