/** A log under load: a process that appends and a consumer that transacts, and the comparison at the end. */

import { eventually } from "./_exam_pipeline.ts";
import type { ExamPipeline, Part } from "./_exam_pipeline.ts";
import { Feeder } from "./_feeder.ts";
import { Findings } from "./_findings.ts";
import { verifyEngine } from "./_reference.ts";
import type { Round, RoundResult } from "./experiment.ts";

const INPUTS = ["flight_lifecycle", "bookings", "seat_inventory"];
const GROUP = "inventory-engine";
const WORKS_ON_MS_MAX = 60_000;

export interface LogLoadOptions {
  /** Records that are appended a second. */
  perSecond: number;
  sessionTimeout: string;
  /** What feeder and consumer connect to in place of the pipeline's brokers: a proxy. */
  brokers?: string[];
  /** Whether an append may be given up in time, and then be stored or not. Default: that is a violation. */
  appendsMayFail?: boolean;
}

/** See the module. */
export class LogUnderLoad {
  readonly feeder: Feeder;
  consumer!: Part;
  readonly #pipeline: ExamPipeline;
  readonly #options: LogLoadOptions;

  constructor(round: Round, pipeline: ExamPipeline, options: LogLoadOptions) {
    this.#pipeline = pipeline;
    this.#options = options;
    const { perSecond, brokers } = options;
    this.feeder = new Feeder(round, pipeline, { perSecond, ...(brokers === undefined ? {} : { brokers }) });
  }

  /** Starts both, and waits until they work. */
  async start(): Promise<void> {
    this.feeder.start();
    this.startConsumer();
    await this.worksOn();
  }

  startConsumer(): void {
    const { brokers, sessionTimeout } = this.#options;
    const args = ["--metrics-port", "0", "--session-timeout", sessionTimeout];
    const env: Record<string, string> = brokers === undefined ? {} : { KAFKA_BROKERS: brokers.join(",") };
    this.consumer = this.#pipeline.start("consumer", args, env);
  }

  /** Waits until an append was acknowledged and the group has committed in each partition, all after this call. */
  async worksOn(withinMs = WORKS_ON_MS_MAX): Promise<void> {
    const acknowledged = this.feeder.acknowledged();
    let before: Map<number, number> | undefined;
    await eventually(
      "appends are acknowledged and the consumer commits",
      async () => {
        const now = await this.#progress();
        before ??= now;
        return this.feeder.acknowledged() > acknowledged && now !== undefined &&
          now.entries().every(([partition, offset]) => offset > (before!.get(partition) ?? 0));
      },
      withinMs,
      () => `${this.feeder.failures.at(-1) ?? ""} ${this.consumer.output.slice(-500)}`,
    );
  }

  /**
   * By partition number, records that the group has committed; `undefined` while a transaction is open whose owner was
   * cut off.
   */
  async #progress(): Promise<Map<number, number> | undefined> {
    try {
      const committed = new Map<number, number>();
      for (const { partition } of await this.#pipeline.log.ranges([INPUTS[0]!])) committed.set(partition, 0);
      for (const { partition, offset } of await this.#pipeline.log.committedOffsets(GROUP, INPUTS)) {
        committed.set(partition, committed.get(partition)! + offset);
      }
      return committed;
    } catch (error) {
      if ((error as { type?: string }).type === "UNSTABLE_OFFSET_COMMIT") return undefined;
      throw error;
    }
  }

  /** Stops the load, lets the consumer take everything, and compares. */
  async finish(
    findings: Findings,
    say: (line: string) => void,
  ): Promise<Pick<RoundResult, "checked" | "lost" | "doubled" | "violations" | "figures">> {
    await this.feeder.stop();
    if (this.#options.appendsMayFail !== true) {
      for (const message of this.feeder.failures) findings.violation(`An append was given up: ${message}`);
    }
    try {
      await this.#pipeline.caughtUp(GROUP, INPUTS);
    } catch (error) {
      findings.violation((error as Error).message.slice(0, 300));
    }
    const code = await this.consumer.stop();
    if (code !== 0) {
      findings.violation(`The consumer ended with ${code}: ${this.consumer.output.slice(-500)}`);
    }
    await this.feeder.verify(findings);
    const verdict = await verifyEngine(this.#pipeline.log);
    const acknowledged = this.feeder.acknowledged();
    say(`${acknowledged} acknowledged, ${verdict.metrics} metrics, ${verdict.decisions} decisions`);
    return {
      checked: findings.checked + verdict.checked,
      lost: findings.lost + verdict.lost,
      doubled: findings.doubled + verdict.doubled,
      violations: [...findings.violations, ...verdict.violations],
      figures: { acknowledged },
    };
  }
}
