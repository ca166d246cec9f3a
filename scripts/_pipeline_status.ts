/** What the pipeline is doing, from the metrics of its processes. */

/** The counters and gauges that are shown; a process that does not answer leaves its own out. */
const SHOWN = [
  "producer_events_emitted_total",
  "producer_backfill_progress_ratio",
  "consumer_events_processed_total",
  "consumer_flights_tracked",
  "consumer_promotions_triggered_total",
  "lake_files_sealed_total",
  "etl_last_success_timestamp_seconds",
] as const;

type MetricName = typeof SHOWN[number];
export type Metrics = Partial<Record<MetricName, number>>;

const SCRAPE_DEADLINE_MS = 900;
const BAR_WIDTH = 16;

/** The shown metrics in a page of Prometheus text; series of one name are added up. */
export function readMetrics(page: string): Metrics {
  const metrics: Metrics = {};
  for (const line of page.split("\n")) {
    const match = /^([a-z_]+)(?:\{[^}]*\})? (\S+)/.exec(line);
    if (match === null || !SHOWN.includes(match[1] as MetricName)) continue;
    const name = match[1] as MetricName;
    metrics[name] = (metrics[name] ?? 0) + Number(match[2]);
  }
  return metrics;
}

/** Asks the processes for their metrics. */
export async function scrape(urls: string[], signal: AbortSignal): Promise<Metrics> {
  const pages = await Promise.all(urls.map(async (url) => {
    try {
      const response = await fetch(url, {
        signal: AbortSignal.any([signal, AbortSignal.timeout(SCRAPE_DEADLINE_MS)]),
      });
      return response.ok ? await response.text() : (await response.body?.cancel(), "");
    } catch {
      return "";
    }
  }));
  return Object.assign({}, ...pages.map(readMetrics));
}

/** Follows the metrics from scrape to scrape: rates, and totals that outlive a restart of a process. */
export class PipelineStatus {
  #last: Metrics = {};
  #lastMs = NaN;
  #totals: Metrics = {};
  #perSecond = 0;

  /** Takes a scrape made at `nowMs`. */
  update(metrics: Metrics, nowMs: number): void {
    const grown: Metrics = {};
    for (const name of SHOWN) {
      const value = metrics[name];
      if (value === undefined || !name.endsWith("_total")) continue;
      const before = this.#last[name];
      // A counter that fell is that of a process started anew.
      grown[name] = before === undefined || value < before ? value : value - before;
      this.#totals[name] = (this.#totals[name] ?? 0) + grown[name];
    }
    const seconds = (nowMs - this.#lastMs) / 1000;
    const events = grown.consumer_events_processed_total;
    this.#perSecond = events === undefined || !(seconds > 0) ? 0 : events / seconds;
    this.#last = { ...this.#last, ...metrics };
    this.#lastMs = nowMs;
  }

  /** One line; `nowSeconds` since 1970. */
  line(nowSeconds: number): string {
    const last = this.#last;
    const backfill = last.producer_backfill_progress_ratio;
    return [
      ...(backfill !== undefined && backfill < 1 ? [`backfill ${bar(backfill)}`] : []),
      `${count(Math.round(this.#perSecond))} events/s`,
      `${count(last.consumer_flights_tracked ?? 0)} flights`,
      `${count(this.#totals.consumer_promotions_triggered_total ?? 0)} promotions`,
      `${count(this.#totals.lake_files_sealed_total ?? 0)} lake files`,
      `ETL ${sinceEtl(last.etl_last_success_timestamp_seconds, nowSeconds)}`,
    ].join(" · ");
  }

  /** What was done, for the closing line. */
  summary(): string {
    const totals = this.#totals;
    return [
      `${count(totals.producer_events_emitted_total ?? 0)} events produced`,
      `${count(totals.consumer_events_processed_total ?? 0)} processed`,
      `${count(totals.consumer_promotions_triggered_total ?? 0)} promotions`,
      `${count(totals.lake_files_sealed_total ?? 0)} lake files`,
    ].join(", ");
  }
}

function count(value: number): string {
  return value.toLocaleString("en");
}

function sinceEtl(lastSeconds: number | undefined, nowSeconds: number): string {
  if (lastSeconds === undefined || lastSeconds === 0) return "not yet";
  return `${duration(Math.max(0, nowSeconds - lastSeconds))} ago`;
}

function bar(ratio: number): string {
  const filled = Math.round(Math.max(0, ratio) * BAR_WIDTH);
  return `${"█".repeat(filled)}${"░".repeat(BAR_WIDTH - filled)} ${Math.floor(ratio * 100)} %`;
}

/** Seconds as `12 s`, `3 min 5 s` or `2 h 4 min`. */
export function duration(seconds: number): string {
  const whole = Math.floor(seconds);
  if (whole < 60) return `${whole} s`;
  if (whole < 3600) return `${Math.floor(whole / 60)} min ${whole % 60} s`;
  return `${Math.floor(whole / 3600)} h ${Math.floor(whole % 3600 / 60)} min`;
}
