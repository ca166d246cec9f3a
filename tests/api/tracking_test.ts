/** What the API says of where a flight is, over a stub of the tracker's gateway. */

import assert from "node:assert/strict";
import { flightLifecycleExample } from "../../events/flight_lifecycle.ts";
import { freePort } from "../../process/free_port.ts";
import { FLIGHT, hugeBody, stubServer } from "../tracker/_tracker_support.ts";
import { until, withApi } from "./_api_support.ts";
import type { TestApi } from "./_api_support.ts";

const FLIGHT_ID = flightLifecycleExample.flight_id;
const DESIGNATOR = FLIGHT_ID.slice(0, FLIGHT_ID.indexOf("_"));
const TRACKED = { ...FLIGHT, fa_flight_id: FLIGHT_ID };
const SUMMARY = {
  ident: FLIGHT.ident,
  fa_flight_id: FLIGHT_ID,
  summary_text: "On time <b>so far</b>.",
  generated_at: "2025-11-28T10:00:00.000Z",
};

/** The flight on the board, and what is said of where it is. */
async function trackingOf({ append, get, parts }: TestApi): Promise<Record<string, unknown>> {
  if (parts.follower.board.flight(FLIGHT_ID) === undefined) {
    await append([{
      topic: "flight_lifecycle",
      key: FLIGHT_ID,
      value: JSON.stringify(flightLifecycleExample),
    }]);
    await until("the flight is on the board", () => parts.follower.board.flight(FLIGHT_ID) !== undefined);
  }
  const response = await get(`/flights/${FLIGHT_ID}/tracking`);
  assert.equal(response.status, 200);
  const { as_of, age_ms: _, ...told } = await response.json();
  assert.ok(!Number.isNaN(Date.parse(as_of)));
  return told;
}

const NOTHING = { tracked: null, is_this_departure: false, summary: null };

Deno.test("a flight's status, position and summary come from the tracker's gateway, once for all who look", async () => {
  await using gateway = stubServer((request) =>
    Response.json(request.url.endsWith("/summary") ? SUMMARY : { ...TRACKED, secret: "s" })
  );
  await withApi(async (api) => {
    const { ident: _, ...summary } = SUMMARY;
    const expected = { tracked: TRACKED, is_this_departure: true, summary };
    assert.deepEqual(await trackingOf(api), expected);
    assert.deepEqual(await trackingOf(api), expected);
    assert.equal((await api.get("/flights/XX1_2025-11-28/tracking")).status, 404);
  }, { trackerUrl: gateway.url });
  assert.equal(gateway.requests.length, 2);
  assert.match(gateway.requests[0]!.path, new RegExp(`^/api/v1/flight/[A-Z0-9]{2,3}${DESIGNATOR.slice(2)}$`));
});

Deno.test("another day's departure of the number is told apart, and has no summary", async () => {
  await using gateway = stubServer((request) =>
    Response.json(
      request.url.endsWith("/summary")
        ? { ...SUMMARY, fa_flight_id: "other" }
        : { ...TRACKED, fa_flight_id: "other", scheduled_out: "2001-01-01T00:00:00Z" },
    )
  );
  await withApi(async (api) => {
    const { is_this_departure, summary } = await trackingOf(api);
    assert.deepEqual([is_this_departure, summary], [false, null]);
  }, { trackerUrl: gateway.url });
});

Deno.test("without summaries there is a flight, and a summary of another leg is left out", async () => {
  await using gateway = stubServer((request) =>
    request.url.endsWith("/summary") ? new Response("{}", { status: 503 }) : Response.json(TRACKED)
  );
  await withApi(async (api) => {
    assert.deepEqual(await trackingOf(api), { tracked: TRACKED, is_this_departure: true, summary: null });
  }, { trackerUrl: gateway.url });
  gateway.answer = (request) =>
    Response.json(request.url.endsWith("/summary") ? { ...SUMMARY, fa_flight_id: "other" } : TRACKED);
  await withApi(async (api) => {
    assert.equal((await trackingOf(api)).summary, null);
  }, { trackerUrl: gateway.url });
});

Deno.test("a tracker that is away, hangs, fails, knows nothing or answers nonsense is nothing to tell", async () => {
  await withApi(async (api) => assert.deepEqual(await trackingOf(api), NOTHING));
  const away = `http://127.0.0.1:${freePort()}`;
  await withApi(async (api) => assert.deepEqual(await trackingOf(api), NOTHING), { trackerUrl: away });
  const hanging: (() => void)[] = [];
  const answers: (() => Response | Promise<Response>)[] = [
    () => new Promise<Response>((resolve) => hanging.push(() => resolve(new Response()))),
    () => new Response("", { status: 502 }),
    () => Response.json({ status: 404 }, { status: 404 }),
    () => new Response("<html>"),
    () => Response.json({ ...TRACKED, status: 7 }),
    () => new Response(hugeBody(50)),
    () => Response.redirect("http://192.0.2.1/"),
  ];
  for (const answer of answers) {
    await using gateway = stubServer(answer);
    await withApi(async (api) => assert.deepEqual(await trackingOf(api), NOTHING), {
      trackerUrl: gateway.url,
    });
    for (const settle of hanging.splice(0)) settle();
  }
});

Deno.test("a tracker that failed is left alone for a moment", async () => {
  await using gateway = stubServer(() => new Response("", { status: 500 }));
  await withApi(async (api) => {
    for (let time = 0; time < 5; time++) await trackingOf(api);
    assert.deepEqual((await api.parts.tracker.about("UAL1")).flight, null);
  }, { trackerUrl: gateway.url });
  assert.equal(gateway.requests.length, 2);
});
