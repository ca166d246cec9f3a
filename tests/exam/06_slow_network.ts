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

import { openExamPipeline } from "./_exam_pipeline.ts";
import { LogUnderLoad } from "./_log_under_load.ts";
import { copyProject } from "./_project_copy.ts";
import { openProxiedKafka } from "./_proxied_kafka.ts";
import { slowForm, SlowRound } from "./_slow_round.ts";
import type { Experiment, Round, RoundResult } from "./experiment.ts";

/** More than a narrow network carries. */
const PER_SECOND = 200;

async function run(given: Round): Promise<RoundResult> {
  const { mutations } = slowForm(given.faults);
  const copy = `${given.folder}/project`;
  const round = { ...given, project: await copyProject(copy, mutations, { from: given.project }) };
  if (round.engine === "embedded") {
    const pipeline = await openExamPipeline(round, { warehouse: true });
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

export const experiment: Experiment = {
  number: 6,
  name: "slow-network",
  fault: "the network is late (2 s), narrow (1 KB/s) and sliced, under more load than it carries",
  mustHold: "nothing hangs past its deadline; memory bounded; all stored once when the network is good again",
  engines: ["embedded", "kafka"],
  needs: (engine) => engine === "kafka" ? ["own-broker", "postgres", "linux"] : ["linux"],
  faults: { short: { embedded: 1, kafka: 1 }, full: { embedded: 8, kafka: 8 } },
  faultsPerRound: 4,
  points: () => slowForm(1).mutations,
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
        from: "if (this.#owner !== owner || owner.hasWork) return;",
        to: "if (owner !== undefined) return;",
      }],
      faults: 2,
    },
  ],
};
