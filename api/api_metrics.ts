/** The API's own figures, under their published names. */

import { Counter, Gauge, Histogram, processRegistry } from "../process/metrics_server.ts";

/** Where the gauges read from at each scrape. */
export interface ApiGauges {
  databaseOk: () => boolean;
  latestWindowStartMs: () => number | undefined;
  recentRows: () => number;
  listeners: () => number;
  followerAgeMs: () => number;
}

/** See the module. */
export class ApiMetrics {
  readonly #registry = processRegistry();
  readonly #requests: Counter;
  readonly #durations: Histogram;

  constructor(gauges: ApiGauges) {
    const registers = [this.#registry];
    this.#requests = new Counter({
      name: "api_http_requests_total",
      help: "Requests answered",
      labelNames: ["method", "path", "status"],
      registers,
    });
    this.#durations = new Histogram({
      name: "api_http_request_duration_seconds",
      help: "Time until an answer was ready to be sent",
      labelNames: ["method", "path"],
      buckets: [0.001, 0.0025, 0.005, 0.01, 0.02, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5],
      registers,
    });
    const gauge = (name: string, help: string, value: () => number) =>
      new Gauge({
        name,
        help,
        registers,
        collect() {
          this.set(value());
        },
      });
    gauge("api_db_ok", "1 while the database answers", () => gauges.databaseOk() ? 1 : 0);
    gauge(
      "api_latest_window_age_seconds",
      "Seconds since the newest minute window began; -1 where there is none",
      () => {
        const startMs = gauges.latestWindowStartMs();
        return startMs === undefined ? -1 : Math.max(0, (Date.now() - startMs) / 1000);
      },
    );
    gauge(
      "api_stream_metrics_rows_recent",
      "Minute windows in the hour before the newest",
      gauges.recentRows,
    );
    gauge("api_event_listeners", "Listeners of /events at present", gauges.listeners);
    gauge(
      "api_read_model_age_seconds",
      "Seconds since flights and decisions were last known to be complete",
      () => gauges.followerAgeMs() / 1000,
    );
  }

  /** Counts an answer; `path` is the route's pattern, so that labels stay bounded. */
  count(method: string, path: string, status: number, durationMs: number): void {
    this.#requests.inc({ method, path, status: String(status) });
    this.#durations.observe({ method, path }, durationMs / 1000);
  }

  page(): Promise<string> {
    return this.#registry.metrics();
  }

  get contentType(): string {
    return this.#registry.contentType;
  }
}
