import assert from "node:assert/strict";
import { MemoryStore } from "../../tracker/cache_store.ts";
import { cacheKey, FlightCache } from "../../tracker/flight_cache.ts";
import type { FlightCacheOptions } from "../../tracker/flight_cache.ts";
import { parseIdent } from "../../tracker/flight_ident.ts";
import { UpstreamError } from "../../tracker/flight_source.ts";
import type { TrackedFlight } from "../../tracker/tracked_flight.ts";

const IDENT = parseIdent("UA1545")!;
const FLIGHT: TrackedFlight = {
  ident: "UAL1545",
  fa_flight_id: "UA1545_2025-11-28",
  status: "Scheduled",
  aircraft_type: "B738",
  origin: "EWR",
  destination: "ORD",
  scheduled_out: "2025-11-28T12:00:00.000Z",
  actual_out: null,
  scheduled_in: "2025-11-28T14:00:00.000Z",
  actual_in: null,
  latitude: null,
  longitude: null,
  altitude: null,
  groundspeed: null,
};

/** A source that counts its calls and answers what it is told to; a clock moved by hand; no jitter. */
function cacheWith(options: Partial<FlightCacheOptions> = {}) {
  const world = { nowMs: 1_000_000, calls: 0, answer: (): TrackedFlight[] => [FLIGHT] };
  const now = () => world.nowMs;
  const store = new MemoryStore({ now });
  const cache = new FlightCache({
    source: {
      name: "test",
      async legs() {
        world.calls++;
        await new Promise((resolve) => setTimeout(resolve, 5));
        return world.answer();
      },
    },
    store,
    now,
    jitter: 0,
    ...options,
  });
  return { world, cache, store };
}

const fail = () => {
  throw new UpstreamError("The upstream is away");
};

Deno.test("five hundred who ask at once cost one call, and the next is a hit", async () => {
  const { world, cache } = cacheWith();
  const answers = await Promise.all(Array.from({ length: 500 }, () => cache.get(IDENT)));
  assert.equal(world.calls, 1);
  assert.ok(answers.every(({ flight, outcome }) => flight?.ident === "UAL1545" && outcome === "miss"));
  world.nowMs += 299_000;
  assert.deepEqual(await cache.get(IDENT), { flight: FLIGHT, outcome: "hit", ageMs: 299_000 });
  assert.equal(world.calls, 1);
});

Deno.test("an answer older than 300 s is given at once while a new one is fetched", async () => {
  const { world, cache, store } = cacheWith();
  await cache.get(IDENT);
  world.nowMs += 301_000;
  world.answer = () => [{ ...FLIGHT, status: "En Route / On Time" }];
  const stale = await cache.get(IDENT);
  assert.equal(stale.outcome, "stale");
  assert.equal(stale.flight?.status, "Scheduled");
  while (await store.get(cacheKey("UAL1545")) === undefined) {
    await new Promise((resolve) => setTimeout(resolve, 1));
  }
  const fresh = await cache.get(IDENT);
  assert.equal(fresh.outcome, "hit");
  assert.equal(fresh.flight?.status, "En Route / On Time");
  assert.equal(world.calls, 2);
});

Deno.test("while the source fails an old answer stands in for an hour, then the failure is told", async () => {
  const { world, cache } = cacheWith();
  await cache.get(IDENT);
  world.answer = fail;
  world.nowMs += 30 * 60_000;
  assert.equal((await cache.get(IDENT)).outcome, "stale_if_error");
  world.nowMs += 60 * 60_000;
  await assert.rejects(cache.get(IDENT), /The upstream is away/);
});

Deno.test("an unknown ident is remembered for a minute", async () => {
  const { world, cache } = cacheWith();
  world.answer = () => [];
  assert.equal((await cache.get(IDENT)).flight, null);
  world.nowMs += 59_000;
  assert.equal((await cache.get(IDENT)).outcome, "hit");
  world.nowMs += 2_000;
  assert.equal((await cache.get(IDENT)).outcome, "miss");
  assert.equal(world.calls, 2);
});

Deno.test("a failure is not remembered", async () => {
  const { world, cache } = cacheWith();
  world.answer = fail;
  await assert.rejects(cache.get(IDENT));
  world.answer = () => [FLIGHT];
  assert.equal((await cache.get(IDENT)).flight?.ident, "UAL1545");
});

Deno.test("a store that fails, or holds nonsense, costs calls but no answer", async () => {
  const errors: unknown[] = [];
  const { cache, store } = cacheWith({ onError: (error) => errors.push(error) });
  await store.set(cacheKey("UAL1545"), "no json", 60_000);
  assert.equal((await cache.get(IDENT)).flight?.ident, "UAL1545");
  assert.equal(errors.length, 1);
  // Another program's, under the same key.
  for (
    const other of ['{"storedAtMs":1,"flight":"UA1545"}', '{"storedAtMs":1}', '{"ident":"UAL1545"}', "null"]
  ) {
    await store.set(cacheKey("UAL1545"), other, 60_000);
    assert.equal((await cache.get(IDENT)).flight?.ident, "UAL1545", other);
  }
});

Deno.test("memory holds no more entries than it may, and keeps those that were read last", async () => {
  const store = new MemoryStore({ entriesMax: 3 });
  for (const key of ["a", "b", "c"]) await store.set(key, key, 1000);
  await store.get("a");
  await store.set("d", "d", 1000);
  assert.equal(store.size, 3);
  assert.equal(await store.get("b"), undefined);
  assert.equal(await store.get("a"), "a");
});
