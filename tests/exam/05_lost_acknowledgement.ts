/**
 * Experiment 5: an acknowledgement is lost. A proxy lets a request through, and when its answer comes back (the work is
 * done, then) resets the connection, or leaves it open and dead.
 *
 * On Kafka that befalls every request that writes: produce, of the process that appends and of the consumer's
 * transactions, and the steps of a transaction up to its end; on Postgres and the embedded warehouse the `COMMIT` of a
 * load, and what takes, renews and gives back the ETL's lease. The embedded log has no connection that could be lost: on
 * the embedded pair only the warehouse takes part.
 *
 * Must hold: everything is stored once, and work goes on within 30 s.
 *
 * @module
 */

import { openExamPipeline } from "./_exam_pipeline.ts";
import type { ExamPipeline } from "./_exam_pipeline.ts";
import { Findings } from "./_findings.ts";
import { KAFKA_API } from "./_kafka_watch.ts";
import type { KafkaApi } from "./_kafka_watch.ts";
import { LogUnderLoad } from "./_log_under_load.ts";
import { openProxiedKafka } from "./_proxied_kafka.ts";
import { oneOf } from "./_random.ts";
import { StruckLoads } from "./_struck_loads.ts";
import type { LoadFault } from "./_struck_loads.ts";
import type { ConnectionFault } from "./_tcp_proxy.ts";
import type { Experiment, Random, Round, RoundResult } from "./experiment.ts";

const PER_SECOND = 200;
const RECOVERY_MS_MAX = 30_000;
/** A stalled connection takes the longer to be given up, so fewer of them. */
const STALL_SHARE = 0.3;

/** Requests whose answers are lost, of either process. */
const WRITES: readonly KafkaApi[] = [
  "produce",
  "produce",
  "initProducerId",
  "addPartitionsToTxn",
  "addOffsetsToTxn",
  "txnOffsetCommit",
  "endTxn",
  "endTxn",
];

async function run(round: Round): Promise<RoundResult> {
  if (round.engine === "embedded") {
    const pipeline = await openExamPipeline(round);
    try {
      return await loseLoadAnswers(round, pipeline, round.faults, 0);
    } finally {
      await pipeline.close();
    }
  }
  const lost = new LostAnswers();
  const kafka = await openProxiedKafka(round, (answer) => lost.hear(answer.api));
  try {
    const options = { perSecond: PER_SECOND, sessionTimeout: "6s", brokers: kafka.brokers };
    const load = new LogUnderLoad(round, kafka.pipeline, options);
    const ofLog = Math.ceil(round.faults / 2);
    let log: RoundResult;
    try {
      log = await loseLogAnswers(round, load, lost, ofLog);
    } finally {
      await load.feeder.kill();
    }
    const warehouse = await loseLoadAnswers(round, kafka.pipeline, round.faults - ofLog, ofLog);
    return {
      faults: log.faults + warehouse.faults,
      checked: log.checked + warehouse.checked,
      lost: log.lost + warehouse.lost,
      doubled: log.doubled + warehouse.doubled,
      violations: [...log.violations, ...warehouse.violations],
      recoveryMs: [...log.recoveryMs, ...warehouse.recoveryMs],
      figures: log.figures ?? {},
    };
  } finally {
    await kafka.close();
  }
}

function faultDrawn(random: Random): ConnectionFault {
  return random() < STALL_SHARE ? "stall" : "reset";
}

/** Strikes the next answer of a kind. */
class LostAnswers {
  #armed: { api: number; fault: ConnectionFault; struck: (atMs: number) => void } | undefined;

  /** Resolves with when it was struck. */
  next(api: number, fault: ConnectionFault): Promise<number> {
    return new Promise((struck) => this.#armed = { api, fault, struck });
  }

  hear(api: number): ConnectionFault | undefined {
    const armed = this.#armed;
    if (armed === undefined || armed.api !== api) return undefined;
    this.#armed = undefined;
    armed.struck(performance.now());
    return armed.fault;
  }
}

async function loseLogAnswers(
  round: Round,
  load: LogUnderLoad,
  lost: LostAnswers,
  faults: number,
): Promise<RoundResult> {
  const findings = new Findings();
  const recoveryMs: number[] = [];
  await load.start();
  let done = 0;
  while (done < faults) {
    round.signal.throwIfAborted();
    const api = oneOf(round.random, WRITES);
    const fault = faultDrawn(round.random);
    const struck = lost.next(KAFKA_API[api], fault);
    // Some requests only come with a new owner of a partition: he is made so.
    if (api === "initProducerId") {
      await load.consumer.kill();
      load.startConsumer();
    }
    const startMs = await struck;
    try {
      await load.worksOn();
    } catch (error) {
      findings.violation(`${fault} at the answer of ${api}: ${(error as Error).message}`);
      break;
    }
    const tookMs = performance.now() - startMs;
    recoveryMs.push(tookMs);
    if (tookMs > RECOVERY_MS_MAX) {
      findings.violation(`${fault} at the answer of ${api}: works on after ${Math.round(tookMs)} ms only`);
    }
    round.say(`${fault} at the answer of ${api}: works on after ${Math.round(tookMs)} ms`);
    round.progress(++done);
  }
  return { faults, recoveryMs, ...await load.finish(findings, round.say) };
}

async function loseLoadAnswers(
  round: Round,
  pipeline: ExamPipeline,
  faults: number,
  before: number,
): Promise<RoundResult> {
  const loads = new StruckLoads(round, RECOVERY_MS_MAX);
  try {
    if (faults > 0) await loads.start(pipeline);
    while (loads.result.faults < faults && !loads.failed) {
      round.signal.throwIfAborted();
      await loads.strike(lostAnswer(round.random));
      round.progress(before + loads.result.faults);
    }
    if (faults > 0) await loads.finish();
    return loads.result;
  } finally {
    await loads.close();
  }
}

function lostAnswer(random: Random): LoadFault {
  const fault = faultDrawn(random);
  // Outside of transactions the ETL writes nothing but its lease.
  const ofLease = random() < 0.3;
  return {
    kind: `${fault} at the answer of ${ofLease ? "a lease's change" : "a commit"}`,
    isNow: (event, moment) =>
      event.kind === "done" &&
      (ofLease ? moment === 0 && /^(INSERT|UPDATE)/.test(event.tag) : event.tag === "COMMIT"),
    strike: () => fault,
  };
}

export const experiment: Experiment = {
  number: 5,
  name: "lost-acknowledgement",
  fault: "the connection is reset, or stalls, once the broker or the database has taken the write",
  mustHold: "stored once; works on within 30 s",
  engines: ["embedded", "kafka"],
  needs: (engine) => engine === "kafka" ? ["own-broker", "postgres"] : [],
  faults: { short: { embedded: 3, kafka: 6 }, full: { embedded: 100, kafka: 100 } },
  faultsPerRound: 25,
  run,
  controls: [
    {
      guard: "what is sent again has the number that it had",
      engines: ["kafka"],
      mutations: [{
        file: "event_log/_kafka_sender.ts",
        from: "encodeBatch(writer, records, producer, sequence, Date.now());",
        to: "encodeBatch(writer, records, transactionalId === null ? { producerId: -1n, producerEpoch: -1," +
          " transactional: false } : producer, transactionalId === null ? -1 : sequence, Date.now());",
      }],
      faults: 10,
    },
    {
      guard: "a load goes on from the watermark that was stored with its rows",
      engines: ["embedded", "kafka"],
      mutations: [{
        file: "warehouse/load_tables.ts",
        from: "insert into public.etl_watermark as old (log_id, topic, partition, next_offset, updated_at)",
        to: "insert into public.etl_watermark as old (log_id, topic, partition, next_offset, updated_at)",
      }],
      faults: 6,
    },
  ],
};
