/** The whole pipeline as processes, undisturbed and killed again and again; `verify` is the judge. */

import { ok, strictEqual } from "node:assert/strict";
import { ENGINE_INPUT_TOPICS, GROUPS } from "../../events/topics.ts";
import { pipelineTest } from "./_pipeline.ts";
import type { Part, Pipeline } from "./_pipeline.ts";
import type { PartName } from "../../scripts/launcher.ts";

const INPUTS = [...ENGINE_INPUT_TOPICS, "inventory-engine-repartition"];
const FREE_PORT = ["--metrics-port", "0"];

const PRODUCER = [
  ...FREE_PORT,
  "--seed",
  "5",
  "--start-date",
  "2026-03-02",
  "--flights-per-day",
  "12",
  "--backfill",
  "2d",
];

function startConsumer(pipeline: Pipeline): Part {
  return pipeline.start("consumer", [
    ...FREE_PORT,
    "--session-timeout",
    pipeline.pair === "real" ? "6s" : "2s",
  ]);
}

/** The embedded warehouse where it is needed, ready. */
async function startWarehouse(pipeline: Pipeline): Promise<Part | undefined> {
  if (pipeline.pair === "real") {
    const { code, output } = await pipeline.run("warehouse");
    strictEqual(code, 0, output);
    return undefined;
  }
  const warehouse = pipeline.start("warehouse");
  await warehouse.says(pipeline.env.WAREHOUSE_PORT!);
  return warehouse;
}

/** Drains everything that was produced into the lake and the warehouse. */
async function drain(pipeline: Pipeline, parts: { consumer: Part; lake: Part }): Promise<void> {
  await pipeline.caughtUp(GROUPS.engine, INPUTS);
  strictEqual(await parts.consumer.stop(), 0, parts.consumer.output);
  strictEqual(await parts.lake.stop(), 0, parts.lake.output);
  const rest = pipeline.start("lake", [...FREE_PORT, "--seal-age", "1s"]);
  await pipeline.caughtUp(GROUPS.lake, [
    "bookings",
    "flight_lifecycle",
    "inventory_metrics",
    "promo_decisions",
  ]);
  strictEqual(await rest.stop(), 0, rest.output);
}

async function assertVerified(pipeline: Pipeline): Promise<void> {
  const { code, output } = await pipeline.run("verify", ["--complete"]);
  strictEqual(code, 0, output);
}

pipelineTest(
  "producer, consumer, lake, ETL and warehouse agree at the end, and a second ETL run changes nothing",
  async (pipeline) => {
    const warehouse = await startWarehouse(pipeline);
    const consumer = startConsumer(pipeline);
    const lake = pipeline.start("lake", [...FREE_PORT, "--seal-age", "1s"]);
    const producer = pipeline.start("producer", [...PRODUCER, "--rate", "0", "--limit", "30000"]);
    strictEqual(await producer.exited(), 0, producer.output);
    await drain(pipeline, { consumer, lake });
    for (const line of ["🚀 Producer started (Iteration 2 with metrics)", "✈️ Tracking flight "]) {
      ok(producer.output.includes(line), producer.output);
    }
    for (
      const line of [
        "🚦 Consumer started (Iteration 2 with metrics)",
        "📊 Metrics updated for ",
        "💸 Promo triggered for ",
      ]
    ) {
      ok(consumer.output.includes(line), consumer.output);
    }
    ok(lake.output.includes("🪣 Lake ingestion started"), lake.output);

    const etl = await pipeline.run("etl");
    strictEqual(etl.code, 0, etl.output);
    for (const table of ["dim_flight", "fact_booking", "fact_inventory_metrics", "fact_promotions"]) {
      ok(etl.output.includes(`📦 Writing ${table}`), etl.output);
    }
    await assertVerified(pipeline);

    const count = async () => {
      const { code, output, piped } = await pipeline.run("sql", [
        "--format",
        "csv",
        "select count(*), count(distinct booking_id), sum(passenger_price) from fact_booking",
      ]);
      strictEqual(code, 0, output);
      return piped;
    };
    const before = await count();
    const again = await pipeline.run("etl");
    strictEqual(again.code, 0, again.output);
    strictEqual(await count(), before);
    strictEqual(await warehouse?.stop() ?? 0, 0, warehouse?.output);
  },
);

pipelineTest(
  "every process is killed in the middle of its work, restarted, and everything agrees",
  async (pipeline) => {
    const warehouse = await startWarehouse(pipeline);
    const limit = 20_000;
    const producerArgs = [...PRODUCER, "--rate", "4000", "--limit", String(limit)];
    const parts: Record<"producer" | "consumer" | "lake", Part> = {
      producer: pipeline.start("producer", producerArgs),
      consumer: startConsumer(pipeline),
      lake: pipeline.start("lake", [...FREE_PORT, "--seal-age", "1s"]),
    };
    const restart = async (name: PartName & keyof typeof parts) => {
      await parts[name].kill();
      parts[name] = name === "producer"
        ? pipeline.start("producer", producerArgs)
        : name === "consumer"
        ? startConsumer(pipeline)
        : pipeline.start("lake", [...FREE_PORT, "--seal-age", "1s"]);
    };
    await parts.producer.says("Tracking flight");
    for (const name of ["lake", "consumer", "producer", "lake", "consumer", "producer"] as const) {
      await new Promise((resolve) => setTimeout(resolve, 900));
      await restart(name);
    }
    // An ETL run is killed too, while the others work.
    const killedRun = pipeline.start("etl");
    await new Promise((resolve) => setTimeout(resolve, 700));
    await killedRun.kill();
    strictEqual(await parts.producer.exited(), 0, parts.producer.output);
    await drain(pipeline, parts);
    const etl = await pipeline.run("etl");
    strictEqual(etl.code, 0, etl.output);
    await assertVerified(pipeline);
    strictEqual(await warehouse?.stop() ?? 0, 0, warehouse?.output);
  },
);
