/**
 * A process's own figures under prom-client's names. Its own collection is not used: it can throw on Deno, and asks for
 * permissions that our processes do not have.
 *
 * @module
 */

import process from "node:process";
import { setImmediate } from "node:timers/promises";
import { Counter, Gauge, Registry } from "prom-client";

const OPEN_FILES_FOLDER = "/proc/self/fd";
const MICROSECONDS = 1e6;

/** A registry with the figures of this process. */
export function processRegistry(): Registry {
  const registry = new Registry();
  const startedSeconds = Date.now() / 1000;
  gauge(registry, "process_start_time_seconds", "When the process started, seconds since 1970", () => {
    return startedSeconds;
  });
  counter(registry, "process_cpu_user_seconds_total", "CPU time in the program, seconds", () => {
    return process.cpuUsage().user / MICROSECONDS;
  });
  counter(registry, "process_cpu_system_seconds_total", "CPU time in the operating system, seconds", () => {
    return process.cpuUsage().system / MICROSECONDS;
  });
  counter(registry, "process_cpu_seconds_total", "CPU time in all, seconds", () => {
    const { user, system } = process.cpuUsage();
    return (user + system) / MICROSECONDS;
  });
  gauge(registry, "process_resident_memory_bytes", "Resident memory", () => Deno.memoryUsage().rss);
  gauge(registry, "nodejs_heap_size_total_bytes", "Heap, used or not", () => Deno.memoryUsage().heapTotal);
  gauge(registry, "nodejs_heap_size_used_bytes", "Heap in use", () => Deno.memoryUsage().heapUsed);
  gauge(
    registry,
    "nodejs_external_memory_bytes",
    "Memory of buffers outside the heap",
    () => Deno.memoryUsage().external,
  );
  gauge(registry, "nodejs_eventloop_lag_seconds", "How long a turn of the event loop took just now", loopLag);
  // Linux has them, and Deno shows them to a process with all permissions only.
  if (openFiles() !== undefined) {
    gauge(registry, "process_open_fds", "Open files and sockets", () => openFiles() ?? NaN);
  }
  return registry;
}

function gauge(registry: Registry, name: string, help: string, read: () => number | Promise<number>): void {
  new Gauge({
    name,
    help,
    registers: [registry],
    async collect() {
      this.set(await read());
    },
  });
}

function counter(registry: Registry, name: string, help: string, read: () => number): void {
  new Counter({
    name,
    help,
    registers: [registry],
    collect() {
      this.reset();
      this.inc(read());
    },
  });
}

async function loopLag(): Promise<number> {
  const startedMs = performance.now();
  await setImmediate();
  return (performance.now() - startedMs) / 1000;
}

function openFiles(): number | undefined {
  try {
    return [...Deno.readDirSync(OPEN_FILES_FOLDER)].length;
  } catch {
    return undefined;
  }
}
