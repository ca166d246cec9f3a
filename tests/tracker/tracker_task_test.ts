/** `deno task tracker`: the four processes together, with no key and no server. */

import assert from "node:assert/strict";
import { freePort } from "../../process/free_port.ts";
import { until } from "./_summary_engines.ts";
import { TrackerProcess } from "./_tracker_process.ts";

Deno.test("with nothing given the four answer through the gateway: a flight, then what to say of it", async () => {
  const folder = await Deno.makeTempDir();
  const ports = ["gateway", "flightdata", "summary", "registry"].flatMap((name) => [
    `--${name}-port`,
    String(freePort()),
  ]);
  const tracker = new TrackerProcess("tracker", ports, {
    EVENT_LOG_FILE: `${folder}/log/events.sqlite`,
    TRACKER_SUMMARIES_FILE: `${folder}/tracker/summaries.sqlite`,
  });
  const [, url] = await tracker.says(/Everything runs, after .*Try (http:\S+?)\/api/);
  const ask = async (path: string) => {
    const response = await fetch(`${url}/api/v1/flight/${path}`);
    return { status: response.status, body: await response.json() };
  };
  await until("the gateway knows the flight data service", async () => (await ask("UA15")).status === 200);
  await until("there is a summary", async () => (await ask("UA15/summary")).status === 200);
  const [flight, summary] = [await ask("UA15"), await ask("UA15/summary")];
  assert.equal(summary.body.fa_flight_id, flight.body.fa_flight_id);
  assert.match(summary.body.summary_text, /^Flight UAL15 \(UA15\) .*EWR/);
  assert.equal(summary.body.model_used, "template");
  assert.equal(await tracker.stop(), 0, tracker.output);
  await Deno.remove(folder, { recursive: true });
});
