/** Traces by Deno's own OpenTelemetry, from a process below its permission set to a collector on loopback. */

import { ok } from "node:assert/strict";
import { freePort } from "../../process/free_port.ts";
import { eventually, Part } from "../pipeline/_pipeline.ts";
import { embedded, launcher, withFolder } from "./_support.ts";

Deno.test("with OTEL_DENO a process sends traces of its requests, under its own name", () =>
  withFolder(async (folder) => {
    const traces: string[] = [];
    const collector = Deno.serve({ hostname: "127.0.0.1", port: 0, onListen: () => {} }, async (request) => {
      const text = await request.text();
      if (new URL(request.url).pathname === "/v1/traces") traces.push(text);
      return new Response();
    });
    const port = freePort();
    const env = embedded(folder, {
      OTEL_DENO: "true",
      OTEL_EXPORTER_OTLP_ENDPOINT: `http://127.0.0.1:${collector.addr.port}`,
      // Soon, and not every five seconds.
      OTEL_BSP_SCHEDULE_DELAY: "100",
    });
    const command = launcher(["service-registry", "--port", String(port)], env, { stdin: "piped" });
    const registry = new Part("service-registry", command.spawn());
    try {
      await registry.says("Service registry started");
      await (await fetch(`http://127.0.0.1:${port}/actuator/health`)).text();
      await eventually(
        "a trace arrives",
        () => traces.some((text) => text.includes("airline-service-registry")),
      );
      ok(traces.some((text) => text.includes("/actuator/health")));
    } finally {
      registry.signal("SIGTERM");
      await registry.exited();
      await collector.shutdown();
    }
  }));
