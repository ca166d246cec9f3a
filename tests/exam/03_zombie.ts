/**
 * A consumer is stopped (SIGSTOP) past its session timeout, most often with a commit in its hands; another takes over its
 * partitions; then it goes on (SIGCONT) and must be refused.
 *
 * @module
 */

import { consumerPoints, REFUSED_LINE, STOP_POINTS } from "./_consumer_points.ts";
import { type ConsumerRound, sessionTimeoutMs, withConsumers } from "./_consumer_round.ts";
import type { Part } from "./_exam_pipeline.ts";
import { wholeNumber } from "./_random.ts";
import type { Experiment, Round, RoundResult } from "./experiment.ts";

const PER_SECOND = 200;
const PASSES_MAX = 8;
/** How long a consumer waits at its point to be stopped; the stop then outlasts it. */
const POINT_WAIT_MS = 1_000;
/** Every so many-th zombie is stopped wherever it happens to be. */
const ANYWHERE_EVERY = 3;
const REFUSED_WITHIN_MS = 5_000;
const STOP_MS_MAX = 30_000;

async function run(round: Round): Promise<RoundResult> {
  return await withConsumers(round, { perSecond: PER_SECOND }, async (consumers) => {
    const survivor = consumers.start();
    await consumers.hasPartition(survivor);
    let refused = 0;
    while (consumers.faults < round.faults) {
      const anywhere = consumers.faults % ANYWHERE_EVERY === ANYWHERE_EVERY - 1;
      const zombie = anywhere ? await stopAnywhere(consumers, round) : await stopAtPoint(consumers, round);
      if (zombie === undefined) break;
      const stoppedMs = Date.now();
      if (anywhere) {
        // It may hold the embedded log's lock, for as long as it is stopped: nobody is waited for.
        await consumers.pause(sessionTimeoutMs(round) * 1.5);
      } else if (!await consumers.workGoesOn(stoppedMs)) break;
      zombie.signal("SIGCONT");
      const goesOnMs = Date.now();
      if (anywhere) {
        if (!await consumers.workGoesOn(goesOnMs)) break;
      } else if (!await consumers.says(zombie, REFUSED_LINE, REFUSED_WITHIN_MS)) break;
      if (zombie.output.includes(REFUSED_LINE)) refused++;
      await consumers.stops(zombie, STOP_MS_MAX);
      consumers.faultDone(`stopped ${anywhere ? "anywhere" : "at a point"}, went on`);
    }
    consumers.figures.refused = refused;
    return await consumers.finish([survivor]);
  });
}

async function stopAnywhere(consumers: ConsumerRound, round: Round): Promise<Part | undefined> {
  const { random, engine } = round;
  // Now and then inside the lock of the embedded log, where everybody has to wait for it.
  if (engine === "embedded" && random() < 0.5) return await stopAt(consumers, round, "offsets stored");
  const zombie = consumers.start();
  if (!await consumers.hasPartition(zombie)) return undefined;
  await consumers.pause(wholeNumber(random, 0, 600));
  zombie.signal("SIGSTOP");
  return zombie;
}

/** Where it holds a commit: that one has to be refused. */
async function stopAtPoint(consumers: ConsumerRound, round: Round): Promise<Part | undefined> {
  const points = STOP_POINTS[round.engine];
  return await stopAt(consumers, round, points[consumers.faults % points.length]!);
}

async function stopAt(consumers: ConsumerRound, { random }: Round, point: string): Promise<Part | undefined> {
  const zombie = consumers.startTo(point, wholeNumber(random, 1, PASSES_MAX + 1), POINT_WAIT_MS);
  if (!await consumers.stopped(zombie, point)) return undefined;
  zombie.signal("SIGSTOP");
  return zombie;
}

export const experiment: Experiment = {
  number: 3,
  name: "zombie",
  fault: "SIGSTOP to a consumer past its session timeout, another takes over, SIGCONT",
  mustHold: "the zombie's commit is refused; 0 lost, 0 doubled",
  engines: ["embedded", "kafka"],
  needs: () => ["linux"],
  faults: { short: { embedded: 3, kafka: 1 }, full: { embedded: 30, kafka: 30 } },
  faultsPerRound: 10,
  points: consumerPoints,
  run,
  controls: [
    {
      guard: "a commit checks that its owner is the newest",
      engines: ["embedded"],
      mutations: [
        {
          file: "event_log/sqlite_event_log.ts",
          from: "          checkEpoch(connection, id, epoch);\n",
          to: "",
        },
      ],
      faults: 1,
    },
    {
      guard: "all owners of a partition share one transactional id",
      engines: ["kafka"],
      mutations: [
        {
          file: "streaming/partition_task.ts",
          from: "log.transactor(`${group}-${assigned.partition}`)",
          to: "log.transactor(`${group}-${assigned.partition}-${crypto.randomUUID()}`)",
        },
      ],
      faults: 1,
    },
  ],
};
