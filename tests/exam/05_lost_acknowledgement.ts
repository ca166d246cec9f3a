/**
 * Experiment 5: an acknowledgement is lost. A proxy lets a request through, and when its answer comes back (the work is
 * done, then) resets the connection, or leaves it open and dead.
 *
 * On Kafka that befalls every request that writes: produce, of the process that appends and of the consumer's
 * transactions, and the steps of a transaction up to its end; on Postgres and the embedded warehouse the `COMMIT` of a
 * load, and what takes, renews and gives back the ETL's lease. The embedded log has no connection that could be lost: on
 * the embedded pair only the warehouse takes part. (Its clients are on its machine, where a connection is reset but does
 * not die in silence, and its answers may rightly be long in coming; a commit's is watched all the same.)
 *
 * Must hold: everything is stored once, and work goes on within 30 s.
 *
 * @module
 */

import { openExamPipeline } from "./_exam_pipeline.ts";
import type { ExamPipeline } from "./_exam_pipeline.ts";
import { Findings } from "./_findings.ts";
import { KAFKA_API } from "./_kafka_watch.ts";
import type { KafkaAnswer, KafkaApi } from "./_kafka_watch.ts";
import { LogUnderLoad } from "./_log_under_load.ts";
import { openProxiedKafka } from "./_proxied_kafka.ts";
import { copyProject } from "./_project_copy.ts";
import { oneOf } from "./_random.ts";
import { SHORTER_DEADLINES } from "./_shorter_deadlines.ts";
import { StruckLoads } from "./_struck_loads.ts";
import type { LoadFault } from "./_struck_loads.ts";
import type { ConnectionFault } from "./_tcp_proxy.ts";
import type { Experiment, Round, RoundResult } from "./experiment.ts";

const PER_SECOND = 200;
const RECOVERY_MS_MAX = 30_000;
/** Rounds of so few faults have shorter deadlines to wait for, and wait for what does not come so much less. */
const SHORT_FAULTS_MAX = 5;
const SHORT_RECOVERY_MS_MAX = 15_000;
/** One that comes later than it should is told with its time. */
const LATE_MS_MAX = 10_000;
/** A stalled connection takes long to be given up: every third fault is one. */
const STALL_EVERY = 3;

/** A request whose answer is lost. */
interface Write {
  api: KafkaApi;
  clientId: string;
}

const APPEND: Write = { api: "produce", clientId: "exam-feeder" };
const WRITES: readonly Write[] = [
  APPEND,
  APPEND,
  ...([
    "produce",
    "initProducerId",
    "addPartitionsToTxn",
    "addOffsetsToTxn",
    "txnOffsetCommit",
    "endTxn",
    "endTxn",
  ] as const).map((api) => ({ api, clientId: "inventory-engine" })),
];

async function run(given: Round): Promise<RoundResult> {
  if (given.faults > SHORT_FAULTS_MAX) return await loseAnswers(given, RECOVERY_MS_MAX);
  const copy = `${given.folder}/project`;
  const project = await copyProject(copy, SHORTER_DEADLINES, { from: given.project });
  return await loseAnswers({ ...given, project }, SHORT_RECOVERY_MS_MAX);
}

async function loseAnswers(round: Round, recoveryMsMax: number): Promise<RoundResult> {
  if (round.engine === "embedded") {
    const pipeline = await openExamPipeline(round, { warehouse: true });
    try {
      const loads = new StruckLoads(round, recoveryMsMax);
      return await loseLoadAnswers(round, pipeline, loads, round.faults);
    } finally {
      await pipeline.close();
    }
  }
  const lost = new LostAnswers();
  const kafka = await openProxiedKafka(round, (answer) => lost.hear(answer));
  try {
    const options = { perSecond: PER_SECOND, sessionTimeout: "6s", brokers: kafka.brokers };
    const load = new LogUnderLoad(round, kafka.pipeline, options);
    const ofLog = Math.ceil(round.faults / 2);
    let log: RoundResult;
    try {
      log = await loseLogAnswers(round, load, lost, ofLog, recoveryMsMax);
    } finally {
      await load.feeder.kill();
    }
    // What is wrong already need not be waited for.
    if (log.violations.length > 0) return log;
    const loads = new StruckLoads(round, recoveryMsMax);
    const warehouse = await loseLoadAnswers(round, kafka.pipeline, loads, round.faults - ofLog, ofLog);
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

/** Strikes the next answer of a kind. */
class LostAnswers {
  #armed: Write & { fault: ConnectionFault; struck: (atMs: number) => void } | undefined;

  /** Resolves with when it was struck. */
  next(write: Write, fault: ConnectionFault): Promise<number> {
    return new Promise((struck) => this.#armed = { ...write, fault, struck });
  }

  hear({ api, clientId }: KafkaAnswer): ConnectionFault | undefined {
    const armed = this.#armed;
    if (armed === undefined || KAFKA_API[armed.api] !== api || armed.clientId !== clientId) return undefined;
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
  recoveryMsMax: number,
): Promise<RoundResult> {
  const findings = new Findings();
  const recoveryMs: number[] = [];
  await load.start();
  let done = 0;
  while (done < faults) {
    round.signal.throwIfAborted();
    const write = done < 2 ? APPEND : oneOf(round.random, WRITES);
    const fault = done % STALL_EVERY === 1 ? "stall" : "reset";
    const { api } = write;
    const struck = lost.next(write, fault);
    // Some requests only come with a new owner of a partition: he is made so.
    if (api === "initProducerId") {
      await load.consumer.kill();
      load.startConsumer();
    }
    const startMs = await struck;
    findings.checked++;
    try {
      await load.worksOn(recoveryMsMax + LATE_MS_MAX);
    } catch (error) {
      findings.violation(`${fault} at the answer of ${api}: ${(error as Error).message}`);
      return { faults: done + 1, recoveryMs, ...findings.result() };
    }
    const tookMs = performance.now() - startMs;
    recoveryMs.push(tookMs);
    if (tookMs > recoveryMsMax) {
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
  loads: StruckLoads,
  faults: number,
  before = 0,
): Promise<RoundResult> {
  try {
    if (faults > 0) await loads.start(pipeline);
    while (loads.result.faults < faults && !loads.failed) {
      round.signal.throwIfAborted();
      const fault = loads.result.faults % STALL_EVERY === 0 ? "stall" : "reset";
      const leaseToo = round.engine === "kafka" || fault === "reset";
      await loads.strike(lostAnswer(fault, leaseToo && round.random() < 0.3));
      round.progress(before + loads.result.faults);
    }
    if (faults > 0 && !loads.failed) await loads.finish();
    return loads.result;
  } finally {
    await loads.close();
  }
}

function lostAnswer(fault: ConnectionFault, ofLease: boolean): LoadFault {
  return {
    kind: `${fault} at the answer of ${ofLease ? "a lease's change" : "a commit"}`,
    // Outside of transactions the ETL writes nothing but its lease.
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
  faults: { short: { embedded: 3, kafka: 3 }, full: { embedded: 100, kafka: 100 } },
  faultsPerRound: 25,
  points: () => SHORTER_DEADLINES,
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
      faults: 1,
    },
    {
      guard: "a connection to Kafka on which nothing is answered is given up",
      engines: ["kafka"],
      mutations: [{
        file: "event_log/_kafka_link.ts",
        from: 'connection.socket.destroy(new Error("A request was not answered in time"));',
        to: "",
      }],
      faults: 3,
    },
    {
      guard: "a commit whose answer does not come is asked after",
      engines: ["embedded"],
      mutations: [{
        file: "warehouse/watched_transaction.ts",
        from: "watch?.began(transaction);",
        to: "",
      }],
      faults: 1,
    },
  ],
};
