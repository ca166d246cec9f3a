/** The summary service as a process, under its own permission set. */

import assert from "node:assert/strict";
import { freePort } from "../../process/free_port.ts";
import { flightValue, lifecycles, summaryTest, until } from "./_summary_engines.ts";
import { completion } from "./_summary_support.ts";
import { stubServer } from "./_tracker_support.ts";
import { TrackerProcess } from "./_tracker_process.ts";

/** A model that answers after a moment, about whichever flight it is asked. */
function modelStub(waitMs: number) {
  return stubServer(async (request) => {
    const { messages } = await request.json();
    const { ident, status } = JSON.parse(/<flight_data>\n([^<]*)\n</.exec(messages[1].content)![1]!);
    await new Promise((resolve) => setTimeout(resolve, waitMs));
    const what = status === "Cancelled" ? "has been cancelled" : "is looked after by a model";
    return completion(`Flight ${ident} ${what}.`, { usage: { total_tokens: 11 } });
  });
}

summaryTest(
  "killed again and again between model and store, it tells of each change once",
  async (engines) => {
    await using model = modelStub(20);
    const { records, changes } = lifecycles(36);
    const env = {
      ...engines.env,
      OPENAI_API_KEY: "secret-key-77",
      OPENAI_BASE_URL: `${model.url}/v1`,
      OPENAI_MODEL: "stub-1",
    };
    // Those who come after one that was killed wait as long for it as the broker wants it.
    const [rounds, session] = engines.log.engine === "kafka" ? [2, "6s"] : [4, "2s"];
    const args = ["--port", "0", "--session-timeout", session, "--tokens-per-minute", "1000000"];
    const start = () => new TrackerProcess("llm-summary-service", args, env);
    const outputs: string[] = [];
    for (let round = 0; round < rounds; round++) {
      const part = records.slice(records.length * round / rounds, records.length * (round + 1) / rounds);
      await engines.append(part);
      const asked = model.requests.length;
      const service = start();
      // In the midst: the model has been asked some times, and has more to do.
      await until("the model was asked", () => model.requests.length >= asked + 5 + 2 * round);
      await service.kill();
      outputs.push(service.output);
    }
    const [one, two] = [start(), start()];
    await engines.caughtUp();
    assert.equal(await one.stop(), 0, one.output);
    assert.equal(await two.stop(), 0, two.output);
    outputs.push(one.output, two.output);
    assert.deepEqual(await engines.changes([...changes.keys()]), changes);
    const store = await engines.store.open();
    for (const number of [1000, 1003, 1034]) {
      const summary = (await store.newest(`UAL${number}`))!;
      assert.equal(summary.modelUsed, "stub-1");
      assert.match(
        summary.text,
        number === 1003 ? /UAL1003 has been cancelled/ : /is looked after by a model/,
      );
    }
    for (const output of outputs) assert.doesNotMatch(output, /secret-key/);
  },
);

summaryTest("with nothing given the template writes, and it is served by number", async (engines) => {
  const port = freePort();
  const service = new TrackerProcess("llm-summary-service", ["--port", String(port)], {
    ...engines.env,
    API_TOKEN: "t",
  });
  const [, url] = await service.says(/(http:\S+?)\/api\/v1\/flight\/UA15\/summary, written by the template/);
  const get = (path: string, headers: Record<string, string> = { authorization: "Bearer t" }) =>
    fetch(`${url}${path}`, { headers });
  await until(
    "its store is open",
    async () => (await (await get("/actuator/health")).json()).status === "UP",
  );
  const missing = await get("/api/v1/flight/UA1545/summary");
  assert.deepEqual([missing.status, missing.headers.get("content-type")], [404, "application/problem+json"]);
  assert.match((await missing.json()).detail, /no summary of UAL1545 yet/);
  await engines.append([{ key: "leg", value: flightValue({ fa_flight_id: "leg" }) }]);
  await until("there is a summary", async () => {
    const response = await get("/api/v1/flight/UA1545/summary");
    await response.body?.cancel();
    return response.status === 200;
  });
  const response = await get("/api/v1/flight/ual1545/summary");
  const { summary_text, generated_at, ...others } = await response.json();
  assert.deepEqual(others, { ident: "UAL1545", fa_flight_id: "leg", model_used: "template" });
  assert.match(summary_text, /^Flight UAL1545 \(UA1545\) from EWR to ORD is scheduled to leave at 12:00 UTC/);
  assert.ok(Math.abs(Date.parse(generated_at) - Date.now()) < 60_000, generated_at);
  const again = await get("/api/v1/flight/UA1545/summary", {
    authorization: "Bearer t",
    "if-none-match": response.headers.get("etag")!,
  });
  assert.equal(again.status, 304);
  const bad = await get("/api/v1/flight/..%2fUA1/summary");
  assert.equal(bad.status, 400);
  await bad.body?.cancel();
  const stranger = await get("/api/v1/flight/UA1545/summary", {});
  assert.equal(stranger.status, 401);
  await stranger.body?.cancel();
  const page = await (await get("/actuator/prometheus")).text();
  assert.match(page, /^summaries_written_total\{by="template"\} 1$/m);
  assert.match(page, /^summary_records_total\{outcome="changed"\} 1$/m);
  assert.equal(await service.stop(), 0, service.output);
});

summaryTest("one that is to stop leaves the registry and answers on until it is gone", async (engines) => {
  await using registry = stubServer(() => new Response(null, { status: 204 }));
  await engines.append([{ key: "leg", value: flightValue({ fa_flight_id: "leg" }) }]);
  const service = new TrackerProcess("llm-summary-service", ["--port", "0"], {
    ...engines.env,
    SERVICE_REGISTRY_URL: `${registry.url}/eureka`,
  });
  const [, url] = await service.says(/(http:\S+?)\/api\/v1\/flight/);
  await service.says(/registered/);
  const ask = async () => {
    const response = await fetch(`${url}/api/v1/flight/UA1545/summary`);
    await response.body?.cancel();
    return response.status;
  };
  await until("there is a summary", async () => await ask() === 200);
  let stopped = false;
  const stopping = service.stop().finally(() => stopped = true);
  await until("it has left the registry", () => registry.requests.some(({ method }) => method === "DELETE"));
  const answers: number[] = [];
  while (!stopped) {
    // A connection that is refused is no answer: then it is gone.
    const status = await ask().catch(() => undefined);
    if (status === undefined) break;
    answers.push(status);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  assert.deepEqual(new Set(answers), new Set([200]));
  assert.ok(answers.length > 0);
  assert.equal(await stopping, 0, service.output);
});

Deno.test("without its log and its database it says so, asks on, and stops when it is told to", async () => {
  const service = new TrackerProcess("llm-summary-service", ["--port", "0"], {
    KAFKA_BROKERS: `127.0.0.1:${freePort()}`,
    TRACKER_DATABASE_URL: `postgres://u:secret-word@127.0.0.1:${freePort()}/d`,
    SERVICE_REGISTRY_URL: "none",
  });
  const [, url] = await service.says(/(http:\S+?)\/api\/v1\/flight\/UA15\/summary/);
  await service.says(/trying again until it answers/);
  const response = await fetch(`${url}/api/v1/flight/UA15/summary`);
  assert.equal(response.status, 503);
  await response.body?.cancel();
  const health = await fetch(`${url}/actuator/health`);
  assert.equal(health.status, 503);
  assert.equal((await health.json()).components.store.status, "DOWN");
  assert.equal(await service.stop(), 0, service.output);
  assert.doesNotMatch(service.output, /secret-word/);
});
