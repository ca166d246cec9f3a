/** Log and warehouse behind slow networks, one after the other, with everything watched that has a deadline. */

import { BAD_NETWORKS } from "./_bad_networks.ts";
import type { BadNetwork } from "./_bad_networks.ts";
import { usageOf } from "./_exam_pipeline.ts";
import type { ExamPipeline, Part } from "./_exam_pipeline.ts";
import { Findings } from "./_findings.ts";
import { LakeSteps } from "./_lake_steps.ts";
import type { LogUnderLoad } from "./_log_under_load.ts";
import { startProxiedWarehouse } from "./_proxied_warehouse.ts";
import type { ProxiedWarehouse } from "./_proxied_warehouse.ts";
import type { SourceMutation } from "./_project_copy.ts";
import { wholeNumber } from "./_random.ts";
import {
  SHORTER_APPEND_MS,
  SHORTER_DEADLINES,
  SHORTER_MS,
  SHORTER_PRODUCE_MS,
} from "./_shorter_deadlines.ts";
import type { TcpProxy } from "./_tcp_proxy.ts";
import { checkState, isLoaded, readState } from "./_warehouse_check.ts";
import type { Round, RoundResult } from "./experiment.ts";

const ROWS_OF_A_STEP = 300;

/** How long the network is slow, and which deadlines are held against the clock meanwhile. */
export interface SlowForm {
  slowMs: number;
  appendMsMax: number;
  otherClientMsMax: number;
  /** Changes of the program's own deadlines. */
  mutations: readonly SourceMutation[];
}

/** The program's deadlines as they are: what is under way when an append's passes has one request's more; 10 s for a busy machine. */
const FULL: SlowForm = {
  slowMs: 75_000,
  appendMsMax: 30_000 + 15_000 + 10_000,
  otherClientMsMax: 10_000 + 25_000,
  mutations: [],
};
/** An append may begin by asking for an identity, which is given as long; then there is room for a busy machine. */
const SHORT: SlowForm = {
  slowMs: 40_000,
  appendMsMax: 2 * SHORTER_APPEND_MS + SHORTER_MS + SHORTER_PRODUCE_MS + 5_000,
  otherClientMsMax: SHORTER_MS + 12_000,
  mutations: SHORTER_DEADLINES,
};
const SHORT_FAULTS_MAX = 3;

/** A full round has the program's own deadlines. */
export function slowForm(faults: number): SlowForm {
  return faults <= SHORT_FAULTS_MAX ? SHORT : FULL;
}

/** A stop has as long as an append and what is under way. */
const STOP_MS_MAX = 30_000 + 15_000 + 10_000;
/** A run makes about eighty round trips; one that stalls is given up after 60 s. */
const ETL_MS_MAX = 200_000;
const RECOVERY_MS_MAX = 60_000;
const CONSUMER_MIB_MAX = 700;
const FEEDER_MIB_MAX = 500;
const ETL_MIB_MAX = 1200;

/** One round of slow networks; see {@link SlowRound.run}. */
export class SlowRound {
  readonly #round: Round;
  readonly #pipeline: ExamPipeline;
  /** Of Kafka. */
  readonly #load: LogUnderLoad | undefined;
  readonly #logProxy: TcpProxy | undefined;
  readonly #form: SlowForm;
  readonly #lake: LakeSteps;
  readonly #findings = new Findings();
  readonly #figures = { feederMiB: 0, consumerMiB: 0, etlMiB: 0, appendWaitMs: 0, stopMs: 0, etlMs: 0 };
  #warehouse!: ProxiedWarehouse;
  #loadBegins = () => {};
  #etl: Part | undefined;

  constructor(
    round: Round,
    pipeline: ExamPipeline,
    load: LogUnderLoad | undefined,
    logProxy: TcpProxy | undefined,
  ) {
    this.#round = round;
    this.#pipeline = pipeline;
    this.#load = load;
    this.#logProxy = logProxy;
    this.#form = slowForm(round.faults);
    this.#lake = new LakeSteps(pipeline.env.LAKE_DIR!, round.random, ROWS_OF_A_STEP);
  }

  async run(): Promise<RoundResult> {
    const { faults, signal, random, progress, say } = this.#round;
    const recoveryMs: number[] = [];
    this.#warehouse = await startProxiedWarehouse(this.#round, this.#pipeline, (event) => {
      if (event.kind === "done" && event.tag === "BEGIN") this.#loadBegins();
      return undefined;
    });
    try {
      await this.#load?.start();
      await this.#loads();
      // The narrow one tries most: it comes first where there is room for more than one.
      const first = faults > 1 ? 0 : wholeNumber(random, 0, BAD_NETWORKS.length);
      for (let fault = 0; fault < faults && this.#findings.violations.length === 0; fault++) {
        signal.throwIfAborted();
        const network = BAD_NETWORKS[(first + fault) % BAD_NETWORKS.length]!;
        const { name } = network;
        await this.#slow(network);
        // What is wrong already need not be waited for.
        if (this.#findings.violations.length > 0) return this.#result(fault + 1, recoveryMs);
        const startMs = performance.now();
        await this.#goesOn(name);
        recoveryMs.push(performance.now() - startMs);
        say(`${name}: works on after ${Math.round(recoveryMs.at(-1)!)} ms; ${JSON.stringify(this.#figures)}`);
        progress(fault + 1);
      }
      return this.#result(faults, recoveryMs, await this.#load?.finish(this.#findings, say));
    } finally {
      await this.#warehouse.stop();
    }
  }

  #result(
    faults: number,
    recoveryMs: number[],
    found: Pick<RoundResult, "checked" | "lost" | "doubled" | "violations"> = this.#findings.result(),
  ): RoundResult {
    const { checked, lost, doubled, violations } = found;
    return { faults, checked, lost, doubled, violations, recoveryMs, figures: { ...this.#figures } };
  }

  /** For a while all is slow, and everything that has a deadline is watched. */
  async #slow(network: BadNetwork): Promise<void> {
    await this.#lake.seal();
    const { proxy } = this.#warehouse;
    const loadBegins = new Promise<void>((resolve) => this.#loadBegins = resolve);
    if (network.duringLoad === true) void loadBegins.then(() => proxy.network = network);
    else proxy.network = network;
    if (this.#logProxy !== undefined) this.#logProxy.network = network;
    const { slowMs } = this.#form;
    const restore = setTimeout(() => this.#restore(), slowMs);
    const another = this.#load === undefined && network.duringLoad === true;
    const ends = new AbortController();
    const work = Promise.all([
      this.#runEtl(),
      this.#restartConsumer(slowMs),
      another ? loadBegins.then(() => this.#askAsAnotherClient()) : undefined,
    ]);
    // Without a log under load there is nothing more to be seen then.
    const watched = work.then(() => this.#load ?? ends.abort());
    try {
      await Promise.all([watched, this.#watch(slowMs, ends.signal)]);
    } finally {
      ends.abort();
      clearTimeout(restore);
      this.#restore();
    }
  }

  #restore(): void {
    this.#warehouse.proxy.network = {};
    if (this.#logProxy !== undefined) this.#logProxy.network = {};
  }

  /** A run may fail on such a network, but it ends; the next one makes up for it. */
  async #runEtl(): Promise<void> {
    const startMs = performance.now();
    const etl = this.#etl = this.#pipeline.start("etl", [], this.#warehouse.env);
    await this.#endsWithin(ETL_MS_MAX, "A run of the ETL", etl, etl.exited());
    this.#etl = undefined;
    const tookMs = performance.now() - startMs;
    this.#figures.etlMs = Math.max(this.#figures.etlMs, Math.round(tookMs));
    const code = await etl.exited();
    const lastLine = etl.output.trimEnd().split("\n").at(-1)!;
    this.#round.say(`the ETL ended with ${code} after ${Math.round(tookMs)} ms: ${lastLine}`);
    if (code !== 0 && !lastLine.endsWith("it goes on from what is stored there")) {
      this.#findings.violation(`The ETL ended with ${code} and does not say why: ${lastLine}`);
    }
  }

  /** It is told to stop in the middle, and has its drain's deadlines for that. */
  async #restartConsumer(slowMs: number): Promise<void> {
    const load = this.#load;
    if (load === undefined) return;
    await pause(wholeNumber(this.#round.random, 1000, slowMs / 3));
    const startMs = performance.now();
    await this.#endsWithin(STOP_MS_MAX, "The consumer's stop", load.consumer, load.consumer.stop());
    this.#figures.stopMs = Math.max(this.#figures.stopMs, Math.round(performance.now() - startMs));
    load.startConsumer();
  }

  async #endsWithin(deadlineMs: number, what: string, part: Part, ended: Promise<number>): Promise<void> {
    const timer = setTimeout(() => {
      this.#findings.violation(`${what} hangs past ${deadlineMs / 1000} s: ${part.output.slice(-500)}`);
      part.signal("SIGKILL");
    }, deadlineMs);
    await ended;
    clearTimeout(timer);
  }

  /** Past the proxy: the embedded warehouse must not be anyone's alone. */
  async #askAsAnotherClient(): Promise<void> {
    await pause(500);
    const startMs = performance.now();
    const { otherClientMsMax } = this.#form;
    const deadline = setTimeout(() => {
      this.#findings.violation(
        `Another client of the embedded warehouse waits for its answer past ${otherClientMsMax / 1000} s`,
      );
    }, otherClientMsMax);
    await this.#warehouse.direct.sql`select 1`;
    clearTimeout(deadline);
    this.#round.say(`another client was answered after ${Math.round(performance.now() - startMs)} ms`);
  }

  /** Looks at memory and at the append under way. */
  async #watch(durationMs: number, signal?: AbortSignal): Promise<void> {
    const untilMs = performance.now() + durationMs;
    const figures = this.#figures;
    while (performance.now() < untilMs && !signal?.aborted && this.#findings.violations.length === 0) {
      this.#round.signal.throwIfAborted();
      figures.feederMiB = this.#memory("feeder", this.#load?.feeder.part, figures.feederMiB, FEEDER_MIB_MAX);
      figures.consumerMiB = this.#memory(
        "consumer",
        this.#load?.consumer,
        figures.consumerMiB,
        CONSUMER_MIB_MAX,
      );
      figures.etlMiB = this.#memory("ETL", this.#etl, figures.etlMiB, ETL_MIB_MAX);
      this.#appends();
      await pause(200);
    }
    if (this.#findings.violations.length > 0) this.#restore();
  }

  #memory(what: string, part: Part | undefined, before: number, limitMiB: number): number {
    const mebibytes = Math.round(part === undefined ? 0 : usageOf(part)?.residentMiB ?? 0);
    if (mebibytes > limitMiB) {
      this.#findings.violation(`The ${what} takes ${mebibytes} MiB, at most ${limitMiB} expected`);
    }
    return Math.max(before, mebibytes);
  }

  #appends(): void {
    const waitingMs = Math.round(this.#load?.feeder.waitingMs() ?? 0);
    this.#figures.appendWaitMs = Math.max(this.#figures.appendWaitMs, waitingMs);
    const { appendMsMax } = this.#form;
    if (waitingMs > appendMsMax) this.#findings.violation(`An append hangs past ${appendMsMax / 1000} s`);
  }

  /** The network is good again. */
  async #goesOn(name: string): Promise<void> {
    try {
      const appending = this.#load?.worksOn(RECOVERY_MS_MAX);
      appending?.catch(() => {});
      await this.#watch(1000);
      await appending;
    } catch (error) {
      this.#findings.violation(`After ${name}: ${(error as Error).message}`);
    }
    await this.#loads();
  }

  /** A run of the ETL on a good network loads everything. */
  async #loads(): Promise<void> {
    await this.#lake.seal();
    const etl = this.#pipeline.start("etl", [], this.#warehouse.env);
    const code = await etl.exited();
    if (code !== 0) {
      this.#findings.violation(`On a good network the ETL ended with ${code}: ${etl.output.slice(-500)}`);
    }
    const state = await readState(this.#warehouse.direct.sql);
    const found = checkState(state, this.#lake);
    this.#findings.checked += found.checked;
    this.#findings.lost += found.lost;
    this.#findings.doubled += found.doubled;
    for (const violation of found.violations) this.#findings.violation(violation);
    if (!isLoaded(state, this.#lake)) this.#findings.violation("On a good network the ETL did not load all");
  }
}

const pause = (durationMs: number) => new Promise((resolve) => setTimeout(resolve, durationMs));
