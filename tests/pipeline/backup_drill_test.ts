/** The drill: backed up under load, destroyed, restored, replayed from the log; `verify` is the judge. */

import { equal, match, ok } from "node:assert/strict";
import postgres from "postgres";
import { ENGINE_INPUT_TOPICS, GROUPS } from "../../events/topics.ts";
import { openSqliteEventLog } from "../../event_log/sqlite_event_log.ts";
import { commandFor, PROJECT_DIR } from "../../scripts/launcher.ts";
import { eventually, Pipeline, pipelineTest } from "./_pipeline.ts";
import type { Part } from "./_pipeline.ts";

const FREE_PORT = ["--metrics-port", "0"];
/** Making an empty warehouse is the most that is waited for, on a machine that does much else. */
const PATIENCE_MS = 120_000;
const LIMIT = 8000;
const PRODUCER = [
  ...FREE_PORT,
  ...["--seed", "5", "--start-date", "2026-03-02", "--flights-per-day", "12", "--backfill", "2d"],
  ...["--rate", "2000", "--limit", String(LIMIT)],
];
const INPUTS = [...ENGINE_INPUT_TOPICS, "inventory-engine-repartition"];

async function succeeds(pipeline: Pipeline, ...[name, args]: Parameters<Pipeline["run"]>): Promise<string> {
  const { code, output } = await pipeline.run(name, args);
  equal(code, 0, output);
  return output;
}

async function startWarehouse(pipeline: Pipeline): Promise<Part | undefined> {
  if (pipeline.pair === "real") {
    await succeeds(pipeline, "warehouse");
    return undefined;
  }
  const warehouse = pipeline.start("warehouse");
  await warehouse.says(pipeline.env.WAREHOUSE_PORT!, PATIENCE_MS);
  return warehouse;
}

function startConsumer(pipeline: Pipeline): Part {
  return pipeline.start("consumer", [
    ...FREE_PORT,
    "--session-timeout",
    pipeline.pair === "real" ? "6s" : "2s",
  ]);
}

/** Ids of the bookings that were made. */
async function created(pipeline: Pipeline): Promise<string[]> {
  const events = (await pipeline.values("bookings")).map(({ value }) => JSON.parse(value));
  return events.filter(({ event_type }) => event_type === "BookingCreated").map(({ booking_id }) =>
    booking_id
  );
}

/** Everything that a fire would take: what Kafka and Postgres keep is theirs, the tables are not. */
async function destroy(pipeline: Pipeline): Promise<void> {
  const { folder, env } = pipeline;
  for (const path of [`${folder}/lake/raw`, `${folder}/lake/gold`, `${folder}/lake/rejected`]) {
    await Deno.remove(path, { recursive: true });
  }
  if (pipeline.pair === "embedded") {
    await Deno.remove(`${folder}/data`, { recursive: true });
    return;
  }
  const database = postgres(env.DATABASE_URL!, { max: 1, onnotice: () => {} });
  await database.unsafe(
    "drop schema public cascade; create schema public; drop schema if exists realtime cascade",
  );
  await database.end();
}

/** The same pipeline with a log opened anew: the file that was open is gone. */
async function reopened(pipeline: Pipeline): Promise<{ restored: Pipeline; close: () => Promise<void> }> {
  const log = pipeline.pair === "embedded"
    ? await openSqliteEventLog({ file: pipeline.env.EVENT_LOG_FILE! })
    : pipeline.log;
  const project = { folder: PROJECT_DIR, commandFor };
  const restored = new Pipeline(pipeline.pair, pipeline.folder, log, pipeline.env, project, []);
  return {
    restored,
    close: async () => {
      await restored.killParts();
      if (log !== pipeline.log) await log.close();
    },
  };
}

pipelineTest("a backup under load, destruction, restore and replay: all parts agree", async (pipeline) => {
  pipeline.env.BACKUP_DIR = `${pipeline.folder}/backups`;
  pipeline.env.TRACKER_SUMMARIES_FILE = `${pipeline.folder}/data/tracker/summaries.sqlite`;
  pipeline.env.PIPELINE_PROCESSES = "none";
  await startWarehouse(pipeline);
  const parts = {
    consumer: startConsumer(pipeline),
    lake: pipeline.start("lake", [...FREE_PORT, "--seal-age", "1s"]),
    producer: pipeline.start("producer", PRODUCER),
  };
  await parts.lake.says("bookings: ", PATIENCE_MS);
  await succeeds(pipeline, "etl");
  match(await succeeds(pipeline, "backup"), /✔ .*lake/);
  // The second is made of what came since, under load too; it is the one that is put back.
  await eventually("more bookings", async () => {
    const ranges = await pipeline.log.ranges(["bookings"]);
    return ranges.reduce((sum, { end }) => sum + end, 0) > 800;
  });
  match(await succeeds(pipeline, "backup"), /✔ .*lake/);
  ok((await pipeline.values("bookings")).length > 0);
  const refused = await pipeline.run("restore", ["latest", "--yes"]);
  equal(refused.code, 1, refused.output);
  match(refused.output, /The lake writer runs: stop everything|warehouse runs, at/);
  await pipeline.killParts();

  await destroy(pipeline);
  match(await succeeds(pipeline, "restore", ["latest", "--yes"]), /✔ .* is restored: /);
  // Over what is there now, it comes to the same.
  match(await succeeds(pipeline, "restore", ["latest", "--yes"]), /✔ .* is restored: /);
  const { restored, close } = await reopened(pipeline);
  try {
    const before = await created(restored);
    const warehouse = await startWarehouse(restored);
    const consumer = startConsumer(restored);
    const lake = restored.start("lake", [...FREE_PORT, "--seal-age", "1s"]);
    // The simulation goes on at the place that it had in the restored log.
    const producer = restored.start("producer", PRODUCER);
    equal(await producer.exited(), 0, producer.output);
    await restored.caughtUp(GROUPS.engine, INPUTS);
    equal(await consumer.stop(), 0, consumer.output);
    await restored.caughtUp(GROUPS.lake, ["bookings", "inventory_metrics", "promo_decisions"]);
    equal(await lake.stop(), 0, lake.output);
    const rest = restored.start("lake", [...FREE_PORT, "--seal-age", "1s"]);
    await restored.caughtUp(GROUPS.lake, ["bookings", "inventory_metrics", "promo_decisions"]);
    equal(await rest.stop(), 0, rest.output);
    await succeeds(restored, "etl");
    await succeeds(restored, "verify", ["--complete", "--deep"]);
    const after = await created(restored);
    const ids = new Set(after);
    equal(ids.size, after.length);
    ok(before.length > 0 && before.every((id) => ids.has(id)));
    equal(await warehouse?.stop() ?? 0, 0, warehouse?.output);
  } finally {
    await close();
  }
});
