import assert from "node:assert/strict";
import fc from "fast-check";
import { AccessControl } from "../../process/http/access_control.ts";
import { AeroApiSource } from "../../tracker/aeroapi_source.ts";
import { MemoryStore } from "../../tracker/cache_store.ts";
import { CallBudget } from "../../tracker/call_budget.ts";
import { FlightCache } from "../../tracker/flight_cache.ts";
import { addFlightRoutes, FlightDataMetrics } from "../../tracker/flight_data_app.ts";
import { parseIdent } from "../../tracker/flight_ident.ts";
import { createServiceApp } from "../../tracker/service_app.ts";
import { ServiceMetrics } from "../../tracker/service_metrics.ts";
import { AEROAPI_FLIGHT, aeroApiAnswer, FLIGHT, stubServer } from "./_tracker_support.ts";
import type { Stub } from "./_tracker_support.ts";

/** The service over a stub of AeroAPI, asked without a port; a clock moved by hand. */
function serviceOn(stub: Stub, options: { perMinute?: number; token?: string; timeoutMs?: number } = {}) {
  const clock = { nowMs: Date.parse("2025-11-28T10:00:00Z") };
  const now = () => clock.nowMs;
  const metrics = new ServiceMetrics();
  const flightMetrics = new FlightDataMetrics(metrics, { waiting: 0, dropped: 0, sent: 0 });
  const source = new AeroApiSource({
    baseUrl: stub.url,
    apiKey: "k",
    budget: new CallBudget({ perMinute: options.perMinute ?? 1000, perDay: 1000, now }),
    pauseMs: 1,
    timeoutMs: options.timeoutMs ?? 4000,
    onCall: (call) => flightMetrics.called(call),
  });
  const cache = new FlightCache({ source, store: new MemoryStore({ now }), now, jitter: 0 });
  const app = createServiceApp({
    name: "flightdata-service",
    description: "test",
    metrics,
    access: new AccessControl({ token: options.token }),
    health: () => ({
      source: {
        status: source.breaker.state === "open" ? "DOWN" : "UP",
        ...(options.token === undefined ? {} : { details: { name: source.name } }),
      },
    }),
  });
  addFlightRoutes(app, { cache, metrics: flightMetrics, ttlMs: 300_000 });
  const get = async (path: string, init: RequestInit = {}) =>
    await app.request(`http://localhost:8081${path}`, {
      ...init,
      headers: { host: "localhost:8081", ...init.headers as Record<string, string> },
    });
  return { get, clock };
}

async function problemOf(response: Response) {
  assert.equal(response.headers.get("content-type"), "application/problem+json");
  const problem = await response.json();
  assert.equal(problem.status, response.status);
  assert.equal(problem.request_id, response.headers.get("x-request-id"));
  return problem;
}

Deno.test("a flight comes from AeroAPI, then from the cache, and says how old it is", async () => {
  await using stub = stubServer(() => aeroApiAnswer(AEROAPI_FLIGHT));
  const { get, clock } = serviceOn(stub);
  const first = await get("/api/v1/flight/ua1545");
  assert.equal(first.status, 200);
  assert.deepEqual(await first.json(), FLIGHT);
  assert.equal(first.headers.get("cache-status"), "flights; fwd=uri-miss; stored");
  clock.nowMs += 100_000;
  const second = await get("/api/v1/flight/UAL1545");
  assert.deepEqual(await second.json(), FLIGHT);
  assert.equal(second.headers.get("cache-status"), "flights; hit; ttl=200");
  assert.equal(second.headers.get("age"), "100");
  assert.equal(stub.requests.length, 1);
});

Deno.test("five hundred who ask at once cost one call", async () => {
  await using stub = stubServer(() => aeroApiAnswer(AEROAPI_FLIGHT));
  const { get } = serviceOn(stub);
  const answers = await Promise.all(Array.from({ length: 500 }, () => get("/api/v1/flight/UA1545")));
  for (const answer of answers) assert.deepEqual([answer.status, await answer.json()], [200, FLIGHT]);
  assert.equal(stub.requests.length, 1);
});

const FAILURES: [string, () => Response, number, RegExp][] = [
  ["an empty answer", () => aeroApiAnswer(), 404, /No flight UAL1545/],
  ["404", () => new Response("", { status: 404 }), 404, /No flight/],
  ["401", () => new Response("", { status: 401 }), 502, /refuses the key/],
  ["500", () => new Response("", { status: 500 }), 502, /answered 500/],
  ["a redirect", () => Response.redirect("http://127.0.0.1:1/", 301), 502, /cannot be reached/],
  ["nonsense", () => new Response("{"), 502, /not JSON/],
];
for (const [what, answer, status, detail] of FAILURES) {
  Deno.test(`${what} of AeroAPI is ${status} with problem details`, async () => {
    await using stub = stubServer(answer);
    const response = await serviceOn(stub).get("/api/v1/flight/UA1545");
    assert.equal(response.status, status);
    assert.match((await problemOf(response)).detail, detail);
  });
}

Deno.test("an AeroAPI that hangs is 504", async () => {
  const hanging: (() => void)[] = [];
  await using stub = stubServer(() =>
    new Promise<Response>((resolve) => hanging.push(() => resolve(new Response())))
  );
  const response = await serviceOn(stub, { timeoutMs: 30 }).get("/api/v1/flight/UA1545");
  assert.equal(response.status, 504);
  await problemOf(response);
  for (const answer of hanging) answer();
});

Deno.test("a spent budget is 429 with Retry-After, and what is kept is told on", async () => {
  await using stub = stubServer(() => aeroApiAnswer(AEROAPI_FLIGHT));
  const { get } = serviceOn(stub, { perMinute: 1 });
  assert.equal((await get("/api/v1/flight/UA1545")).status, 200);
  const refused = await get("/api/v1/flight/UA1");
  assert.equal(refused.status, 429);
  assert.equal(refused.headers.get("retry-after"), "60");
  await problemOf(refused);
  assert.equal((await get("/api/v1/flight/UA1545")).status, 200);
  assert.equal(stub.requests.length, 1);
});

const BAD_IDENTS = [
  "1",
  "UA",
  "UA12345",
  "ABCD1",
  "99123",
  "..%2f..%2fetc",
  "%2e%2e%2fUA1",
  "UA1%2F..",
  "UA1%00",
  "UA%20%31",
  "%F0%9F%9B%AB",
  "%zz",
  "%FF",
  "UA\u0661",
  "A".repeat(10_240),
  "UA1;x",
  "UA1%3Fmax_pages=40",
];
for (const ident of BAD_IDENTS) {
  Deno.test(`the ident ${ident.slice(0, 20)} is 400 and nothing is asked upstream`, async () => {
    await using stub = stubServer(() => aeroApiAnswer(AEROAPI_FLIGHT));
    const response = await serviceOn(stub).get(`/api/v1/flight/${ident}`);
    assert.equal(response.status, 400);
    await problemOf(response);
    assert.equal(stub.requests.length, 0);
  });
}

Deno.test("any ident is answered, and only well-formed ones go upstream", async () => {
  await using stub = stubServer(() => aeroApiAnswer());
  const { get } = serviceOn(stub);
  await fc.assert(
    fc.asyncProperty(fc.string({ unit: "grapheme", minLength: 1, maxLength: 20 }), async (text) => {
      if (text === "." || text === "..") return;
      const before = stub.requests.length;
      const response = await get(`/api/v1/flight/${encodeURIComponent(text)}`);
      await problemOf(response);
      assert.equal(response.status, parseIdent(text) === undefined ? 400 : 404);
      if (response.status === 400) assert.equal(stub.requests.length, before);
    }),
    { numRuns: 300 },
  );
});

Deno.test("the actuator tells health, names and figures under their published names", async () => {
  await using stub = stubServer(() => aeroApiAnswer(AEROAPI_FLIGHT));
  const { get } = serviceOn(stub);
  for (let time = 0; time < 3; time++) await (await get("/api/v1/flight/UA1545")).body?.cancel();
  const health = await get("/actuator/health");
  assert.deepEqual([health.status, await health.json()], [200, {
    status: "UP",
    components: { source: { status: "UP" } },
  }]);
  assert.equal((await (await get("/actuator/info")).json()).app.name, "flightdata-service");
  assert.ok((await (await get("/actuator/metrics")).json()).names.includes("flight_cache_hits_total"));
  const page = await (await get("/actuator/prometheus")).text();
  assert.match(page, /^flight_cache_hits_total 2$/m);
  assert.match(page, /^flight_cache_misses_total 1$/m);
  assert.match(page, /^flightaware_api_duration_seconds_count\{outcome="200"\} 1$/m);
  assert.match(
    page,
    /^http_server_requests_seconds_count\{method="GET",uri="\/api\/v1\/flight\/\{ident\}",status="200"\} 3$/m,
  );
});

Deno.test("health is 503 once AeroAPI has failed too often", async () => {
  await using stub = stubServer(() => new Response("", { status: 500 }));
  const { get } = serviceOn(stub);
  for (let time = 0; time < 2; time++) await (await get("/api/v1/flight/UA1545")).body?.cancel();
  const health = await get("/actuator/health");
  assert.deepEqual([health.status, (await health.json()).status], [503, "DOWN"]);
});

Deno.test("with a token only health is told to those who do not have it; foreign hosts and methods are refused", async () => {
  await using stub = stubServer(() => aeroApiAnswer(AEROAPI_FLIGHT));
  const { get } = serviceOn(stub, { token: "t" });
  assert.equal((await problemOf(await get("/api/v1/flight/UA1545"))).status, 401);
  const details = async (headers?: Record<string, string>) =>
    (await (await get("/actuator/health", { headers: headers ?? {} })).json()).components.source;
  assert.deepEqual(await details(), { status: "UP" });
  assert.deepEqual(await details({ authorization: "Bearer wrong" }), { status: "UP" });
  assert.deepEqual(await details({ authorization: "Bearer t" }), {
    status: "UP",
    details: { name: "aeroapi" },
  });
  const headers = { authorization: "Bearer t", "x-request-id": "abc-1" };
  const allowed = await get("/api/v1/flight/UA1545", { headers });
  assert.deepEqual([allowed.status, allowed.headers.get("x-request-id")], [200, "abc-1"]);
  assert.equal((await problemOf(await get("/nowhere", { headers }))).status, 404);
  assert.equal((await problemOf(await get("/api/v1/flight/UA1", { headers, method: "POST" }))).status, 405);
  const foreign = await get("/actuator/health", { headers: { host: "evil.example.com" } });
  assert.equal((await problemOf(foreign)).status, 421);
});

Deno.test("the OpenAPI document tells of the flight and every answer", async () => {
  await using stub = stubServer(() => aeroApiAnswer());
  const document = await (await serviceOn(stub).get("/openapi.json")).json();
  const { responses } = document.paths["/api/v1/flight/{ident}"].get;
  assert.deepEqual(Object.keys(responses).sort(), ["200", "304", "400", "404", "429", "502", "504"]);
});
