import { equal, match, ok, throws } from "node:assert/strict";
import { Counter, PortError, processRegistry, serveMetrics } from "../../process/metrics_server.ts";

Deno.test("serveMetrics() serves the registry, liveness and readiness", async () => {
  const registry = processRegistry();
  new Counter({ name: "trial_total", help: "A trial", registers: [registry] }).inc(3);
  let reason: string | undefined = "still restoring";
  const server = serveMetrics({ port: 0, registry, notReady: () => reason });
  const get = async (path: string, init?: RequestInit) => {
    const response = await fetch(`http://127.0.0.1:${server.port}${path}`, init);
    return {
      status: response.status,
      type: response.headers.get("content-type"),
      text: await response.text(),
    };
  };
  try {
    const metrics = await get("/metrics");
    equal(metrics.status, 200);
    match(metrics.type!, /^text\/plain; version=0\.0\.4/);
    match(metrics.text, /^trial_total 3$/m);
    match(metrics.text, /^process_resident_memory_bytes \d+$/m);
    match(metrics.text, /^process_start_time_seconds 1\d+/m);
    match(metrics.text, /^process_cpu_seconds_total \d/m);
    equal((await get("/healthz")).status, 200);
    const notReady = await get("/readyz");
    equal(notReady.status, 503);
    equal(notReady.text, "still restoring\n");
    reason = undefined;
    equal((await get("/readyz")).status, 200);
    equal((await get("/nothing")).status, 404);
    equal((await get("/metrics", { method: "POST" })).status, 405);
  } finally {
    await server.close();
  }
});

Deno.test("serveMetrics() names a taken port and the option that chooses another", async () => {
  const server = serveMetrics({ port: 0, registry: processRegistry() });
  try {
    throws(() => serveMetrics({ port: server.port, registry: processRegistry() }), (error) => {
      ok(error instanceof PortError);
      match(error.message, new RegExp(`Port ${server.port} on 127.0.0.1 is taken.*--metrics-port`));
      return true;
    });
  } finally {
    await server.close();
  }
});

Deno.test("serveMetrics() names an address that is not this machine's, and the setting that chooses another", () => {
  const before = Deno.env.get("METRICS_HOST");
  // An address for documentation only (RFC 5737).
  Deno.env.set("METRICS_HOST", "192.0.2.1");
  try {
    throws(() => serveMetrics({ port: 0, registry: processRegistry() }), (error) => {
      ok(error instanceof PortError);
      match(error.message, /^Cannot listen on port 0 of 192\.0\.2\.1: .*METRICS_HOST/);
      return true;
    });
  } finally {
    if (before === undefined) Deno.env.delete("METRICS_HOST");
    else Deno.env.set("METRICS_HOST", before);
  }
});
