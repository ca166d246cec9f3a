/**
 * What the page costs, and how soon an event is on it: `CHROMIUM=/usr/bin/chromium deno run -A bench/dashboard.ts`.
 * A board of 1,000 flights in a real browser, with an empty cache.
 */

import { chromium } from "playwright-core";
import { flightLifecycleExample } from "../events/flight_lifecycle.ts";
import { inventoryMetricsExample } from "../events/inventory_metrics.ts";
import { parseCommandLine } from "../process/command_line.ts";
import { freePort } from "../process/free_port.ts";
import { OperatorError } from "../process/run_process.ts";
import { eventually, openPipeline } from "../tests/pipeline/_pipeline.ts";

const { values } = parseCommandLine({
  usage: "deno run -A bench/dashboard.ts",
  description:
    "Measures the page's weight, its first paint, and the time from an event's append to the page.",
  options: {
    flights: { type: "number", default: 1000, min: 1, integer: true, description: "Flights on the board" },
    loads: { type: "number", default: 5, min: 1, integer: true, description: "How often the page is opened" },
    events: { type: "number", default: 50, min: 1, integer: true, description: "Events that are waited for" },
  },
  notes: ["CHROMIUM names the browser."],
}, Deno.args);

const executablePath = Deno.env.get("CHROMIUM") ?? "";
if (executablePath === "") {
  throw new OperatorError("CHROMIUM is empty: name a Chromium, as /usr/bin/chromium");
}

/** The value below which so large a share lies. */
function quantile(numbers: number[], share: number): string {
  const sorted = numbers.toSorted((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))]!.toFixed(0);
}

const pipeline = await openPipeline(
  (Deno.env.get("KAFKA_BROKERS") ?? "") !== "" && (Deno.env.get("DATABASE_URL") ?? "") !== ""
    ? "real"
    : "embedded",
);
const browser = await chromium.launch({
  executablePath,
  args: [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
  ],
});
try {
  const ids = Array.from({ length: values.flights }, (_, at) => `BA${1000 + at}_2025-11-28`);
  const event = (topic: string, example: object) =>
    ids.map((key) => ({ topic, key, value: JSON.stringify({ ...example, flight_id: key }) }));
  await pipeline.append(event("flight_lifecycle", flightLifecycleExample));
  await pipeline.append(event("inventory_metrics", inventoryMetricsExample));
  const port = freePort();
  pipeline.env.PIPELINE_PROCESSES = "none";
  const api = pipeline.start("api", ["--port", String(port), "--access-log", "none"]);
  await api.says("API started");
  const origin = `http://127.0.0.1:${port}`;
  await eventually(
    "all flights are known",
    async () => (await (await fetch(`${origin}/flights?limit=1`)).json()).total === ids.length,
  );

  const paints: number[] = [];
  let weight = 0;
  for (let load = 0; load < values.loads; load++) {
    const context = await browser.newContext({ viewport: { width: 1440, height: 900 } });
    const page = await context.newPage();
    await page.goto(origin);
    await page.waitForSelector("#board-rows tr[aria-rowindex]");
    const { firstPaintMs, bytes } = await page.evaluate<{ firstPaintMs: number; bytes: number }>(`({
      firstPaintMs: performance.getEntriesByName("first-contentful-paint")[0].startTime,
      bytes: [...performance.getEntriesByType("navigation"), ...performance.getEntriesByType("resource")]
        .filter(({ name, initiatorType }) => initiatorType !== "fetch" && !name.endsWith("/events"))
        .reduce((sum, { encodedBodySize }) => sum + encodedBodySize, 0),
    })`);
    paints.push(firstPaintMs);
    weight = bytes;
    await context.close();
  }
  console.log(`page: ${(weight / 1000).toFixed(0)} kB compressed, data aside`);
  console.log(
    `first contentful paint of ${values.loads} loads: median ${quantile(paints, 0.5)} ms, most ${
      quantile(paints, 1)
    } ms`,
  );

  const page = await browser.newPage({ viewport: { width: 1440, height: 900 } });
  await page.goto(origin);
  await page.waitForSelector(".connection.live");
  const shown = (await page.textContent("#board-rows tr[aria-rowindex] th"))!;
  const flightId = ids.find((id) => id.startsWith(`${shown}_`))!;
  const taken: number[] = [];
  for (let at = 0; at < values.events; at++) {
    const booked = 10 + at;
    // Events come at any moment of the API's rhythm.
    await page.waitForTimeout(50 + 37 * (at % 11));
    const eventTime = new Date(Date.parse(inventoryMetricsExample.event_time) + (at + 1) * 1000)
      .toISOString();
    await pipeline.append([{
      topic: "inventory_metrics",
      key: flightId,
      value: JSON.stringify({
        ...inventoryMetricsExample,
        flight_id: flightId,
        event_time: eventTime,
        booked_seats: booked,
        load_factor: booked / 100,
      }),
    }]);
    const startedMs = performance.now();
    await page.waitForSelector(`#board-rows td[title^="${booked} of "]`);
    taken.push(performance.now() - startedMs);
  }
  console.log(
    `from the append to the page, ${taken.length} events: median ${quantile(taken, 0.5)} ms, p99 ${
      quantile(taken, 0.99)
    } ms`,
  );
  await api.stop();
} finally {
  await browser.close();
  await pipeline.close();
}
