/**
 * Consumers join and leave every few seconds under load, now and then by a kill: the events of each flight stay in order,
 * each once, wherever its partition has been.
 *
 * @module
 */

import { PARTITIONS } from "../../events/topics.ts";
import { consumerPoints } from "./_consumer_points.ts";
import { type ConsumerRound, withConsumers } from "./_consumer_round.ts";
import type { Part } from "./_exam_pipeline.ts";
import { wholeNumber } from "./_random.ts";
import type { Experiment, Round, RoundResult } from "./experiment.ts";

const PER_SECOND = 250;
const CONSUMERS_MAX = 4;
const TAKE_OVER_SHARE = 0.7;
const KILL_SHARE = 0.1;
const JOIN_SHARE = 0.55;
const WAIT_SHARE = 0.6;
const STOP_MS_MAX = 30_000;

async function run(round: Round): Promise<RoundResult> {
  const { random } = round;
  return await withConsumers(round, { perSecond: PER_SECOND }, async (consumers) => {
    const members = [consumers.start()];
    await consumers.hasPartition(members[0]!);
    while (consumers.faults < round.faults) {
      const sinceMs = Date.now();
      const joins = members.length === 1 || (members.length < CONSUMERS_MAX && random() < JOIN_SHARE);
      if (joins) {
        const joining = consumers.start();
        members.push(joining);
        // Often it is given time to take over a partition; the fourth one gets none.
        if (members.length <= PARTITIONS && random() < TAKE_OVER_SHARE) {
          if (!await consumers.hasPartition(joining)) break;
        }
        consumers.faultDone(`one joins, ${members.length} now`);
      } else {
        const [member] = members.splice(wholeNumber(random, 0, members.length), 1);
        await leave(consumers, member!, random() < KILL_SHARE, members.length);
      }
      const last = consumers.faults >= round.faults;
      if (last || random() < WAIT_SHARE) {
        if (!await consumers.workGoesOn(sinceMs)) break;
      }
      await consumers.pause(wholeNumber(random, 100, 1500));
    }
    return await consumers.finish(members);
  });
}

async function leave(consumers: ConsumerRound, member: Part, killed: boolean, left: number): Promise<void> {
  if (killed) await member.kill();
  else await consumers.stops(member, STOP_MS_MAX);
  consumers.faultDone(`one ${killed ? "is killed" : "leaves"}, ${left} now`);
}

export const experiment: Experiment = {
  number: 4,
  name: "rebalances",
  fault: "consumers join and leave every few seconds under load, some by SIGKILL",
  mustHold: "the order of each flight is kept; 0 lost, 0 doubled",
  engines: ["embedded", "kafka"],
  needs: () => ["linux"],
  faults: { short: { embedded: 6, kafka: 4 }, full: { embedded: 100, kafka: 100 } },
  faultsPerRound: 25,
  points: consumerPoints,
  run,
  controls: [
    {
      guard: "a partition's new owner restores its state",
      engines: ["embedded", "kafka"],
      mutations: [
        {
          file: "streaming/restore_engine.ts",
          from: "engine.restore(Array.from(entries, ",
          to: "engine.restore(Array.from(new Map<string, string>(), ",
        },
      ],
      faults: 4,
    },
    {
      guard: "a partition has one owner at a time",
      engines: ["embedded"],
      mutations: [
        {
          file: "event_log/_sqlite_roster.ts",
          from: "if (holder === null || holder === this.#id) {",
          to: "if (holder !== undefined) {",
        },
        {
          file: "event_log/sqlite_event_log.ts",
          from: "          checkEpoch(connection, id, epoch);\n",
          to: "",
        },
      ],
      faults: 8,
    },
    {
      guard: "a partition has one owner at a time",
      engines: ["kafka"],
      mutations: [
        {
          file: "streaming/partition_task.ts",
          from: "log.transactor(`${group}-${assigned.partition}`)",
          to: "log.transactor(`${group}-${assigned.partition}-${crypto.randomUUID()}`)",
        },
        {
          file: "event_log/_kafka_group_member.ts",
          from: "    running.stop.abort();\n",
          to: "    setTimeout(() => running.stop.abort(), 3_000);\n",
        },
      ],
      faults: 6,
    },
  ],
};
