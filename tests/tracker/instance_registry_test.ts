import assert from "node:assert/strict";
import { InstanceRegistry, RegistryFullError, shownStatus } from "../../tracker/instance_registry.ts";

const instance = (instanceId: string, more = {}) => ({ instanceId, hostName: "h", status: "UP", ...more });
const ids = (registry: InstanceRegistry, nowMs: number) => registry.all(nowMs).map(({ id }) => id);

Deno.test("a lease lasts 90 s from its last renewal, and no longer", () => {
  const registry = new InstanceRegistry();
  registry.register("a", instance("1"), 0);
  registry.register("A", instance("2"), 0);
  assert.equal(registry.renew("A", "1", 60_000), true);
  assert.deepEqual(ids(registry, 90_000), ["1", "2"]);
  assert.deepEqual(ids(registry, 90_001), ["1"]);
  assert.deepEqual(ids(registry, 150_001), []);
  assert.equal(registry.renew("A", "1", 150_001), false);
});

Deno.test("an instance chooses its lease, within an hour", () => {
  const registry = new InstanceRegistry();
  registry.register("A", instance("1", { leaseInfo: { durationInSecs: 10 } }), 0);
  registry.register("A", instance("2", { leaseInfo: { durationInSecs: 1e9 } }), 0);
  registry.register("A", instance("3", { leaseInfo: { durationInSecs: "x" } }), 0);
  assert.deepEqual(ids(registry, 10_001), ["2", "3"]);
  assert.deepEqual(ids(registry, 3_600_001), []);
});

Deno.test("an operator's status wins over the instance's own, also when it registers again", () => {
  const registry = new InstanceRegistry();
  registry.register("A", instance("1"), 0);
  registry.override("A", "1", "OUT_OF_SERVICE", 1);
  registry.register("A", instance("1"), 2);
  assert.equal(shownStatus(registry.find("A", "1", 3)!), "OUT_OF_SERVICE");
  registry.override("A", "1", "UNKNOWN", 4);
  assert.equal(shownStatus(registry.find("A", "1", 5)!), "UP");
});

Deno.test("a thousand instances are taken, and no more until one is gone", () => {
  const registry = new InstanceRegistry();
  for (let at = 0; at < 1000; at++) registry.register("A", instance(String(at)), 0);
  assert.throws(() => registry.register("A", instance("more"), 0), RegistryFullError);
  registry.register("A", instance("7"), 0);
  registry.cancel("A", "7", 0);
  registry.register("A", instance("more"), 0);
});

Deno.test("what all instances say of themselves together stays small enough to be told at once", () => {
  const registry = new InstanceRegistry();
  const long = (id: string) => instance(id, { metadata: { note: "x".repeat(60_000) } });
  assert.throws(() => {
    for (let at = 0; at < 100; at++) registry.register("A", long(String(at)), 0);
  }, RegistryFullError);
  assert.equal(ids(registry, 0).length, 16);
  registry.register("A", long("0"), 0);
  registry.register("A", instance("small"), 0);
});
