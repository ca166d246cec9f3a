/**
 * How long the API takes to answer while it is asked so many times a second: `deno run -A bench/api_load.ts`. Requests
 * leave on time whether or not earlier ones were answered, and count from when they should have left, so that a
 * stall shows in every request it holds up.
 */

import { flightLifecycleExample } from "../events/flight_lifecycle.ts";
import { inventoryMetricsExample } from "../events/inventory_metrics.ts";
import { parseCommandLine } from "../process/command_line.ts";
import { freePort } from "../process/free_port.ts";
import { eventually, openPipeline } from "../tests/pipeline/_pipeline.ts";
import { openWarehouse } from "../warehouse/connect.ts";
import { prepareRealtime } from "../warehouse/realtime.ts";

const { values } = parseCommandLine({
  usage: "deno run -A bench/api_load.ts",
  description: "Measures how long the API takes to answer under load.",
  options: {
    rate: { type: "number", default: 500, min: 1, description: "Requests a second, of each path in turn" },
    seconds: { type: "number", default: 20, min: 1, description: "How long" },
    flights: { type: "number", default: 1000, min: 1, integer: true, description: "Flights on the board" },
  },
}, Deno.args);

const real = (Deno.env.get("DATABASE_URL") ?? "") !== "" && (Deno.env.get("KAFKA_BROKERS") ?? "") !== "";
const pipeline = await openPipeline(real ? "real" : "embedded");
try {
  const ids = Array.from({ length: values.flights }, (_, at) => `BA${at}_2025-11-28`);
  const event = (topic: string, example: object) =>
    ids.map((key) => ({ topic, key, value: JSON.stringify({ ...example, flight_id: key }) }));
  await pipeline.append(event("flight_lifecycle", flightLifecycleExample));
  await pipeline.append(event("inventory_metrics", inventoryMetricsExample));
  if (!real) await pipeline.start("warehouse", ["--metrics-port", "0"]).says("Embedded warehouse ready");
  const url = real
    ? pipeline.env.DATABASE_URL!
    : `postgres://airline:airline@127.0.0.1:${pipeline.env.WAREHOUSE_PORT}/airline_dw`;
  const database = await openWarehouse({ url, embedded: !real, applicationName: "bench", max: 1 });
  await prepareRealtime(database.sql, "realtime");
  await database.sql`
    insert into realtime.stream_metrics_minute
    select '2025-11-28T00:00:00Z'::timestamptz + make_interval(mins => minute),
      '2025-11-28T00:01:00Z'::timestamptz + make_interval(mins => minute), stream, 3, 2, 1.5, true
    from unnest(${ids}::text[]) as stream, generate_series(0, 29) as minute`;
  await database.close();
  const port = freePort();
  pipeline.env.PIPELINE_PROCESSES = "none";
  const api = pipeline.start("api", ["--port", String(port), "--access-log", "none"]);
  await api.says("API started");
  const origin = `http://127.0.0.1:${port}`;
  await eventually(
    "all flights are known",
    async () => (await (await fetch(`${origin}/flights?limit=1`)).json()).total === ids.length,
  );

  const measure = async (path: string, seconds: number): Promise<number[]> => {
    const taken: number[] = [];
    const under: Promise<void>[] = [];
    const startedMs = performance.now();
    for (let at = 0; at < values.rate * seconds; at++) {
      const dueMs = startedMs + at * 1000 / values.rate;
      const waitMs = dueMs - performance.now();
      if (waitMs > 1) await new Promise((resolve) => setTimeout(resolve, waitMs));
      under.push(
        fetch(origin + path, { headers: { "accept-encoding": "gzip" } }).then(async (response) => {
          await response.arrayBuffer();
          if (!response.ok) throw new Error(`${path} answered ${response.status}`);
          taken.push(performance.now() - dueMs);
        }),
      );
    }
    await Promise.all(under);
    return taken.sort((a, b) => a - b);
  };
  for (const path of ["/flights", "/flights?limit=1000", "/metrics/latest", "/decisions"]) {
    await measure(path, 2);
    const taken = await measure(path, values.seconds);
    const at = (share: number) =>
      taken[Math.min(taken.length - 1, Math.floor(share * taken.length))]!.toFixed(1);
    console.log(
      `${path}: ${taken.length} requests at ${values.rate}/s, p50 ${at(0.5)} ms, p99 ${at(0.99)} ms, max ${
        at(1)
      } ms`,
    );
  }
  await api.stop();
} finally {
  await pipeline.close();
}
