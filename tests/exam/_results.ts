/** What the exam has found so far: stored after each round, so that a stopped exam goes on at the next one. */

import { dirname } from "node:path";
import type { ExamEngine, RoundResult } from "./experiment.ts";

/** `short` is a few faults of each, for every change; `full` is what the published figures are made with. */
export type Form = "short" | "full";

/** A round that ended, with its result or with what kept it from one. */
export interface StoredRound extends RoundResult {
  seed: number;
  durationMs: number;
}

/** A guard taken away. */
export interface StoredControl {
  guard: string;
  faults: number;
  /** Whether the exam reported a violation. */
  noticed: boolean;
  /** What it reported first, or what kept it from a result. */
  message: string;
  durationMs: number;
}

/** One experiment on one engine. */
export interface StoredExperiment {
  number: number;
  name: string;
  engine: ExamEngine;
  /** Faults that the form asks for. */
  faultsAsked: number;
  rounds: StoredRound[];
  controls: StoredControl[];
  /** Why it could not run here. */
  notRun?: string;
}

/** The results of an exam. */
export interface Results {
  seed: number;
  form: Form;
  /** When it began, ISO 8601 UTC. */
  startedAt: string;
  /** Processors, Deno, and system: figures belong to a machine. */
  machine: string;
  experiments: StoredExperiment[];
}

/** Rounds of one experiment after which, all failed, no further one is begun. */
export const FAILED_ROUNDS_MAX = 3;

/** Empty results of an exam that begins now. */
export function newResults(seed: number, form: Form): Results {
  const machine = `${navigator.hardwareConcurrency} processors, ${Deno.build.os}, Deno ${Deno.version.deno}`;
  return { seed, form, startedAt: new Date().toISOString(), machine, experiments: [] };
}

/** Reads stored results; `undefined` where there are none. */
export async function readResults(file: string): Promise<Results | undefined> {
  try {
    return JSON.parse(await Deno.readTextFile(file)) as Results;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return undefined;
    if (error instanceof SyntaxError) {
      throw new Error(`Cannot read the exam's results "${file}": ${error.message}. Remove the file`);
    }
    throw error;
  }
}

/** Stores results whole. */
export async function writeResults(file: string, results: Results): Promise<void> {
  await Deno.mkdir(dirname(file), { recursive: true });
  const temporary = `${file}.part`;
  await Deno.writeTextFile(temporary, JSON.stringify(results, null, 1) + "\n");
  await Deno.rename(temporary, file);
}

/** The entry of an experiment on an engine, made where it is missing. */
export function entryOf(
  results: Results,
  { number, name }: { number: number; name: string },
  engine: ExamEngine,
  faultsAsked: number,
): StoredExperiment {
  let entry = results.experiments.find((one) => one.name === name && one.engine === engine);
  if (entry === undefined) {
    entry = { number, name, engine, faultsAsked, rounds: [], controls: [] };
    results.experiments.push(entry);
    results.experiments.sort((a, b) => a.number - b.number || a.engine.localeCompare(b.engine));
  }
  entry.faultsAsked = faultsAsked;
  delete entry.notRun;
  return entry;
}

/** Faults injected by the rounds so far. */
export function faultsOf(entry: StoredExperiment): number {
  return entry.rounds.reduce((sum, { faults }) => sum + faults, 0);
}

/** Whether a round found nothing wrong, and looked. */
export function isClean({ lost, doubled, violations, checked }: RoundResult): boolean {
  return lost === 0 && doubled === 0 && violations.length === 0 && checked > 0;
}

/** How many of the exam's checks passed: each experiment on each engine is one, and so is each guard taken away. */
export function countChecks(results: Results): { passed: number; failed: number; notRun: number } {
  const counts = { passed: 0, failed: 0, notRun: 0 };
  for (const entry of results.experiments) {
    if (entry.notRun !== undefined) {
      counts.notRun++;
      continue;
    }
    const complete = faultsOf(entry) >= entry.faultsAsked;
    if (complete && entry.rounds.every(isClean)) counts.passed++;
    else counts.failed++;
    for (const { noticed } of entry.controls) {
      if (noticed) counts.passed++;
      else counts.failed++;
    }
  }
  return counts;
}
