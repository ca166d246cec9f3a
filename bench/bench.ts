/**
 * `deno task bench`: measures every stage on both engines with the load of `workload.ts`. Figures belong to one
 * machine; what counts is how they compare. `bench/README.md` keeps the last ones.
 */

import { ALL_TOPICS } from "../events/topics.ts";
import type { EventLog } from "../event_log/event_log.ts";
import { openKafkaEventLog } from "../event_log/kafka_event_log.ts";
import { openSqliteEventLog } from "../event_log/sqlite_event_log.ts";
import { parseCommandLine } from "../process/command_line.ts";
import { freePort } from "../process/free_port.ts";
import { logger } from "../process/logger.ts";
import { OperatorError, runProcess } from "../process/run_process.ts";
import { openWarehouse } from "../warehouse/connect.ts";
import { GOLD_TABLES } from "../warehouse/gold_tables.ts";
import { MeasuredProcess, secondsUntil } from "./_measured_process.ts";
import type { Usage } from "./_measured_process.ts";
import { median, tableOf } from "./_report.ts";
import type { Figure } from "./_report.ts";
import { bookingRecords, flightRecords, FLIGHTS, streamEventRecords } from "./workload.ts";

const COMMAND_LINE = {
  usage: "deno task bench",
  description:
    "Measures append, consumer, lake writer, viewer metrics and ETL with events of 200 to 330 bytes on 600 flights.",
  options: {
    events: { type: "number", default: 1_000_000, min: 1000, integer: true, description: "Bookings" },
    runs: {
      type: "number",
      default: 3,
      min: 1,
      integer: true,
      description: "Runs of each stage; the median counts",
    },
    engine: {
      type: "text",
      default: "embedded",
      choices: ["embedded", "kafka", "both"],
      description: "Event log; kafka needs KAFKA_BROKERS",
    },
    "only-viewers": {
      type: "flag",
      description: "Measures nothing but the viewer windows; needs DATABASE_URL",
    },
    json: { type: "text", value: "FILE", description: "Also writes all runs to this file" },
  },
  notes: [
    "DATABASE_URL adds viewer metrics and the load into that Postgres; its gold tables and its schema realtime are",
    "dropped, so name a database of its own.",
  ],
} as const;

/** What one run of one stage gave. */
interface Run {
  stage: string;
  engine: string;
  events: number;
  seconds: number;
  usage?: Usage;
}

await runProcess(async (signal) => {
  const { values } = parseCommandLine(COMMAND_LINE, Deno.args);
  const engines = values.engine === "both" ? ["embedded", "kafka"] : [values.engine];
  if (engines.includes("kafka") && Deno.env.get("KAFKA_BROKERS") === undefined) {
    throw new OperatorError("--engine kafka needs KAFKA_BROKERS, such as 127.0.0.1:9092");
  }
  if (values["only-viewers"] && Deno.env.get("DATABASE_URL") === undefined) {
    throw new OperatorError("--only-viewers needs DATABASE_URL: a Postgres database that may be emptied");
  }
  const runs: Run[] = [];
  for (let run = 1; run <= values.runs; run++) {
    for (const engine of engines) {
      if (signal.aborted) return 1;
      logger.info(`Run ${run} of ${values.runs}, ${engine}`);
      for (const result of await measure(engine, values.events, values["only-viewers"])) {
        runs.push(result);
        logger.info(
          `  ${result.stage}: ${Math.round(result.events / result.seconds).toLocaleString("en")} events/s`,
        );
      }
    }
  }
  const figures = figuresOf(runs);
  logger.info("");
  logger.info(
    `${Deno.build.os} ${Deno.build.arch}, ${navigator.hardwareConcurrency} processors, Deno ${Deno.version.deno}`,
  );
  logger.info("");
  logger.info(tableOf(figures));
  if (values.json !== undefined) {
    await Deno.writeTextFile(values.json, JSON.stringify({ runs, figures }, null, 2) + "\n");
  }
  return 0;
});

function figuresOf(runs: Run[]): Figure[] {
  const groups = Map.groupBy(runs, ({ stage, engine }) => `${stage}\0${engine}`);
  return Array.from(groups.values(), (group) => ({
    stage: group[0]!.stage,
    engine: group[0]!.engine,
    eventsPerSecond: median(group.map(({ events, seconds }) => events / seconds)),
    eventsPerSecondMin: Math.min(...group.map(({ events, seconds }) => events / seconds)),
    eventsPerSecondMax: Math.max(...group.map(({ events, seconds }) => events / seconds)),
    seconds: median(group.map(({ seconds }) => seconds)),
    cpuSeconds: median(group.map(({ usage }) => usage?.cpuSeconds ?? 0)),
    residentBytesMax: Math.max(...group.map(({ usage }) => usage?.residentBytesMax ?? 0)),
  }));
}

/** One run of every stage, in a folder of its own. */
async function measure(engine: string, events: number, onlyViewers: boolean): Promise<Run[]> {
  const folder = await Deno.makeTempDir({ prefix: "airline-bench-" });
  const prefix = `bench-${crypto.randomUUID().slice(0, 8)}-`;
  const brokers = Deno.env.get("KAFKA_BROKERS");
  const env: Record<string, string> = Deno.env.toObject();
  delete env.KAFKA_BROKERS;
  Object.assign(env, {
    EVENT_LOG_FILE: `${folder}/data/event_log.sqlite`,
    LAKE_DIR: `${folder}/lake`,
    ...(engine === "kafka" ? { KAFKA_BROKERS: brokers, KAFKA_TOPIC_PREFIX: prefix } : {}),
  });
  await Deno.mkdir(`${folder}/data`);
  for (const name of ["raw", "gold", "rejected"]) {
    await Deno.mkdir(`${folder}/lake/${name}`, { recursive: true });
  }
  const log = engine === "kafka"
    ? await openKafkaEventLog({ brokers: brokers!.split(","), clientId: "bench", topicPrefix: prefix })
    : await openSqliteEventLog({ file: env.EVENT_LOG_FILE! });
  try {
    await log.createTopics([...ALL_TOPICS]);
    if (onlyViewers) return [await countViewers(log, engine, events, env)];
    const runs: Run[] = [];
    runs.push({ stage: "append", engine, events, seconds: await appendAll(log, events) });
    runs.push(await consume(engine, events, env));
    runs.push(await writeLake(engine, events, env));
    if (env.DATABASE_URL !== undefined) runs.push(await countViewers(log, engine, events, env));
    if (engine === "embedded") runs.push(...await buildGold(events, env));
    return runs;
  } finally {
    if (engine === "kafka") await log.deleteTopics((await log.listTopics()).map(({ name }) => name));
    await log.close();
    await Deno.remove(folder, { recursive: true });
  }
}

/** Seconds to append the bookings in calls of 5,000 records. */
async function appendAll(log: EventLog, events: number): Promise<number> {
  const appender = await log.appender();
  await appender.append([...flightRecords()]);
  const records = [...bookingRecords(events)];
  const startedMs = performance.now();
  for (let i = 0; i < records.length; i += 5000) await appender.append(records.slice(i, i + 5000));
  const seconds = (performance.now() - startedMs) / 1000;
  await appender.close();
  return seconds;
}

async function consume(engine: string, events: number, env: Record<string, string>): Promise<Run> {
  const port = freePort();
  const consumer = new MeasuredProcess("consumer", ["--metrics-port", String(port)], env);
  const seconds = await secondsUntil(port, "consumer_events_processed_total", events + FLIGHTS);
  return {
    stage: "consume, decide, commit exactly once",
    engine,
    events,
    seconds,
    usage: await consumer.stop(),
  };
}

/** The lake writer then has the bookings and as many metrics events. */
async function writeLake(engine: string, events: number, env: Record<string, string>): Promise<Run> {
  const port = freePort();
  const writer = new MeasuredProcess("lake", ["--metrics-port", String(port), "--seal-age", "5s"], env);
  const seconds = await secondsUntil(port, "lake_events_written_total", 2 * events);
  return { stage: "raw lake", engine, events: 2 * events, seconds, usage: await writer.stop() };
}

/** As many events of streams into minute windows, from an empty schema. */
async function countViewers(
  log: EventLog,
  engine: string,
  events: number,
  env: Record<string, string>,
): Promise<Run> {
  const appender = await log.appender();
  for (let at = 0; at < events; at += 5000) {
    await appender.append([...streamEventRecords(at, Math.min(events, at + 5000))]);
  }
  await appender.close();
  await dropFrom(env.DATABASE_URL!, ["drop schema if exists realtime cascade"]);
  const port = freePort();
  const viewers = new MeasuredProcess("viewer-metrics", ["--metrics-port", String(port)], env);
  const seconds = await secondsUntil(port, "viewer_events_processed_total", events);
  return {
    stage: "viewer windows into Postgres, exactly once",
    engine,
    events,
    seconds,
    usage: await viewers.stop(),
  };
}

/** Gold tables from that lake, and into Postgres where `DATABASE_URL` is given. */
async function buildGold(events: number, env: Record<string, string>): Promise<Run[]> {
  const timed = async (stage: string, args: string[]): Promise<Run> => {
    const startedMs = performance.now();
    const { usage } = await new MeasuredProcess("etl", args, env).exited();
    return {
      stage,
      engine: "embedded",
      events: 2 * events,
      seconds: (performance.now() - startedMs) / 1000,
      usage,
    };
  };
  const runs = [await timed("ETL into Parquet", ["--skip-warehouse"])];
  if (env.DATABASE_URL !== undefined) {
    // The load then fills new tables, as the first one of a warehouse does.
    await dropFrom(env.DATABASE_URL, GOLD_TABLES.map(({ name }) => `drop table if exists public.${name}`));
    runs.push(await timed("gold into Postgres", []));
  }
  return runs;
}

async function dropFrom(url: string, statements: string[]): Promise<void> {
  const warehouse = await openWarehouse({ url, embedded: false, applicationName: "bench", max: 1 });
  for (const statement of statements) await warehouse.sql.unsafe(statement);
  await warehouse.close();
}
