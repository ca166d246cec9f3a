import assert from "node:assert/strict";
import { freePort } from "../../process/free_port.ts";
import { RateLimiter } from "../../tracker/rate_limiter.ts";
import { FLIGHT, hugeBody, stubServer } from "./_tracker_support.ts";
import { flight, gatewayOver, PATH, portOf, problemOf } from "./_gateway.ts";

Deno.test("requests go to the instances in turn, with the request's id, and the answers come back whole", async () => {
  await using one = stubServer(flight);
  await using two = stubServer(flight);
  const get = gatewayOver([portOf(one), portOf(two)]);
  for (let time = 0; time < 4; time++) {
    const response = await get(PATH, { headers: { "x-request-id": `id-${time}`, cookie: "c=1" } });
    assert.deepEqual([response.status, await response.json()], [200, FLIGHT]);
    assert.equal(response.headers.get("cache-status"), "flights; hit; ttl=5");
    assert.equal(response.headers.get("age"), "3");
    assert.equal(response.headers.get("x-secret"), null);
    assert.equal(response.headers.get("x-request-id"), `id-${time}`);
  }
  assert.deepEqual([one.requests.length, two.requests.length], [2, 2]);
  const [request] = one.requests;
  assert.equal(request!.path, "/api/v1/flight/UAL1545");
  assert.match(request!.headers.get("x-request-id")!, /^id-\d$/);
  assert.equal(request!.headers.get("cookie"), null);
});

Deno.test("an instance that is gone costs one try, and is left alone", async () => {
  await using one = stubServer(flight);
  const get = gatewayOver([freePort(), portOf(one)]);
  for (let time = 0; time < 10; time++) {
    const response = await get();
    assert.equal(response.status, 200);
    await response.body?.cancel();
  }
  assert.equal(one.requests.length, 10);
});

Deno.test("an instance that hangs gets no further requests, long before it is given up", async () => {
  const hanging = Promise.withResolvers<Response>();
  await using stuck = stubServer(() => hanging.promise);
  await using one = stubServer(flight);
  const get = gatewayOver([portOf(stuck), portOf(one)], { slowMs: 10 });
  const waiting: Promise<Response>[] = [];
  while (stuck.requests.length === 0) {
    waiting.push(get());
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  for (let time = 0; time < 10; time++) assert.equal((await get()).status, 200);
  assert.equal(stuck.requests.length, 1);
  hanging.resolve(flight());
  for (const answer of await Promise.all(waiting)) assert.equal(answer.status, 200);
});

Deno.test("an answer that breaks off within is asked for again elsewhere", async () => {
  await using broken = stubServer(() =>
    new Response(
      new ReadableStream({
        start(controller) {
          controller.enqueue(new TextEncoder().encode('{"ident":'));
        },
        pull(controller) {
          controller.error(new Error("gone"));
        },
      }),
      { headers: { "content-type": "application/json" } },
    )
  );
  await using whole = stubServer(flight);
  const get = gatewayOver([portOf(broken), portOf(whole)]);
  for (let time = 0; time < 2; time++) {
    const response = await get();
    assert.deepEqual([response.status, await response.json()], [200, FLIGHT]);
  }
});

Deno.test("what the service answers is handed on: its problems are not tried again", async () => {
  for (const status of [404, 429, 502, 504]) {
    const answer = () =>
      new Response('{"title":"x"}', {
        status,
        headers: { "content-type": "application/problem+json", "retry-after": "7" },
      });
    await using one = stubServer(answer);
    await using two = stubServer(answer);
    const response = await gatewayOver([portOf(one), portOf(two)])();
    assert.deepEqual([response.status, await response.text()], [status, '{"title":"x"}']);
    assert.equal(response.headers.get("retry-after"), "7");
    assert.equal(one.requests.length + two.requests.length, 1);
  }
});

Deno.test("no instance is 503, none that answers 502, one that hangs 504, 50 MB 502: all with problem details", async () => {
  assert.match(await problemOf(await gatewayOver([])(), 503), /No instance of FLIGHTDATA-SERVICE/);
  const gone = await problemOf(await gatewayOver([freePort()])(), 502);
  assert.ok(!gone.includes("127.0.0.1"), gone);
  const hanging: (() => void)[] = [];
  await using stub = stubServer(() =>
    new Promise<Response>((resolve) => hanging.push(() => resolve(new Response())))
  );
  await problemOf(await gatewayOver([portOf(stub)], { timeoutMs: 50 })(), 504);
  for (const answer of hanging) answer();
  stub.answer = () => new Response(hugeBody(50));
  assert.match(await problemOf(await gatewayOver([portOf(stub)])(), 502), /too large/);
  stub.answer = () => Response.redirect("http://192.0.2.1/", 302);
  await problemOf(await gatewayOver([portOf(stub)])(), 502);
});

for (
  const ident of [
    "..%2f..%2fetc",
    "%2e%2e%2fUA1",
    "UA1%2Factuator",
    "%F0%9F%9B%AB",
    "A".repeat(10_240),
    "%zz",
  ]
) {
  Deno.test(`the ident ${ident.slice(0, 20)} is 400 and goes nowhere`, async () => {
    await using stub = stubServer(flight);
    await problemOf(await gatewayOver([portOf(stub)])(`/api/v1/flight/${ident}`), 400);
    assert.equal(stub.requests.length, 0);
  });
}

Deno.test("a client that asks too often is refused, and told until when", async () => {
  await using stub = stubServer(flight);
  const get = gatewayOver([portOf(stub)], {
    limiter: new RateLimiter({ perSecond: 0.1, burst: 2 }),
    now: () => 0,
  });
  for (let time = 0; time < 2; time++) await (await get()).body?.cancel();
  const refused = await get();
  assert.equal(refused.headers.get("retry-after"), "10");
  await problemOf(refused, 429);
  // The operator's endpoints are not limited.
  assert.match(await (await get("/actuator/prometheus")).text(), /^gateway_rate_limited_total 1$/m);
});

Deno.test("with a token nobody asks without it, and it goes along", async () => {
  await using stub = stubServer(flight);
  const get = gatewayOver([portOf(stub)], { token: "t" });
  await problemOf(await get(), 401);
  const headers = { authorization: "Bearer t" };
  assert.equal((await get(PATH, { headers })).status, 200);
  assert.equal(stub.requests[0]!.headers.get("authorization"), "Bearer t");
  assert.equal((await get("/actuator/health")).status, 200);
});

Deno.test("pages of the origins that were named may read answers, others not", async () => {
  await using stub = stubServer(flight);
  const get = gatewayOver([portOf(stub)], { corsOrigins: ["https://ops.example.com"], token: "t" });
  const ask = (origin: string, method: string) =>
    get(PATH, { method, headers: { origin, authorization: "Bearer t" } });
  const named = await ask("https://ops.example.com", "GET");
  assert.equal(named.headers.get("access-control-allow-origin"), "https://ops.example.com");
  await named.body?.cancel();
  const unknown = await get(PATH, { headers: { origin: "https://ops.example.com" } });
  assert.equal(unknown.headers.get("access-control-allow-origin"), "https://ops.example.com");
  await problemOf(unknown, 401);
  const other = await ask("https://evil.example.com", "GET");
  assert.equal(other.headers.get("access-control-allow-origin"), null);
  await other.body?.cancel();
  const preflight = await get(PATH, { method: "OPTIONS", headers: { origin: "https://ops.example.com" } });
  assert.equal(preflight.status, 204);
  assert.equal(preflight.headers.get("access-control-allow-origin"), "https://ops.example.com");
  assert.match(preflight.headers.get("access-control-allow-headers")!, /authorization/);
  await problemOf(await get(PATH, { method: "POST", headers: { authorization: "Bearer t" } }), 405);
});

Deno.test("health is down while no flight data service is there", async () => {
  const health = await gatewayOver([])("/actuator/health");
  assert.deepEqual([health.status, (await health.json()).status], [503, "DOWN"]);
});

Deno.test("summaries come from their own service", async () => {
  await using stub = stubServer(flight);
  const get = gatewayOver([portOf(stub)], { app: "LLM-SUMMARY-SERVICE" });
  assert.equal((await get(`${PATH}/summary`)).status, 200);
  assert.deepEqual(stub.requests.map(({ path }) => path), ["/api/v1/flight/UAL1545/summary"]);
  await problemOf(await get("/api/v1/flight/UA1%2Fsummary"), 400);
  await problemOf(await get("/api/v1/flight/..%2F/summary"), 400);
  await problemOf(await get(PATH), 503);
});

Deno.test("more than may wait for the services are refused at once", async () => {
  const hanging = Promise.withResolvers<void>();
  await using stub = stubServer(async () => {
    await hanging.promise;
    return flight();
  });
  const get = gatewayOver([portOf(stub)], { underWayMax: 3 });
  const waiting = Array.from({ length: 3 }, () => get());
  const refused = await get();
  assert.equal(refused.headers.get("retry-after"), "1");
  await problemOf(refused, 503);
  hanging.resolve();
  for (const answer of await Promise.all(waiting)) assert.equal(answer.status, 200);
  assert.equal((await get()).status, 200);
});

Deno.test("a page of another site makes nobody's browser spend the budget", async () => {
  await using stub = stubServer(flight);
  const get = gatewayOver([portOf(stub)], { corsOrigins: ["https://ops.example.com"] });
  const foreign = { "sec-fetch-site": "cross-site", "sec-fetch-mode": "no-cors", "sec-fetch-dest": "image" };
  await problemOf(await get(PATH, { headers: foreign }), 403);
  assert.equal(stub.requests.length, 0);
  const named = { ...foreign, "sec-fetch-mode": "cors", origin: "https://ops.example.com" };
  assert.equal((await get(PATH, { headers: named })).status, 200);
  const link = { "sec-fetch-site": "cross-site", "sec-fetch-mode": "navigate", "sec-fetch-dest": "document" };
  assert.equal((await get(PATH, { headers: link })).status, 200);
});
