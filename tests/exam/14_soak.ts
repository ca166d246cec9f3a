/**
 * The whole pipeline for half an hour with a random mix of faults: producer, two consumers, lake writer, ETL every
 * minute, warehouse. Then everything is verified, and what the processes keep must not have grown.
 *
 * In the first fifth and at the end every process is killed. In between those whose memory is followed are only paused,
 * while a second consumer, ETL runs, the warehouse and the broker are killed beside them. What rightly grows has come
 * to its full size by then: flights are on sale for a day and a half of simulated time, which takes some seconds.
 *
 * @module
 */

import { join } from "node:path";
import { openExamPipeline } from "./_exam_pipeline.ts";
import { sessionTimeoutMs } from "./_consumer_round.ts";
import { Findings } from "./_findings.ts";
import { KafkaBroker } from "./_kafka_broker.ts";
import { inspectable, median, type Samples } from "./_process_memory.ts";
import { oneOf, wholeNumber } from "./_random.ts";
import { verifyEngine } from "./_reference.ts";
import { gentleFaults, roughFaults } from "./_soak_faults.ts";
import { ROLES, SoakPipeline, type VerifyReport } from "./_soak_pipeline.ts";
import type { Experiment, Round, RoundResult } from "./experiment.ts";

/** What the length of a soak decides; it is told by the number of faults. */
interface Form {
  durationMs: number;
  etlIntervalSeconds: number;
  /** At least so long between two measurements. */
  measureEveryMs: number;
  /** How much of the time between warm-up and end the two spans are that are compared: their share of it. */
  spanShare: number;
  /** By how much a heap may be larger at the end, as a share. */
  heapGrowthMax: number;
  /** How many more handles may be open at the end: a few connections come and go with partitions and brokers. */
  handlesMoreMax: number;
  /** Of the whole: until when, and from when on, processes are killed that are followed; between, they warm up first. */
  roughUntil: number;
  roughFrom: number;
}

const FULL_FAULTS = 90;
const FULL: Form = {
  durationMs: 30 * 60_000,
  etlIntervalSeconds: 60,
  measureEveryMs: 5_000,
  // 5 of 22.5 minutes.
  spanShare: 2 / 9,
  heapGrowthMax: 0.05,
  handlesMoreMax: 2,
  roughUntil: 0.15,
  roughFrom: 0.95,
};
const SHORT: Form = {
  durationMs: 45_000,
  etlIntervalSeconds: 10,
  measureEveryMs: 2_000,
  spanShare: 1 / 3,
  // In the first minute of a process its compiled code still grows: only a gross leak shows.
  heapGrowthMax: 0.35,
  handlesMoreMax: 10,
  roughUntil: 0.15,
  roughFrom: 0.95,
};
/** One fault is that of a negative control, which kills no process that is followed. */
const CONTROL_FAULTS = 1;
const CONTROL: Form = { ...SHORT, durationMs: 24_000, roughUntil: 0, roughFrom: Infinity };

const EVENTS_PER_SECOND = 200;
/** Of the whole: what is measured before is of processes that warm up. */
const WARM_FROM = 0.2;
/** Spans of fewer measurements say nothing: a soak goes on until there are so many. */
const MEASUREMENTS_LEAST = 6;
/** The write-ahead file is begun anew below 64 MiB; a process that is paused while it reads holds that up. */
const WRITE_AHEAD_MIB_MAX = 72;

async function run(given: Round): Promise<RoundResult> {
  const round = { ...given, signal: interruptOf(given.signal), project: inspectable(given.project) };
  const form = round.faults >= FULL_FAULTS ? FULL : round.faults > CONTROL_FAULTS ? SHORT : CONTROL;
  const broker = round.engine === "kafka"
    ? await KafkaBroker.start({ folder: join(round.folder, "broker") })
    : undefined;
  try {
    const pipeline = await openExamPipeline(
      round,
      broker === undefined ? { warehouse: true } : { brokers: [broker.address] },
    );
    try {
      const soak = new SoakPipeline({
        pipeline,
        broker,
        seed: round.seed,
        eventsPerSecond: EVENTS_PER_SECOND,
        etlIntervalSeconds: form.etlIntervalSeconds,
        sessionMs: round.engine === "kafka" ? sessionTimeoutMs(round) : 2_000,
      });
      return await soakAndVerify(soak, round, form);
    } finally {
      await pipeline.close();
    }
  } finally {
    await broker?.kill();
  }
}

async function soakAndVerify(soak: SoakPipeline, round: Round, form: Form): Promise<RoundResult> {
  const findings = new Findings();
  const recoveryMs: number[] = [];
  let faults = 0;
  await soak.start();
  await soak.recovered();
  const startedMs = performance.now();
  const elapsedMs = () => performance.now() - startedMs;
  const betweenMs = form.durationMs / round.faults;
  let measuredMs = -Infinity;
  let measurements = 0;
  while (
    elapsedMs() < form.durationMs || faults < round.faults || measurements < MEASUREMENTS_LEAST
  ) {
    round.signal.throwIfAborted();
    const share = elapsedMs() / form.durationMs;
    const rough = share < form.roughUntil || share >= form.roughFrom;
    if (faults < round.faults && elapsedMs() >= faults * betweenMs) {
      const fault = oneOf(round.random, rough ? roughFaults(soak) : gentleFaults(soak));
      round.say(`${(elapsedMs() / 1000).toFixed(0)} s: ${fault.name}`);
      await fault.inject(soak, round.random);
      recoveryMs.push(await soak.recovered());
      for (const text of soak.ended()) throw new Error(text);
      round.progress(++faults);
    }
    if (elapsedMs() - measuredMs >= form.measureEveryMs) {
      measuredMs = elapsedMs();
      await soak.measure(measuredMs);
      if (isWarm(measuredMs, form)) measurements++;
    }
    await new Promise((resolve) => setTimeout(resolve, wholeNumber(round.random, 100, 500)));
  }
  judgeGrowth(soak, round, form, findings);
  // A control has shown what it is for.
  if (form === CONTROL && findings.violations.length > 0) return { faults, ...findings.result(), recoveryMs };
  for (const text of await soak.finish()) findings.violation(text);
  const verdict = await verifyEngine(soak.pipeline.log);
  findings.checked += verdict.checked;
  findings.lost += verdict.lost;
  findings.doubled += verdict.doubled;
  for (const text of verdict.violations) findings.violation(text);
  const report = await soak.verify();
  judgeReport(report, findings);
  const figures = await figuresOf(soak, report, form);
  await soak.stopWarehouse();
  return { faults, ...findings.result(), recoveryMs, figures };
}

/** Whether a measurement counts: the processes are warm, and not killed again at the end. */
function isWarm(atMs: number, { durationMs, roughFrom }: Form): boolean {
  return atMs >= WARM_FROM * durationMs && (atMs < roughFrom * durationMs || atMs >= durationMs);
}

/** Figures of the span after the warm-up and of the last one. */
function spans(samples: Samples, form: Form): { first: number[]; last: number[] } {
  const warm = samples.where((atMs) => isWarm(atMs, form));
  const count = Math.ceil(warm.length * form.spanShare);
  return { first: warm.slice(0, count), last: warm.slice(-count) };
}

function judgeGrowth(soak: SoakPipeline, round: Round, form: Form, findings: Findings): void {
  const { heapMiB, handles, writeAheadMiB } = soak.measured;
  for (const role of ROLES) {
    const heap = spans(heapMiB[role], form);
    const [before, after] = [median(heap.first), median(heap.last)];
    round.say(
      `${role}: heap ${before.toFixed(2)} MiB (${heap.first.length} samples), then ${
        after.toFixed(2)
      } MiB (${heap.last.length})`,
    );
    findings.checked += heap.last.length;
    if (!(after <= before * (1 + form.heapGrowthMax))) {
      findings.violation(
        `The heap of the ${role} grew from ${before.toFixed(2)} to ${
          after.toFixed(2)
        } MiB (medians after collection)`,
      );
    }
    const open = spans(handles[role], form);
    if (!(median(open.last) <= median(open.first) + form.handlesMoreMax)) {
      findings.violation(
        `The ${role} had ${median(open.first)} open handles after the warm-up, ${
          median(open.last)
        } at the end`,
      );
    }
  }
  if (soak.pipeline.pair !== "embedded") return;
  const writeAhead = spans(writeAheadMiB, form);
  const [before, after] = [Math.max(...writeAhead.first), Math.max(...writeAhead.last)];
  round.say(`write-ahead file: up to ${before.toFixed(1)} MiB, then up to ${after.toFixed(1)} MiB`);
  if (!(after <= WRITE_AHEAD_MIB_MAX)) {
    findings.violation(`The write-ahead file grew from ${before.toFixed(1)} to ${after.toFixed(1)} MiB`);
  }
}

function judgeReport({ differences, topics }: VerifyReport, findings: Findings): void {
  for (const { log_records, lake_lines } of topics) findings.checked += (log_records ?? 0) + lake_lines;
  for (const { where, kind, count, examples } of differences) {
    const text = `verify: ${where}, ${kind}: ${count}, such as ${examples.join("; ")}`;
    if (kind === "missing") findings.loss(text, count);
    else if (kind === "doubled") findings.duplicate(text, count);
    else findings.violation(text);
  }
}

async function figuresOf(
  soak: SoakPipeline,
  report: VerifyReport,
  form: Form,
): Promise<Record<string, number>> {
  const figures: Record<string, number> = {
    soakMinutes: form.durationMs / 60_000,
    logRecords: report.topics.reduce((sum, { log_records }) => sum + (log_records ?? 0), 0),
    warehouseRows: report.tables.reduce((sum, { warehouse }) => sum + (warehouse?.rows ?? 0), 0),
  };
  for (const role of ROLES) {
    const heap = spans(soak.measured.heapMiB[role], form);
    const resident = spans(soak.measured.residentMiB[role], form);
    const name = role === "etl-runner" ? "etl" : role;
    figures[`${name}HeapMiBFirst`] = rounded(median(heap.first));
    figures[`${name}HeapMiBLast`] = rounded(median(heap.last));
    figures[`${name}ResidentMiBFirst`] = rounded(median(resident.first));
    figures[`${name}ResidentMiBLast`] = rounded(median(resident.last));
  }
  if (soak.pipeline.pair === "embedded") {
    const writeAhead = spans(soak.measured.writeAheadMiB, form);
    figures.writeAheadMiBMax = rounded(Math.max(...writeAhead.first, ...writeAhead.last));
    figures.logMiB = rounded(await soak.logMiB());
  }
  return figures;
}

function rounded(value: number): number {
  return Math.round(value * 100) / 100;
}

/** The exam gives each round half an hour, which the load alone takes here: only Ctrl+C, whose reason is none of ours, ends it. */
function interruptOf(signal: AbortSignal): AbortSignal {
  const interrupt = new AbortController();
  const onAbort = () => {
    if (signal.reason instanceof DOMException) interrupt.abort(signal.reason);
  };
  if (signal.aborted) onAbort();
  else signal.addEventListener("abort", onAbort, { once: true });
  return interrupt.signal;
}

export const experiment: Experiment = {
  number: 14,
  name: "soak",
  fault: "half an hour of all of them, drawn at random",
  mustHold: "everything verified; heap, handles and write-ahead file flat",
  engines: ["embedded", "kafka"],
  needs: (engine) => engine === "kafka" ? ["linux", "own-broker", "postgres"] : ["linux"],
  faults: { short: { embedded: 6, kafka: 6 }, full: { embedded: FULL_FAULTS, kafka: FULL_FAULTS } },
  faultsPerRound: FULL_FAULTS,
  run,
  controls: [{
    guard: "the consumer lets go of what it has committed",
    engines: ["embedded", "kafka"],
    mutations: [{
      file: "streaming/partition_task.ts",
      from: "const LANE_ITEMS_MAX = 4_000;",
      to: "const kept: unknown[] = [];\nconst LANE_ITEMS_MAX = 4_000;",
    }, {
      file: "streaming/partition_task.ts",
      from: "    observer?.committed?.({",
      to: "    kept.push(outputs, Array.from({ length: 5_000 }, () => ({})));\n    observer?.committed?.({",
    }],
    faults: CONTROL_FAULTS,
  }, {
    guard: "the lake writer closes its files",
    engines: ["embedded"],
    mutations: [{
      file: "lake/durable_files.ts",
      from: "  using handle = await Deno.open(folder, { read: true });",
      to: "  const handle = await Deno.open(folder, { read: true });",
    }],
    faults: CONTROL_FAULTS,
  }],
};
