/**
 * How long a cache hit takes through the tracker's gateway, asked so many times a second: `deno run -A
 * bench/tracker_load.ts`. Registry, flight data service and gateway run as processes, as `deno task tracker` runs them.
 * Requests leave on time whether or not earlier ones were answered, and count from when they should have left, so that
 * a stall shows in every request it holds up.
 */

import { parseCommandLine } from "../process/command_line.ts";
import { freePort } from "../process/free_port.ts";
import { TrackerProcess } from "../tests/tracker/_tracker_process.ts";

const { values } = parseCommandLine({
  usage: "deno run -A bench/tracker_load.ts",
  description: "Measures how long a cache hit takes through the gateway under load.",
  options: {
    rate: { type: "number", default: 1000, min: 1, description: "Requests a second" },
    seconds: { type: "number", default: 20, min: 1, description: "How long" },
    idents: { type: "number", default: 50, min: 1, integer: true, description: "Flights asked for in turn" },
  },
}, Deno.args);

const WARM_UP_SECONDS = 5;

const folder = await Deno.makeTempDir({ prefix: "airline-tracker-load-" });
const [registryPort, servicePort] = [freePort(), freePort()];
const env = {
  EVENT_LOG_FILE: `${folder}/log.sqlite`,
  SERVICE_REGISTRY_URL: `http://127.0.0.1:${registryPort}/eureka`,
  TRACKER_INSTANCES: `127.0.0.1:${servicePort}`,
  REDIS_URL: Deno.env.get("REDIS_URL") ?? "",
};
const registry = new TrackerProcess("service-registry", ["--port", String(registryPort)], env);
await registry.says(/Service registry started/);
const service = new TrackerProcess("flightdata-service", ["--port", String(servicePort)], env);
await service.says(/registered/);
const unlimited = ["--requests-per-second", "1000000", "--burst", "1000000"];
const gateway = new TrackerProcess("api-gateway", ["--port", "0", ...unlimited], env);
const [, origin] = await gateway.says(/(http:\S+?)\/api\/v1\/flight/) as unknown as [string, string];

/** Numbers of flights that there are, each of them in the cache afterwards. */
async function knownIdents(): Promise<string[]> {
  const known: string[] = [];
  for (let number = 1; known.length < values.idents && number < 2000; number++) {
    const response = await fetch(`${origin}/api/v1/flight/UA${number}`);
    await response.body?.cancel();
    if (response.status === 200) known.push(`UA${number}`);
  }
  return known;
}

async function measure(idents: readonly string[], seconds: number): Promise<number[]> {
  const taken: number[] = [];
  const under: Promise<void>[] = [];
  const startedMs = performance.now();
  for (let at = 0; at < values.rate * seconds; at++) {
    const dueMs = startedMs + at * 1000 / values.rate;
    const waitMs = dueMs - performance.now();
    if (waitMs > 1) await new Promise((resolve) => setTimeout(resolve, waitMs));
    const ident = idents[at % idents.length]!;
    under.push(
      fetch(`${origin}/api/v1/flight/${ident}`).then(async (response) => {
        const text = await response.text();
        const cached = response.headers.get("cache-status")?.startsWith("flights; hit") === true;
        if (response.status !== 200 || !cached) throw new Error(`${ident}: ${response.status} ${text}`);
        taken.push(performance.now() - dueMs);
      }),
    );
  }
  await Promise.all(under);
  return taken.sort((a, b) => a - b);
}

try {
  while (!(await fetch(`${origin}/actuator/health`)).ok) {
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  const idents = await knownIdents();
  await measure(idents, WARM_UP_SECONDS);
  const taken = await measure(idents, values.seconds);
  const at = (share: number) =>
    taken[Math.min(taken.length - 1, Math.floor(share * taken.length))]!.toFixed(1);
  console.log(
    `${taken.length} cache hits at ${values.rate}/s: p50 ${at(0.5)} ms, p99 ${at(0.99)} ms, p99.9 ${
      at(0.999)
    } ms, max ${at(1)} ms`,
  );
} finally {
  for (const process of [gateway, service, registry]) await process.stop();
  await Deno.remove(folder, { recursive: true });
}
