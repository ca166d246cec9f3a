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

/** A flight number that the simulated network has around now. */
async function knownNumber(): Promise<string> {
  const network = await simulatedNetwork({ seed: 1, flightsPerDay: 60 });
  for (let number = 1; number < 3000; number++) {
    const ident = parseIdent(`UA${number}`)!;
    if ((await network.legs(ident, new AbortController().signal)).length > 0) return ident.ident;
  }
  return assert.fail("the schedule has no flight of UA");
}

Deno.test("with nothing given it tells of the simulated network, and the log gets what it fetched", async () => {
  const folder = await Deno.makeTempDir();
  const file = `${folder}/log.sqlite`;
  const service = new TrackerProcess("flightdata-service", ["--port", "0"], {
    EVENT_LOG_FILE: file,
    SERVICE_REGISTRY_URL: "none",
  });
  const [, url] = await service.says(/(http:\S+?)\/api\/v1\/flight\/UA1545, from simulated, kept in memory/);
  const ident = await knownNumber();
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
  const [, url] = await service.says(/(http:\S+?)\/api\/v1\/flight\/UA1545, from aeroapi, kept in redis/);
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
