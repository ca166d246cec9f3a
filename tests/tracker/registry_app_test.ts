import assert from "node:assert/strict";
import { Eureka } from "eureka-js-client";
import { AccessControl } from "../../process/http/access_control.ts";
import { InstanceRegistry } from "../../tracker/instance_registry.ts";
import { addRegistryRoutes } from "../../tracker/registry_app.ts";
import { RegistryClient } from "../../tracker/registry_client.ts";
import { createServiceApp } from "../../tracker/service_app.ts";
import { ServiceMetrics } from "../../tracker/service_metrics.ts";

/** A registry, asked without a port; a clock moved by hand. */
function registryApp() {
  const clock = { nowMs: 1_764_000_000_000 };
  const registry = new InstanceRegistry();
  const app = createServiceApp({
    name: "service-registry",
    description: "test",
    metrics: new ServiceMetrics(),
    access: new AccessControl({}),
    health: () => ({ registry: { status: "UP" } }),
  });
  addRegistryRoutes(app, { registry, now: () => clock.nowMs });
  const send = async (method: string, path: string, body?: unknown) =>
    await app.request(`http://localhost:8761${path}`, {
      method,
      headers: { host: "localhost:8761" },
      ...(body === undefined ? {} : { body: typeof body === "string" ? body : JSON.stringify(body) }),
    });
  return { app, clock, send };
}

const INSTANCE = {
  instanceId: "h1:flightdata-service:8081",
  hostName: "h1",
  app: "FLIGHTDATA-SERVICE",
  ipAddr: "10.0.0.1",
  status: "UP",
  port: { $: 8081, "@enabled": "true" },
  vipAddress: "flightdata-service",
  dataCenterInfo: { "@class": "com.netflix.appinfo.InstanceInfo$DefaultDataCenterInfo", name: "MyOwn" },
  metadata: { zone: "a" },
};
const APP = "/eureka/apps/FLIGHTDATA-SERVICE";
const ONE = `${APP}/${INSTANCE.instanceId}`;

async function statusOf(response: Promise<Response>): Promise<number> {
  const { status, body } = await response;
  await body?.cancel();
  return status;
}

Deno.test("an instance registers, renews, is told on by every way to ask, and is taken out", async () => {
  const { send, clock } = registryApp();
  assert.equal(await statusOf(send("PUT", ONE)), 404);
  assert.equal(await statusOf(send("POST", APP, { instance: INSTANCE })), 204);
  clock.nowMs += 60_000;
  assert.equal(await statusOf(send("PUT", `${ONE}?status=UP&lastDirtyTimestamp=1`)), 200);
  clock.nowMs += 60_000;
  const { applications } = await (await send("GET", "/eureka/apps")).json();
  assert.equal(applications.apps__hashcode, "UP_1_");
  assert.equal(applications.application[0].name, "FLIGHTDATA-SERVICE");
  const told = applications.application[0].instance[0];
  for (const [name, value] of Object.entries(INSTANCE)) assert.deepEqual(told[name], value, name);
  assert.equal(told.leaseInfo.durationInSecs, 90);
  assert.equal(told.leaseInfo.lastRenewalTimestamp, clock.nowMs - 60_000);
  assert.deepEqual(
    (await (await send("GET", "/eureka/apps/flightdata-service")).json()).application.instance,
    [told],
  );
  assert.deepEqual((await (await send("GET", ONE)).json()).instance, told);
  assert.deepEqual(
    (await (await send("GET", `/eureka/instances/${INSTANCE.instanceId}`)).json()).instance,
    told,
  );
  const byVip = await (await send("GET", "/eureka/vips/flightdata-service")).json();
  assert.deepEqual(byVip.applications.application[0].instance, [told]);
  assert.equal(await statusOf(send("DELETE", ONE)), 200);
  assert.equal(await statusOf(send("DELETE", ONE)), 404);
  assert.deepEqual((await (await send("GET", "/eureka/apps/")).json()).applications.application, []);
  assert.equal(await statusOf(send("GET", APP)), 404);
});

Deno.test("an instance that does not renew is gone after 90 s", async () => {
  const { send, clock } = registryApp();
  await send("POST", APP, { instance: INSTANCE });
  clock.nowMs += 90_001;
  assert.equal(await statusOf(send("GET", APP)), 404);
  assert.equal(await statusOf(send("PUT", ONE)), 404);
});

Deno.test("an operator takes an instance out of service and back", async () => {
  const { send } = registryApp();
  await send("POST", APP, { instance: INSTANCE });
  assert.equal(await statusOf(send("PUT", `${ONE}/status?value=OUT_OF_SERVICE`)), 200);
  const all = await (await send("GET", "/eureka/apps")).json();
  assert.equal(all.applications.apps__hashcode, "OUT_OF_SERVICE_1_");
  assert.equal((await (await send("GET", ONE)).json()).instance.status, "OUT_OF_SERVICE");
  assert.equal(await statusOf(send("PUT", `${ONE}/status?value=GONE`)), 400);
  assert.equal(await statusOf(send("DELETE", `${ONE}/status`)), 200);
  assert.equal((await (await send("GET", ONE)).json()).instance.status, "UP");
});

const REFUSED: [string, unknown, number][] = [
  ["no JSON", "<instance/>", 400],
  ["no instance", {}, 400],
  ["null", "null", 400],
  ["another application", { instance: { ...INSTANCE, app: "OTHER" } }, 400],
  ["a host that is none", { instance: { ...INSTANCE, hostName: "evil/../x" } }, 400],
  ["an id that is none", { instance: { ...INSTANCE, instanceId: "<script>" } }, 400],
  ["a port that is none", { instance: { ...INSTANCE, port: { $: 99_999 } } }, 400],
  ["too much", { instance: { ...INSTANCE, metadata: { x: "x".repeat(70_000) } } }, 413],
];
for (const [what, body, status] of REFUSED) {
  Deno.test(`a registration with ${what} is ${status}`, async () => {
    const { send } = registryApp();
    const response = await send("POST", APP, body);
    assert.equal(response.status, status);
    assert.equal((await response.json()).status, status);
    assert.equal(await statusOf(send("GET", APP)), 404);
  });
}

Deno.test("a page of another site cannot register anything through somebody's browser", async () => {
  const { app } = registryApp();
  const post = (headers: Record<string, string>) =>
    app.request(`http://localhost:8761${APP}`, {
      method: "POST",
      body: JSON.stringify({ instance: INSTANCE }),
      headers: { host: "localhost:8761", ...headers },
    });
  assert.equal(
    (await post({ origin: "https://evil.example.com", "content-type": "text/plain" })).status,
    403,
  );
  assert.equal((await post({ "sec-fetch-site": "cross-site" })).status, 403);
  assert.equal((await post({ origin: "http://localhost:8761" })).status, 204);
  assert.equal((await post({})).status, 204);
});

Deno.test("the page lists the instances", async () => {
  const { send } = registryApp();
  assert.match(await (await send("GET", "/")).text(), /No instance is registered/);
  await send("POST", APP, { instance: INSTANCE });
  assert.match(await (await send("GET", "/")).text(), /<td>h1:flightdata-service:8081<\/td><td>UP<\/td>/);
  assert.match((await send("GET", "/registry.css")).headers.get("content-type")!, /^text\/css/);
});

Deno.test({
  name: "eureka-js-client registers, finds others and takes itself out; our own client sees it",
  // Its sockets are kept alive beyond its end.
  sanitizeResources: false,
  sanitizeOps: false,
  async fn() {
    const { app, send } = registryApp();
    const server = Deno.serve({ hostname: "127.0.0.1", port: 0, onListen: () => {} }, app.fetch);
    await send("POST", APP, { instance: INSTANCE });
    const client = new Eureka({
      instance: {
        instanceId: "other-1",
        app: "other-service",
        hostName: "localhost",
        ipAddr: "127.0.0.1",
        port: { $: 3000, "@enabled": true } as never,
        vipAddress: "other-service",
        dataCenterInfo: { name: "MyOwn" } as never,
      },
      eureka: { host: "127.0.0.1", port: server.addr.port, servicePath: "/eureka/apps/", maxRetries: 0 },
    });
    // deno-lint-ignore no-explicit-any
    (client as any).logger.level("error");
    await new Promise<void>((resolve, reject) =>
      client.start((error: Error) => error ? reject(error) : resolve())
    );
    const found = client.getInstancesByAppId("FLIGHTDATA-SERVICE");
    assert.deepEqual(
      found.map(({ hostName, port }: { hostName: string; port: unknown }) => [hostName, port]),
      [["h1", INSTANCE.port]],
    );
    assert.equal(client.getInstancesByVipAddress("flightdata-service").length, 1);
    const ours = new RegistryClient({ url: `http://127.0.0.1:${server.addr.port}/eureka` });
    assert.deepEqual(await ours.instances(), [
      { app: "FLIGHTDATA-SERVICE", id: "h1:flightdata-service:8081", host: "h1", port: 8081 },
      { app: "OTHER-SERVICE", id: "other-1", host: "localhost", port: 3000 },
    ]);
    await new Promise<void>((resolve, reject) =>
      client.stop((error?: Error) => error ? reject(error) : resolve())
    );
    assert.deepEqual((await ours.instances()).map(({ app }) => app), ["FLIGHTDATA-SERVICE"]);
    await server.shutdown();
  },
});

Deno.test("our client registers, comes back after the registry forgot it, and takes itself out at its end", async () => {
  const { app, send } = registryApp();
  const server = Deno.serve({ hostname: "127.0.0.1", port: 0, onListen: () => {} }, app.fetch);
  const client = new RegistryClient({
    url: `http://127.0.0.1:${server.addr.port}/eureka`,
    renewEveryMs: 5,
    retryMs: 5,
  });
  const stop = new AbortController();
  const running = client.keepRegistered(
    { app: "FLIGHTDATA-SERVICE", host: "127.0.0.1", port: 8081 },
    stop.signal,
  );
  const there = async () => (await client.instances()).length === 1;
  while (!await there()) await new Promise((resolve) => setTimeout(resolve, 2));
  await statusOf(send("DELETE", `${APP}/127.0.0.1:flightdata-service:8081`));
  while (!await there()) await new Promise((resolve) => setTimeout(resolve, 2));
  stop.abort();
  await running;
  assert.deepEqual(await client.instances(), []);
  await server.shutdown();
});
