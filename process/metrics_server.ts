/** Serves a process's Prometheus metrics, its liveness and its readiness on loopback. */

import { Counter, Gauge, Histogram, Registry } from "prom-client";
import { processRegistry } from "./process_metrics.ts";
import { setting } from "./settings.ts";

export { Counter, Gauge, Histogram, processRegistry, Registry };

/** The port is taken or not ours to open; the message says how to mend it. */
export class PortError extends Error {
  override name = "PortError";
}

export interface MetricsServerOptions {
  /** 0 picks a free one. */
  port: number;
  registry: Registry;
  /** Why the process is not ready, or `undefined` when it is; asked at each `/readyz`. */
  notReady?: () => string | undefined;
}

/** A running metrics server. */
export interface MetricsServer {
  port: number;
  close(): Promise<void>;
}

/**
 * Starts serving `/metrics`, `/healthz` (200 while the process runs) and `/readyz` (503 with the reason).
 *
 * @throws {PortError} when the port is taken, or cannot be listened on.
 */
export function serveMetrics(options: MetricsServerOptions): MetricsServer {
  const hostname = setting("METRICS_HOST")!;
  const handler = async (request: Request): Promise<Response> => {
    if (request.method !== "GET" && request.method !== "HEAD") {
      return new Response("Only GET\n", { status: 405 });
    }
    switch (new URL(request.url).pathname) {
      case "/metrics":
        return new Response(await options.registry.metrics(), {
          headers: { "content-type": options.registry.contentType },
        });
      case "/healthz":
        return new Response("ok\n");
      case "/readyz": {
        const reason = options.notReady?.();
        return reason === undefined ? new Response("ready\n") : new Response(`${reason}\n`, { status: 503 });
      }
      default:
        return new Response("Not found; there are /metrics, /healthz and /readyz\n", { status: 404 });
    }
  };
  let server: Deno.HttpServer<Deno.NetAddr>;
  try {
    server = Deno.serve({ hostname, port: options.port, onListen: () => {} }, handler);
  } catch (error) {
    if (error instanceof Deno.errors.AddrInUse) {
      throw new PortError(
        `Port ${options.port} on ${hostname} is taken. Is another one running? Stop it, or choose another by --metrics-port (0 picks a free one)`,
      );
    }
    throw new PortError(
      `Cannot listen on port ${options.port} of ${hostname}: ${
        (error as Error).message
      }. Check METRICS_HOST and --metrics-port`,
    );
  }
  return { port: server.addr.port, close: () => server.shutdown() };
}
