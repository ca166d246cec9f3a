/** The exam's frame: how rounds are counted, stored and judged, and how a copy of the project is changed. */

import { deepStrictEqual, match, ok, rejects, strictEqual } from "node:assert/strict";
import { openPipeline } from "../pipeline/_pipeline.ts";
import { consumerPoints, KILL_POINTS, STOP_POINTS } from "./_consumer_points.ts";
import {
  copyProject,
  EXAM_POINT,
  killPoint,
  mutatedSource,
  pointLine,
  thisProject,
} from "./_project_copy.ts";
import { countChecks, entryOf, newResults, readResults, writeResults } from "./_results.ts";
import { resultsTable } from "./_results_table.ts";
import { controlsOf, type RunContext, runControls, runRounds, shortControls } from "./_run_experiment.ts";
import type { Experiment, NegativeControl, Round, RoundResult } from "./experiment.ts";
import { EXPERIMENTS } from "./experiments.ts";

const CLEAN = { checked: 10, lost: 0, doubled: 0, violations: [], recoveryMs: [100] };

function experimentOf(
  run: (round: Round) => Promise<RoundResult>,
  controls: readonly NegativeControl[] = [],
): Experiment {
  return {
    number: 99,
    name: "trial",
    fault: "nothing",
    mustHold: "everything",
    engines: ["embedded"],
    needs: () => [],
    faults: { short: { embedded: 7, kafka: 0 }, full: { embedded: 7, kafka: 0 } },
    faultsPerRound: 3,
    run,
    controls,
  };
}

function contextOf(said: string[] = []): RunContext {
  return {
    seed: 5,
    engine: "embedded",
    form: "full",
    project: thisProject(),
    keep: false,
    signal: new AbortController().signal,
    say: (line) => said.push(line),
    progress: () => {},
    stored: () => Promise.resolve(),
  };
}

async function withFolder(body: (folder: string) => Promise<void>): Promise<void> {
  const folder = await Deno.makeTempDir({ prefix: "airline-exam-test-" });
  try {
    await body(folder);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

Deno.test("rounds are run until the faults are injected, each with a seed and a folder of its own", async () => {
  const rounds: Round[] = [];
  const experiment = experimentOf((round) => {
    rounds.push(round);
    return Promise.resolve({ ...CLEAN, faults: round.faults });
  });
  const results = newResults(5, "short");
  await runRounds(experiment, entryOf(results, experiment, "embedded", 7), contextOf());
  deepStrictEqual(rounds.map(({ faults }) => faults), [3, 3, 1]);
  strictEqual(new Set(rounds.map(({ seed }) => seed)).size, 3);
  strictEqual(new Set(rounds.map(({ folder }) => folder)).size, 3);
  for (const { folder } of rounds) await rejects(Deno.stat(folder), Deno.errors.NotFound);
  deepStrictEqual(countChecks(results), { passed: 1, failed: 0, notRun: 0 });
});

Deno.test("an exam goes on behind the stored rounds, with the seeds that it would have had", async () => {
  await withFolder(async (folder) => {
    const seeds: number[] = [];
    const experiment = experimentOf((round) => {
      seeds.push(round.seed);
      return Promise.resolve({ ...CLEAN, faults: round.faults });
    });
    const whole = newResults(5, "short");
    await runRounds(experiment, entryOf(whole, experiment, "embedded", 7), contextOf());
    const half = newResults(5, "short");
    await runRounds(experiment, entryOf(half, experiment, "embedded", 3), contextOf());
    await writeResults(`${folder}/deep/results.json`, half);
    const resumed = (await readResults(`${folder}/deep/results.json`))!;
    await runRounds(experiment, entryOf(resumed, experiment, "embedded", 7), contextOf());
    deepStrictEqual(
      resumed.experiments[0]!.rounds.map(({ seed }) => seed),
      whole.experiments[0]!.rounds.map(({ seed }) => seed),
    );
    strictEqual(seeds.length, 3 + 1 + 2);
  });
});

Deno.test("a loss, a round that compares nothing and one that throws fail the exam, and three end the experiment", async (t) => {
  const wrong: Record<string, (round: Round) => Promise<RoundResult>> = {
    loss: ({ faults }) => Promise.resolve({ ...CLEAN, faults, lost: 1 }),
    nothing: ({ faults }) => Promise.resolve({ ...CLEAN, faults, checked: 0 }),
    throws: () => Promise.reject(new Error("The broker fell over")),
  };
  for (const [name, run] of Object.entries(wrong)) {
    await t.step(name, async () => {
      const experiment = experimentOf(run);
      const results = newResults(5, "short");
      const said: string[] = [];
      await runRounds(experiment, entryOf(results, experiment, "embedded", 30), contextOf(said));
      strictEqual(results.experiments[0]!.rounds.length, 3);
      deepStrictEqual(countChecks(results), { passed: 0, failed: 1, notRun: 0 });
      match(said[0]!, /✖ trial\/embedded\/0 \(seed \d+\)/);
    });
  }
});

const NO_FENCE: NegativeControl = {
  guard: "an old owner is shut out",
  engines: ["embedded"],
  mutations: [{
    file: "event_log/sqlite_event_log.ts",
    from: "          checkEpoch(connection, id, epoch);\n",
    to: "",
  }],
  faults: 5,
};

Deno.test("a control is noticed by a violation, and not by silence or a round that cannot be finished", async (t) => {
  const judged = async (run: (round: Round) => Promise<RoundResult>, control = NO_FENCE) => {
    const experiment = experimentOf(run, [control]);
    const results = newResults(5, "short");
    const entry = entryOf(results, experiment, "embedded", 0);
    await runControls(experiment, entry, contextOf());
    return entry.controls[0]!;
  };
  await t.step("a violation in the second round", async () => {
    let rounds = 0;
    const control = await judged(async ({ faults, project }) => {
      const source = await Deno.readTextFile(`${project.folder}/event_log/sqlite_event_log.ts`);
      ok(!source.includes("          checkEpoch("));
      return { ...CLEAN, faults, violations: ++rounds === 2 ? ["doubled"] : [] };
    });
    ok(control.noticed);
    strictEqual(control.faults, 5);
  });
  await t.step("silence", async () => {
    ok(!(await judged(({ faults }) => Promise.resolve({ ...CLEAN, faults }))).noticed);
  });
  await t.step("a mutation that fits no more", async () => {
    const gone = { ...NO_FENCE, mutations: [{ ...NO_FENCE.mutations[0]!, from: "nowhere" }] };
    const control = await judged(({ faults }) => Promise.resolve({ ...CLEAN, faults }), gone);
    ok(!control.noticed);
    match(control.message, /occurs 0 times/);
  });
  await t.step("a round that throws", async () => {
    const control = await judged(() => Promise.reject(new Error("The broker fell over")));
    ok(!control.noticed);
    match(control.message, /fell over/);
  });
});

Deno.test("a mutation whose text is not there once is refused", async () => {
  await withFolder(async (folder) => {
    const file = "streaming/partition_task.ts";
    await rejects(
      copyProject(`${folder}/none`, [{ file, from: "no such text", to: "" }]),
      /occurs 0 times in it, expected once/,
    );
    await rejects(copyProject(`${folder}/many`, [{ file, from: "import", to: "" }]), /occurs \d+ times/);
  });
});

Deno.test("points and controls of every experiment fit the sources, on each engine", async (t) => {
  for (const experiment of EXPERIMENTS) {
    for (const engine of experiment.engines) {
      const changes = [{ guard: "no guard broken", mutations: [] }, ...controlsOf(experiment, engine)];
      for (const { guard, mutations } of changes) {
        await t.step(`${experiment.name} on ${engine}: ${guard}`, () => {
          const sources = new Map<string, string>();
          for (const mutation of [...mutations, ...experiment.points?.(engine) ?? []]) {
            const source = sources.get(mutation.file) ??
              Deno.readTextFileSync(`${thisProject().folder}/${mutation.file}`);
            sources.set(mutation.file, mutatedSource(source, mutation));
          }
        });
      }
    }
  }
});

Deno.test("the short form takes each guard away on one engine, and at least one of each experiment on each", () => {
  for (const experiment of EXPERIMENTS) {
    const tried = experiment.engines.map((engine) => shortControls(controlsOf(experiment, engine), engine));
    ok(tried.every(({ length }) => length > 0), experiment.name);
    deepStrictEqual(new Set(tried.flat()), new Set(experiment.controls));
  }
});

Deno.test("every point at which a consumer is killed or stopped is there", async () => {
  for (const engine of ["embedded", "kafka"] as const) {
    await withFolder(async (folder) => {
      const points = consumerPoints(engine);
      const { folder: copy } = await copyProject(`${folder}/project`, points);
      const files = [...new Set(points.map(({ file }) => file))];
      const sources = await Promise.all(files.map((file) => Deno.readTextFile(`${copy}/${file}`)));
      for (const name of [...KILL_POINTS[engine], ...STOP_POINTS[engine]]) {
        strictEqual(sources.join("").split(`examPoint("${name}")`).length, 2, name);
      }
    });
  }
});

Deno.test("a process of a copy stops at its point, in the pass that was asked for, and can be killed there", async () => {
  await withFolder(async (folder) => {
    const point = killPoint("topics made", {
      file: "streaming/consumer.ts",
      before: "const stopWatchingLag = watchLag(",
    });
    const project = await copyProject(`${folder}/project`, [point]);
    const pipeline = await openPipeline("embedded", { project });
    try {
      const stopped = pipeline.start("consumer", ["--metrics-port", "0"], { [EXAM_POINT]: "topics made:1" });
      await stopped.says(pointLine("topics made"));
      await stopped.kill();
      const passes = pipeline.start("consumer", ["--metrics-port", "0"], { [EXAM_POINT]: "topics made:2" });
      await passes.says("Partition 2");
      ok(!passes.output.includes("EXAM POINT"));
      strictEqual(await passes.stop(), 0);
    } finally {
      await pipeline.close();
    }
  });
});

Deno.test("the table has a row for each experiment that ran, with sums, medians and largest figures", () => {
  const results = newResults(5, "full");
  const experiment = experimentOf(() => Promise.reject(new Error("not run here")));
  const entry = entryOf(results, experiment, "kafka", 5);
  const round = { seed: 1, durationMs: 1 };
  entry.rounds.push(
    { ...CLEAN, ...round, faults: 3, recoveryMs: [1000, 5000], figures: { peakMiB: 90 } },
    { ...CLEAN, ...round, faults: 2, lost: 1, recoveryMs: [2000], figures: { peakMiB: 110.26 } },
  );
  entry.controls.push({ guard: "one", faults: 1, noticed: true, message: "", durationMs: 1 });
  entryOf(results, { number: 100, name: "other" }, "embedded", 5).notRun = "needs strace";
  const [, , row, ...others] = resultsTable(results.experiments, "markdown").split("\n");
  strictEqual(
    row,
    "| 99 | trial | kafka | 2 | 5 | 20 | 1 | 0 | 0 | 2.0 s | 5.0 s | 1 of 1 | peakMiB 110.3 |",
  );
  strictEqual(others.length, 0);
  deepStrictEqual(countChecks(results), { passed: 1, failed: 1, notRun: 1 });
});

Deno.test("every experiment has a number, a name and a control on each of its engines", () => {
  strictEqual(new Set(EXPERIMENTS.map(({ number }) => number)).size, EXPERIMENTS.length);
  strictEqual(new Set(EXPERIMENTS.map(({ name }) => name)).size, EXPERIMENTS.length);
  for (const { name, engines, controls, faults } of EXPERIMENTS) {
    for (const engine of engines) {
      ok(controls.some((control) => control.engines.includes(engine)), `${name} has no control on ${engine}`);
      ok(faults.short[engine] > 0 && faults.full[engine] >= faults.short[engine], name);
    }
  }
});
