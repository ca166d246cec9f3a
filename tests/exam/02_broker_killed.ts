/**
 * Experiment 2: the broker is killed under load.
 *
 * On Kafka a broker of the round's own gets `kill -9` while a process appends and the consumer transacts, is away for a
 * moment and is started again on the same data. (It acknowledges from the page cache: what a power cut would do to one
 * broker is not tried here.) The embedded log has no broker; in its place the processes that append and commit are
 * killed, which hold its locks and are in the middle of its file.
 *
 * Must hold: every append that was acknowledged is in the log once, what was under way at most once, and the consumer's
 * metrics, decisions and dead letters are those that the verifier works out from the log.
 *
 * @module
 */

import { join } from "node:path";
import { openExamPipeline } from "./_exam_pipeline.ts";
import { Findings } from "./_findings.ts";
import { KafkaBroker } from "./_kafka_broker.ts";
import { LogUnderLoad } from "./_log_under_load.ts";
import { wholeNumber } from "./_random.ts";
import type { Experiment, Round, RoundResult } from "./experiment.ts";

const PER_SECOND = 400;

async function run(round: Round): Promise<RoundResult> {
  const broker = round.engine === "kafka"
    ? await KafkaBroker.start({ folder: join(round.folder, "broker") })
    : undefined;
  try {
    const pipeline = await openExamPipeline(round, broker === undefined ? {} : { brokers: [broker.address] });
    const sessionTimeout = broker === undefined ? "1s" : "6s";
    const load = new LogUnderLoad(round, pipeline, { perSecond: PER_SECOND, sessionTimeout });
    try {
      return await killAgainAndAgain(round, load, broker);
    } finally {
      await load.feeder.kill();
      await pipeline.close();
    }
  } finally {
    await broker?.kill();
  }
}

async function killAgainAndAgain(
  round: Round,
  load: LogUnderLoad,
  broker: KafkaBroker | undefined,
): Promise<RoundResult> {
  const recoveryMs: number[] = [];
  const findings = new Findings();
  await load.start();
  for (let fault = 1; fault <= round.faults; fault++) {
    round.signal.throwIfAborted();
    await pause(wholeNumber(round.random, 100, 1500));
    let what: string;
    if (broker !== undefined) {
      what = "the broker";
      await broker.kill();
      await pause(wholeNumber(round.random, 0, 1000));
      await broker.restart();
    } else if (fault % 2 === 1) {
      what = "the process that appends";
      await load.feeder.kill();
      load.feeder.start();
    } else {
      what = "the process that commits";
      await load.consumer.kill();
      load.startConsumer();
    }
    const startMs = performance.now();
    try {
      await load.worksOn();
    } catch (error) {
      findings.violation(`Killed ${what}: ${(error as Error).message}`);
      break;
    }
    recoveryMs.push(performance.now() - startMs);
    round.say(`killed ${what}: works on after ${Math.round(recoveryMs.at(-1)!)} ms`);
    round.progress(fault);
  }
  return { faults: round.faults, recoveryMs, ...await load.finish(findings, round.say) };
}

function pause(durationMs: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, durationMs));
}

export const experiment: Experiment = {
  number: 2,
  name: "broker-killed",
  fault: "the broker is killed and started again under load; on the embedded log, who appends or commits",
  mustHold: "every acknowledged append there once; decisions and metrics equal the reference",
  engines: ["embedded", "kafka"],
  needs: (engine) => engine === "kafka" ? ["own-broker"] : [],
  faults: { short: { embedded: 6, kafka: 2 }, full: { embedded: 30, kafka: 30 } },
  faultsPerRound: 30,
  run,
  controls: [
    {
      guard: "records whose connection broke are sent again",
      engines: ["kafka"],
      mutations: [{
        file: "event_log/_kafka_sender.ts",
        from: "return batches.map((batch) => ({ batch, error }));",
        to: "return [];",
      }],
      faults: 3,
    },
    {
      guard: "an append returns once it is stored",
      engines: ["embedded"],
      mutations: [{
        file: "event_log/sqlite_event_log.ts",
        from: "append: (records) => this.#store(records),",
        to:
          "append: (records) => (setTimeout(() => void this.#store(records).catch(() => {}), 150), Promise.resolve()),",
      }],
      faults: 3,
    },
    {
      guard: "offsets are stored with the records, as one",
      engines: ["embedded"],
      mutations: [{
        file: "event_log/sqlite_event_log.ts",
        from: "await this.#store(records, (connection) => {",
        to: "if (offsets !== undefined) await this.commitOffsets(offsets.group, offsets.positions);" +
          " await new Promise((resolve) => setTimeout(resolve, 150)); await this.#store(records, (connection) => {",
      }],
      faults: 6,
    },
  ],
};
