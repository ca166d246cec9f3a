/**
 * How the pipeline does: asks each process for its readiness and metrics, and the log for what its topics hold.
 * Every two seconds; what does not answer in time counts as away.
 *
 * @module
 */

import type { EventLog } from "../event_log/event_log.ts";
import { PUBLIC_TOPICS } from "../events/topics.ts";
import { pause } from "../process/pause.ts";

/** A process as the watch found it. */
export interface ProcessHealth {
  name: string;
  /** `ready`, `not_ready` (it says why) or `away`. */
  status: "ready" | "not_ready" | "away";
  detail: string | null;
  /** Records it has still to take, over all its topics; null where it has no input or is away. */
  lag_records: number | null;
  resident_memory_bytes: number | null;
  started_at: string | null;
}

/** The pipeline as the watch found it. */
export interface PipelineHealth {
  /** When it was asked. */
  checked_at: string;
  processes: ProcessHealth[];
  topics: { topic: string; records: number; appended_per_second: number }[];
  last_etl: { finished_at: string; duration_seconds: number | null } | null;
}

/** Where a process serves `/readyz` and `/metrics`. */
export interface WatchedProcess {
  name: string;
  /** `127.0.0.1:8001`. */
  address: string;
}

const INTERVAL_MS = 2000;
const DEADLINE_MS = 1500;
/** Rates are those of this long. */
const RATE_WINDOW_MS = 10_000;

/** See the module. */
export class PipelineWatch {
  readonly #processes: readonly WatchedProcess[];
  readonly #openLog: () => Promise<EventLog>;
  #log: EventLog | undefined;
  #asking: Promise<void> | undefined;
  #ends: { atMs: number; records: Map<string, number> }[] = [];
  health: PipelineHealth | undefined;

  constructor(processes: readonly WatchedProcess[], openLog: () => Promise<EventLog>) {
    this.#processes = processes;
    this.#openLog = openLog;
  }

  /** Asks until `signal` aborts; `onChange` is told of each answer. Never throws. */
  async run(signal: AbortSignal, onChange: (health: PipelineHealth) => void): Promise<void> {
    while (!signal.aborted) {
      // A log that is slow to answer, or away, holds nothing up: its figures come when they come.
      this.#asking ??= this.#askLog().finally(() => this.#asking = undefined);
      const [answers] = await Promise.all([
        Promise.all(this.#processes.map((process) => ask(process, signal))),
        Promise.race([this.#asking, pause(DEADLINE_MS, signal)]),
      ]);
      if (signal.aborted) break;
      const etl = answers.find(({ metrics }) => (metrics.get("etl_last_success_timestamp_seconds") ?? 0) > 0);
      const etlSeconds = etl?.metrics.get("etl_last_success_timestamp_seconds");
      this.health = {
        checked_at: new Date().toISOString(),
        processes: answers.map(({ health }) => health),
        topics: this.#rates(),
        last_etl: etlSeconds === undefined ? null : {
          finished_at: new Date(etlSeconds * 1000).toISOString(),
          duration_seconds: etl!.metrics.get("etl_last_duration_seconds") ?? null,
        },
      };
      onChange(this.health);
      await pause(INTERVAL_MS, signal);
    }
    await this.#asking;
    await this.#log?.close();
  }

  async #askLog(): Promise<void> {
    try {
      this.#log ??= await this.#openLog();
      const records = new Map<string, number>();
      for (const { topic, start, end } of await this.#log.ranges(PUBLIC_TOPICS.map(({ name }) => name))) {
        records.set(topic, (records.get(topic) ?? 0) + end - start);
      }
      const nowMs = performance.now();
      this.#ends.push({ atMs: nowMs, records });
      while (this.#ends.length > 2 && this.#ends[1]!.atMs <= nowMs - RATE_WINDOW_MS) this.#ends.shift();
    } catch {
      // The follower says what is wrong with the log.
      await this.#log?.close().catch(() => {});
      this.#log = undefined;
      this.#ends = [];
    }
  }

  #rates(): PipelineHealth["topics"] {
    const first = this.#ends[0];
    const last = this.#ends.at(-1);
    if (first === undefined || last === undefined) return [];
    const seconds = Math.max(0.001, (last.atMs - first.atMs) / 1000);
    return [...last.records].map(([topic, records]) => {
      const grown = Math.max(0, records - (first.records.get(topic) ?? records));
      return { topic, records, appended_per_second: Math.round(grown / seconds * 10) / 10 };
    });
  }
}

async function ask(
  { name, address }: WatchedProcess,
  signal: AbortSignal,
): Promise<{ health: ProcessHealth; metrics: Map<string, number> }> {
  const get = async (path: string) => {
    const response = await fetch(`http://${address}${path}`, {
      redirect: "error",
      signal: AbortSignal.any([signal, AbortSignal.timeout(DEADLINE_MS)]),
    });
    return { ok: response.ok, text: await response.text() };
  };
  try {
    const [ready, page] = await Promise.all([get("/readyz"), get("/metrics")]);
    const metrics = readMetrics(page.text);
    const lag = [...metrics].filter(([metric]) => metric.endsWith("_lag_records"));
    const started = metrics.get("process_start_time_seconds");
    return {
      health: {
        name,
        status: ready.ok ? "ready" : "not_ready",
        detail: ready.ok ? null : ready.text.trim().slice(0, 500),
        lag_records: lag.length === 0 ? null : lag.reduce((sum, [, value]) => sum + value, 0),
        resident_memory_bytes: metrics.get("process_resident_memory_bytes") ?? null,
        started_at: started === undefined ? null : new Date(started * 1000).toISOString(),
      },
      metrics,
    };
  } catch {
    const detail = `Does not answer at ${address}`;
    const nothing = { lag_records: null, resident_memory_bytes: null, started_at: null };
    return { health: { name, status: "away", detail, ...nothing }, metrics: new Map() };
  }
}

/** Values of a page of Prometheus text; series of one name are added up. */
export function readMetrics(text: string): Map<string, number> {
  const metrics = new Map<string, number>();
  for (const line of text.split("\n")) {
    const match = /^([a-zA-Z_:][\w:]*)(?:\{.*\})? (\S+)/.exec(line);
    const value = Number(match?.[2]);
    if (match === null || !Number.isFinite(value)) continue;
    metrics.set(match[1]!, (metrics.get(match[1]!) ?? 0) + value);
  }
  return metrics;
}
