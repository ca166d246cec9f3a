/** What the pipeline is doing, from the metrics of its processes. */

/** The counters and gauges that are shown; a process that does not answer leaves its own out. */
const SHOWN = [
  "producer_events_emitted_total",
  "producer_backfill_progress_ratio",
  "consumer_events_processed_total",
  "consumer_flights_tracked",
  "consumer_promotions_triggered_total",
  "lake_files",
  "etl_last_success_timestamp_seconds",
  "viewer_active_viewers",
] as const;

type MetricName = typeof SHOWN[number];
export type Metrics = Partial<Record<MetricName, number>>;

const SCRAPE_DEADLINE_MS = 900;
const BAR_WIDTH = 16;
/** The rate is that of so long a time: live data comes every few seconds. */
const RATE_WINDOW_MS = 10_000;

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
  #totals: Metrics = {};
  /** Events processed in all, at the times of the scrapes within the window, oldest first. */
  #processed: { atMs: number; total: number }[] = [];

  /** Takes a scrape made at `nowMs`. */
  update(metrics: Metrics, nowMs: number): void {
    for (const name of SHOWN) {
      const value = metrics[name];
      if (value === undefined || !name.endsWith("_total")) continue;
      const before = this.#last[name];
      // A counter that fell is that of a process started anew.
      const grown = before === undefined || value < before ? value : value - before;
      this.#totals[name] = (this.#totals[name] ?? 0) + grown;
    }
    this.#last = { ...this.#last, ...metrics };
    this.#processed.push({ atMs: nowMs, total: this.#totals.consumer_events_processed_total ?? 0 });
    while (this.#processed.length > 2 && this.#processed[1]!.atMs <= nowMs - RATE_WINDOW_MS) {
      this.#processed.shift();
    }
  }

  #perSecond(): number {
    const first = this.#processed[0];
    const last = this.#processed.at(-1);
    if (first === undefined || last === undefined || last.atMs <= first.atMs) return 0;
    return (last.total - first.total) / ((last.atMs - first.atMs) / 1000);
  }

  /** One line; `nowSeconds` since 1970. */
  line(nowSeconds: number): string {
    const last = this.#last;
    const backfill = last.producer_backfill_progress_ratio;
    return [
      ...(backfill !== undefined && backfill < 1 ? [`backfill ${bar(backfill)}`] : []),
      `${rate(this.#perSecond())} events/s`,
      `${count(last.consumer_flights_tracked ?? 0)} flights`,
      `${count(this.#totals.consumer_promotions_triggered_total ?? 0)} promotions`,
      ...(last.viewer_active_viewers === undefined ? [] : [`${count(last.viewer_active_viewers)} viewers`]),
      `${count(last.lake_files ?? 0)} lake files`,
      `ETL ${sinceEtl(last.etl_last_success_timestamp_seconds, nowSeconds)}`,
    ].join(" · ");
  }

  /**
   * What was done, for the closing line: as of the last scrape, so without the lake's files, most of which a short run
   * finishes only when it stops. Seat maps and shoppers are no input of the consumer.
   */
  summary(): string {
    const totals = this.#totals;
    return [
      `${
        count(totals.producer_events_emitted_total ?? 0)
      } events produced, seat maps and shoppers among them`,
      `${count(totals.consumer_events_processed_total ?? 0)} processed`,
      `${count(totals.consumer_promotions_triggered_total ?? 0)} promotions`,
    ].join(", ");
  }
}

function rate(perSecond: number): string {
  return perSecond > 0 && perSecond < 10 ? perSecond.toFixed(1) : count(Math.round(perSecond));
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
