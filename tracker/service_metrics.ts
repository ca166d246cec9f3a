/** What every service of the tracker counts, under the names that Spring's dashboards know. */

import { Histogram, processRegistry } from "../process/metrics_server.ts";
import type { Registry } from "../process/metrics_server.ts";

/** See the module. */
export class ServiceMetrics {
  readonly registry: Registry = processRegistry();
  readonly #requests: Histogram;

  constructor() {
    this.#requests = new Histogram({
      name: "http_server_requests_seconds",
      help: "Time until an answer was ready to be sent",
      labelNames: ["method", "uri", "status"],
      buckets: [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2, 5, 10, 30],
      registers: [this.registry],
    });
  }

  /** Counts an answer; `uri` is the route's pattern, so that labels stay bounded. */
  count(request: { method: string; uri: string; status: number; seconds: number }): void {
    const { method, uri, status, seconds } = request;
    this.#requests.observe({ method, uri, status: String(status) }, seconds);
  }
}
