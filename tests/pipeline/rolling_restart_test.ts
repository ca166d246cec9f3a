/**
 * A new version takes over part by part under load, and is rolled back part by part; nothing is lost. The new version
 * is a copy of this project that says who it is: what both store is the same, so what is shown is that parts of two
 * folders work on one log, lake and warehouse side by side.
 */

import { equal, ok } from "node:assert/strict";
import { ENGINE_INPUT_TOPICS, GROUPS } from "../../events/topics.ts";
import { commandFor, PROJECT_DIR } from "../../scripts/launcher.ts";
import type { PartName } from "../../scripts/launcher.ts";
import { copyProject } from "../exam/_project_copy.ts";
import type { Project } from "../exam/_project_copy.ts";
import { Pipeline, pipelineTest } from "./_pipeline.ts";
import type { Part } from "./_pipeline.ts";

const FREE_PORT = ["--metrics-port", "0"];
/** Making an empty warehouse is the most that is waited for, on a machine that does much else. */
const PATIENCE_MS = 120_000;
const NEW = "🚦 Consumer started (new version)";
const PRODUCER = [
  ...FREE_PORT,
  ...["--seed", "5", "--start-date", "2026-03-02", "--flights-per-day", "12", "--backfill", "2d"],
  ...["--rate", "1000", "--limit", "8000"],
];

pipelineTest(
  "a version replaces another part by part under load, and is rolled back: nothing is lost",
  async (pipeline) => {
    const copy = await copyProject(`${pipeline.folder}/new-version`, [{
      file: "streaming/consumer.ts",
      from: '"🚦 Consumer started (Iteration 2 with metrics)"',
      to: `"${NEW}"`,
    }]);
    const of = ({ folder, commandFor }: Project) =>
      new Pipeline(pipeline.pair, pipeline.folder, pipeline.log, pipeline.env, { folder, commandFor }, []);
    const old = of({ folder: PROJECT_DIR, commandFor });
    const fresh = of(copy);
    const args: Partial<Record<PartName, string[]>> = {
      consumer: [...FREE_PORT, "--session-timeout", pipeline.pair === "real" ? "6s" : "2s"],
      lake: [...FREE_PORT, "--seal-age", "1s"],
      producer: PRODUCER,
    };
    const start = (version: Pipeline, name: PartName) => version.start(name, args[name]);
    const started = {
      consumer: "Consumer started",
      lake: "Lake ingestion started",
      producer: "Producer started",
    };
    const running = {} as Record<keyof typeof started, Part>;
    /** Consumers share: the new one comes before the old one goes. Of the others there is one at a time. */
    const replace = async (version: Pipeline) => {
      const next = start(version, "consumer");
      await next.says(started.consumer, PATIENCE_MS);
      equal(await running.consumer.stop(), 0, running.consumer.output);
      running.consumer = next;
      for (const name of ["lake", "producer"] as const) {
        equal(await running[name].stop(), 0, running[name].output);
        running[name] = start(version, name);
        await running[name].says(started[name], PATIENCE_MS);
      }
    };
    try {
      if (pipeline.pair === "real") equal((await old.run("warehouse")).code, 0);
      else await old.start("warehouse").says(pipeline.env.WAREHOUSE_PORT!, PATIENCE_MS);
      for (const name of ["consumer", "lake", "producer"] as const) running[name] = start(old, name);
      await running.lake.says("bookings: ", PATIENCE_MS);
      await replace(fresh);
      ok(running.consumer.output.includes(NEW));
      const newEtl = await fresh.run("etl");
      equal(newEtl.code, 0, newEtl.output);
      await replace(old);
      equal(await running.producer.exited(), 0, running.producer.output);
      await pipeline.caughtUp(GROUPS.engine, [...ENGINE_INPUT_TOPICS, "inventory-engine-repartition"]);
      equal(await running.consumer.stop(), 0, running.consumer.output);
      await pipeline.caughtUp(GROUPS.lake, ["bookings", "inventory_metrics", "promo_decisions"]);
      equal(await running.lake.stop(), 0, running.lake.output);
      const etl = await old.run("etl");
      equal(etl.code, 0, etl.output);
      const { code, output } = await old.run("verify", ["--complete"]);
      equal(code, 0, output);
    } finally {
      await Promise.all([old.killParts(), fresh.killParts()]);
    }
  },
);
