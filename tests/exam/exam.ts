/**
 * `deno task exam`: the reliability exam. Runs the experiments of `experiments.ts` on real processes under load, with
 * their negative controls, and says what was lost, doubled or broken.
 *
 * Exit code 1 where anything was, or where a guard could be taken away unnoticed.
 */

import { parseCommandLine, UsageError } from "../../process/command_line.ts";
import { logger } from "../../process/logger.ts";
import { ProgressBar } from "../../process/progress_bar.ts";
import { runProcess } from "../../process/run_process.ts";
import { whyNot } from "./_needs.ts";
import { removePreparedWarehouse } from "./_prepared_warehouse.ts";
import { copyProject } from "./_project_copy.ts";
import { countChecks, entryOf, newResults, readResults, type Results, writeResults } from "./_results.ts";
import { resultsTable } from "./_results_table.ts";
import { controlsOf, runControls, runRounds } from "./_run_experiment.ts";
import type { ExamEngine, Experiment } from "./experiment.ts";
import { EXPERIMENTS } from "./experiments.ts";

const DEFAULT_FILE = "data/exam/results.json";

const COMMAND_LINE = {
  usage: "deno task exam",
  description: "Kills, pauses, starves and cuts off the pipeline's processes and verifies what is left.",
  options: {
    list: { type: "flag", description: "Lists the experiments, and which of them can run here" },
    only: { type: "text", value: "NAMES", description: "Experiments by name or number, separated by commas" },
    engine: {
      type: "text",
      default: "both",
      choices: ["embedded", "kafka", "both"],
      description: "Engines; kafka needs KAFKA_BROKERS, and DATABASE_URL where a warehouse is part of it",
    },
    short: {
      type: "flag",
      description:
        "A few faults of each experiment, and each guard taken away on one engine; this is the default",
    },
    full: {
      type: "flag",
      description: "As many faults as the published figures were made with; takes hours",
    },
    runs: {
      type: "number",
      value: "FAULTS",
      min: 1,
      integer: true,
      description: "Faults of each experiment and engine, in place of the form's number",
    },
    seed: {
      type: "number",
      min: 0,
      max: 0xffffffff,
      integer: true,
      description: "Seed of everything that is drawn; without it a new one, which is printed",
    },
    resume: {
      type: "flag",
      description: "Goes on behind the rounds in the results' file, with their seed and form",
    },
    "no-controls": { type: "flag", description: "Leaves out the negative controls" },
    keep: { type: "flag", description: "Keeps the folder of a round that failed" },
    json: {
      type: "text",
      value: "FILE",
      default: DEFAULT_FILE,
      description: "Where the results are stored after each round",
    },
    report: {
      type: "text",
      value: "FILES",
      description: "Runs nothing; prints the table of these results' files, separated by commas",
    },
    markdown: { type: "flag", description: "Prints the table as Markdown" },
    verbose: { type: "flag", description: "Says what each round does" },
  },
  notes: [
    "EXAM_KAFKA_LIBS names a folder with Kafka's jars, for experiments that kill a broker of their own.",
    "EXAM_KAFKA_SESSION_TIMEOUT_MS: how long a consumer on Kafka may be silent, default 6000; brokers refuse less",
    "than their group.min.session.timeout.ms.",
    "Engines must be on this machine: topics and databases are made and deleted, with names of their own.",
  ],
} as const;

// What an experiment left behind fails without anybody who waits for it: told, and the other experiments go on.
globalThis.addEventListener("unhandledrejection", (event) => {
  event.preventDefault();
  const { reason } = event;
  logger.warn(`✖ Failed unattended: ${reason instanceof Error ? reason.stack : String(reason)}`);
});

await runProcess(async (signal) => {
  const { values } = parseCommandLine(COMMAND_LINE, Deno.args);
  const chosen = chosenExperiments(values.only);
  const engines: ExamEngine[] = values.engine === "both"
    ? ["embedded", "kafka"]
    : [values.engine as ExamEngine];
  if (values.list) return await list(chosen);
  if (values.report !== undefined) return await report(values.report.split(","), values.markdown);
  if (values.short && values.full) throw new UsageError("--short and --full exclude each other");
  const results = await resultsToGoOnWith(values);
  const { form } = results;
  logger.info(`Reliability exam, ${form} form, seed ${results.seed}`);
  const folder = await Deno.makeTempDir({ prefix: "airline-exam-project-" });
  const resume = values.json === DEFAULT_FILE ? "--resume" : `--resume --json ${values.json}`;
  try {
    // A copy of the sources as they are now: they may be worked on while the exam runs.
    const project = await copyProject(folder, []);
    for (const experiment of chosen) {
      for (const engine of engines.filter((one) => experiment.engines.includes(one))) {
        const faultsAsked = values.runs ?? experiment.faults[form][engine];
        const entry = entryOf(results, experiment, engine, faultsAsked);
        const missing = await whyNot(experiment, engine);
        if (missing !== undefined) {
          entry.notRun = missing;
          logger.info(`– ${experiment.number} ${experiment.name} on ${engine}: not run, ${missing}`);
          continue;
        }
        const label = `${experiment.number} ${experiment.name} on ${engine}`;
        const bar = new ProgressBar(label, faultsAsked, "faults");
        const context = {
          seed: results.seed,
          engine,
          form,
          project,
          keep: values.keep,
          signal,
          say: (line: string) => {
            bar.close();
            if (values.verbose || /^[✖✓]|^ {2}/.test(line)) logger.info(line);
          },
          progress: (done: number) => bar.update(done),
          stored: () => writeResults(values.json, results),
        };
        logger.info(`${label}: ${experiment.fault}`);
        const startedMs = performance.now();
        await runRounds(experiment, entry, context);
        if (!values["no-controls"]) await runControls(experiment, entry, context);
        bar.close();
        logger.info(`  ${((performance.now() - startedMs) / 1000).toFixed(0)} s`);
      }
    }
  } catch (error) {
    if (!signal.aborted) throw error;
    logger.info(`Stopped; deno task exam ${resume} goes on behind the last whole round`);
    return 1;
  } finally {
    await Deno.remove(folder, { recursive: true });
    await removePreparedWarehouse();
  }
  await writeResults(values.json, results);
  logger.info(resultsTable(results.experiments, values.markdown ? "markdown" : "plain"));
  for (const { number, name, engine, notRun } of results.experiments) {
    if (notRun !== undefined) logger.info(`not run: ${number} ${name} on ${engine} ${notRun}`);
  }
  const { passed, failed, notRun } = countChecks(results);
  logger.info(`Exam: ${passed} passed, ${failed} failed, ${notRun} not run; results in ${values.json}`);
  return failed === 0 && passed > 0 ? 0 : 1;
});

function chosenExperiments(only: string | undefined): Experiment[] {
  if (only === undefined) return [...EXPERIMENTS];
  return only.split(",").map((text) => {
    const found = EXPERIMENTS.find(({ name, number }) => name === text || String(number) === text);
    if (found === undefined) {
      const names = EXPERIMENTS.map(({ number, name }) => `${number} ${name}`).join(", ");
      throw new UsageError(`There is no experiment "${text}", expected one of ${names}`);
    }
    return found;
  });
}

/** Says what there is and what of it can run here. */
async function list(experiments: readonly Experiment[]): Promise<void> {
  for (const experiment of experiments) {
    const { number, name, fault, mustHold, faults, engines } = experiment;
    logger.info(`${String(number).padStart(2)} ${name}: ${fault}. Must hold: ${mustHold}`);
    for (const engine of engines) {
      const controls = controlsOf(experiment, engine).length;
      const missing = await whyNot(experiment, engine);
      const counts =
        `${faults.short[engine]} faults in the short form, ${faults.full[engine]} in the full one, ` +
        `${controls} control${controls === 1 ? "" : "s"}`;
      logger.info(`     ${engine}: ${counts}${missing === undefined ? "" : `; cannot run here, ${missing}`}`);
    }
  }
}

/** Prints what several exams found as one table. */
async function report(files: string[], markdown: boolean): Promise<void> {
  const entries = [];
  for (const file of files) {
    const results = await readResults(file);
    if (results === undefined) throw new UsageError(`There are no results in "${file}"`);
    entries.push(...results.experiments);
  }
  entries.sort((a, b) => a.number - b.number || a.engine.localeCompare(b.engine));
  logger.info(resultsTable(entries, markdown ? "markdown" : "plain"));
}

/** New results, or those of the file where `--resume` asks for them. */
async function resultsToGoOnWith(
  values: { resume: boolean; seed: number | undefined; full: boolean; short: boolean; json: string },
): Promise<Results> {
  const form = values.full ? "full" : "short";
  const stored = values.resume ? await readResults(values.json) : undefined;
  if (stored === undefined) {
    return newResults(values.seed ?? crypto.getRandomValues(new Uint32Array(1))[0]!, form);
  }
  if (values.seed !== undefined && values.seed !== stored.seed) {
    throw new UsageError(`--seed is ${values.seed}, the results in "${values.json}" have ${stored.seed}`);
  }
  if ((values.full || values.short) && form !== stored.form) {
    throw new UsageError(`--${form} does not go with "${values.json}", which holds the ${stored.form} form`);
  }
  return stored;
}
