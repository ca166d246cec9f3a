/**
 * Process: where a flight is. Asks AeroAPI where a key is given, else our own simulated network; keeps answers for five
 * minutes in Redis or memory, and tells the log what it fetched. `deno task flightdata-service`.
 *
 * @module
 */

import { FLIGHT_DATA_TOPIC, PUBLIC_TOPICS } from "../events/topics.ts";
import { parseCommandLine, UsageError } from "../process/command_line.ts";
import type { CommandLineSpec } from "../process/command_line.ts";
import { logger, RateLimitedLines } from "../process/logger.ts";
import { openEventLog } from "../process/open_event_log.ts";
import { runProcess } from "../process/run_process.ts";
import { setting } from "../process/settings.ts";
import { AeroApiSource } from "./aeroapi_source.ts";
import { MemoryStore } from "./cache_store.ts";
import type { CacheStore } from "./cache_store.ts";
import { CallBudget } from "./call_budget.ts";
import { FlightCache } from "./flight_cache.ts";
import { addFlightRoutes, FlightDataMetrics } from "./flight_data_app.ts";
import { FlightOutbox } from "./flight_outbox.ts";
import type { FlightSource } from "./flight_source.ts";
import { LogLink } from "./log_link.ts";
import { RedisStore } from "./redis_store.ts";
import { requestLog, runService, serviceAccess, serviceOptions } from "./run_service.ts";
import { createServiceApp } from "./service_app.ts";
import { ServiceMetrics } from "./service_metrics.ts";
import { simulatedNetwork } from "./simulated_network.ts";

const COMMAND_LINE = {
  usage: "deno task flightdata-service",
  description: "Serves where a flight is, from FlightAware's AeroAPI or our own simulated network.",
  options: {
    ...serviceOptions(8081),
    ttl: {
      type: "duration",
      default: "300s",
      minMs: 1000,
      description: "How long an answer is kept",
    },
    "result-sets-per-minute": {
      type: "number",
      default: 10,
      min: 0,
      integer: true,
      description:
        "AeroAPI: what may be asked for in a minute; by all that share a Redis, else by this process",
    },
    "result-sets-per-day": {
      type: "number",
      default: 300,
      min: 0,
      integer: true,
      description: "AeroAPI: the same for a day, of UTC",
    },
    seed: {
      type: "number",
      default: 1,
      min: 0,
      integer: true,
      description: "Simulated network: the producer's --seed",
    },
    "flights-per-day": {
      type: "text",
      value: "NUMBER",
      default: "all",
      description: "Simulated network: the producer's --flights-per-day; all tells of those and more",
    },
  },
  notes: [
    "Environment: FLIGHTAWARE_API_KEY, FLIGHTAWARE_BASE_URL, REDIS_URL, SERVICE_REGISTRY_URL, API_TOKEN, and the log's.",
    "Several share the work: start another with --port. With Redis they share the budget, too.",
  ],
} as const satisfies CommandLineSpec;

const OUTBOX_CLOSE_MS = 3000;

async function main(signal: AbortSignal): Promise<void> {
  const { values } = parseCommandLine(COMMAND_LINE, Deno.args);
  const access = serviceAccess(values);
  const warnings = new RateLimitedLines({ perSecondMax: 2, print: logger.warn });
  const warn = (what: string) => (error: unknown) =>
    warnings.say(() => `${what}: ${error instanceof Error ? error.message : String(error)}`);
  const log = new LogLink(
    () => openEventLog("flightdata-service"),
    PUBLIC_TOPICS.filter(({ name }) => name === FLIGHT_DATA_TOPIC),
  );
  const outbox = new FlightOutbox({
    append: (records) => log.append(records),
    onError: warn("The log does not take what was fetched, tried again every second"),
  });
  const metrics = new ServiceMetrics();
  const flightMetrics = new FlightDataMetrics(metrics, outbox);
  const store = openStore();
  const source = await openSource(values, store, (call) => flightMetrics.called(call));
  const cache = new FlightCache({
    source,
    store,
    ttlMs: values.ttl,
    onFetched: (flight) => outbox.put(flight),
    onError: warn("A flight was not fetched anew"),
  });
  const app = createServiceApp({
    name: "flightdata-service",
    description: "Where a flight is, with a cache before the source",
    metrics,
    access,
    health: () => ({
      source: source instanceof AeroApiSource
        ? { status: source.breaker.state === "open" ? "DOWN" : "UP", details: { name: source.name } }
        : { status: "UP", details: { name: source.name } },
      // Without Redis or the log it works on: memory stands in, and what was fetched is sent later.
      cache: {
        status: "UP",
        details: {
          store: store.name,
          ...(store instanceof RedisStore ? { connected: store.connected } : {}),
        },
      },
      outbox: { status: "UP", details: { waiting: outbox.waiting } },
    }),
    ...requestLog(values),
  });
  addFlightRoutes(app, { cache, metrics: flightMetrics, ttlMs: values.ttl });
  await runService({
    app: "FLIGHTDATA-SERVICE",
    values,
    fetch: app.fetch,
    onListening(address) {
      logger.info("🛰️ Flight data service started");
      logger.info(`   ${address}/api/v1/flight/UA15, from ${source.name}, kept in ${store.name}`);
    },
  }, signal);
  const lost = await outbox.close(OUTBOX_CLOSE_MS);
  if (lost > 0) logger.warn(`The log took no records: ${lost} flights that were fetched are not in it`);
  await log.close();
  await store.close();
  logger.info("🛰️ Flight data service stopped");
}

async function openSource(
  values: {
    "result-sets-per-minute": number;
    "result-sets-per-day": number;
    seed: number;
    "flights-per-day": string;
  },
  store: CacheStore,
  onCall: (call: { seconds: number; outcome: string }) => void,
): Promise<FlightSource> {
  const apiKey = setting("FLIGHTAWARE_API_KEY");
  if (apiKey === undefined) {
    const { seed, "flights-per-day": perDay } = values;
    const all = perDay === "all" || perDay === "0";
    if (!all && !/^[1-9]\d{0,5}$/.test(perDay)) {
      throw new UsageError(`--flights-per-day is "${perDay}", expected a whole number, or all`);
    }
    return await simulatedNetwork({ seed, flightsPerDay: all ? undefined : Number(perDay) });
  }
  if (!/^[!-~]+$/.test(apiKey)) throw new UsageError("FLIGHTAWARE_API_KEY holds characters that no key has");
  const baseUrl = setting("FLIGHTAWARE_BASE_URL")!;
  const url = URL.canParse(baseUrl) ? new URL(baseUrl) : undefined;
  const onLoopback = url?.protocol === "http:" &&
    /^(localhost|127\.\d+\.\d+\.\d+|\[::1\])$/.test(url.hostname);
  if (url === undefined || (url.protocol !== "https:" && !onLoopback)) {
    throw new UsageError(
      "FLIGHTAWARE_BASE_URL is no https address, expected one such as https://aeroapi.flightaware.com/aeroapi",
    );
  }
  const budget = new CallBudget({
    perMinute: values["result-sets-per-minute"],
    perDay: values["result-sets-per-day"],
    ...(store instanceof RedisStore ? { shared: store } : {}),
  });
  return new AeroApiSource({ baseUrl, apiKey, budget, onCall });
}

function openStore(): CacheStore {
  const url = setting("REDIS_URL");
  if (url === undefined) return new MemoryStore();
  if (!URL.canParse(url) || !/^rediss?:$/.test(new URL(url).protocol)) {
    throw new UsageError("REDIS_URL is no address of a Redis, expected one such as redis://127.0.0.1:6379");
  }
  return new RedisStore({
    url,
    onState({ connected, why }) {
      if (connected) logger.info("   Redis answers");
      else logger.warn(`Redis is away, memory stands in: ${why}`);
    },
  });
}

if (import.meta.main) await runProcess(main);
