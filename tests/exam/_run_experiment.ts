/** Runs the rounds of one experiment on one engine, and its negative controls. */

import { copyProject, type Project } from "./_project_copy.ts";
import { randomOf, seedOf } from "./_random.ts";
import {
  FAILED_ROUNDS_MAX,
  faultsOf,
  type Form,
  isClean,
  type StoredControl,
  type StoredExperiment,
  type StoredRound,
} from "./_results.ts";
import type { ExamEngine, Experiment, NegativeControl, Round } from "./experiment.ts";

/** A round that has not ended by then is a violation, whatever it waits for. */
const ROUND_MS_MAX = 30 * 60_000;
const VIOLATIONS_MAX = 20;

/** What running an experiment needs beside it. */
export interface RunContext {
  seed: number;
  engine: ExamEngine;
  form: Form;
  /** The project as it stood when the exam began. */
  project: Project;
  /** Keeps the folder of a round that failed. */
  keep: boolean;
  signal: AbortSignal;
  say: (line: string) => void;
  progress: (faultsDone: number) => void;
  /** Called after each round and each control. */
  stored: () => Promise<void>;
}

/** Runs rounds until the faults asked for are injected; adds them to `entry`. */
export async function runRounds(
  experiment: Experiment,
  entry: StoredExperiment,
  context: RunContext,
): Promise<void> {
  while (faultsOf(entry) < entry.faultsAsked) {
    if (entry.rounds.filter((round) => !isClean(round)).length >= FAILED_ROUNDS_MAX) return;
    const done = faultsOf(entry);
    const faults = Math.min(experiment.faultsPerRound, entry.faultsAsked - done);
    const name = `${experiment.name}/${context.engine}/${entry.rounds.length}`;
    const seed = seedOf(context.seed, name);
    const round = await runRound(experiment, { faults, seed, project: context.project, name }, {
      ...context,
      progress: (inRound) => context.progress(done + inRound),
    });
    entry.rounds.push(round);
    await context.stored();
    if (!isClean(round)) {
      context.say(`✖ ${name} (seed ${seed}): ${round.lost} lost, ${round.doubled} doubled`);
      for (const violation of round.violations) context.say(`  ${violation}`);
    }
  }
}

/** The controls of an experiment on an engine. */
export function controlsOf({ controls }: Experiment, engine: ExamEngine): NegativeControl[] {
  return controls.filter(({ engines }) => engines.includes(engine));
}

/**
 * Those of the short form: a guard that is the same on both engines is taken away on the embedded one, so that none is
 * tried twice, but on each engine at least one.
 */
export function shortControls(controls: NegativeControl[], engine: ExamEngine): NegativeControl[] {
  const own = controls.filter(({ engines }) => engine === "embedded" || !engines.includes("embedded"));
  return own.length > 0 ? own : controls.slice(0, 1);
}

/** Runs the controls that `entry` does not hold yet. */
export async function runControls(
  experiment: Experiment,
  entry: StoredExperiment,
  context: RunContext,
): Promise<void> {
  const controls = controlsOf(experiment, context.engine);
  const wanted = new Set(context.form === "short" ? shortControls(controls, context.engine) : controls);
  for (const [at, control] of controls.entries()) {
    if (!wanted.has(control)) continue;
    if (entry.controls.some(({ guard }) => guard === control.guard)) continue;
    const startedMs = performance.now();
    const found = await runControl(experiment, control, at, context);
    const durationMs = Math.round(performance.now() - startedMs);
    entry.controls.push({ ...found, durationMs });
    await context.stored();
    const mark = found.noticed ? "✓ noticed" : "✖ NOT NOTICED";
    const seconds = (durationMs / 1000).toFixed(0);
    context.say(`${mark} without the guard "${control.guard}" (${seconds} s): ${found.message}`);
  }
}

/** Faults are drawn by chance, which may pass over what a guard is there for: so many times as many are tried at the most. */
const CONTROL_TRIES = 3;

async function runControl(
  experiment: Experiment,
  control: NegativeControl,
  at: number,
  context: RunContext,
): Promise<Omit<StoredControl, "durationMs">> {
  let done = 0;
  for (let index = 0; done < control.faults * CONTROL_TRIES; index++) {
    const name = `${experiment.name}/${context.engine}/control-${at}/${index}`;
    const faults = Math.min(experiment.faultsPerRound, control.faults - done % control.faults);
    const folder = await Deno.makeTempDir({ prefix: "airline-exam-control-" });
    try {
      let project: Project;
      try {
        project = await copyProject(folder, control.mutations, { from: context.project });
      } catch (error) {
        // The source has moved on: that is this guard's failure, and the others are tried all the same.
        return { guard: control.guard, faults: done, noticed: false, message: (error as Error).message };
      }
      const seed = seedOf(context.seed, name);
      const round = await runRound(experiment, { faults, seed, project, name }, { ...context, keep: false });
      done += Math.max(round.faults, 1);
      // A round that could not be finished says nothing about the guard.
      if (round.unfinished !== undefined) {
        return { guard: control.guard, faults: done, noticed: false, message: round.unfinished };
      }
      if (round.lost > 0 || round.doubled > 0 || round.violations.length > 0) {
        const first = round.violations[0]?.split("\n")[0] ?? "";
        const message = `${round.lost} lost, ${round.doubled} doubled; ${first}`;
        return { guard: control.guard, faults: done, noticed: true, message };
      }
    } finally {
      await Deno.remove(folder, { recursive: true });
    }
  }
  return { guard: control.guard, faults: done, noticed: false, message: `nothing after ${done} faults` };
}

async function runRound(
  experiment: Experiment,
  { faults, seed, project, name }: { faults: number; seed: number; project: Project; name: string },
  context: RunContext,
): Promise<StoredRound & { unfinished?: string }> {
  const folder = await Deno.makeTempDir({ prefix: "airline-exam-" });
  const lines: string[] = [];
  const deadline = new AbortController();
  const timer = setTimeout(() => {
    deadline.abort(new Error(`the round has not ended within ${ROUND_MS_MAX / 60_000} minutes`));
  }, ROUND_MS_MAX);
  const round: Round = {
    engine: context.engine,
    seed,
    random: randomOf(seed, "round"),
    faults,
    project,
    folder,
    progress: context.progress,
    say: (line) => {
      lines.push(line);
      context.say(`${name}: ${line}`);
    },
    signal: AbortSignal.any([context.signal, deadline.signal]),
  };
  const startedMs = performance.now();
  let stored: StoredRound & { unfinished?: string };
  try {
    const result = await experiment.run(round);
    stored = { ...result, seed, durationMs: 0 };
    if (result.checked === 0) stored.violations = ["nothing was compared", ...stored.violations];
  } catch (error) {
    if (context.signal.aborted) {
      await Deno.remove(folder, { recursive: true });
      throw error;
    }
    const reason = deadline.signal.aborted ? deadline.signal.reason : error;
    const unfinished = reason instanceof Error ? reason.stack ?? reason.message : String(reason);
    const violations = [`The round could not be finished: ${unfinished}`];
    stored = {
      faults,
      checked: 0,
      lost: 0,
      doubled: 0,
      violations,
      recoveryMs: [],
      seed,
      durationMs: 0,
      unfinished,
    };
  } finally {
    clearTimeout(timer);
  }
  stored.durationMs = Math.round(performance.now() - startedMs);
  stored.violations = stored.violations.slice(0, VIOLATIONS_MAX);
  if (context.keep && !isClean(stored)) {
    await Deno.writeTextFile(`${folder}/round.log`, lines.join("\n") + "\n");
    context.say(`${name}: kept in ${folder}`);
  } else {
    await Deno.remove(folder, { recursive: true });
  }
  return stored;
}
