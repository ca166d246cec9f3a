/**
 * Process: what to tell people of a flight. Follows the flights that were fetched and writes a summary of each that changed
 * in a way that matters, by a model where one is given, else by a template. `deno task llm-summary-service`.
 *
 * @module
 */

import { FLIGHT_DATA_TOPIC, GROUPS } from "../events/topics.ts";
import { parseCommandLine } from "../process/command_line.ts";
import type { CommandLineSpec } from "../process/command_line.ts";
import { logger, RateLimitedLines } from "../process/logger.ts";
import { openEventLog } from "../process/open_event_log.ts";
import { runProcess } from "../process/run_process.ts";
import { WarehouseUnavailableError } from "../warehouse/connect.ts";
import { CircuitBreaker } from "./circuit_breaker.ts";
import { pause } from "./pause.ts";
import { PostgresSummaryStore } from "./postgres_summary_store.ts";
import { requestLog, runService, serviceAccess, serviceOptions } from "./run_service.ts";
import { createServiceApp } from "./service_app.ts";
import { ServiceMetrics } from "./service_metrics.ts";
import { SqliteSummaryStore } from "./sqlite_summary_store.ts";
import { addSummaryRoutes } from "./summary_app.ts";
import { SummaryConsumer } from "./summary_consumer.ts";
import { SummaryMetrics } from "./summary_metrics.ts";
import { SummaryModel } from "./summary_model.ts";
import { modelSettings, storePlace } from "./summary_settings.ts";
import type { ModelSettings, StorePlace } from "./summary_settings.ts";
import type { SummaryStore } from "./summary_store.ts";
import { SummaryWriter } from "./summary_writer.ts";
import { TokenBudget } from "./token_budget.ts";

const COMMAND_LINE = {
  usage: "deno task llm-summary-service",
  description: "Writes and serves what to tell people of a flight, by a model or a template.",
  options: {
    ...serviceOptions(8082),
    "least-shift": {
      type: "duration",
      default: "10m",
      minMs: 60_000,
      description: "A time of a flight that moved by less is not worth a new summary",
    },
    "tokens-per-minute": {
      type: "number",
      default: 20_000,
      min: 0,
      integer: true,
      description: "The model: what all instances on one store may cost in a minute",
    },
    "tokens-per-day": {
      type: "number",
      default: 500_000,
      min: 0,
      integer: true,
      description: "The model: what they may cost in a day, of UTC",
    },
    "model-calls": {
      type: "number",
      default: 4,
      min: 1,
      max: 64,
      integer: true,
      description: "The model: calls at the same time",
    },
    "session-timeout": {
      type: "duration",
      default: "10s",
      minMs: 1000,
      description: "Silence after which another one takes over this one's partitions",
    },
  },
  notes: [
    "Environment: OPENAI_API_KEY, OPENAI_BASE_URL, OPENAI_MODEL (without key and address the template writes all),",
    "TRACKER_DATABASE_URL or DATABASE_URL, else TRACKER_SUMMARIES_FILE, SERVICE_REGISTRY_URL, API_TOKEN, and the log's.",
    "Several share the work: start another with --port 0.",
  ],
} as const satisfies CommandLineSpec;

const STORE_RETRY_MS = 2000;
const STORE_CHECK_MS = 5000;
/** Each call that tries whether it is back may cost tokens. */
const MODEL_LEFT_ALONE_MS = 120_000;

/** What the parts of the process know of each other. */
interface Standing {
  /** Undefined until it is open. */
  store?: SummaryStore | undefined;
  storeIsAway: boolean;
  consumer?: SummaryConsumer;
}

async function main(signal: AbortSignal): Promise<void> {
  const { values } = parseCommandLine(COMMAND_LINE, Deno.args);
  const access = serviceAccess(values);
  const place = storePlace();
  const settings = modelSettings();
  const warnings = new RateLimitedLines({ perSecondMax: 2, print: logger.warn });
  const warn = (what: string) => warnings.say(() => what);
  const stop = new AbortController();
  const stopped = AbortSignal.any([signal, stop.signal]);

  const standing: Standing = { storeIsAway: true };
  const metrics = new ServiceMetrics();
  const summaryMetrics = new SummaryMetrics(metrics, {
    get assigned() {
      return standing.consumer?.assigned;
    },
  });
  const breaker = new CircuitBreaker({ openMs: MODEL_LEFT_ALONE_MS });
  const app = createServiceApp({
    name: "llm-summary-service",
    description: "What to tell people of a flight, written as it changes",
    metrics,
    access,
    health: () => ({
      store: {
        status: standing.storeIsAway ? "DOWN" : "UP",
        details: { kind: "file" in place ? "sqlite" : "postgres" },
      },
      // Without the log what is there is told on, and without the model the template writes.
      consumer: { status: "UP", details: { partitions: standing.consumer?.assigned ?? "not in the group" } },
      model: {
        status: "UP",
        details: settings === undefined
          ? { name: "template" }
          : { name: settings.model, left_alone: breaker.state === "open" },
      },
    }),
    ...requestLog(values),
  });
  const storeFailed = (error: unknown) => {
    standing.storeIsAway = true;
    warn(`The summaries cannot be read: ${(error as Error).message}`);
  };
  addSummaryRoutes(app, { store: () => standing.store, onStoreError: storeFailed });

  const consume = async () => {
    const store = standing.store = await openStore(place, stopped, warn);
    if (store === undefined) return;
    const watching = watchStore(store, standing, storeFailed, stopped);
    const writer = writerOf(settings, values, { store, breaker, metrics: summaryMetrics, warn });
    standing.consumer = consumerOf(values, { store, writer, metrics: summaryMetrics, warn });
    await standing.consumer.run(stopped);
    await watching;
  };
  let failure: unknown;
  const consuming = consume().catch((error) => {
    failure = error;
    stop.abort();
  });
  await runService({
    app: "LLM-SUMMARY-SERVICE",
    values,
    fetch: app.fetch,
    onListening(address) {
      logger.info("📝 Summary service started");
      logger.info(
        `   ${address}/api/v1/flight/UA15/summary, written by ${settings?.model ?? "the template"}, kept in ${
          "file" in place ? place.file : "Postgres"
        }`,
      );
    },
  }, stopped);
  await consuming;
  // Not before: until the end there were requests to be answered.
  await standing.store?.close();
  if (failure !== undefined) throw failure;
  logger.info("📝 Summary service stopped");
}

function consumerOf(
  values: { "least-shift": number; "session-timeout": number },
  { store, writer, metrics, warn }: {
    store: SummaryStore;
    writer: SummaryWriter;
    metrics: SummaryMetrics;
    warn: (what: string) => void;
  },
): SummaryConsumer {
  return new SummaryConsumer({
    open: () => openEventLog("llm-summary-service"),
    store,
    writer,
    group: GROUPS.summaries,
    topic: FLIGHT_DATA_TOPIC,
    leastShiftMs: values["least-shift"],
    sessionTimeoutMs: values["session-timeout"],
    onError: warn,
    observer: {
      started({ partition, offset, lostRecords }) {
        logger.info(`   partition ${partition} from record ${offset}`);
        if (lostRecords === 0) return;
        warn(
          `${lostRecords} records of ${FLIGHT_DATA_TOPIC}/${partition} are gone from the log: its retention removed them before they were read`,
        );
      },
      committed: (info) => metrics.committed(info),
      closed: (partition) => metrics.closed(partition),
      positionFailed: (error) =>
        warn(`The log did not take the group's position: ${(error as Error).message}`),
    },
  });
}

function writerOf(
  settings: ModelSettings | undefined,
  values: { "tokens-per-minute": number; "tokens-per-day": number; "model-calls": number },
  { store, breaker, metrics, warn }: {
    store: SummaryStore;
    breaker: CircuitBreaker;
    metrics: SummaryMetrics;
    warn: (what: string) => void;
  },
): SummaryWriter {
  if (settings === undefined) return new SummaryWriter();
  const budget = new TokenBudget({
    counters: store,
    perMinute: values["tokens-per-minute"],
    perDay: values["tokens-per-day"],
  });
  return new SummaryWriter({
    model: new SummaryModel({ ...settings, budget, breaker, onCall: (call) => metrics.called(call) }),
    callsMax: values["model-calls"],
    onFallback(reason, message) {
      metrics.fellBack(reason);
      warn(`The template writes: ${message}`);
    },
  });
}

/** Opens the store, a server that is away again until it answers; undefined where it is to stop first. */
async function openStore(
  place: StorePlace,
  signal: AbortSignal,
  warn: (what: string) => void,
): Promise<SummaryStore | undefined> {
  if ("file" in place) return await SqliteSummaryStore.open(place.file);
  while (!signal.aborted) {
    try {
      return await PostgresSummaryStore.open(place);
    } catch (error) {
      if (!(error instanceof WarehouseUnavailableError)) throw error;
      warn(`${error.message}; trying again until it answers`);
    }
    await pause(STORE_RETRY_MS, signal);
  }
  return undefined;
}

/** Asks now and then whether the store answers, for the health. */
async function watchStore(
  store: SummaryStore,
  standing: Standing,
  onError: (error: unknown) => void,
  signal: AbortSignal,
): Promise<void> {
  while (!signal.aborted) {
    try {
      await store.check();
      standing.storeIsAway = false;
    } catch (error) {
      onError(error);
    }
    await pause(STORE_CHECK_MS, signal);
  }
}

if (import.meta.main) await runProcess(main);
