/**
 * One record in a hundred is bad, in every way that we know, and some are merely strange. Whatever comes, the good ones
 * around it are processed, and each bad one is a dead letter of each group that refuses it: good, dead and known
 * repetitions together are all that was sent. The ETL reads the lake and a file of another program with bad lines in it.
 *
 * @module
 */

import { GROUPS } from "../../events/topics.ts";
import { type ExamPipeline, openExamPipeline, type Part } from "./_exam_pipeline.ts";
import { Findings } from "./_findings.ts";
import { checkDeadLetters, checkEngine, checkLake, type Placed, placesOf } from "./_poison_checks.ts";
import { checkEtl } from "./_poison_etl.ts";
import type { SentRecord } from "./_poison_kinds.ts";
import { PoisonLoad } from "./_poison_load.ts";
import { PoisonSender } from "./_poison_sender.ts";
import type { Experiment, Round, RoundResult } from "./experiment.ts";

const GOOD_PER_BAD = 99;
const CHUNK = 500;
/** Kinds come in turn: enough for each guard to be needed. */
const CONTROL_FAULTS = 20;
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
  const pipeline = await openExamPipeline(round, { warehouse: true });
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
    // A lake that is wrong already says nothing of the ETL.
    if (findings.violations.length === 0) await checkEtl(pipeline, records, findings);
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
  const sender = await PoisonSender.open(pipeline);
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
  controls: [
    {
      guard: "the consumer stores a dead letter of what it refuses",
      engines: ["embedded", "kafka"],
      mutations: [{
        file: "streaming/partition_task.ts",
        from:
          "        this.#refusals.push({ record: origin, reason: outcome.reason, message: outcome.message });\n",
        to: "",
      }],
      faults: CONTROL_FAULTS,
    },
    {
      guard: "the lake writer stores a dead letter of what it refuses",
      engines: ["embedded", "kafka"],
      mutations: [{
        file: "lake/lake_session.ts",
        from: "      this.#deadLetters.add(record, refusal);\n",
        to: "",
      }],
      faults: CONTROL_FAULTS,
    },
    {
      guard: "a booking that comes again does not count",
      engines: ["embedded"],
      mutations: [{
        file: "streaming/inventory_engine.ts",
        from: "if (flight.seatsByBooking.get(event.booking_id) !== undefined) {",
        to: "if (event.booking_id === undefined) {",
      }],
      faults: CONTROL_FAULTS,
    },
    {
      guard: "lines that name a field twice are read with care",
      engines: ["embedded"],
      mutations: [{ file: "etl/line_scan.ts", from: " && !names.found(bytes)", to: "" }],
      faults: CONTROL_FAULTS,
    },
    {
      guard: "lines that no table takes are kept as rejected",
      engines: ["embedded"],
      mutations: [{
        file: "etl/careful_lines.ts",
        from: "      await rejected.add({\n",
        to: "      await Promise.resolve({\n",
      }],
      faults: CONTROL_FAULTS,
    },
  ],
};
