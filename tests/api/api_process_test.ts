/** The API as a process: what it costs to serve those who never read, how it stops, and a document fuzzed. */

import assert from "node:assert/strict";
import { bookingRecords, flightRecords } from "../../bench/workload.ts";
import type { NewRecord } from "../../event_log/event_log.ts";
import { inventoryMetricsExample } from "../../events/inventory_metrics.ts";
import { prepareRealtime } from "../../warehouse/realtime.ts";
import { openWarehouse } from "../../warehouse/connect.ts";
import { eventually, freePort, openPipeline, pipelineTest } from "../pipeline/_pipeline.ts";
import type { Part, Pipeline } from "../pipeline/_pipeline.ts";

const MIB = 1024 * 1024;

/** The API over the pipeline's log, once it has read it. */
async function startApi(pipeline: Pipeline, args: string[] = []): Promise<{ api: Part; origin: string }> {
  const port = freePort();
  pipeline.env.PIPELINE_PROCESSES = "none";
  const api = pipeline.start("api", ["--port", String(port), "--access-log", "errors", ...args]);
  const origin = `http://127.0.0.1:${port}`;
  await api.says("API started");
  await eventually("the API is ready", async () => {
    const response = await fetch(`${origin}/readyz`);
    await response.body?.cancel();
    return response.ok;
  });
  return { api, origin };
}

async function residentBytes(origin: string): Promise<number> {
  const page = await (await fetch(`${origin}/prometheus`)).text();
  return Number(/^process_resident_memory_bytes (\S+)$/m.exec(page)![1]);
}

/** A metrics event of each flight, `round` minutes on. */
function metricsRecords(flights: NewRecord[], round: number): NewRecord[] {
  return flights.map(({ key }) => ({
    topic: "inventory_metrics",
    key,
    value: JSON.stringify({
      ...inventoryMetricsExample,
      flight_id: key,
      event_time: new Date(Date.parse(inventoryMetricsExample.event_time) + round * 60_000).toISOString(),
      booked_seats: round,
    }),
  }));
}

Deno.test("two hundred listeners that never read cost less than 64 MiB, however much happens", async () => {
  const pipeline = await openPipeline("embedded");
  const connections: Deno.Conn[] = [];
  try {
    const flights = [...flightRecords()];
    await pipeline.append(flights);
    const { api, origin } = await startApi(pipeline);
    // What it costs to follow the same load without listeners is in the figure before.
    for (let round = 1; round <= 20; round++) await pipeline.append(metricsRecords(flights, round));
    await new Promise((resolve) => setTimeout(resolve, 1500));
    const before = await residentBytes(origin);
    const { hostname, port } = new URL(origin);
    for (let at = 0; at < 200; at++) {
      const connection = await Deno.connect({ hostname, port: Number(port) });
      connections.push(connection);
      await connection.write(
        new TextEncoder().encode(`GET /events HTTP/1.1\r\nHost: localhost:${port}\r\n\r\n`),
      );
    }
    await eventually("all of them listen", async () => {
      const page = await (await fetch(`${origin}/prometheus`)).text();
      return /^api_event_listeners 200$/m.test(page);
    });
    for (let round = 21; round <= 60; round++) await pipeline.append(metricsRecords(flights, round));
    await eventually("the last round is on the board", async () => {
      const { rows } = await (await fetch(`${origin}/flights?limit=1`)).json();
      return rows[0].booked_seats === 60;
    });
    await new Promise((resolve) => setTimeout(resolve, 1000));
    const more = await residentBytes(origin) - before;
    assert.ok(more < 64 * MIB, `${Math.round(more / MIB)} MiB more`);
    const refused = await fetch(`${origin}/events`);
    assert.equal(refused.status, 503, "the two-hundred-and-first");
    await refused.body?.cancel();
    for (const connection of connections.splice(0)) connection.close();
    await eventually("their places are free again", async () => {
      const page = await (await fetch(`${origin}/prometheus`)).text();
      return /^api_event_listeners 0$/m.test(page);
    });
    assert.equal(await api.stop(), 0);
  } finally {
    for (const connection of connections) connection.close();
    await pipeline.close();
  }
});

Deno.test("the API stops in order while somebody listens, and beyond loopback wants a token", async () => {
  const pipeline = await openPipeline("embedded");
  try {
    const { api, origin } = await startApi(pipeline);
    const listening = await fetch(`${origin}/events`);
    const reading = listening.text();
    assert.equal(await api.stop(), 0);
    assert.match(await reading, /^retry: /);
    const open = pipeline.start("api", ["--port", "0", "--host", "0.0.0.0"]);
    assert.equal(await open.exited(), 2);
    assert.match(open.output, /--host 0\.0\.0\.0 is not loopback: set API_TOKEN/);
    pipeline.env.API_TOKEN = "let-me-in";
    const guarded = await startApi(pipeline, ["--host", "0.0.0.0"]);
    const refused = await fetch(`${guarded.origin}/flights`);
    assert.equal(refused.status, 401);
    await refused.body?.cancel();
    const answered = await fetch(`${guarded.origin}/flights`, {
      headers: { authorization: "Bearer let-me-in" },
    });
    assert.equal(answered.status, 200);
    await answered.body?.cancel();
    assert.equal(await guarded.api.stop(), 0);
    assert.ok(!guarded.api.output.includes("let-me-in"));
  } finally {
    await pipeline.close();
  }
});

pipelineTest("what a consumer makes of bookings is on the API, the same as in the log", async (pipeline) => {
  const bookings = [...bookingRecords(2_000)];
  await pipeline.append([...flightRecords()]);
  const { api, origin } = await startApi(pipeline);
  const consumer = pipeline.start("consumer", ["--metrics-port", "0"]);
  await pipeline.append(bookings);
  const booked = new Map<string, number>();
  for (const { key } of bookings) booked.set(key!, (booked.get(key!) ?? 0) + 1);
  await eventually("every booking is on the board", async () => {
    const { rows } = await (await fetch(`${origin}/flights?limit=1000`)).json();
    const seats = new Map(rows.map((row: Record<string, unknown>) => [row.flight_id, row.booked_seats]));
    return [...booked].every(([flightId, count]) => seats.get(flightId) === count);
  });
  const decided = (await pipeline.values("promo_decisions")).length;
  await eventually("every decision is told", async () => {
    const { total } = await (await fetch(`${origin}/decisions?limit=1`)).json();
    return total === decided;
  });
  assert.equal(await consumer.stop(), 0);
  assert.equal(await api.stop(), 0);
});

const SCHEMATHESIS = Deno.env.get("SCHEMATHESIS") ?? "";
if (SCHEMATHESIS !== "") {
  pipelineTest(
    "thousands of requests made up from the API's document find nothing wrong",
    async (pipeline) => {
      const flights = [...flightRecords()].slice(0, 50);
      await pipeline.append([...flights, ...metricsRecords(flights, 1)]);
      if (pipeline.pair === "embedded") {
        const warehouse = pipeline.start("warehouse", ["--metrics-port", "0"]);
        await warehouse.says("Embedded warehouse ready", 120_000);
      } else assert.equal((await pipeline.run("warehouse")).code, 0);
      const embedded = pipeline.pair === "embedded";
      const url = embedded
        ? `postgres://airline:airline@127.0.0.1:${pipeline.env.WAREHOUSE_PORT}/airline_dw`
        : pipeline.env.DATABASE_URL!;
      const database = await openWarehouse({ url, embedded, applicationName: "airline-test", max: 1 });
      await prepareRealtime(database.sql, "realtime");
      await database.close();
      const { api, origin } = await startApi(pipeline);
      const { code, stdout } = await new Deno.Command(SCHEMATHESIS, {
        args: [
          "run",
          `${origin}/openapi.json`,
          "--checks=all",
          // It does not end; tests/api/events_test.ts looks at it.
          "--exclude-path=/events",
          "--max-examples=150",
          "--phases=examples,coverage,fuzzing",
          "--no-color",
          "--seed=1",
        ],
        cwd: pipeline.folder,
      }).output();
      assert.equal(code, 0, new TextDecoder().decode(stdout));
      assert.equal(await api.stop(), 0);
    },
  );
}
