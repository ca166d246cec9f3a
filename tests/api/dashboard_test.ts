/**
 * The page in a real browser, against running processes. Runs where `CHROMIUM` names one, as the tests of the real
 * engines run where those are named.
 */

import assert from "node:assert/strict";
import { fileURLToPath } from "node:url";
import { eventually, freePort, openPipeline } from "../pipeline/_pipeline.ts";
import { FLIGHT, stubServer } from "../tracker/_tracker_support.ts";

const EXECUTABLE = Deno.env.get("CHROMIUM") ?? "";
const BROWSER_CHECKS = fileURLToPath(new URL("./_browser_checks.ts", import.meta.url));

/** A tracker's gateway that tells of one flight of the API's, and of no other. */
function trackerOf(origin: string) {
  const tracker = { flightId: "" };
  const stub = stubServer(async (request) => {
    const response = await fetch(`${origin}/flights/${tracker.flightId}`);
    const { flight } = await response.json();
    if (response.status !== 200) return new Response("{}", { status: 404 });
    const tracked = {
      ...FLIGHT,
      fa_flight_id: flight.flight_id,
      status: "En Route / On Time",
      origin: flight.origin_airport,
      destination: flight.destination_airport,
      actual_out: flight.scheduled_departure_time,
      latitude: 41,
      longitude: -80.5,
      altitude: 350,
      groundspeed: 450,
    };
    const summary = {
      fa_flight_id: flight.flight_id,
      summary_text: "On time <b>so far</b>.",
      generated_at: flight.scheduled_departure_time,
    };
    return Response.json(request.url.endsWith("/summary") ? summary : tracked);
  });
  return { tracker, stub };
}

/** Producer, consumer and API over an embedded log with history, and one check of the page against them. */
async function checkPage(check: string): Promise<void> {
  const pipeline = await openPipeline("embedded");
  try {
    const port = freePort();
    const origin = `http://127.0.0.1:${port}`;
    pipeline.env.PIPELINE_PROCESSES = "none";
    const { tracker, stub } = trackerOf(origin);
    await using gateway = stub;
    pipeline.env.TRACKER_URL = gateway.url;
    const metrics = ["--metrics-port", "0"];
    pipeline.start("producer", [...metrics, "--backfill", "8d", "--flights-per-day", "20", "--speed", "600"]);
    pipeline.start("consumer", metrics);
    const startApi = () => pipeline.start("api", ["--port", String(port), "--access-log", "none"]);
    let api = startApi();
    await api.says("API started");
    await eventually("decisions are known", async () => {
      const response = await fetch(`${origin}/decisions?limit=1`);
      return (await response.json()).rows.length > 0;
    });
    const browser = new Deno.Command(Deno.execPath(), {
      args: ["run", "-A", "--no-check", BROWSER_CHECKS, check, origin, EXECUTABLE],
      stdout: "piped",
      stderr: "piped",
    }).spawn();
    const said = new Response(browser.stderr).text();
    for await (const text of browser.stdout.pipeThrough(new TextDecoderStream())) {
      tracker.flightId = /^track (\S+)$/m.exec(text)?.[1] ?? tracker.flightId;
      if (text.includes("stop-api")) await api.stop();
      if (text.includes("start-api")) api = startApi();
    }
    const { success } = await browser.status;
    assert.ok(success, await said);
    await said;
  } finally {
    await pipeline.close();
  }
}

if (EXECUTABLE !== "") {
  for (
    const [check, what] of [
      [
        "use",
        "shows board, decisions and both charts, filters, sorts, opens a flight, saves data, asks nobody else",
      ],
      ["live", "shows what happens by itself, says when it is stale, and goes on after the API was away"],
      ["light", "has no serious accessibility finding in light colours"],
      ["dark", "has no serious accessibility finding in dark colours"],
    ] as const
  ) {
    Deno.test(`the page ${what}`, () => checkPage(check));
  }
}
