/**
 * One record in a hundred is bad, in every way that we know, and some are merely strange. Whatever comes, the good ones
 * around it are processed, and each bad one is a dead letter of each group that refuses it: good, dead and known
 * repetitions together are all that was sent. The ETL reads the lake and a file of another program with bad lines in it.
 *
 * @module
 */

import { Kafka, logLevel } from "kafkajs";
import { Buffer } from "node:buffer";
import { GROUPS } from "../../events/topics.ts";
import type { Appender, NewRecord } from "../../event_log/event_log.ts";
import { REFUSED } from "../events/_refused_records.ts";
import { type ExamPipeline, openExamPipeline, type Part } from "./_exam_pipeline.ts";
import { Findings } from "./_findings.ts";
import {
  checkDeadLetters,
  checkEngine,
  checkLake,
  expectedFacts,
  type Placed,
  placesOf,
} from "./_poison_checks.ts";
import type { SentRecord } from "./_poison_kinds.ts";
import { PoisonLoad } from "./_poison_load.ts";
import type { Experiment, Round, RoundResult } from "./experiment.ts";

const GOOD_PER_BAD = 99;
const CHUNK = 500;
const INPUTS = ["flight_lifecycle", "bookings", "seat_inventory", "inventory-engine-repartition"];
const LAKE_TOPICS = [
  ...INPUTS.slice(0, 3),
  "seat_map",
  "inventory_metrics",
  "promo_decisions",
  "dead_letters",
];
const FREE_PORT = ["--metrics-port", "0"];

async function run(round: Round): Promise<RoundResult> {
  const pipeline = await openExamPipeline(round);
  try {
    const findings = new Findings();
    const warehouse = await startWarehouse(pipeline);
    const parts = {
      consumer: pipeline.start("consumer", FREE_PORT),
      lake: pipeline.start("lake", [...FREE_PORT, "--seal-age", "1s"]),
    };
    await parts.consumer.says("Partition 2");
    const { sent, seats } = await send(pipeline, round);
    const metrics = await metricsOf(parts.consumer);
    await stopped(parts.consumer, "consumer", findings);
    await stopped(parts.lake, "lake writer", findings);
    const records = await placesOf(pipeline, sent, findings);
    await checkEngine(pipeline, records, seats, findings);
    const letters = await checkDeadLetters(pipeline, records, findings);
    await checkLake(pipeline, records, findings);
    checkMetrics(metrics, records, findings);
    await checkEtl(pipeline, records, findings);
    await warehouse?.stop();
    const count = (is: (record: Placed) => boolean) => records.filter(is).length;
    return {
      faults: round.faults,
      ...findings.result(),
      recoveryMs: [],
      figures: {
        sent: sent.length,
        good: count(({ engine, lake }) => typeof engine !== "object" && lake === "line"),
        repetitions: count(({ engine }) => engine === "duplicate"),
        deadLetters: letters,
      },
    };
  } finally {
    await pipeline.close();
  }
}

async function startWarehouse(pipeline: ExamPipeline): Promise<Part | undefined> {
  if (pipeline.pair === "real") {
    const { code, output } = await pipeline.run("warehouse");
    if (code !== 0) throw new Error(`The warehouse cannot be prepared: ${output}`);
    return undefined;
  }
  const warehouse = pipeline.start("warehouse");
  await warehouse.says(pipeline.env.WAREHOUSE_PORT!, 60_000);
  return warehouse;
}

async function stopped(part: Part, name: string, findings: Findings): Promise<void> {
  const code = await part.stop();
  if (code !== 0) findings.violation(`The ${name} ended with ${code}: ${part.output.slice(-500)}`);
}

/** Sends the load while consumer and lake writer run, and waits until they have taken all of it. */
async function send(
  pipeline: ExamPipeline,
  round: Round,
): Promise<{ sent: SentRecord[]; seats: Map<string, number> }> {
  const total = round.faults * (GOOD_PER_BAD + 1);
  const withBytes = round.engine === "kafka";
  const load = new PoisonLoad(round.random, { total, withBytes, nowMs: Date.now() });
  const sent: SentRecord[] = [];
  const sender = await Sender.open(pipeline);
  try {
    const sendAll = async (records: SentRecord[]) => {
      for (const record of records) sent.push(record);
      await sender.send(records);
    };
    await sendAll(load.first());
    for (let made = 0, bad = 0; made < total;) {
      round.signal.throwIfAborted();
      const count = Math.min(CHUNK, total - made);
      made += count;
      const badNow = Math.round(round.faults * made / total) - bad;
      await sendAll(load.take(count, badNow));
      round.progress(bad += badNow);
    }
    await caughtUp(pipeline);
    await sendAll(load.last());
    await caughtUp(pipeline);
    return { sent, seats: load.seats };
  } finally {
    await sender.close();
  }
}

/** What is passed on is input once more. */
async function caughtUp(pipeline: ExamPipeline): Promise<void> {
  await pipeline.caughtUp(GROUPS.engine, INPUTS, 180_000);
  await pipeline.caughtUp(GROUPS.engine, INPUTS, 180_000);
  await pipeline.caughtUp(
    GROUPS.lake,
    LAKE_TOPICS.filter((topic) => topic !== "inventory-engine-repartition"),
    180_000,
  );
}

/** Sends text by our log, and bytes as another program does. */
class Sender {
  readonly #appender: Appender;
  readonly #foreign: ReturnType<Kafka["producer"]> | undefined;
  readonly #prefix: string;

  private constructor(
    appender: Appender,
    foreign: ReturnType<Kafka["producer"]> | undefined,
    prefix: string,
  ) {
    this.#appender = appender;
    this.#foreign = foreign;
    this.#prefix = prefix;
  }

  static async open({ log, pair, env }: ExamPipeline): Promise<Sender> {
    const appender = await log.appender();
    if (pair === "embedded") return new Sender(appender, undefined, "");
    const kafka = new Kafka({
      brokers: env.KAFKA_BROKERS!.split(","),
      clientId: "stranger",
      logLevel: logLevel.NOTHING,
    });
    const foreign = kafka.producer({ createPartitioner: () => ({ message }) => message.partition! });
    await foreign.connect();
    return new Sender(appender, foreign, env.KAFKA_TOPIC_PREFIX!);
  }

  /** In order: a record of bytes waits for the text before it. */
  async send(records: readonly SentRecord[]): Promise<void> {
    let texts: NewRecord[] = [];
    const flush = async () => {
      if (texts.length > 0) await this.#appender.append(texts);
      texts = [];
    };
    for (const { topic, partition, key, value, headers } of records) {
      const isText = [key, value, ...Object.values(headers ?? {})].every((part) =>
        !(part instanceof Uint8Array)
      );
      if (isText) {
        texts.push(
          { topic, partition, key, value, ...(headers === undefined ? {} : { headers }) } as NewRecord,
        );
        continue;
      }
      await flush();
      const bytes = (part: string | Uint8Array) => typeof part === "string" ? part : Buffer.from(part);
      await this.#foreign!.send({
        topic: this.#prefix + topic,
        messages: [{
          partition,
          key: key === null ? null : bytes(key),
          value: value === null ? null : bytes(value),
          headers: Object.fromEntries(
            Object.entries(headers ?? {}).map(([name, part]) => [name, bytes(part)]),
          ),
        }],
      });
    }
    await flush();
  }

  async close(): Promise<void> {
    await this.#appender.close();
    await this.#foreign?.disconnect();
  }
}

/** What the consumer counts itself, as Prometheus sees it. */
async function metricsOf(consumer: Part): Promise<Map<string, number>> {
  const url = /http:\S+\/metrics/.exec(consumer.output)![0];
  const text = await (await fetch(url)).text();
  const sums = new Map<string, number>();
  for (const line of text.split("\n")) {
    const match = /^([a-z_]+)(?:\{[^}]*\})? (\S+)$/.exec(line);
    if (match !== null) sums.set(match[1]!, (sums.get(match[1]!) ?? 0) + Number(match[2]));
  }
  return sums;
}

function checkMetrics(metrics: Map<string, number>, records: readonly Placed[], findings: Findings): void {
  const expected = {
    consumer_dead_letters_total: records.filter(({ engine }) => typeof engine === "object").length,
    consumer_duplicates_total: records.filter(({ engine }) => engine === "duplicate").length,
  };
  for (const [name, count] of Object.entries(expected)) {
    findings.checked++;
    if (metrics.get(name) !== count) {
      findings.violation(`${name} is ${metrics.get(name)}, it must be ${count}`);
    }
  }
}

/** Lines of another program: every second is bad, and the last one is not ended yet. */
function foreignLines(): {
  bytes: Uint8Array;
  bad: number;
  facts: { rows: number; bookings: number; cents: number };
} {
  const refused = REFUSED.filter(([, topic, value, reason]) =>
    topic === "bookings" && value !== null && value.trim() !== "" && reason !== "event_time"
  );
  const good = refused.map((_, at) =>
    JSON.stringify({
      event_type: "BookingCreated",
      event_time: "2025-11-24T10:15:30.123456+00:00",
      booking_id: `python-${at}`,
      flight_id: "BA210_2025-11-28",
      fare_bucket: "K",
      total_price: 140,
      passengers: [{ passenger_id: "P1" }],
    })
  );
  const lines = refused.flatMap(([, , value], at) => [good[at]!, value!.replaceAll("\n", " ")]);
  const text = Buffer.from(lines.join("\n") + '\n{"event_type":"Book');
  const notText = Buffer.concat([
    Buffer.from('{"event_type":"Caf'),
    Buffer.from([0xe9]),
    Buffer.from('"}\n'),
  ]);
  return {
    bytes: Buffer.concat([notText, text]),
    bad: refused.length + 1,
    facts: { rows: good.length, bookings: good.length, cents: 14_000 * good.length },
  };
}

async function checkEtl(
  pipeline: ExamPipeline,
  records: readonly Placed[],
  findings: Findings,
): Promise<void> {
  const foreign = foreignLines();
  await Deno.writeFile(`${pipeline.env.LAKE_DIR}/raw/bookings/2025-11-24_10.jsonl`, foreign.bytes);
  for (const time of ["first", "second"]) {
    const etl = await pipeline.run("etl");
    findings.checked++;
    if (etl.code !== 0) {
      findings.violation(`The ${time} ETL run ended with ${etl.code}: ${etl.output.slice(-500)}`);
    }
    const own = expectedFacts(records);
    const expected = {
      rows: own.rows + foreign.facts.rows,
      bookings: own.bookings + foreign.facts.bookings,
      cents: own.cents + foreign.facts.cents,
    };
    const { piped, output } = await pipeline.run("sql", [
      "--format",
      "csv",
      "select count(*), count(distinct booking_id), round(sum(passenger_price) * 100) from fact_booking",
    ]);
    const [rows, bookings, cents] = (piped.trim().split("\n")[1] ?? "").split(",").map(Number);
    findings.checked += expected.rows;
    if (rows !== expected.rows || bookings !== expected.bookings || cents !== expected.cents) {
      findings.violation(
        `After the ${time} ETL run fact_booking has ${rows} rows, ${bookings} bookings, ${cents} hundredths, expected ` +
          `${JSON.stringify(expected)}: ${output.slice(-300)}`,
      );
    }
    const rejected = await Deno.readTextFile(`${pipeline.env.LAKE_DIR}/rejected/bookings.ndjson`).catch(() =>
      ""
    );
    const count = rejected.split("\n").filter((line) => line !== "").length;
    if (count !== foreign.bad) {
      findings.violation(`${count} lines were rejected after the ${time} run, ${foreign.bad} are bad`);
    }
  }
  const verify = await pipeline.run("verify", ["--complete"]);
  if (verify.code !== 0) findings.violation(`verify: ${verify.output.slice(-2500)}`);
}

export const experiment: Experiment = {
  number: 12,
  name: "poison",
  fault: "1 % bad records of many kinds, in every topic and in a foreign file of the lake",
  mustHold: "all good ones processed; good, dead letters and repetitions are all that was sent",
  engines: ["embedded", "kafka"],
  needs: (engine) => engine === "kafka" ? ["postgres"] : [],
  faults: { short: { embedded: 100, kafka: 100 }, full: { embedded: 1000, kafka: 1000 } },
  faultsPerRound: 1000,
  run,
  controls: [],
};
