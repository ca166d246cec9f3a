/** What the experiments with consumers share: the round's load, waiting until work goes on, and the final account. */

import { ENGINE_INPUT_TOPICS, GROUPS, PARTITIONS } from "../../events/topics.ts";
import { consumerPoints } from "./_consumer_points.ts";
import { eventually, type ExamPipeline, openExamPipeline, type Part } from "./_exam_pipeline.ts";
import { isAtPoint } from "./_exam_pipeline.ts";
import { type Feed, keepFeeding, Load, type LoadOptions } from "./_load.ts";
import { copyProject } from "./_project_copy.ts";
import { ProgressWatch } from "./_progress_watch.ts";
import { type EngineVerdict, verifyEngine } from "./_reference.ts";
import type { Round, RoundResult } from "./experiment.ts";

const WORK_GOES_ON_MS_MAX = 60_000;
const POINT_MS_MAX = 60_000;
const CAUGHT_UP_MS_MAX = 120_000;
const SETTLE_MS = 3_000;
const STOP_MS_MAX = 30_000;
const GROUP_TOPICS = [...ENGINE_INPUT_TOPICS, "inventory-engine-repartition"];

/** Silence after which another consumer takes over: brokers usually take nothing below 6 s. */
export function sessionTimeoutMs(round: Round): number {
  return round.engine === "kafka" ? Number(Deno.env.get("EXAM_KAFKA_SESSION_TIMEOUT_MS") ?? 6000) : 1500;
}

/** A round's load and topics. */
export interface ConsumerRoundOptions {
  /** Records a second. */
  perSecond: number;
  load?: LoadOptions;
  /** Partitions of `bookings`; where they are not as many as usual, that topic is passed on as a whole. */
  bookingPartitions?: number;
}

/** A pipeline under load whose consumers are disturbed. */
export class ConsumerRound {
  readonly pipeline: ExamPipeline;
  readonly violations: string[] = [];
  readonly recoveryMs: number[] = [];
  readonly figures: Record<string, number> = {};
  faults = 0;
  #passesBookingsOn = false;
  readonly #round: Round;
  readonly #feed: Feed;
  readonly #watch: ProgressWatch;
  readonly #arguments: string[];

  private constructor(
    round: Round,
    pipeline: ExamPipeline,
    watch: ProgressWatch,
    load: Load,
    perSecond: number,
  ) {
    this.#round = round;
    this.pipeline = pipeline;
    this.#watch = watch;
    this.#feed = keepFeeding(pipeline.log, load, { perSecond });
    const timeout = `${sessionTimeoutMs(round)}ms`;
    this.#arguments = ["--metrics-port", "0", "--session-timeout", timeout];
  }

  /** Opens the pipeline of a round with the named points inserted, and begins to feed it. */
  static async open(
    round: Round,
    options: ConsumerRoundOptions,
  ): Promise<ConsumerRound> {
    const project = await copyProject(`${round.folder}/project`, consumerPoints(round.engine), {
      from: round.project,
    });
    const { bookingPartitions = PARTITIONS, load, perSecond } = options;
    const pipeline = await openExamPipeline({ ...round, project }, {
      partitions: { bookings: bookingPartitions },
    });
    const watch = await ProgressWatch.open(pipeline.log);
    const consumers = new ConsumerRound(round, pipeline, watch, new Load(round.seed, load), perSecond);
    consumers.#passesBookingsOn = bookingPartitions !== PARTITIONS;
    return consumers;
  }

  /** Starts a consumer. */
  start(): Part {
    return this.pipeline.start("consumer", this.#arguments);
  }

  /** Starts a consumer that stops at the `pass`-th time it comes to a point. */
  startTo(point: string, pass: number, waitMs?: number): Part {
    return this.pipeline.startTo(point, pass, "consumer", this.#arguments, waitMs);
  }

  /** Counts a fault. */
  faultDone(what: string): void {
    this.faults++;
    this.#round.say(`${this.faults}: ${what}`);
    this.#round.progress(this.faults);
  }

  /** Waits until a consumer stands at its point; a violation where it never comes there. */
  async stopped(part: Part, point: string): Promise<boolean> {
    const reached = () => isAtPoint(part, point);
    return await this.#within(`a consumer comes to "${point}"`, reached, POINT_MS_MAX, () => lastOf(part));
  }

  /** Waits until a consumer has printed a text; a violation where it does not. */
  async says(part: Part, text: string, withinMs: number): Promise<boolean> {
    const says = () => part.output.includes(text);
    return await this.#within(`a consumer prints "${text}"`, says, withinMs, () => lastOf(part));
  }

  /** Asks a consumer to stop; a violation where it does not, or ends otherwise than well. */
  async stops(part: Part, withinMs: number): Promise<void> {
    let code: number | undefined;
    const stopping = part.stop().then((ended) => code = ended);
    if (!await this.#within("a consumer stops", () => code !== undefined, withinMs, () => lastOf(part))) {
      await part.kill();
    }
    await stopping;
    if (code !== 0) this.violations.push(`A consumer ended with ${code}: ${lastOf(part)}`);
  }

  /** Waits until a consumer has a partition. */
  async hasPartition(part: Part): Promise<boolean> {
    return await this.#within("a consumer has a partition", () => part.output.includes("Partition "), 60_000);
  }

  /**
   * Waits until every partition has a commit that was made after `sinceMs` of the wall clock, and notes how long that
   * took. A violation where it does not come.
   */
  async workGoesOn(sinceMs: number): Promise<boolean> {
    const goesOn = await this.#within(
      "work goes on in every partition",
      () => this.#watch.allSince(sinceMs),
      WORK_GOES_ON_MS_MAX,
    );
    if (goesOn) this.recoveryMs.push(Date.now() - sinceMs);
    return goesOn;
  }

  /** Waits, at most as long as the round may go on. */
  async pause(durationMs: number): Promise<void> {
    this.#round.signal.throwIfAborted();
    await new Promise((resolve) => setTimeout(resolve, durationMs));
    this.#round.signal.throwIfAborted();
  }

  /** Stops the load, lets the consumers finish, verifies everything, and stops them. */
  async finish(consumers: Part[]): Promise<RoundResult> {
    const appended = await this.#feed.stop();
    this.figures.commits = this.#watch.commits;
    await this.#within("the consumers catch up", async () => {
      if (this.#passesBookingsOn) {
        await this.pipeline.caughtUp(`${GROUPS.engine}-bookings`, ["bookings"], CAUGHT_UP_MS_MAX);
      }
      const topics = GROUP_TOPICS.filter((topic) => topic !== "bookings" || !this.#passesBookingsOn);
      await this.pipeline.caughtUp(GROUPS.engine, topics, CAUGHT_UP_MS_MAX);
      return true;
    }, CAUGHT_UP_MS_MAX);
    const verdict = await this.#settledVerdict();
    for (const consumer of consumers) await this.stops(consumer, STOP_MS_MAX);
    const { passedOn, direct } = verdict.decidedOtherwise;
    // The load is appended as its times rise, whatever is done to the consumers.
    for (const flight of direct) this.violations.push(`An undisturbed run decides ${flight} otherwise`);
    this.#round.say(
      `${appended} records, ${JSON.stringify({ ...verdict, violations: verdict.violations.length })}`,
    );
    return {
      faults: this.faults,
      checked: verdict.checked,
      lost: verdict.lost,
      doubled: verdict.doubled,
      violations: [...this.violations, ...verdict.violations],
      recoveryMs: this.recoveryMs,
      figures: {
        ...this.figures,
        decisions: verdict.decisions,
        overtakings: verdict.overtakings,
        passedOnDecidedOtherwise: passedOn.length,
      },
    };
  }

  async close(): Promise<void> {
    await this.#feed.stop().catch(() => {});
    await this.#watch.close();
    await this.pipeline.close();
  }

  /** On Kafka a group's lag cannot tell the end exactly: what seems lost may be on its way for a moment longer. */
  async #settledVerdict(): Promise<EngineVerdict> {
    let verdict = await verifyEngine(this.pipeline.log);
    for (let lost = Infinity; verdict.lost > 0 && verdict.lost < lost;) {
      lost = verdict.lost;
      await this.pause(SETTLE_MS);
      verdict = await verifyEngine(this.pipeline.log);
    }
    return verdict;
  }

  async #within(
    what: string,
    condition: () => boolean | Promise<boolean>,
    withinMs: number,
    state: () => string = () => "",
  ): Promise<boolean> {
    const aborting = () => {
      this.#round.signal.throwIfAborted();
      return condition();
    };
    try {
      await eventually(what, aborting, withinMs, state);
      return true;
    } catch (error) {
      this.#round.signal.throwIfAborted();
      this.violations.push((error as Error).message);
      return false;
    }
  }
}

/** The end of what a process printed. */
function lastOf(part: Part): string {
  return part.output.slice(-600);
}

/** Runs `body` on a round with consumers and closes it, whatever happens. */
export async function withConsumers(
  round: Round,
  options: ConsumerRoundOptions,
  body: (consumers: ConsumerRound) => Promise<RoundResult>,
): Promise<RoundResult> {
  const consumers = await ConsumerRound.open(round, options);
  try {
    return await body(consumers);
  } finally {
    await consumers.close();
  }
}
