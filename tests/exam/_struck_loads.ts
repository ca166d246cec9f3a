/**
 * The ETL's runner loads a lake that grows into a warehouse behind a proxy; its connections are struck at moments that an
 * experiment chooses. At every look each table must be exactly what its topic's watermark says, and on the wire no
 * statement that changes a table may be sent while no transaction is open.
 *
 * @module
 */

import { eventually } from "./_exam_pipeline.ts";
import type { ExamPipeline, Part } from "./_exam_pipeline.ts";
import { LakeSteps } from "./_lake_steps.ts";
import type { PostgresEvent, WatchedClient } from "./_postgres_watch.ts";
import { startProxiedWarehouse } from "./_proxied_warehouse.ts";
import type { ProxiedWarehouse } from "./_proxied_warehouse.ts";
import type { ConnectionFault } from "./_tcp_proxy.ts";
import { checkState, isLoaded, readState } from "./_warehouse_check.ts";
import type { Round, RoundResult } from "./experiment.ts";

const ROWS_OF_A_STEP = 300;
const FIRST_LOAD_MS_MAX = 90_000;
const STRIKE_MS_MAX = 90_000;
const STOP_MS_MAX = 30_000;
const CHANGES_TABLE = /^\s*(insert|update|delete|truncate|copy|create|alter|drop)\b.*\b(dim_|fact_|etl_)/is;

/** What befalls a load, and when. */
export interface LoadFault {
  kind: string;
  /** Whether now is the time; `moment` counts what was said since the transaction began, 0 where none is open. */
  isNow(event: PostgresEvent, moment: number): boolean;
  /** Does it; what it returns befalls the connection. */
  strike(client: WatchedClient): ConnectionFault | undefined;
}

/** See the module. */
export class StruckLoads {
  readonly result: RoundResult = {
    faults: 0,
    checked: 0,
    lost: 0,
    doubled: 0,
    violations: [],
    recoveryMs: [],
  };
  /** What was said in the longest transaction so far. */
  moments = 30;
  target!: ProxiedWarehouse;
  runner!: Part;
  lake!: LakeSteps;
  readonly #round: Round;
  readonly #recoveryMsMax: number;
  #armed: LoadFault | undefined;
  #struck: { kind: string; moment: number; what: string; atMs: number } | undefined;
  #moment = 0;

  /** @param recoveryMsMax From a strike until all is loaded; longer is a violation. */
  constructor(round: Round, recoveryMsMax: number) {
    this.#round = round;
    this.#recoveryMsMax = recoveryMsMax;
  }

  get failed(): boolean {
    return this.result.violations.length > 0;
  }

  /** Brings up the warehouse and the runner, and waits for the first load. */
  async start(pipeline: ExamPipeline): Promise<void> {
    this.target = await startProxiedWarehouse(
      this.#round,
      pipeline,
      (event, client) => this.#hear(event, client),
    );
    this.lake = new LakeSteps(pipeline.env.LAKE_DIR!, this.#round.random, ROWS_OF_A_STEP);
    await this.lake.seal();
    const args = ["--every", "1s", "--first-after", "0s", "--metrics-port", "0"];
    this.runner = pipeline.start("etl-runner", args, this.target.env);
    await eventually(
      "the first step is loaded",
      () => this.check(),
      FIRST_LOAD_MS_MAX,
      () => this.runner.output,
    );
  }

  /** Strikes the next time that `fault` says so, if this load gets there; returns whether it did. */
  arm(fault: LoadFault): void {
    this.#struck = undefined;
    this.#armed = fault;
  }

  #hear(event: PostgresEvent, client: WatchedClient): ConnectionFault | undefined {
    const text = event.kind === "done" ? event.tag : event.text.replaceAll(/\s+/g, " ").slice(0, 120);
    if (event.kind === "statement" && !event.inTransaction && CHANGES_TABLE.test(event.text)) {
      this.result.violations.push(`Outside of a transaction: ${text}`);
    }
    if (event.kind === "done" && event.tag === "BEGIN") this.#moment = 0;
    if (event.inTransaction) this.moments = Math.max(this.moments, ++this.#moment);
    const fault = this.#armed;
    if (!fault?.isNow(event, event.inTransaction ? this.#moment : 0)) return undefined;
    this.#armed = undefined;
    const what = text.slice(0, 60);
    this.#struck = { kind: fault.kind, moment: this.#moment, what, atMs: performance.now() };
    return fault.strike(client);
  }

  /** Lets the lake grow and strikes a load of it, or none where the load has no such moment; waits for the next one. */
  async strike(fault: LoadFault): Promise<void> {
    const { result, runner } = this;
    this.arm(fault);
    await this.lake.seal();
    await eventually(
      `${fault.kind} is struck, or the step is loaded`,
      async () => this.#struck !== undefined || await this.check(),
      STRIKE_MS_MAX,
      () => runner.output,
    );
    const struck = this.#struck;
    if (struck === undefined) return;
    // What was struck may have been stored all the same: only a load that begins afterwards tells that work goes on.
    await this.lake.seal();
    const untilMs = struck.atMs + this.#recoveryMsMax;
    let loaded = await this.check();
    while (!loaded && performance.now() < untilMs) {
      await new Promise((resolve) => setTimeout(resolve, 100));
      loaded = await this.check();
    }
    const tookMs = performance.now() - struck.atMs;
    this.#round.say(
      `${fault.kind} at ${struck.moment} (${struck.what}): loaded after ${Math.round(tookMs)} ms`,
    );
    result.faults++;
    result.recoveryMs.push(tookMs);
    if (!loaded) {
      result.violations.push(
        `${fault.kind} at ${struck.what}: not loaded within ${this.#recoveryMsMax / 1000} s; the ETL says: ${
          runner.output.slice(-500)
        }`,
      );
    }
  }

  /** Compares the warehouse with the lake, as of one moment; returns whether all is loaded. */
  async check(): Promise<boolean> {
    const state = await readState(this.target.direct.sql);
    const found = checkState(state, this.lake);
    const { result } = this;
    result.checked += found.checked;
    result.lost += found.lost;
    result.doubled += found.doubled;
    result.violations.push(...found.violations);
    return isLoaded(state, this.lake);
  }

  /** The runner took every loss for what it was, and ends in order. */
  async finish(): Promise<void> {
    const { runner, result } = this;
    let hangs = false;
    const timer = setTimeout(() => {
      hangs = true;
      runner.signal("SIGKILL");
    }, STOP_MS_MAX);
    const code = await runner.stop();
    clearTimeout(timer);
    if (hangs) {
      result.violations.push(`The runner does not end within ${STOP_MS_MAX / 1000} s of being asked to`);
    } else if (code !== 0) {
      result.violations.push(`The runner ended with exit code ${code}: ${runner.output.slice(-500)}`);
    }
    const unexplained = /✖.*(?<!The next run makes up for it)$/m.exec(runner.output);
    if (unexplained !== null) {
      result.violations.push(`A lost connection is not told as what it is: ${unexplained[0]}`);
    }
  }

  async close(): Promise<void> {
    await this.target?.stop();
  }
}
