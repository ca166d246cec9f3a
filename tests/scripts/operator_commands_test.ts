/** What an operator asks and does while `start` runs: logs, status, lag, doctor, stop; on both pairs of engines. */

import { deepEqual, equal, match, ok } from "node:assert/strict";
import { parseJsonLine } from "../../process/log_line.ts";
import { eventually, pipelineTest } from "../pipeline/_pipeline.ts";
import { freePorts } from "./_support.ts";

const SMALL = ["--seed", "7", "--flights-per-day", "3", "--backfill", "1d", "--etl-every", "2s"];

pipelineTest("status, lag, doctor, logs and stop, from another terminal than start's", async (pipeline) => {
  const first = freePorts(6);
  const ports = ["--metrics-ports-from", String(first), "--api-port", String(first + 5)];
  // Nobody else's processes are asked, should some run on this machine.
  pipeline.env.PIPELINE_PROCESSES = "none";
  const logsDir = `${pipeline.folder}/data/logs`;

  const before = await pipeline.run("stop");
  equal(before.code, 0, before.output);
  match(before.output, /^Nothing runs/m);
  const nothing = await pipeline.run("logs");
  equal(nothing.code, 1);
  match(nothing.output, /No messages are kept/);

  const start = pipeline.start("start", [...SMALL, ...ports, "--log-format", "json"]);
  try {
    await start.says("Everything runs", 120_000);
    await start.says("📦 Writing fact_booking", 120_000);
    const said = start.output.split("\n").map(parseJsonLine).filter((message) => message !== undefined);
    ok(
      said.some(({ process, message }) =>
        process === "producer" && message.startsWith("🚀 Producer started")
      ),
    );
    ok(said.some(({ process, message }) => process === "start" && message.startsWith("Everything runs")));

    let status = await pipeline.run("status", ["--json"]);
    await eventually(
      "every part is ready",
      async () => {
        status = await pipeline.run("status", ["--json"]);
        return status.code === 0;
      },
      60_000,
      () => status.output,
    );
    const { runs, processes } = JSON.parse(status.piped);
    deepEqual([runs.length, runs[0].supervisor], [1, "start"]);
    const ready = processes.filter(({ state }: { state: string }) => state === "ready")
      .map(({ name }: { name: string }) => name);
    for (const name of ["producer", "consumer", "lake", "etl-runner", "viewer-metrics", "api", "warehouse"]) {
      ok(ready.includes(name), `${name}: ${status.piped}`);
    }
    match((await pipeline.run("status")).piped, /^✔ consumer +ready +[\d,]+ +\d+ MB/m);

    await eventually("the groups have caught up", async () => {
      const lag = await pipeline.run("lag", ["--fail-above", "50"]);
      return lag.code === 0;
    });
    const rows = JSON.parse((await pipeline.run("lag", ["--json"])).piped) as { group: string }[];
    deepEqual([...new Set(rows.map(({ group }) => group))].sort(), [
      "airline-producer-feedback",
      "inventory-engine",
      "lake-writer",
      "llm-summary-consumer-group",
      "viewer-metrics",
    ]);
    equal((await pipeline.run("lag", ["--group", "nobody"])).code, 1);

    const doctor = await pipeline.run("doctor", ["--json"]);
    equal(doctor.code, 0, doctor.output);
    const checks = JSON.parse(doctor.piped).findings.map(({ check }: { check: string }) => check);
    for (const check of ["disk", "process lake", "topics", "last bookings", "lag lake-writer", "last load"]) {
      ok(checks.includes(check), doctor.piped);
    }

    const lines = (output: string) =>
      output.split("\n").map(parseJsonLine).filter((line) => line !== undefined);
    const ofLake = lines((await pipeline.run("logs", ["--process", "lake,consumer", "--json"])).piped);
    deepEqual([...new Set(ofLake.map(({ process }) => process))].sort(), ["consumer", "lake"]);
    ok(ofLake.every(({ timeMs }, at) => at === 0 || timeMs >= ofLake[at - 1]!.timeMs));
    const found = await pipeline.run("logs", ["--grep", "LAKE INGESTION", "--max", "1"]);
    match(found.piped, /^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d info +lake +\| 🪣 Lake ingestion started\n$/);
    const unknown = await pipeline.run("logs", ["--process", "laek"]);
    equal(unknown.code, 2);
    match(unknown.output, /no messages of a process "laek". There are those of .*lake/);

    const unasked = await pipeline.run("stop", ["maybe"]);
    equal(unasked.code, 2);
    const stopped = await pipeline.run("stop");
    equal(stopped.code, 0, stopped.output);
    match(stopped.piped, /^✔ start has stopped/m);
    equal(await start.exited(), 0, start.output);
    const verified = await pipeline.run("status");
    equal(verified.code, 1);
    match(verified.piped, /^start +does not run/m);
  } finally {
    // Killed, it would leave its children draining.
    await start.stop();
  }

  // The data is kept until it is asked for to go, and then all of it goes.
  ok((await pipeline.values("bookings")).length > 0);
  const piped = await pipeline.run("stop", ["no"]);
  equal(piped.code, 2);
  match(piped.output, /give --yes/);
  const reset = await pipeline.run("stop", ["no", "--yes"]);
  equal(reset.code, 0, reset.output);
  deepEqual([...Deno.readDirSync(`${pipeline.folder}/lake`)].map(({ name }) => name), []);
  equal((await pipeline.run("topics", ["--list"])).piped.includes("missing. Create them"), true);
  const left = await Array.fromAsync(Deno.readDir(logsDir)).catch(() => []);
  deepEqual(left, []);
});
