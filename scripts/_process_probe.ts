/** Asks the processes, from outside, how they do: what `status`, `doctor` and `stop` go by. */

import { WarehouseUnavailableError } from "../warehouse/connect.ts";
import { openWarehouse } from "../warehouse/connect.ts";
import { databaseUrl, setting, warehousePort, watchedProcesses } from "../process/settings.ts";
import { parseDatabaseUrl, shownHost } from "../warehouse/database_address.ts";
import type { RunningPart, RunRecord } from "./_run_record.ts";

/** A process as it was found. */
export interface PartHealth extends RunningPart {
  /** `taken`: something answers there that is none of our processes. */
  state: "ready" | "not ready" | "away" | "taken";
  /** Why it is not ready; null where it is. */
  detail: string | null;
  /** Records it has still to take; null where it has no input or is away. */
  lag_records: number | null;
  resident_memory_bytes: number | null;
  started_at: string | null;
}

const DEADLINE_MS = 2000;
/** An embedded warehouse serves one client after the other. */
const WAREHOUSE_DEADLINE_MS = 5000;

const TRACKER_PARTS: readonly RunningPart[] = [
  { name: "service-registry", kind: "service", address: "127.0.0.1:8761" },
  { name: "flightdata-service", kind: "service", address: "127.0.0.1:8081" },
  { name: "llm-summary-service", kind: "service", address: "127.0.0.1:8082" },
  { name: "api-gateway", kind: "service", address: "127.0.0.1:8080" },
];

/**
 * Every process there can be: where `runs` have it, else at its default address. With `PIPELINE_PROCESSES=none` nobody is
 * looked for who was not started by them, but the warehouse.
 */
export function knownParts(runs: readonly RunRecord[]): RunningPart[] {
  const running = new Map(runs.flatMap(({ parts }) => parts).map((part) => [part.name, part]));
  const pipeline = watchedProcesses().map(({ name, address }): RunningPart => ({
    // In the default list the runner of the ETL is called by what it runs.
    name: name === "etl" ? "etl-runner" : name,
    kind: "pipeline",
    address,
  }));
  const { url, embedded } = databaseUrl();
  const warehouse: RunningPart = {
    name: "warehouse",
    kind: "warehouse",
    address: embedded ? `127.0.0.1:${warehousePort()}` : shownHost(parseDatabaseUrl(url)),
  };
  const api: RunningPart = { name: "api", kind: "api", address: "127.0.0.1:8000" };
  const usual = pipeline.length === 0 ? [warehouse] : [...pipeline, api, warehouse, ...TRACKER_PARTS];
  const further = [...running.values()].filter(({ name }) => !usual.some((part) => part.name === name));
  return [...further, ...usual.map((part) => running.get(part.name) ?? part)];
}

/** Asks a process; never throws. */
export async function probe(part: RunningPart): Promise<PartHealth> {
  const nothing = { lag_records: null, resident_memory_bytes: null, started_at: null };
  try {
    if (part.kind === "warehouse") return { ...part, ...nothing, ...await probeWarehouse() };
    return { ...part, ...nothing, ...await probeHttp(part) };
  } catch (error) {
    if (await answers(part.address)) {
      return { ...part, ...nothing, state: "taken", detail: `Another program answers at ${part.address}` };
    }
    const said = error instanceof WarehouseUnavailableError ? error.message : undefined;
    return { ...part, ...nothing, state: "away", detail: said ?? `Does not answer at ${part.address}` };
  }
}

type Found = Partial<PartHealth> & Pick<PartHealth, "state" | "detail">;

async function probeWarehouse(): Promise<Found> {
  const { url, embedded } = databaseUrl();
  const asking = (async () => {
    const warehouse = await openWarehouse({ url, embedded, applicationName: "airline-status", max: 1 });
    await warehouse.close();
  })();
  asking.catch(() => {});
  let timer: ReturnType<typeof setTimeout> | undefined;
  const late = new Promise<"late">((resolve) => timer = setTimeout(resolve, WAREHOUSE_DEADLINE_MS, "late"));
  const answer = await Promise.race([asking, late]).finally(() => clearTimeout(timer));
  if (answer !== "late") return { state: "ready", detail: null };
  return {
    state: "not ready",
    detail: `It has not answered for ${WAREHOUSE_DEADLINE_MS / 1000} s: others are being served`,
  };
}

const PATHS = {
  pipeline: { ready: "/readyz", metrics: "/metrics" },
  api: { ready: "/readyz", metrics: "/prometheus" },
  service: { ready: "/actuator/health", metrics: "/actuator/prometheus" },
} as const;

async function probeHttp({ kind, address }: RunningPart): Promise<Found> {
  const paths = PATHS[kind as keyof typeof PATHS];
  const token = setting("API_TOKEN");
  const get = async (path: string) => {
    const response = await fetch(`http://${address}${path}`, {
      redirect: "error",
      headers: token === undefined || kind === "pipeline" ? {} : { authorization: `Bearer ${token}` },
      signal: AbortSignal.timeout(DEADLINE_MS),
    });
    return { status: response.status, text: await response.text() };
  };
  const [ready, page] = await Promise.all([get(paths.ready), get(paths.metrics)]);
  if (ready.status !== 200 && ready.status !== 503) throw new Error("This is none of our processes");
  const metrics = readPage(page.text);
  const lags = [...metrics].filter(([name]) => name.endsWith("_lag_records"));
  const startedSeconds = metrics.get("process_start_time_seconds");
  return {
    state: ready.status === 200 ? "ready" : "not ready",
    detail: ready.status === 200 ? null : reasonOf(ready.text),
    lag_records: lags.length === 0 ? null : lags.reduce((sum, [, value]) => sum + value, 0),
    resident_memory_bytes: metrics.get("process_resident_memory_bytes") ?? null,
    started_at: startedSeconds === undefined ? null : new Date(startedSeconds * 1000).toISOString(),
  };
}

/** What a process says of itself: a line, or the components of an actuator that are down. */
function reasonOf(text: string): string {
  try {
    const { components } = JSON.parse(text) as { components: Record<string, { status: string }> };
    const down = Object.entries(components).filter(([, { status }]) => status !== "UP").map(([name]) => name);
    return `down: ${down.join(", ")}`;
  } catch {
    return text.trim().split("\n")[0]!.slice(0, 300);
  }
}

/** Values of a page of Prometheus text; series of one name are added up. */
function readPage(text: string): Map<string, number> {
  const metrics = new Map<string, number>();
  for (const line of text.split("\n")) {
    const match = /^([a-zA-Z_:][\w:]*)(?:\{.*\})? (\S+)/.exec(line);
    const value = Number(match?.[2]);
    if (match === null || !Number.isFinite(value)) continue;
    metrics.set(match[1]!, (metrics.get(match[1]!) ?? 0) + value);
  }
  return metrics;
}

async function answers(address: string): Promise<boolean> {
  const at = address.lastIndexOf(":");
  const hostname = address.slice(0, at).replace(/^\[|\]$/g, "");
  try {
    const signal = AbortSignal.timeout(DEADLINE_MS);
    (await Deno.connect({ hostname, port: Number(address.slice(at + 1)), signal })).close();
    return true;
  } catch {
    return false;
  }
}
