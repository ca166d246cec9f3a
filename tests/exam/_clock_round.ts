/**
 * The pipeline's processes under wall clocks that are wrong, each by its own, and that jump while they work. Whatever
 * the clocks say, outputs follow from event times alone.
 *
 * @module
 */

import { ENGINE_INPUT_TOPICS, GROUPS } from "../../events/topics.ts";
import type { NewRecord } from "../../event_log/event_log.ts";
import { type ExamPipeline, openExamPipeline, type Part } from "./_exam_pipeline.ts";
import { simulationGoesOn } from "./_clock_simulation.ts";
import { sessionTimeoutMs } from "./_consumer_round.ts";
import { FakedClock } from "./_faked_clock.ts";
import type { Findings } from "./_findings.ts";
import { Load } from "./_load.ts";
import { wholeNumber } from "./_random.ts";
import { verifyEngine } from "./_reference.ts";
import type { Round } from "./experiment.ts";

const INPUTS = [...ENGINE_INPUT_TOPICS, "inventory-engine-repartition"];
const FREE_PORT = ["--metrics-port", "0"];
const RECORDS_PER_PHASE = 400;
const HOUR_SECONDS = 3600;
const MINUTE_MS = 60_000;
const LATE_SHARE = 0.05;
const LATE_MINUTES_MAX = 180;
const EARLY_SHARE = 0.01;
const EARLY_MINUTES_MAX = 600;
const CAUGHT_UP_MS_MAX = 90_000;
/** Looks in a row at who has which partition, all of which have to be fine. The lag is told every two seconds. */
const SHARED_LOOKS = 4;
const SHARED_LOOK_MS = 700;
const SHARED_MS_MAX = 15_000;

/** How far the clocks are off in a phase, in hours: of the consumer that stays, the one that comes and goes, the lake writer. */
interface Phase {
  name: string;
  hours: { first: number; second: number; lake: number };
  /** What happens to the second consumer, after the phase's records were sent. */
  second: "absent" | "starts" | "stays" | "is killed";
}

/** The faults; clocks jump from one to the next while the processes run. */
export const PHASES: readonly Phase[] = [
  {
    name: "the consumer an hour ahead, the lake writer an hour behind",
    hours: { first: 1, second: 0, lake: -1 },
    second: "absent",
  },
  {
    name: "back by two hours, and a second consumer two hours ahead of it joins",
    hours: { first: -1, second: 1, lake: 0 },
    second: "starts",
  },
  {
    name: "all jump back at once, two consumers at work",
    hours: { first: -2, second: -2, lake: -2 },
    second: "stays",
  },
  {
    name: "ahead by an hour; one of two consumers is killed",
    hours: { first: 1, second: -1, lake: 1 },
    second: "is killed",
  },
  { name: "back to the true time", hours: { first: 0, second: 0, lake: 0 }, second: "absent" },
];

/** Runs the phases; what they did is judged by the reference, and by `verify` after a run of the ETL. */
export async function runClockPhases(
  round: Round,
  findings: Findings,
  phaseDone: () => void,
): Promise<{ recoveryMs: number[]; decisions: number }> {
  const pipeline = await openExamPipeline(round, { warehouse: true });
  try {
    const [found] = await Promise.all([
      new ClockRound(pipeline, round, findings).run(phaseDone),
      simulationGoesOn(round, findings),
    ]);
    return found;
  } finally {
    await pipeline.close();
  }
}

class ClockRound {
  readonly #pipeline: ExamPipeline;
  readonly #round: Round;
  readonly #findings: Findings;
  readonly #load: Load;

  constructor(pipeline: ExamPipeline, round: Round, findings: Findings) {
    this.#pipeline = pipeline;
    this.#round = round;
    this.#findings = findings;
    this.#load = new Load(round.seed);
  }

  async run(phaseDone: () => void): Promise<{ recoveryMs: number[]; decisions: number }> {
    const pipeline = this.#pipeline;
    const clock = (name: string) => FakedClock.create(`${pipeline.folder}/${name}.clock`);
    const clocks = { first: await clock("first"), second: await clock("second"), lake: await clock("lake") };
    const timeout = this.#round.engine === "kafka" ? sessionTimeoutMs(this.#round) : 2_000;
    const session = ["--session-timeout", `${timeout}ms`];
    const consumer = (env: Record<string, string>) =>
      pipeline.start("consumer", [...FREE_PORT, ...session], env);
    const warehouse = await this.#startWarehouse();
    const first = consumer(clocks.first.env);
    const lake = pipeline.start("lake", [...FREE_PORT, "--seal-age", "1s"], clocks.lake.env);
    let second: Part | undefined;
    await first.says("Partition 2");
    const recoveryMs: number[] = [];
    for (const { name, hours, second: fate } of PHASES) {
      this.#round.signal.throwIfAborted();
      this.#round.say(name);
      for (const whose of ["first", "second", "lake"] as const) {
        await clocks[whose].set(hours[whose] * HOUR_SECONDS);
      }
      await clocks.first.taken();
      if (fate === "starts") {
        second = consumer(clocks.second.env);
        await second.says("Partition");
      }
      const startedMs = performance.now();
      await pipeline.append(this.#records());
      if (fate === "is killed") {
        await second!.kill();
        second = undefined;
      }
      await pipeline.caughtUp(GROUPS.engine, INPUTS, CAUGHT_UP_MS_MAX);
      recoveryMs.push(performance.now() - startedMs);
      if (second !== undefined) await this.#areShared(first, second);
      phaseDone();
      if (this.#findings.violations.length > 0) return { recoveryMs, decisions: 0 };
    }
    for (const [part, what] of [[first, "consumer"], [lake, "lake writer"]] as const) {
      if (what === "lake writer") await this.#lakeCaughtUp();
      const code = await part.stop();
      if (code !== 0) this.#findings.violation(`The ${what} ended with ${code}: ${part.output.slice(-500)}`);
    }
    const verdict = await verifyEngine(pipeline.log);
    this.#findings.checked += verdict.checked;
    this.#findings.lost += verdict.lost;
    this.#findings.doubled += verdict.doubled;
    for (const text of verdict.violations) this.#findings.violation(text);
    // What is wrong already need not be waited for.
    if (this.#findings.violations.length > 0) return { recoveryMs, decisions: verdict.decisions };
    await this.#checkSinks(clocks.first);
    await warehouse?.stop();
    return { recoveryMs, decisions: verdict.decisions };
  }

  async #startWarehouse(): Promise<Part | undefined> {
    if (this.#pipeline.pair === "real") {
      const { code, output } = await this.#pipeline.run("warehouse");
      if (code !== 0) throw new Error(`The warehouse cannot be prepared: ${output}`);
      return undefined;
    }
    const warehouse = this.#pipeline.start("warehouse");
    await warehouse.says(this.#pipeline.env.WAREHOUSE_PORT!, 60_000);
    return warehouse;
  }

  /** Each partition has one consumer, and each consumer a partition, for a while without a change. */
  async #areShared(...consumers: Part[]): Promise<void> {
    let looks = 0;
    const deadline = performance.now() + SHARED_MS_MAX;
    let seen = "";
    while (looks < SHARED_LOOKS) {
      const owned = await Promise.all(consumers.map(partitionsOf));
      seen = owned.map((partitions) => `[${partitions}]`).join(" and ");
      const shared = owned.every(({ length }) => length > 0) && owned.flat().sort().join() === "0,1,2";
      looks = shared ? looks + 1 : 0;
      if (performance.now() > deadline) {
        this.#findings.violation(
          `Two consumers with clocks of their own do not share the partitions: ${seen}`,
        );
        return;
      }
      await new Promise((resolve) => setTimeout(resolve, SHARED_LOOK_MS));
    }
    this.#findings.checked++;
  }

  async #lakeCaughtUp(): Promise<void> {
    await this.#pipeline.caughtUp(
      GROUPS.lake,
      [...ENGINE_INPUT_TOPICS, "inventory_metrics", "promo_decisions"],
      CAUGHT_UP_MS_MAX,
    );
  }

  /** The next records of the load, some late and some early. */
  #records(): NewRecord[] {
    const { random } = this.#round;
    return this.#load.take(RECORDS_PER_PHASE).map((record) => {
      const draw = random();
      if (draw < LATE_SHARE) return moved(record, -wholeNumber(random, 1, LATE_MINUTES_MAX));
      if (draw < LATE_SHARE + EARLY_SHARE) return moved(record, wholeNumber(random, 1, EARLY_MINUTES_MAX));
      return record;
    });
  }

  /** An ETL run an hour ahead, another two hours behind it: the second finds nothing to do, and all agree. */
  async #checkSinks(clock: FakedClock): Promise<void> {
    for (const hours of [1, -1]) {
      await clock.set(hours * HOUR_SECONDS);
      const etl = this.#pipeline.start("etl", [], clock.env);
      const code = await etl.exited();
      this.#findings.checked++;
      if (code !== 0) {
        this.#findings.violation(`An ETL run ${hours} h off ended with ${code}: ${etl.output.slice(-800)}`);
      }
    }
    const { code, output } = await this.#pipeline.run("verify", ["--complete"]);
    this.#findings.checked++;
    // The load sells more seats than flights have: what `verify` says of them is right.
    const wrong = output.split("\n").filter((line) =>
      line.startsWith("✖ ") && !/^✖ (seats:|\d+ kinds? of)/.test(line)
    );
    if (code !== 0 && wrong.length > 0) {
      this.#findings.violation(`verify: ${wrong.join("; ")}\n${output.slice(-1500)}`);
    }
  }
}

/** The partition numbers that a consumer says it has, by its metrics. */
async function partitionsOf(consumer: Part): Promise<number[]> {
  const url = /http:\S+\/metrics/.exec(consumer.output)![0];
  const text = await (await fetch(url)).text();
  const series = text.matchAll(/^consumer_lag_records\{topic="bookings",partition="(\d+)"\}/gm);
  return Array.from(series, ([, partition]) => Number(partition));
}

/** The same event at another time of its own; what is no event stays as it is. */
function moved(record: NewRecord, minutes: number): NewRecord {
  try {
    const event = JSON.parse(record.value!);
    const timeMs = Date.parse(event.event_time) + minutes * MINUTE_MS;
    if (event.event_type === "FlightScheduled" || Number.isNaN(timeMs)) return record;
    return { ...record, value: JSON.stringify({ ...event, event_time: new Date(timeMs).toISOString() }) };
  } catch {
    return record;
  }
}
