import { deepEqual, ok } from "node:assert/strict";
import { processRegistry } from "../../process/process_metrics.ts";

async function value(registry: ReturnType<typeof processRegistry>, name: string): Promise<number> {
  const metric = await registry.getSingleMetric(name)!.get();
  return metric.values[0]!.value;
}

Deno.test("processRegistry() has the process's figures under prom-client's names and types", async () => {
  const types = (await processRegistry().getMetricsAsJSON()).map(({ name, type }) => `${name} ${type}`);
  const fixed = types.filter((name) => !name.startsWith("process_open_fds"));
  deepEqual(fixed, [
    "process_start_time_seconds gauge",
    "process_cpu_user_seconds_total counter",
    "process_cpu_system_seconds_total counter",
    "process_cpu_seconds_total counter",
    "process_resident_memory_bytes gauge",
    "nodejs_heap_size_total_bytes gauge",
    "nodejs_heap_size_used_bytes gauge",
    "nodejs_external_memory_bytes gauge",
    "nodejs_eventloop_lag_seconds gauge",
  ]);
});

Deno.test("CPU time rises by what is used, and is told anew each time", async () => {
  const registry = processRegistry();
  const before = await value(registry, "process_cpu_seconds_total");
  for (let number = 0, endMs = performance.now() + 60; performance.now() < endMs;) {
    number += Math.sqrt(number);
  }
  const after = await value(registry, "process_cpu_seconds_total");
  ok(after > before, `${after} after ${before}`);
  ok(after < before + 30, "it is set, not added up");
  ok(await value(registry, "nodejs_eventloop_lag_seconds") >= 0);
  ok(await value(registry, "process_resident_memory_bytes") > 1e6);
});
