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
import { PlainClient } from "./_plain_client.ts";
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
  const event = (topic: string, example: object, own: (at: number) => object) =>
    ids.map((key, at) => ({ topic, key, value: JSON.stringify({ ...example, flight_id: key, ...own(at) }) }));
  // Flights that differ, as real ones do: alike, they would be sent as next to nothing.
  const airports = ["LHR", "EWR", "JFK", "LGA", "BOS", "ORD", "MIA", "LAX", "SFO", "IAH", "CLT"];
  await pipeline.append(event("flight_lifecycle", flightLifecycleExample, (at) => ({
    origin_airport: airports[at % 11],
    destination_airport: airports[(at * 7 + 3) % 11],
    scheduled_departure_time: new Date(Date.parse("2025-11-28T00:00:00Z") + at * 86_400).toISOString(),
  })));
  await pipeline.append(event("inventory_metrics", inventoryMetricsExample, (at) => ({
    booked_seats: at * 37 % 180,
    load_factor: Math.round(at * 37 % 180 / 0.18) / 1000,
    booking_velocity_per_hour: at * 13 % 7000 / 1000,
    minutes_to_departure: 5000 + at,
  })));
  if (!real) {
    await pipeline.start("warehouse", ["--metrics-port", "0"]).says("Embedded warehouse ready", 120_000);
  }
  const url = real
    ? pipeline.env.DATABASE_URL!
    : `postgres://airline:airline@127.0.0.1:${pipeline.env.WAREHOUSE_PORT}/airline_dw`;
  const database = await openWarehouse({ url, embedded: !real, applicationName: "bench", max: 1 });
  await prepareRealtime(database.sql, "realtime");
  await database.sql`
    insert into realtime.stream_metrics_minute
    select '2025-11-28T00:00:00Z'::timestamptz + make_interval(mins => minute),
      '2025-11-28T00:01:00Z'::timestamptz + make_interval(mins => minute), stream, hashtext(stream) & 63, minute, minute * 1.5, true
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

  const client = new PlainClient({ hostname: "127.0.0.1", port });
  const cpuSeconds = async (): Promise<number> => {
    const page = await (await fetch(`${origin}/prometheus`)).text();
    return Number(/^process_cpu_seconds_total (\S+)$/m.exec(page)?.[1]);
  };
  /** Milliseconds of each request, sorted, and the bytes of one. */
  const measure = async (path: string, seconds: number) => {
    const taken: number[] = [];
    const under: Promise<void>[] = [];
    let bytes = 0;
    const startedMs = performance.now();
    for (let at = 0; at < values.rate * seconds; at++) {
      const dueMs = startedMs + at * 1000 / values.rate;
      const waitMs = dueMs - performance.now();
      if (waitMs > 1) await new Promise((resolve) => setTimeout(resolve, waitMs));
      under.push(
        client.get(path).then((answer) => {
          if (answer.status !== 200) throw new Error(`${path} answered ${answer.status}`);
          bytes = answer.bytes;
          taken.push(performance.now() - dueMs);
        }),
      );
    }
    await Promise.all(under);
    return { taken: taken.sort((a, b) => a - b), bytes };
  };
  for (const path of ["/flights", "/flights?limit=1000", "/metrics/latest", "/decisions"]) {
    await measure(path, 2);
    const before = await cpuSeconds();
    const { taken, bytes } = await measure(path, values.seconds);
    const cpuMs = (await cpuSeconds() - before) * 1000 / taken.length;
    const at = (share: number) =>
      taken[Math.min(taken.length - 1, Math.floor(share * taken.length))]!.toFixed(1);
    console.log(
      `${path}: ${taken.length} requests at ${values.rate}/s, ${(bytes / 1000).toFixed(0)} kB each, p50 ${
        at(0.5)
      } ms, p99 ${at(0.99)} ms, max ${at(1)} ms; ${cpuMs.toFixed(2)} ms of CPU a request`,
    );
  }
  client.close();
  await api.stop();
} finally {
  await pipeline.close();
}
