/**
 * Experiment 6: the network is slow. Proxies before Kafka and the warehouse make it late (2 s there and back), narrow
 * (1 KB/s a connection), sliced (pieces of at most 7 bytes), or all of that at once, for a while, under a load that it
 * cannot carry; then it is good again.
 *
 * Must hold: nothing waits past its deadline (an append, the consumer's stop, a run of the ETL, and on the embedded
 * warehouse, which serves one transaction at a time, other clients of it), no process takes more and more memory, and once
 * the network is good work goes on and everything is stored once. The embedded log has no network: on the embedded pair
 * only the warehouse takes part.
 *
 * @module
 */

import { BAD_NETWORKS } from "./_bad_networks.ts";
import type { BadNetwork } from "./_bad_networks.ts";
import { openExamPipeline, usageOf } from "./_exam_pipeline.ts";
import type { ExamPipeline, Part } from "./_exam_pipeline.ts";
import { Findings } from "./_findings.ts";
import { LakeSteps } from "./_lake_steps.ts";
import { LogUnderLoad } from "./_log_under_load.ts";
import { openProxiedKafka } from "./_proxied_kafka.ts";
import { startProxiedWarehouse } from "./_proxied_warehouse.ts";
import type { ProxiedWarehouse } from "./_proxied_warehouse.ts";
import { wholeNumber } from "./_random.ts";
import type { TcpProxy } from "./_tcp_proxy.ts";
import { checkState, isLoaded, readState } from "./_warehouse_check.ts";
import type { Experiment, Round, RoundResult } from "./experiment.ts";

/** More than a narrow network carries. */
const PER_SECOND = 200;
const ROWS_OF_A_STEP = 300;

/** Deadlines of the program, and for what is under way when they pass one request's 15 s; then 10 s for a busy machine. */
const APPEND_MS_MAX = 30_000 + 15_000 + 10_000;
const STOP_MS_MAX = 30_000 + 15_000 + 10_000;
/** A run makes about eighty round trips; one that stalls is given up after 60 s. */
const ETL_MS_MAX = 200_000;
/** A transaction in which nothing can be done for 30 s is ended. */
const OTHER_CLIENT_MS_MAX = 30_000 + 25_000;
const RECOVERY_MS_MAX = 60_000;
/** Longer than any of the deadlines that are tried; a round of a single fault only has a look. */
const SLOW_MS = 75_000;
const LOOK_MS = 12_000;
const CONSUMER_MIB_MAX = 700;
const FEEDER_MIB_MAX = 500;
const ETL_MIB_MAX = 1200;

async function run(round: Round): Promise<RoundResult> {
  if (round.engine === "embedded") {
    const pipeline = await openExamPipeline(round);
    try {
      return await new SlowRound(round, pipeline, undefined, undefined).run();
    } finally {
      await pipeline.close();
    }
  }
  const kafka = await openProxiedKafka(round);
  const load = new LogUnderLoad(round, kafka.pipeline, {
    perSecond: PER_SECOND,
    sessionTimeout: "10s",
    brokers: kafka.brokers,
    appendsMayFail: true,
  });
  try {
    return await new SlowRound(round, kafka.pipeline, load, kafka.proxy).run();
  } finally {
    await load.feeder.kill();
    await kafka.close();
  }
}

class SlowRound {
  readonly #round: Round;
  readonly #pipeline: ExamPipeline;
  /** Of Kafka. */
  readonly #load: LogUnderLoad | undefined;
  readonly #logProxy: TcpProxy | undefined;
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
        const startMs = performance.now();
        await this.#goesOn(name);
        recoveryMs.push(performance.now() - startMs);
        say(`${name}: works on after ${Math.round(recoveryMs.at(-1)!)} ms; ${JSON.stringify(this.#figures)}`);
        progress(fault + 1);
      }
      const log = await this.#load?.finish(this.#findings, say);
      const { checked, lost, doubled, violations } = log ?? this.#findings;
      return { faults, checked, lost, doubled, violations, recoveryMs, figures: { ...this.#figures } };
    } finally {
      await this.#warehouse.stop();
    }
  }

  /** For a while all is slow, and everything that has a deadline is watched. */
  async #slow(network: BadNetwork): Promise<void> {
    await this.#lake.seal();
    const { proxy } = this.#warehouse;
    const loadBegins = new Promise<void>((resolve) => this.#loadBegins = resolve);
    if (network.duringLoad === true) void loadBegins.then(() => proxy.network = network);
    else proxy.network = network;
    if (this.#logProxy !== undefined) this.#logProxy.network = network;
    const slowMs = this.#round.faults > 1 ? SLOW_MS : LOOK_MS;
    const restore = setTimeout(() => this.#restore(), slowMs);
    const another = this.#load === undefined && network.duringLoad === true;
    try {
      await Promise.all([
        this.#runEtl(),
        this.#restartConsumer(slowMs),
        this.#watch(slowMs),
        another ? loadBegins.then(() => this.#askAsAnotherClient()) : undefined,
      ]);
    } finally {
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
    await this.#warehouse.direct.sql`select 1`;
    const tookMs = performance.now() - startMs;
    this.#round.say(`another client was answered after ${Math.round(tookMs)} ms`);
    if (tookMs > OTHER_CLIENT_MS_MAX) {
      this.#findings.violation(
        `Another client of the embedded warehouse waited ${Math.round(tookMs)} ms for its answer`,
      );
    }
  }

  /** Looks at memory and at the append under way. */
  async #watch(durationMs: number): Promise<void> {
    const untilMs = performance.now() + durationMs;
    const figures = this.#figures;
    while (performance.now() < untilMs) {
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
    if (waitingMs > APPEND_MS_MAX) {
      this.#findings.violation(`An append hangs past ${APPEND_MS_MAX / 1000} s`);
    }
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

export const experiment: Experiment = {
  number: 6,
  name: "slow-network",
  fault: "the network is late (2 s), narrow (1 KB/s) and sliced, under more load than it carries",
  mustHold: "nothing hangs past its deadline; memory bounded; all stored once when the network is good again",
  engines: ["embedded", "kafka"],
  needs: (engine) => engine === "kafka" ? ["own-broker", "postgres", "linux"] : ["linux"],
  faults: { short: { embedded: 1, kafka: 1 }, full: { embedded: 8, kafka: 8 } },
  faultsPerRound: 4,
  run,
  controls: [
    {
      guard: "a request to Kafka has a deadline",
      engines: ["kafka"],
      mutations: [{
        file: "event_log/_kafka_link.ts",
        from: "enforceRequestTimeout: true,",
        to: "enforceRequestTimeout: false,",
      }],
      faults: 2,
    },
    {
      guard: "a client that does nothing in its transaction is ended",
      engines: ["embedded"],
      mutations: [{
        file: "warehouse/postgres_server.ts",
        from: "const IDLE_IN_TRANSACTION_TIMEOUT_MS = 30_000;",
        to: "const IDLE_IN_TRANSACTION_TIMEOUT_MS = 3_000_000;",
      }],
      faults: 2,
    },
  ],
};
