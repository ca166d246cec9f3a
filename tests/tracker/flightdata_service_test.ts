/** The flight data service as a process, under its own permission set. */

import assert from "node:assert/strict";
import { openSqliteEventLog } from "../../event_log/sqlite_event_log.ts";
import { FLIGHT_DATA_TOPIC } from "../../events/topics.ts";
import { freePort } from "../../process/free_port.ts";
import { simulatedNetwork } from "../../tracker/simulated_network.ts";
import { parseIdent } from "../../tracker/flight_ident.ts";
import { AEROAPI_FLIGHT, aeroApiAnswer, FLIGHT, stubServer } from "./_tracker_support.ts";
import { TrackerProcess } from "./_tracker_process.ts";

async function recordsOf(file: string): Promise<{ key: string | null; value: string | null }[]> {
  const log = await openSqliteEventLog({ file, readOnly: true });
  const ranges = await log.ranges([FLIGHT_DATA_TOPIC]);
  const reader = await log.reader({
    positions: ranges.map(({ topic, partition, start }) => ({ topic, partition, offset: start })),
  });
  const batches = await reader.poll({ maxWaitMs: 0 });
  await reader.close();
  await log.close();
  return batches.flatMap(({ records }) => records.map(({ key, value }) => ({ key, value })));
}

Deno.test("the flight that the first lines name is known on every day of the week", async () => {
  for (let day = 0; day < 7; day++) {
    const now = () => Date.UTC(2026, 10, 21 + day, 12);
    const network = await simulatedNetwork({ seed: 1, flightsPerDay: undefined, now });
    const legs = await network.legs(parseIdent("UA15")!, new AbortController().signal);
    assert.ok(legs.length >= 2, String(day));
  }
});

Deno.test("what the producer flies by default is told of with the same times", async () => {
  const now = () => Date.UTC(2026, 10, 21, 16);
  const some = await simulatedNetwork({ seed: 1, flightsPerDay: 60, now });
  const all = await simulatedNetwork({ seed: 1, flightsPerDay: undefined, now });
  let compared = 0;
  // Every seventh number of these airlines: a sample of some twenty flights of the producer's.
  for (const airline of ["UA", "AA", "B6", "DL", "US", "WN"]) {
    for (let number = 7; number < 2500; number += 7) {
      const ident = parseIdent(`${airline}${number}`)!;
      const legs = await some.legs(ident, new AbortController().signal);
      if (legs.length === 0) continue;
      const among = await all.legs(ident, new AbortController().signal);
      for (const leg of legs) {
        assert.deepEqual(among.find(({ fa_flight_id }) => fa_flight_id === leg.fa_flight_id), leg);
        compared++;
      }
    }
  }
  assert.ok(compared >= 5, String(compared));
});

Deno.test("with nothing given it tells of the simulated network, and the log gets what it fetched", async () => {
  const folder = await Deno.makeTempDir();
  const file = `${folder}/log.sqlite`;
  const service = new TrackerProcess("flightdata-service", ["--port", "0"], {
    EVENT_LOG_FILE: file,
    SERVICE_REGISTRY_URL: "none",
  });
  const [, url] = await service.says(/(http:\S+?)\/api\/v1\/flight\/UA15, from simulated, kept in memory/);
  const ident = "UAL15";
  const response = await fetch(`${url}/api/v1/flight/${ident}`);
  assert.equal(response.status, 200, service.output);
  const flight = await response.json();
  assert.equal(flight.ident, ident);
  assert.equal(
    (await fetch(`${url}/api/v1/flight/${ident}`)).headers.get("cache-status")!.slice(0, 12),
    "flights; hit",
  );
  assert.equal(await service.stop(), 0, service.output);
  assert.deepEqual(await recordsOf(file), [{ key: flight.fa_flight_id, value: JSON.stringify(flight) }]);
  await Deno.remove(folder, { recursive: true });
});

Deno.test("with a key it asks AeroAPI; a log and a Redis that are away fail no request, and the key is in no line", async () => {
  await using stub = stubServer(() => aeroApiAnswer(AEROAPI_FLIGHT));
  const service = new TrackerProcess(
    "flightdata-service",
    ["--port", "0", "--result-sets-per-minute", "1", "--access-log", "all"],
    {
      KAFKA_BROKERS: `127.0.0.1:${freePort()}`,
      REDIS_URL: `redis://127.0.0.1:${freePort()}`,
      FLIGHTAWARE_API_KEY: "secret-key-1234",
      FLIGHTAWARE_BASE_URL: stub.url,
      SERVICE_REGISTRY_URL: `http://127.0.0.1:${freePort()}/eureka`,
    },
  );
  const [, url] = await service.says(/(http:\S+?)\/api\/v1\/flight\/UA15, from aeroapi, kept in redis/);
  const answers = await Promise.all(
    Array.from(
      { length: 20 },
      () => fetch(`${url}/api/v1/flight/UA1545`).then((response) => response.json()),
    ),
  );
  for (const answer of answers) assert.deepEqual(answer, FLIGHT);
  assert.equal((await fetch(`${url}/api/v1/flight/UA1`)).status, 429);
  assert.equal(stub.requests.length, 1);
  const health = await (await fetch(`${url}/actuator/health`)).json();
  assert.equal(health.components.outbox.details.waiting, 1);
  assert.equal(health.components.cache.details.connected, false);
  assert.equal(await service.stop(), 0, service.output);
  assert.match(service.output, /1 flights that were fetched are not in it/);
  assert.ok(!service.output.includes("secret-key"), service.output);
});

const REDIS_URL = Deno.env.get("REDIS_URL") ?? "";

Deno.test({
  name: "what one instance fetched another one finds in Redis",
  ignore: REDIS_URL === "",
  async fn() {
    // A number that no earlier run has left there.
    const ident = `ZZ${1000 + crypto.getRandomValues(new Uint16Array(1))[0]! % 9000}`;
    await using stub = stubServer(() => aeroApiAnswer({ ...AEROAPI_FLIGHT, ident_icao: ident }));
    const folder = await Deno.makeTempDir();
    const start = () =>
      new TrackerProcess("flightdata-service", ["--port", "0"], {
        EVENT_LOG_FILE: `${folder}/log.sqlite`,
        REDIS_URL,
        FLIGHTAWARE_API_KEY: "k",
        FLIGHTAWARE_BASE_URL: stub.url,
        SERVICE_REGISTRY_URL: "none",
      });
    const services = [start(), start()];
    const urls = await Promise.all(
      services.map(async (service) =>
        (await service.says(/(http:\S+?)\/api\/v1\/flight\/UA15, .* kept in redis/))[1]!
      ),
    );
    for (const url of urls) {
      const connected = async () =>
        (await (await fetch(`${url}/actuator/health`)).json()).components.cache.details.connected;
      while (!await connected()) await new Promise((resolve) => setTimeout(resolve, 20));
    }
    const states: string[] = [];
    for (const url of urls) {
      const response = await fetch(`${url}/api/v1/flight/${ident}`);
      assert.equal((await response.json()).ident, ident);
      states.push(response.headers.get("cache-status")!.slice(0, 12));
    }
    assert.deepEqual(states, ["flights; fwd", "flights; hit"]);
    assert.equal(stub.requests.length, 1);
    for (const service of services) assert.equal(await service.stop(), 0, service.output);
    await Deno.remove(folder, { recursive: true });
  },
});
