/** Registry, gateway and two instances of the flight data service, as processes under their own permission sets. */

import assert from "node:assert/strict";
import { freePort } from "../../process/free_port.ts";
import { AEROAPI_FLIGHT, aeroApiAnswer, FLIGHT, stubServer } from "./_tracker_support.ts";
import { TrackerProcess } from "./_tracker_process.ts";

/** Asks without a pause until told to stop; counts what was not the flight. */
function load(url: string, askers: number) {
  const counts = { answered: 0, failed: [] as string[] };
  let stopping = false;
  const ask = async () => {
    while (!stopping) {
      try {
        const response = await fetch(`${url}/api/v1/flight/UA1545`);
        const text = await response.text();
        counts.answered++;
        if (response.status !== 200 || text !== JSON.stringify(FLIGHT)) {
          counts.failed.push(`${response.status} ${text}`);
        }
      } catch (error) {
        counts.failed.push((error as Error).message);
      }
    }
  };
  const running = Promise.all(Array.from({ length: askers }, ask));
  return {
    counts,
    /** Waits until so many more were answered. */
    async more(answers: number): Promise<void> {
      const goal = counts.answered + answers;
      while (counts.answered < goal && counts.failed.length === 0) {
        await new Promise((resolve) => setTimeout(resolve, 10));
      }
    },
    async stop(): Promise<void> {
      stopping = true;
      await running;
    },
  };
}

Deno.test("instances are killed, stopped and started under load, the registry too, and no request fails", async () => {
  await using aeroApi = stubServer(() => aeroApiAnswer(AEROAPI_FLIGHT));
  const folder = await Deno.makeTempDir();
  const registryPort = freePort();
  const ports = [freePort(), freePort(), freePort()] as const;
  const env = {
    SERVICE_REGISTRY_URL: `http://127.0.0.1:${registryPort}/eureka`,
    TRACKER_INSTANCES: ports.map((port) => `127.0.0.1:${port}`).join(","),
    FLIGHTAWARE_API_KEY: "k",
    FLIGHTAWARE_BASE_URL: aeroApi.url,
    EVENT_LOG_FILE: `${folder}/log.sqlite`,
  };
  const startRegistry = () => new TrackerProcess("service-registry", ["--port", String(registryPort)], env);
  const startService = async (port: number) => {
    const service = new TrackerProcess("flightdata-service", ["--port", String(port)], env);
    await service.says(/registered/);
    return service;
  };
  let registry = startRegistry();
  await registry.says(/Service registry started/);
  const gateway = new TrackerProcess(
    "api-gateway",
    ["--port", "0", "--requests-per-second", "1000000", "--burst", "1000000"],
    env,
  );
  const [, url] = await gateway.says(/(http:\S+?)\/api\/v1\/flight/);
  const [one, two] = await Promise.all([startService(ports[0]), startService(ports[1])]);
  const instances = async () => {
    const { components } = await (await fetch(`${url}/actuator/health`)).json();
    return components.services.details["FLIGHTDATA-SERVICE"] as number;
  };
  const known = async (what: string, isSo: (count: number) => boolean) => {
    const deadline = performance.now() + 60_000;
    for (let count = await instances(); !isSo(count); count = await instances()) {
      assert.ok(performance.now() < deadline, `Not within a minute: ${what}; the gateway knows ${count}`);
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  };
  await known("two are there", (count) => count === 2);

  const asking = load(url!, 8);
  await asking.more(200);
  await one.kill();
  await asking.more(400);
  // A rolling restart: a new one comes, then an old one goes.
  const three = await startService(ports[2]);
  // The one that was killed is listed until its lease runs out.
  await known("the new one is there beside both others", (count) => count === 3);
  await asking.more(200);
  assert.equal(await two.stop(), 0, two.output);
  await known("the one that was stopped is gone", (count) => count <= 2);
  await asking.more(200);
  // Without a registry, and with one that has forgotten everything, the gateway goes on with what it knows.
  await registry.kill();
  await asking.more(200);
  registry = startRegistry();
  await registry.says(/Service registry started/);
  await asking.more(200);
  await asking.stop();
  assert.deepEqual(asking.counts.failed, []);

  assert.equal(await gateway.stop(), 0, gateway.output);
  assert.equal(await three.stop(), 0, three.output);
  assert.equal(await registry.stop(), 0, registry.output);
  await Deno.remove(folder, { recursive: true });
});

Deno.test("an instance that the gateway was not allowed to reach is left out, and told of", async () => {
  const registryPort = freePort();
  const env = {
    SERVICE_REGISTRY_URL: `http://127.0.0.1:${registryPort}/eureka`,
    TRACKER_INSTANCES: `127.0.0.1:${freePort()}`,
  };
  const registry = new TrackerProcess("service-registry", ["--port", String(registryPort)], env);
  await registry.says(/Service registry started/);
  // The registry itself is one that the gateway may reach, but not for this.
  for (const [hostName, port] of [["192.0.2.1", 80], ["127.0.0.1", registryPort]] as const) {
    const response = await fetch(`http://127.0.0.1:${registryPort}/eureka/apps/FLIGHTDATA-SERVICE`, {
      method: "POST",
      body: JSON.stringify({
        instance: { hostName, app: "FLIGHTDATA-SERVICE", status: "UP", port: { $: port } },
      }),
    });
    assert.equal(response.status, 204);
  }
  const gateway = new TrackerProcess("api-gateway", ["--port", "0"], env);
  const [, url] = await gateway.says(/(http:\S+?)\/api\/v1\/flight/);
  await gateway.says(/instance at 192\.0\.2\.1:80 is left out: name it in TRACKER_INSTANCES/);
  await gateway.says(new RegExp(`instance at 127\\.0\\.0\\.1:${registryPort} is left out`));
  const refused = await fetch(`${url}/api/v1/flight/UA1545`);
  assert.deepEqual([refused.status, (await refused.json()).title], [503, "Service Unavailable"]);
  assert.equal(await gateway.stop(), 0, gateway.output);
  assert.equal(await registry.stop(), 0, registry.output);
});

Deno.test("the task tracker starts all of it, says so, and stops it in order", async () => {
  const folder = await Deno.makeTempDir();
  const [gateway, service, summaries, registry] = [freePort(), freePort(), freePort(), freePort()];
  const tracker = new TrackerProcess("tracker", [
    `--gateway-port=${gateway}`,
    `--flightdata-port=${service}`,
    `--summary-port=${summaries}`,
    `--registry-port=${registry}`,
  ], {
    EVENT_LOG_FILE: `${folder}/data/log.sqlite`,
    TRACKER_SUMMARIES_FILE: `${folder}/data/tracker/summaries.sqlite`,
  });
  await tracker.says(/Everything runs/);
  const response = await fetch(`http://127.0.0.1:${gateway}/api/v1/flight/ZZ1`);
  assert.equal(response.status, 404);
  assert.match((await response.json()).detail, /No flight ZZ1/);
  // From the flight's page through the log into its summary, all by the gateway.
  const address = `http://127.0.0.1:${gateway}/api/v1/flight/UA15`;
  const flight = await (await fetch(address)).json();
  for (;;) {
    const answer = await fetch(`${address}/summary`);
    const summary = await answer.json();
    if (answer.status === 200) {
      assert.equal(summary.fa_flight_id, flight.fa_flight_id);
      assert.match(summary.summary_text, /15/);
      break;
    }
    assert.ok(answer.status === 404 || answer.status === 503, `${answer.status} ${tracker.output}`);
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  const document = await (await fetch(`http://127.0.0.1:${gateway}/openapi.json`)).json();
  assert.deepEqual(document["x-services"], {
    "FLIGHTDATA-SERVICE": "present",
    "LLM-SUMMARY-SERVICE": "present",
  });
  for (const path of ["/api/v1/flight/{ident}", "/api/v1/flight/{ident}/summary"]) {
    assert.ok("200" in document.paths[path].get.responses, path);
  }
  assert.match(await (await fetch(`http://127.0.0.1:${gateway}/docs`)).text(), /swagger-ui\.js/);
  // The gateway may have been there before the registry was, and tries again then.
  await tracker.says(/api-gateway +\| +registered/);
  assert.match(await (await fetch(`http://127.0.0.1:${registry}/`)).text(), /API-GATEWAY/);
  assert.equal(await tracker.stop(), 0, tracker.output);
  const stops = [...tracker.output.matchAll(/(gateway|service|registry) stopped/g)].map(([, name]) => name);
  assert.deepEqual(stops, ["gateway", "service", "service", "registry"]);
  await Deno.remove(folder, { recursive: true });
});
