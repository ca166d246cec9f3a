/** On the Redis of REDIS_URL; it has to be one on this machine, since keys are written. */

import assert from "node:assert/strict";
import { freePort } from "../../process/free_port.ts";
import { RedisStore } from "../../tracker/redis_store.ts";

const url = Deno.env.get("REDIS_URL") ?? "";
if (url !== "" && !/^redis:\/\/(127\.|localhost)/.test(url)) {
  throw new Error("Tests refuse a Redis that is not on loopback");
}
const until = async (done: () => boolean | Promise<boolean>) => {
  while (!await done()) await new Promise((resolve) => setTimeout(resolve, 5));
};

Deno.test("without Redis memory stands in, and nobody waits for it", async () => {
  const states: boolean[] = [];
  const store = new RedisStore({
    url: `redis://127.0.0.1:${freePort()}`,
    onState: ({ connected }) => states.push(connected),
  });
  await store.set("a", "1", 60_000);
  assert.equal(await store.get("a"), "1");
  assert.equal(await store.get("b"), undefined);
  await store.delete("a");
  assert.equal(await store.get("a"), undefined);
  await until(() => states.length > 0);
  assert.deepEqual([states, store.connected], [[false], false]);
  await store.close();
});

Deno.test("a Redis that hangs costs one time-out, then it is left alone", async () => {
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const connections: Deno.Conn[] = [];
  const accepting = (async () => {
    for await (const connection of listener) {
      connections.push(connection);
      // Greets as the client expects, then says nothing more.
      void connection.read(new Uint8Array(4096)).then(() =>
        connection.write(new TextEncoder().encode("+OK\r\n+OK\r\n+OK\r\n+OK\r\n"))
      ).catch(() => {});
    }
  })();
  const store = new RedisStore({
    url: `redis://127.0.0.1:${listener.addr.port}`,
    timeoutMs: 20,
    restMs: 60_000,
  });
  await until(() => store.connected);
  await store.set("a", "1", 60_000);
  assert.equal(store.connected, false);
  assert.equal(await store.get("a"), "1");
  await store.close();
  for (const connection of connections) connection.close();
  listener.close();
  await accepting;
});

Deno.test({
  name: "what one instance keeps another finds, until it runs out",
  ignore: url === "",
  async fn() {
    const [one, two] = [new RedisStore({ url }), new RedisStore({ url })];
    await until(() => one.connected && two.connected);
    const key = `flights::TEST${crypto.randomUUID()}`;
    await one.set(key, "ü{}", 60_000);
    assert.equal(await two.get(key), "ü{}");
    await two.delete(key);
    assert.equal(await one.get(key), undefined);
    await one.set(key, "short", 20);
    assert.equal(await two.get(key), "short");
    await until(async () => await two.get(key) === undefined);
    await one.close();
    await two.close();
  },
});

Deno.test({
  name: "instances count together, each once, and the count runs out",
  ignore: url === "",
  async fn() {
    const [one, two] = [new RedisStore({ url }), new RedisStore({ url })];
    await until(() => one.connected && two.connected);
    const key = `flights::TEST${crypto.randomUUID()}`;
    const sums = await Promise.all([one, two, one, two].map((store) => store.increment(key, 60_000)));
    assert.deepEqual(sums.toSorted(), [1, 2, 3, 4]);
    await one.delete(key);
    assert.equal(await two.increment(key, 20), 1);
    await until(async () => await one.get(key) === undefined);
    await one.close();
    await two.close();
    assert.equal(await one.increment(key, 20), undefined);
  },
});
