import assert from "node:assert/strict";
import { AeroApiSource } from "../../tracker/aeroapi_source.ts";
import type { AeroApiOptions } from "../../tracker/aeroapi_source.ts";
import { CallBudget } from "../../tracker/call_budget.ts";
import { CircuitBreaker } from "../../tracker/circuit_breaker.ts";
import { parseIdent } from "../../tracker/flight_ident.ts";
import { BudgetSpentError, UpstreamError } from "../../tracker/flight_source.ts";
import { AEROAPI_FLIGHT, aeroApiAnswer, FLIGHT, hugeBody, stubServer } from "./_tracker_support.ts";
import type { Stub } from "./_tracker_support.ts";

const IDENT = parseIdent("UA1545")!;
const KEY = "secret-key-1234";
const never = () => new AbortController().signal;

function sourceOf(stub: Stub, options: Partial<AeroApiOptions> = {}): AeroApiSource {
  return new AeroApiSource({
    baseUrl: `${stub.url}/aeroapi/`,
    apiKey: KEY,
    budget: new CallBudget({ perMinute: 1000, perDay: 1000 }),
    pauseMs: 1,
    ...options,
  });
}

async function failure(asked: Promise<unknown>): Promise<Error> {
  try {
    await asked;
  } catch (error) {
    assert.ok(!String((error as Error).stack).includes(KEY), "the key is shown");
    return error as Error;
  }
  return assert.fail("did not fail");
}

Deno.test("one page of one ident is asked for, with the key, and the legs come in the tracker's form", async () => {
  await using stub = stubServer(() => aeroApiAnswer(AEROAPI_FLIGHT, { ident: "no id" }, null));
  assert.deepEqual(await sourceOf(stub).legs(IDENT, never()), [FLIGHT]);
  assert.deepEqual(stub.requests.map(({ method, path }) => `${method} ${path}`), [
    "GET /aeroapi/flights/UAL1545?max_pages=1",
  ]);
  assert.equal(stub.requests[0]!.headers.get("x-apikey"), KEY);
});

Deno.test("fields that are not what they should be become null, and control characters blanks", async () => {
  await using stub = stubServer(() =>
    aeroApiAnswer({
      ...AEROAPI_FLIGHT,
      status: "En\nRoute\u0007" + "x".repeat(500),
      origin: "KEWR",
      scheduled_out: "soon",
      aircraft_type: 738,
      last_position: { latitude: 91, longitude: -87.9, altitude: 350, groundspeed: "fast" },
    })
  );
  const [leg] = await sourceOf(stub).legs(IDENT, never());
  assert.equal(leg!.status.length, 100);
  assert.ok(leg!.status.startsWith("En Route x"));
  assert.deepEqual(
    [leg!.origin, leg!.scheduled_out, leg!.aircraft_type, leg!.latitude, leg!.longitude, leg!.altitude],
    [null, null, null, null, -87.9, 350],
  );
  assert.equal(leg!.groundspeed, null);
});

for (const status of [400, 404]) {
  Deno.test(`${status} means that there is no such flight`, async () => {
    await using stub = stubServer(() => Response.json({ title: "x" }, { status }));
    assert.deepEqual(await sourceOf(stub).legs(IDENT, never()), []);
    assert.equal(stub.requests.length, 1);
  });
}

Deno.test("a key that is refused is not tried again", async () => {
  await using stub = stubServer(() => new Response("no", { status: 401 }));
  const error = await failure(sourceOf(stub).legs(IDENT, never()));
  assert.ok(error instanceof UpstreamError);
  assert.match(error.message, /refuses the key \(401\): check FLIGHTAWARE_API_KEY/);
  assert.equal(stub.requests.length, 1);
});

Deno.test("500 is tried three times in all, and what has passed by then is no failure", async () => {
  await using stub = stubServer(() => new Response("no", { status: 500 }));
  const error = await failure(sourceOf(stub).legs(IDENT, never()));
  assert.match(error.message, /AeroAPI answered 500/);
  assert.equal(stub.requests.length, 3);
  stub.answer = () =>
    stub.requests.length < 5 ? new Response("", { status: 503 }) : aeroApiAnswer(AEROAPI_FLIGHT);
  assert.equal((await sourceOf(stub).legs(IDENT, never())).length, 1);
});

Deno.test("a redirect is not followed: the key would go to another host", async () => {
  await using other = stubServer(() => aeroApiAnswer(AEROAPI_FLIGHT));
  await using stub = stubServer(() => Response.redirect(`${other.url}/flights/UAL1545`, 302));
  assert.ok(await failure(sourceOf(stub).legs(IDENT, never())) instanceof UpstreamError);
  assert.equal(other.requests.length, 0);
});

Deno.test("an upstream that hangs is given up, and told apart", async () => {
  const hanging: (() => void)[] = [];
  await using stub = stubServer(() =>
    new Promise<Response>((resolve) => hanging.push(() => resolve(new Response())))
  );
  const source = sourceOf(stub, { timeoutMs: 50, triesMax: 2 });
  const error = await failure(source.legs(IDENT, never()));
  assert.ok(error instanceof UpstreamError && error.timedOut);
  assert.equal(stub.requests.length, 2);
  for (const answer of hanging) answer();
});

Deno.test("50 MB are not read, and no JSON is no answer", async () => {
  await using stub = stubServer(() => new Response(hugeBody(50)));
  assert.match((await failure(sourceOf(stub).legs(IDENT, never()))).message, /more than 2000000 bytes/);
  stub.answer = () => new Response("<html>");
  assert.match((await failure(sourceOf(stub).legs(IDENT, never()))).message, /is not JSON/);
  stub.answer = () => Response.json({ flights: "none" });
  assert.match((await failure(sourceOf(stub).legs(IDENT, never()))).message, /no list "flights"/);
});

Deno.test("429 is a spent budget, and AeroAPI is left alone for as long as it says", async () => {
  await using stub = stubServer(() => new Response("", { status: 429, headers: { "retry-after": "120" } }));
  const source = sourceOf(stub);
  const error = await failure(source.legs(IDENT, never()));
  assert.ok(error instanceof BudgetSpentError && error.retryAfterSeconds === 120);
  assert.ok(await failure(source.legs(IDENT, never())) instanceof BudgetSpentError);
  assert.equal(stub.requests.length, 1);
});

Deno.test("the budget is never exceeded, however many ask and however often it fails", async () => {
  await using stub = stubServer(() =>
    new Response("", { status: stub.requests.length % 2 === 0 ? 200 : 500 })
  );
  const source = sourceOf(stub, {
    budget: new CallBudget({ perMinute: 7, perDay: 1000, now: () => 0 }),
    breaker: new CircuitBreaker({ failuresMax: 1000 }),
  });
  const asked = await Promise.allSettled(Array.from({ length: 50 }, () => source.legs(IDENT, never())));
  assert.equal(stub.requests.length, 7);
  assert.ok(
    asked.some((result) => result.status === "rejected" && result.reason instanceof BudgetSpentError),
  );
});

Deno.test("after five failures in a row it is not asked, and one call after the pause decides", async () => {
  let nowMs = 0;
  await using stub = stubServer(() => new Response("", { status: 500 }));
  const source = sourceOf(stub, { triesMax: 1, breaker: new CircuitBreaker({ now: () => nowMs }) });
  for (let call = 0; call < 5; call++) await failure(source.legs(IDENT, never()));
  assert.equal(source.breaker.state, "open");
  assert.match((await failure(source.legs(IDENT, never()))).message, /left alone/);
  assert.equal(stub.requests.length, 5);
  nowMs += 30_000;
  stub.answer = () => aeroApiAnswer(AEROAPI_FLIGHT);
  assert.equal((await source.legs(IDENT, never())).length, 1);
  assert.equal(source.breaker.state, "closed");
});
