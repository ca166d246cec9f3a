/**
 * The policy lab: which policy earns more, and by how much. `deno task lab --help` lists its options; `README.md` beside
 * this file tells how to read what it reports.
 *
 * @module
 */

import { join } from "node:path";
import { logger } from "../process/logger.ts";
import { openEventLog } from "../process/open_event_log.ts";
import { ProgressBar } from "../process/progress_bar.ts";
import { OperatorError, runProcess } from "../process/run_process.ts";
import { checkPickupModel, type PickupModel } from "../streaming/policies/pickup_model.ts";
import { digestOf, type LabChoices, labPolicy } from "./lab_choices.ts";
import { trainedModel } from "./learned_training.ts";
import { type LabOptions, parseLabOptions } from "./lab_options.ts";
import { type LabReport, labReport } from "./lab_report.ts";
import { labWorld } from "./lab_world.ts";
import { htmlReport } from "./report_html.ts";
import { markdownReport } from "./report_markdown.ts";
import { liveDecisions } from "./live_decisions.ts";
import { liveReport } from "./live_report.ts";
import { ResultFile } from "./result_file.ts";
import { counted, money, percentOf, signedMoney } from "./shown_figures.ts";
import { runOnWorkers } from "./worker_pool.ts";

/** Policies that need no history. */
const WITHOUT_FORECAST = ["none", "RULE_ENGINE", "RULE_ENGINE_ITERATION_2"];

async function main(stop: AbortSignal): Promise<void> {
  const options = parseLabOptions(Deno.args);
  if (options.fromLive) return await judgeLive(stop);
  if (options.trainFile !== undefined) return await trainModel(options.choices, options.trainFile);
  const model = options.modelFile === undefined ? undefined : await readModel(options.modelFile);
  await compare({ ...options, choices: { ...options.choices, model } }, stop);
}

/** What the log's own decisions say; nothing is simulated. */
async function judgeLive(stop: AbortSignal): Promise<void> {
  const log = await openEventLog("airline-lab", { readOnly: true });
  try {
    for (const line of liveReport(await liveDecisions(log, stop))) logger.info(line);
  } finally {
    await log.close();
  }
}

async function compare(options: LabOptions, stop: AbortSignal): Promise<void> {
  const { choices } = options;
  const world = await labWorld(choices);
  if (world.flights.length === 0) {
    throw new OperatorError(
      `No flight departs in ${
        counted(choices.days, "day")
      } from ${choices.startDate}: there is nothing to compare`,
    );
  }
  sayWhatIsCompared(options, world.flights.length);
  const digest = await digestOf(choices);
  const folder = join(options.outDir, digest);
  await makeFolder(folder);
  const resultPath = join(folder, "replications.jsonl");
  if (options.fresh) await Deno.remove(resultPath).catch(() => {});
  const file = await ResultFile.open(resultPath);
  try {
    if (!await runMissing(file, options, stop)) return;
    const report = labReport(file.first(choices.replications), {
      choices,
      digest,
      flights: world.flights.length,
      seats: world.flights.reduce((sum, { totalSeats }) => sum + totalSeats, 0),
      versions: choices.policies.map((name) => labPolicy(name, choices).version),
    });
    await writeReports(folder, report);
    sayWhatEarns(report);
    logger.info(
      `Reports: ${["report.html", "report.md", "report.json"].map((n) => join(folder, n)).join(", ")}`,
    );
  } finally {
    file.close();
  }
}

function sayWhatIsCompared({ choices }: LabOptions, flights: number): void {
  const { policies, days, replications, seed, historyDays } = choices;
  logger.info(
    `Policy lab: ${policies.join(", ")}; ${counted(flights, "flight")} of ${counted(days, "day")}, ${
      counted(replications, "time")
    }, seed ${seed}`,
  );
  if (historyDays === 0 && policies.some((name) => !WITHOUT_FORECAST.includes(name))) {
    logger.warn("There is no history: policies that go by a forecast fall back to the published rule");
  }
}

/** Runs what is not there yet. Returns whether all is there in the end. */
async function runMissing(file: ResultFile, options: LabOptions, stop: AbortSignal): Promise<boolean> {
  const { choices, workers = navigator.hardwareConcurrency } = options;
  const missing = Array.from({ length: choices.replications }, (_, replication) => replication)
    .filter((replication) => !file.results.has(replication));
  const known = choices.replications - missing.length;
  if (known > 0) logger.info(`${counted(known, "replication")} done before`);
  if (missing.length === 0) return true;
  const bar = new ProgressBar("Replications", missing.length, "replications");
  const startedMs = performance.now();
  let done = 0;
  let shoppers = 0;
  bar.update(0);
  await runOnWorkers(choices, missing, {
    workers,
    stop,
    onResult: (result) => {
      file.add(result);
      shoppers += result.shoppers * choices.policies.length;
      bar.update(++done);
    },
  });
  bar.close();
  const seconds = (performance.now() - startedMs) / 1000;
  if (done < missing.length) {
    logger.info(
      `Stopped after ${known + done} of ${choices.replications} replications; the same command goes on`,
    );
    return false;
  }
  logger.info(
    `${done.toLocaleString("en")} replications in ${seconds.toFixed(1)} s: ${
      Math.round(shoppers / seconds).toLocaleString("en")
    } shoppers/s on ${Math.min(workers, missing.length)} workers`,
  );
  return true;
}

async function readModel(file: string): Promise<PickupModel> {
  try {
    return checkPickupModel(JSON.parse(await Deno.readTextFile(file)));
  } catch (error) {
    if (error instanceof Deno.errors.NotCapable) throw error;
    const why = error instanceof Deno.errors.NotFound ? "there is no such file" : (error as Error).message;
    throw new OperatorError(`Cannot use the pickup model "${file}": ${why}`);
  }
}

/** Trains on the flights of replication 0 and tries the model on those of replication 1. */
async function trainModel(choices: LabChoices, file: string): Promise<void> {
  const { model, readings, errors } = trainedModel(await labWorld(choices));
  await Deno.writeTextFile(file, `${JSON.stringify(model, undefined, 2)}\n`).catch((error) => {
    if (error instanceof Deno.errors.NotCapable) throw error;
    throw new OperatorError(`Cannot write the pickup model "${file}": ${(error as Error).message}`);
  });
  logger.info(
    `Trained on ${
      readings.toLocaleString("en")
    } readings. Mean absolute error of the final load factor on other flights: ${
      percentOf(errors.learned, 2)
    }, that of the pickup forecast ${percentOf(errors.forecast, 2)}. Written to ${file}`,
  );
}

async function makeFolder(folder: string): Promise<void> {
  try {
    await Deno.mkdir(folder, { recursive: true });
  } catch (error) {
    if (error instanceof Deno.errors.NotCapable) throw error;
    throw new OperatorError(`Cannot make the folder "${folder}": ${(error as Error).message}`);
  }
}

async function writeReports(folder: string, report: LabReport): Promise<void> {
  await Deno.writeTextFile(join(folder, "report.json"), `${JSON.stringify(report, undefined, 2)}\n`);
  await Deno.writeTextFile(join(folder, "report.md"), markdownReport(report));
  await Deno.writeTextFile(join(folder, "report.html"), await htmlReport(report));
}

function sayWhatEarns({ policies }: LabReport): void {
  const width = Math.max(...policies.map(({ name }) => name.length));
  for (const { name, revenue, incremental } of policies) {
    const gain = incremental === null
      ? ""
      : `  ${signedMoney(incremental.mean)} (${signedMoney(incremental.low)} to ${
        signedMoney(incremental.high)
      })`;
    console.log(`  ${name.padEnd(width)}  ${money(revenue.mean).padStart(14)}${gain}`);
  }
}

if (import.meta.main) await runProcess(main);
