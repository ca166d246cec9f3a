/** What the flight data service fetched, in the log, on each pair of engines. */

import assert from "node:assert/strict";
import { eventually, freePort, pipelineTest } from "../pipeline/_pipeline.ts";
import { AEROAPI_FLIGHT, aeroApiAnswer, FLIGHT, stubServer } from "./_tracker_support.ts";

pipelineTest("what is fetched is in flight-data-events once, keyed by its leg", async (pipeline) => {
  await using stub = stubServer(() => aeroApiAnswer(AEROAPI_FLIGHT));
  const port = freePort();
  const service = pipeline.start("flightdata-service", ["--port", String(port)], {
    SERVICE_REGISTRY_URL: "none",
    FLIGHTAWARE_API_KEY: "k",
    FLIGHTAWARE_BASE_URL: stub.url,
  });
  await service.says("Flight data service started");
  const answers = await Promise.all(
    Array.from(
      { length: 50 },
      async () => (await fetch(`http://127.0.0.1:${port}/api/v1/flight/UA1545`)).json(),
    ),
  );
  for (const answer of answers) assert.deepEqual(answer, FLIGHT);
  await eventually(
    "the flight is in the log",
    async () => (await pipeline.values("flight-data-events")).length > 0,
  );
  assert.equal(await service.stop(), 0);
  const records = await pipeline.values("flight-data-events");
  assert.deepEqual(records.map(({ key, value }) => ({ key, value })), [
    { key: FLIGHT.fa_flight_id, value: JSON.stringify(FLIGHT) },
  ]);
});
