/**
 * What an experiment of the reliability exam is: real processes under load, a fault injected again and again, and a
 * verifier that recomputes from the input log alone what must be there.
 *
 * An experiment runs in rounds. A round is one pipeline in a folder of its own, started, disturbed a number of times,
 * left to recover and verified. The exam counts rounds until the faults asked for were injected, and stores each
 * round's result, so that a stopped exam goes on at the next round.
 *
 * @module
 */

import type { Project, SourceMutation } from "./_project_copy.ts";

/** The engine pair that an experiment runs on: embedded log and warehouse, or real Kafka and Postgres. */
export type ExamEngine = "embedded" | "kafka";

/** What an experiment needs beside its engine; where it is missing, the exam says so and counts it as not run. */
export type Need =
  /** Linux's `/proc` and signals. */
  | "linux"
  /** May mount file systems (root). */
  | "mount"
  /** A broker that the exam may kill: the jars of Kafka, in `EXAM_KAFKA_LIBS`, and Java. */
  | "own-broker"
  /** A Postgres server on loopback, in `DATABASE_URL`. */
  | "postgres"
  | "strace"
  | "faketime";

/** One experiment. */
export interface Experiment {
  /** Its row in the table of RESULTS.md. */
  number: number;
  /** Its name for `--only`: `consumer-killed`. */
  name: string;
  /** The fault, and what must hold, each in a few words. */
  fault: string;
  mustHold: string;
  engines: readonly ExamEngine[];
  /** Needed on an engine, beside the engine itself. */
  needs: (engine: ExamEngine) => readonly Need[];
  /** How many faults each form injects, by engine. */
  faults: Record<"short" | "full", Record<ExamEngine, number>>;
  /** Faults of one round at the most. */
  faultsPerRound: number;
  /** What its rounds change in a copy of the project beside a control's mutations: named points and the like. */
  points?: (engine: ExamEngine) => readonly SourceMutation[];
  run: (round: Round) => Promise<RoundResult>;
  /** The same with a guard broken on purpose: the exam fails where one of these goes unnoticed. At least one an engine. */
  controls: readonly NegativeControl[];
}

/** A guard that is taken away. {@link Experiment.run} has to report a violation then. */
export interface NegativeControl {
  /** The guard, in a few words: `offsets are committed with the outputs`. */
  guard: string;
  engines: readonly ExamEngine[];
  /** How the guard is broken, in a copy of the project. */
  mutations: readonly SourceMutation[];
  /** Faults to be injected until it must be noticed. */
  faults: number;
}

/** Seeded draws, uniform in [0, 1). */
export type Random = () => number;

/** What a round is given. */
export interface Round {
  engine: ExamEngine;
  /** Of this round; printed when it fails. Everything that is drawn comes from `random`. */
  seed: number;
  random: Random;
  /** How many faults to inject. */
  faults: number;
  /** The project whose processes are run: this one, or a copy with a guard broken. */
  project: Project;
  /** An empty folder of the round's own, removed after it unless the round failed and `--keep` was given. */
  folder: string;
  /** Told after each fault, for the progress bar. */
  progress: (faultsDone: number) => void;
  /** One line for `--verbose` and the log file of the round. */
  say: (line: string) => void;
  /** Aborts at Ctrl+C: the round then ends its processes and throws. */
  signal: AbortSignal;
}

/** What a round found. */
export interface RoundResult {
  /** Faults injected. */
  faults: number;
  /** Things that were compared: records, rows, decisions. 0 is a failure of the round. */
  checked: number;
  /** Of those: missing, and there more than once. */
  lost: number;
  doubled: number;
  /** Every other thing that must hold and did not, and each loss and duplicate in words (the first twenty). */
  violations: string[];
  /** From each fault's end until work went on, in milliseconds. */
  recoveryMs: number[];
  /**
   * Other figures worth a column: `peakMemoryMiB`, `walMiB`, `refused`. Over several rounds numbers of things add up; of
   * sizes and times (with a unit, `Max`, `peak` or `Share` in the name) the largest counts.
   */
  figures?: Record<string, number>;
}
