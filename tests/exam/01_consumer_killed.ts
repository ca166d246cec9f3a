/**
 * A consumer is killed under load, at random moments and at named points of its commit, alone or beside a second one,
 * and started again: every metric, decision and dead letter must be there, once.
 *
 * @module
 */

import { consumerPoints, KILL_POINTS } from "./_consumer_points.ts";
import { type ConsumerRound, withConsumers } from "./_consumer_round.ts";
import type { Part } from "./_exam_pipeline.ts";
import { oneOf, wholeNumber } from "./_random.ts";
import type { Experiment, Round, RoundResult } from "./experiment.ts";

const PER_SECOND = 300;
/** Every so many-th fault comes at a random moment, the others at a point. */
const RANDOM_EVERY = 3;
const NAMED_FIRST = 2;
/** Which pass of a point it is: soon after the start, or well on the way. */
const PASSES_MAX = [5, 40];
/** Points that a process comes to once for each partition that it is given. */
const ONCE_A_PARTITION = new Set(["transactor opened", "marker written"]);

async function run(round: Round): Promise<RoundResult> {
  const { random } = round;
  // Other producers' records, without keys, take the way over the repartition topic.
  const keylessShare = oneOf(random, [0, 0.02]);
  const bookingPartitions = oneOf(random, [3, 3, 3, 5]);
  round.say(`${keylessShare * 100} % without a key, ${bookingPartitions} partitions of bookings`);
  const options = { perSecond: PER_SECOND, load: { keylessShare }, bookingPartitions };
  return await withConsumers(round, options, async (consumers) => {
    const beside = random() < 0.25 ? [consumers.start()] : [];
    let last: Part | undefined;
    for (let named = 0; last === undefined && consumers.faults < round.faults;) {
      const killed = named >= NAMED_FIRST && consumers.faults % RANDOM_EVERY === RANDOM_EVERY - 1
        ? await killAnyTime(consumers, round)
        : await killAtPoint(consumers, round, named++);
      const killedMs = Date.now();
      const done = consumers.faults >= round.faults;
      // Often the next one is killed before work has gone on.
      if (killed && !done && random() < 0.5) continue;
      const next = consumers.start();
      if (done || !killed || !await consumers.workGoesOn(killedMs)) {
        last = next;
        if (done) await consumers.workGoesOn(killedMs);
      } else {
        await next.kill();
        consumers.faultDone("killed as soon as work had gone on");
      }
    }
    return await consumers.finish([...beside, last ?? consumers.start()]);
  });
}

async function killAnyTime(consumers: ConsumerRound, { random }: Round): Promise<boolean> {
  const consumer: Part = consumers.start();
  const has = random() < 0.3 || await consumers.hasPartition(consumer);
  const afterMs = wholeNumber(random, 0, 900);
  await consumers.pause(afterMs);
  await consumer.kill();
  consumers.faultDone(`killed at a random moment, ${afterMs} ms after it had a partition`);
  return has;
}

async function killAtPoint(
  consumers: ConsumerRound,
  { random, engine }: Round,
  turn: number,
): Promise<boolean> {
  const points = KILL_POINTS[engine];
  const point = points[turn % points.length]!;
  const pass = ONCE_A_PARTITION.has(point) ? 1 : wholeNumber(random, 1, oneOf(random, PASSES_MAX) + 1);
  const consumer = consumers.startTo(point, pass);
  const there = await consumers.stopped(consumer, point);
  await consumer.kill();
  consumers.faultDone(`killed at "${point}", pass ${pass}`);
  return there;
}

export const experiment: Experiment = {
  number: 1,
  name: "consumer-killed",
  fault: "SIGKILL to a consumer under load, at random moments and at named points of its commit",
  mustHold: "metrics, decisions and dead letters equal the reference; 0 lost, 0 doubled",
  engines: ["embedded", "kafka"],
  needs: () => ["linux"],
  faults: { short: { embedded: 6, kafka: 2 }, full: { embedded: 300, kafka: 100 } },
  faultsPerRound: 50,
  points: consumerPoints,
  run,
  controls: [
    {
      guard: "offsets are committed with the outputs",
      engines: ["embedded", "kafka"],
      mutations: [
        {
          file: "streaming/partition_task.ts",
          from: "      offsets: { group, positions },\n",
          to: "",
        },
        {
          file: "streaming/partition_task.ts",
          from: "    this.#inputs = 0;\n    this.#inputUnits = 0;",
          to: "    await this.#transactor['commit']({ records: [], offsets: { group, positions } });\n" +
            "    this.#inputs = 0;\n    this.#inputUnits = 0;",
        },
      ],
      faults: 2,
    },
    {
      guard: "the state is committed with the outputs",
      engines: ["embedded", "kafka"],
      mutations: [
        {
          file: "streaming/_commit_records.ts",
          from: "...parts.passedOn, ...changes, order]",
          to: "...parts.passedOn, order]",
        },
      ],
      faults: 2,
    },
    {
      guard: "a commit is all or nothing",
      engines: ["embedded"],
      mutations: [
        {
          file: "streaming/partition_task.ts",
          from: "await this.#transactor.commit({\n      records,\n",
          to: 'await this.#transactor["commit"]({ records: outputs });\n' +
            "    await this.#transactor.commit({\n      records: records.slice(outputs.length),\n",
        },
      ],
      faults: 3,
    },
  ],
};
