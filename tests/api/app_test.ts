/** The API's answers from its own picture, and how it refuses. */

import assert from "node:assert/strict";
import { gunzipSync } from "node:zlib";
import { flightLifecycleExample } from "../../events/flight_lifecycle.ts";
import { inventoryMetricsExample } from "../../events/inventory_metrics.ts";
import { promotionHeldBackExample } from "../../events/policy_evaluations.ts";
import { promoDecisionExample } from "../../events/promo_decisions.ts";
import { until, withApi } from "./_api_support.ts";
import type { TestApi } from "./_api_support.ts";

const FLIGHT = flightLifecycleExample.flight_id;

/** Flights F000 to F<count - 1>, the first of which has metrics and a promotion. */
async function fill(api: TestApi, count: number): Promise<void> {
  const flights = Array.from({ length: count }, (_, at) => ({
    ...flightLifecycleExample,
    flight_id: at === 0 ? FLIGHT : `F${String(at).padStart(3, "0")}_2025-11-28`,
    origin_airport: at % 2 === 0 ? "LHR" : "EWR",
  }));
  await api.append([
    ...flights.map((event) => ({
      topic: "flight_lifecycle",
      key: event.flight_id,
      value: JSON.stringify(event),
    })),
    { topic: "inventory_metrics", key: FLIGHT, value: JSON.stringify(inventoryMetricsExample) },
    { topic: "promo_decisions", key: FLIGHT, value: JSON.stringify(promoDecisionExample) },
    { topic: "policy_evaluations", key: FLIGHT, value: JSON.stringify(promotionHeldBackExample) },
    { topic: "promo_decisions", key: FLIGHT, value: "no event" },
  ]);
  await until(
    "all is read",
    () =>
      api.parts.follower.board.flightCount === count && api.parts.follower.board.decisionsTotal === 1 &&
      api.parts.follower.recordsSkipped === 1 &&
      api.parts.follower.board.details(FLIGHT)!.heldBack.length === 1,
  );
  // Answers are made anew when the changes have been published.
  const version = api.parts.version();
  await until("the changes are published", () => api.parts.version() > version || version > 0);
}

Deno.test("/flights gives pages that together hold each flight once, and filters", async () => {
  await withApi(async (api) => {
    await fill(api, 25);
    const seen: string[] = [];
    let cursor = "";
    do {
      const response = await api.get(`/flights?limit=10&sort=flight_id&direction=desc${cursor}`);
      assert.equal(response.status, 200);
      const body = await response.json();
      assert.equal(body.total, 25);
      assert.ok(body.age_ms >= 0 && !Number.isNaN(Date.parse(body.as_of)));
      seen.push(...body.rows.map(({ flight_id }: { flight_id: string }) => flight_id));
      cursor = body.next_cursor === null ? "" : `&cursor=${body.next_cursor}`;
    } while (cursor !== "");
    assert.equal(new Set(seen).size, 25);
    assert.deepEqual(seen, seen.toSorted().reverse());
    const total = async (query: string) => (await (await api.get(`/flights?${query}`)).json()).total;
    assert.equal(await total("origin=EWR"), 12);
    assert.equal(await total("promoted=true"), 1);
    assert.equal(await total("q=f01"), 10);
    assert.equal(await total("phase=departed"), 0);
  });
});

Deno.test("/flights/{id} tells a flight's state, curve and promotions with their reasons; an unknown one is 404", async () => {
  await withApi(async (api) => {
    await fill(api, 1);
    const body = await (await api.get(`/flights/${FLIGHT}`)).json();
    assert.equal(body.flight.booked_seats, inventoryMetricsExample.booked_seats);
    assert.equal(body.curve.length, 1);
    assert.equal(body.promotions[0].reason, promoDecisionExample.reason);
    assert.equal(body.flight.forecast.load_factor, inventoryMetricsExample.forecast_load_factor);
    const { guard, reason } = promotionHeldBackExample;
    assert.deepEqual([body.held_back[0].guard, body.held_back[0].reason], [guard, reason]);
    const unknown = await api.get("/flights/XX1_2025-11-28");
    assert.equal(unknown.status, 404);
    assert.equal(unknown.headers.get("content-type"), "application/problem+json");
    assert.match((await unknown.json()).detail, /"XX1_2025-11-28" is not on the board/);
  });
});

Deno.test("/decisions and /pipeline tell what was decided and what was skipped", async () => {
  await withApi(async (api) => {
    await fill(api, 1);
    const decisions = await (await api.get(`/decisions?flight_id=${FLIGHT}`)).json();
    assert.equal(decisions.rows.length, 1);
    assert.equal(decisions.rows[0].origin_airport, "LHR");
    assert.deepEqual(decisions.rows[0].thresholds, promoDecisionExample.thresholds);
    const pipeline = await (await api.get("/pipeline")).json();
    assert.equal(pipeline.log.caught_up, true);
    assert.equal(pipeline.log.records_skipped, 1);
    assert.equal(pipeline.flights, 1);
  });
});

Deno.test("an unchanged answer is 304 by its ETag, and a changed one is not", async () => {
  await withApi(async (api) => {
    await fill(api, 1);
    const first = await api.get(`/flights/${FLIGHT}`);
    const etag = first.headers.get("etag")!;
    assert.equal((await api.get(`/flights/${FLIGHT}`, { "if-none-match": etag })).status, 304);
    const version = api.parts.version();
    await api.append([{
      topic: "inventory_metrics",
      key: FLIGHT,
      value: JSON.stringify({
        ...inventoryMetricsExample,
        event_time: "2025-11-25T10:00:00.000Z",
        booked_seats: 77,
      }),
    }]);
    await until("the change is published", () => api.parts.version() > version);
    const second = await api.get(`/flights/${FLIGHT}`, { "if-none-match": etag });
    assert.equal(second.status, 200);
    assert.equal((await second.json()).flight.booked_seats, 77);
  });
});

Deno.test("an answer that has not changed grows older, and is 304 all the same", async () => {
  await withApi(async (api) => {
    await fill(api, 1);
    const { follower } = api.parts;
    const ageMs = follower.ageMs.bind(follower);
    const etag = (await api.get("/flights")).headers.get("etag")!;
    const age = async () => (await (await api.get("/flights")).json()).age_ms as number;
    assert.ok(await age() < 60_000);
    // As if the log had been away for two minutes.
    follower.ageMs = () => ageMs() + 120_000;
    await until("its age is written anew", async () => await age() >= 120_000);
    const answer = await api.get("/flights");
    assert.ok(Number(answer.headers.get("age")) >= 120);
    assert.ok(Date.now() - Date.parse((await answer.json()).as_of) >= 120_000);
    assert.equal((await api.get("/flights", { "if-none-match": etag })).status, 304);
  });
});

Deno.test("a long answer is compressed for who takes gzip", async () => {
  await withApi(async (api) => {
    await fill(api, 25);
    const response = await api.get("/flights", { "accept-encoding": "br, gzip;q=0.5" });
    assert.equal(response.headers.get("content-encoding"), "gzip");
    const text = new TextDecoder().decode(gunzipSync(new Uint8Array(await response.arrayBuffer())));
    assert.equal(JSON.parse(text).total, 25);
    assert.equal(
      (await api.get("/flights", { "accept-encoding": "gzip;q=0" })).headers.get("content-encoding"),
      null,
    );
  });
});

for (
  const [path, parameter] of [
    ["/flights?limit=0", "limit"],
    ["/flights?limit=1e3", "limit"],
    ["/flights?limit=", "limit"],
    ["/flights?sort=price", "sort"],
    ["/flights?promoted=yes", "promoted"],
    ["/flights?nonsense=1", "nonsense"],
    ["/decisions?flight_id=%00", "flight_id"],
    ["/metrics?order_by=window_start;drop", "order_by"],
    ["/metrics?minutes=999999999", "minutes"],
    ["/streams/top?by=name", "by"],
    ["/events?kinds=flight,rumour", "kinds"],
  ] as const
) {
  Deno.test(`${path} is a problem that names "${parameter}"`, async () => {
    await withApi(async ({ get }) => {
      const response = await get(path);
      assert.equal(response.status, 400);
      assert.equal(response.headers.get("content-type"), "application/problem+json");
      const problem = await response.json();
      assert.equal(problem.request_id, response.headers.get("x-request-id"));
      assert.ok(problem.detail.includes(parameter), problem.detail);
    });
  });
}

Deno.test("another method, another place, another name and a long address are refused each in its own way", async () => {
  await withApi(async ({ app, get }) => {
    const deleted = await app.request("http://localhost:8000/flights", {
      method: "DELETE",
      headers: { host: "localhost:8000" },
    });
    assert.equal(deleted.status, 405);
    assert.equal(deleted.headers.get("allow"), "GET, HEAD");
    assert.equal((await get("/nowhere")).status, 404);
    assert.equal((await get("/flights?cursor=nonsense")).status, 404);
    assert.equal((await get("/flights", { host: "evil.example.com" })).status, 421);
    assert.equal((await get(`/flights?q=${"a".repeat(33_000)}`)).status, 414);
  });
});

Deno.test("a page of another site gets nothing, a link on it leads here", async () => {
  await withApi(async ({ get, parts }) => {
    const foreign = { "sec-fetch-site": "cross-site" };
    const refused = await get("/events", { ...foreign, "sec-fetch-mode": "cors" });
    assert.equal(refused.status, 403);
    assert.equal(parts.listeners.count, 0);
    assert.equal((await get("/", { ...foreign, "sec-fetch-mode": "navigate" })).status, 200);
    assert.equal((await get("/flights", { "sec-fetch-site": "same-origin" })).status, 200);
  });
});

Deno.test("the database being away is 503 where it is needed, and nowhere else", async () => {
  await withApi(async ({ get }) => {
    assert.equal((await (await get("/health")).json()).ok, false);
    assert.equal((await get("/health")).status, 503);
    assert.equal((await get("/metrics")).status, 503);
    assert.equal((await get(`/flights/${FLIGHT}/history`)).status, 503);
    assert.equal((await get("/flights")).status, 200);
    assert.match(await (await get("/prometheus")).text(), /^api_db_ok 0$/m);
  });
});

Deno.test("with a token a caller needs it, a browser is led to the login, and its cookie lets it in", async () => {
  await withApi(async ({ app, get }) => {
    const refused = await get("/flights");
    assert.equal(refused.status, 401);
    assert.equal(refused.headers.get("www-authenticate"), "Bearer");
    assert.equal((await get("/flights", { authorization: "Bearer let-me-in" })).status, 200);
    const browser = await get("/", { accept: "text/html" });
    assert.equal(browser.status, 302);
    assert.equal(browser.headers.get("location"), "/login");
    assert.equal((await get("/login")).status, 200);
    assert.equal((await get("/health")).status, 503, "open to health checks, which is all that it tells");
    const login = (token: string, headers: Record<string, string> = {}) =>
      app.request("http://localhost:8000/login", {
        method: "POST",
        headers: { host: "localhost:8000", "content-type": "application/x-www-form-urlencoded", ...headers },
        body: `token=${token}`,
      });
    assert.equal((await login("guess")).headers.get("location"), "/login?wrong");
    assert.equal((await login("let-me-in", { origin: "http://evil.example.com" })).status, 403);
    assert.equal((await login("a".repeat(5000))).status, 413);
    const cookie = (await login("let-me-in", { origin: "http://localhost:8000" })).headers.get("set-cookie")!;
    assert.equal((await get("/flights", { cookie: cookie.split(";")[0]! })).status, 200);
  }, { token: "let-me-in" });
});

Deno.test("where the database is and what it said is told to whoever has the token", async () => {
  await withApi(async ({ get }) => {
    const plain = { ok: false, error: "The database does not answer" };
    assert.deepEqual(await (await get("/health")).json(), plain);
    assert.deepEqual(await (await get("/health", { authorization: "Bearer guess" })).json(), plain);
    const told = await (await get("/health", { authorization: "Bearer let-me-in" })).json();
    assert.match(told.error, /db\.example\.com:5432/);
  }, { token: "let-me-in" });
  await withApi(async ({ get }) => {
    assert.match((await (await get("/health")).json()).error, /db\.example\.com:5432/);
  });
});

Deno.test("who guesses the token too often waits, whatever they guess next; others do not", async () => {
  await withApi(async ({ app }) => {
    const from = (hostname: string) => ({ remoteAddr: { transport: "tcp", hostname, port: 1 } });
    const headers = { host: "localhost:8000", "content-type": "application/x-www-form-urlencoded" };
    const login = async (token: string, hostname: string, accept = "*/*") =>
      await app.request("http://localhost:8000/login", {
        method: "POST",
        headers: { ...headers, accept },
        body: `token=${token}`,
      }, from(hostname));
    const guesser = "2001:db8::1";
    for (let guess = 0; guess < 10; guess++) {
      assert.equal((await login(`guess-${guess}`, guesser)).headers.get("location"), "/login?wrong");
    }
    const refused = await login("let-me-in", guesser);
    assert.equal(refused.status, 429);
    assert.ok(Number(refused.headers.get("retry-after")) >= 1);
    assert.equal(refused.headers.get("set-cookie"), null);
    const shown = await login("let-me-in", "2001:db8::2", "text/html");
    assert.equal(shown.status, 429, "another address of the same network");
    assert.match(await shown.text(), /<form/);
    assert.equal((await login("let-me-in", "2001:db8:0:1::1")).headers.get("location"), "/");

    const ask = async (token: string, hostname: string) =>
      (await app.request("http://localhost:8000/flights", {
        headers: { host: "localhost:8000", authorization: `Bearer ${token}` },
      }, from(hostname))).status;
    const bearers = [];
    for (let guess = 0; guess < 61; guess++) bearers.push(await ask(`guess-${guess}`, "192.0.2.1"));
    assert.equal(bearers[0], 401);
    assert.equal(bearers.at(-1), 429);
    assert.equal(await ask("let-me-in", "192.0.2.1"), 429);
    assert.equal(await ask("let-me-in", "192.0.2.2"), 200);
    // Behind a proxy all have one address: who is set up wrongly does not lock the others out.
    for (let guess = 0; guess < 61; guess++) await ask(`guess-${guess}`, "192.0.2.2");
    assert.equal(await ask("let-me-in", "192.0.2.2"), 200);
  }, { token: "let-me-in" });
});

Deno.test("a request id is taken over where it is a plain one, and every answer has the security headers", async () => {
  await withApi(async ({ get }) => {
    assert.equal((await get("/flights", { "x-request-id": "abc-1" })).headers.get("x-request-id"), "abc-1");
    const answer = await get("/", { "x-request-id": "<script>" });
    assert.match(answer.headers.get("x-request-id")!, /^[0-9a-f]{16}$/);
    const policy = answer.headers.get("content-security-policy")!;
    assert.match(policy, /script-src 'self'(;|$)/);
    assert.match(policy, /style-src 'self'(;|$)/);
    assert.equal(answer.headers.get("x-content-type-options"), "nosniff");
  });
});

Deno.test("labels of the request counter are patterns, not what a caller made up", async () => {
  await withApi(async ({ get }) => {
    await get("/flights/A1_2025-01-01");
    await get("/flights/A2_2025-01-01");
    await get("/made/up/by/a/caller");
    const page = await (await get("/prometheus")).text();
    assert.match(
      page,
      /^api_http_requests_total\{method="GET",path="\/flights\/[^"]*flight_id[^"]*",status="404"\} 2$/m,
    );
    assert.ok(!page.includes("made/up"));
    assert.ok(!page.includes("A1_2025"));
  });
});
