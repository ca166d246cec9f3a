/**
 * Experiment 11: the connection to the warehouse is lost inside a transaction.
 *
 * The ETL's runner loads a lake that grows, through a proxy that reads along. At a drawn moment of a load's transaction,
 * its `COMMIT` included, Postgres ends the backend (`pg_terminate_backend`), or the proxy resets the connection before a
 * statement arrives or before its answer does, or all connections at once. The embedded warehouse speaks the same
 * protocol on a socket, so it takes part; only backends to be ended it has none.
 *
 * Must hold: at each moment every table is exactly what its topic's watermark says, worked out from the events alone;
 * every row was last written by a transaction that also noted a run; on the wire no statement that changes a table was
 * sent while no transaction was open; and the lake is loaded whole soon after.
 *
 * @module
 */

import { eventually, openExamPipeline } from "./_exam_pipeline.ts";
import type { ExamPipeline, Part } from "./_exam_pipeline.ts";
import { LakeSteps } from "./_lake_steps.ts";
import type { PostgresEvent, WatchedClient } from "./_postgres_watch.ts";
import { startProxiedWarehouse } from "./_proxied_warehouse.ts";
import type { ProxiedWarehouse } from "./_proxied_warehouse.ts";
import { wholeNumber } from "./_random.ts";
import type { ConnectionFault } from "./_tcp_proxy.ts";
import { checkState, isLoaded, readState } from "./_warehouse_check.ts";
import type { ExamEngine, Experiment, Round, RoundResult } from "./experiment.ts";

const ROWS_OF_A_STEP = 300;
/** A dead run's lease keeps others out for 30 s; then a run takes a second. */
const RECOVERY_MS_MAX = 60_000;
const STRIKE_MS_MAX = 90_000;
const CHANGES_TABLE = /^\s*(insert|update|delete|truncate|copy|create|alter|drop)\b.*\b(dim_|fact_|etl_)/is;

type Kind = "backend ended" | "statement lost" | "answer lost" | "all connections reset";

/** How likely each kind is. */
const KINDS: Record<ExamEngine, [Kind, number][]> = {
  kafka: [["backend ended", 0.4], ["statement lost", 0.3], ["answer lost", 0.25], [
    "all connections reset",
    0.05,
  ]],
  embedded: [["statement lost", 0.5], ["answer lost", 0.45], ["all connections reset", 0.05]],
};

/** Strikes once, at the moment that was drawn; and minds where statements run. */
class Striker {
  readonly violations: string[] = [];
  /** Moments of the longest transaction so far. */
  moments = 30;
  struck: { kind: Kind; moment: number; what: string; atMs: number } | undefined;
  #armed: { kind: Kind; moment: number } | undefined;
  #moment = 0;
  /** What a strike on all, or on a backend, is done by. */
  endBackend: (pid: number) => void = () => {};
  resetAll: () => void = () => {};

  arm(kind: Kind, moment: number): void {
    this.struck = undefined;
    this.#armed = { kind, moment };
  }

  /** Told of everything that is said through the proxy. */
  hear(event: PostgresEvent, client: WatchedClient): ConnectionFault | undefined {
    if (event.kind === "statement" && !event.inTransaction && CHANGES_TABLE.test(event.text)) {
      this.violations.push(`Outside of a transaction: ${event.text.replaceAll(/\s+/g, " ").slice(0, 120)}`);
    }
    if (event.kind === "done" && event.tag === "BEGIN") this.#moment = 0;
    if (!event.inTransaction) return undefined;
    this.moments = Math.max(this.moments, ++this.#moment);
    const armed = this.#armed;
    if (armed === undefined || this.#moment < armed.moment) return undefined;
    if (armed.kind === "statement lost" && event.kind !== "statement") return undefined;
    if (armed.kind === "answer lost" && event.kind !== "done") return undefined;
    this.#armed = undefined;
    const what = event.kind === "done" ? event.tag : event.text.replaceAll(/\s+/g, " ").slice(0, 60);
    this.struck = { ...armed, moment: this.#moment, what, atMs: performance.now() };
    if (armed.kind === "backend ended") this.endBackend(client.serverPid);
    else if (armed.kind === "all connections reset") setTimeout(() => this.resetAll(), 0);
    else return "reset";
    return undefined;
  }
}

async function run(round: Round): Promise<RoundResult> {
  const pipeline = await openExamPipeline(round);
  const striker = new Striker();
  let target: ProxiedWarehouse | undefined;
  try {
    target = await startProxiedWarehouse(round, pipeline, (event, client) => striker.hear(event, client));
    const { direct, proxy } = target;
    striker.endBackend = (pid) => void direct.sql`select pg_terminate_backend(${pid}::int)`.catch(() => {});
    striker.resetAll = () => proxy.strikeAll("reset");
    return await strikeAgainAndAgain(round, pipeline, target, striker);
  } finally {
    await target?.stop();
    await pipeline.close();
  }
}

async function strikeAgainAndAgain(
  round: Round,
  pipeline: ExamPipeline,
  { direct, env }: ProxiedWarehouse,
  striker: Striker,
): Promise<RoundResult> {
  const result: RoundResult = {
    faults: 0,
    checked: 0,
    lost: 0,
    doubled: 0,
    violations: striker.violations,
    recoveryMs: [],
  };
  const lake = new LakeSteps(pipeline.env.LAKE_DIR!, round.random, ROWS_OF_A_STEP);
  const check = async () => {
    const state = await readState(direct.sql);
    const found = checkState(state, lake);
    result.checked += found.checked;
    result.lost += found.lost;
    result.doubled += found.doubled;
    result.violations.push(...found.violations);
    return isLoaded(state, lake);
  };
  await lake.seal();
  const runner = pipeline.start(
    "etl-runner",
    ["--every", "1s", "--first-after", "0s", "--metrics-port", "0"],
    env,
  );
  await eventually("the first step is loaded", check, 90_000, () => runner.output);
  while (result.faults < round.faults && result.violations.length === 0) {
    round.signal.throwIfAborted();
    const kind = drawn(KINDS[round.engine], round.random());
    striker.arm(kind, wholeNumber(round.random, 1, striker.moments + 1));
    await lake.seal();
    // A moment that this transaction did not have: the next one, perhaps.
    await eventually(
      `${kind} is struck, or the step is loaded`,
      async () => striker.struck !== undefined || await check(),
      STRIKE_MS_MAX,
      () => runner.output,
    );
    const { struck } = striker;
    if (struck === undefined) continue;
    await check();
    const recovered = await recovers(check);
    const tookMs = performance.now() - struck.atMs;
    round.say(`${kind} at ${struck.moment} (${struck.what}): loaded after ${Math.round(tookMs)} ms`);
    result.faults++;
    result.recoveryMs.push(tookMs);
    round.progress(result.faults);
    if (!recovered) {
      result.violations.push(
        `${kind} at ${struck.what}: not loaded within ${RECOVERY_MS_MAX / 1000} s; the ETL says: ${
          runner.output.slice(-500)
        }`,
      );
    }
  }
  await theRunnerLives(runner, result);
  if (result.violations.length === 0) await aSingleRunSaysWhatToDo(pipeline, env, lake, striker, result);
  if (result.violations.length === 0 && !await check()) {
    result.violations.push("Run again, the ETL did not load what the lost connection had kept back");
  }
  return result;
}

async function recovers(check: () => Promise<boolean>): Promise<boolean> {
  const untilMs = performance.now() + RECOVERY_MS_MAX;
  while (!await check()) {
    if (performance.now() > untilMs) return false;
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  return true;
}

/** It took every loss for what it was, and ends in order. */
async function theRunnerLives(runner: Part, result: RoundResult): Promise<void> {
  const code = await runner.stop();
  if (code !== 0) {
    result.violations.push(`The runner ended with exit code ${code}: ${runner.output.slice(-500)}`);
  }
  const unexplained = /✖.*(?<!The next run makes up for it)$/m.exec(runner.output);
  if (unexplained !== null) {
    result.violations.push(`A lost connection is not told as what it is: ${unexplained[0]}`);
  }
}

/** `deno task etl` loses its connection in the middle, says so, and is run again. */
async function aSingleRunSaysWhatToDo(
  pipeline: ExamPipeline,
  env: Record<string, string>,
  lake: LakeSteps,
  striker: Striker,
  result: RoundResult,
): Promise<void> {
  await lake.seal();
  striker.arm(pipeline.pair === "real" ? "backend ended" : "answer lost", Math.ceil(striker.moments / 3));
  const lost = pipeline.start("etl", [], env);
  const code = await lost.exited();
  if (code !== 1 || !/The connection to the warehouse broke.*Run deno task etl again/.test(lost.output)) {
    result.violations.push(`A single run that lost its connection ended with ${code}: ${lost.output}`);
  }
  const again = pipeline.start("etl", [], env);
  if (await again.exited() !== 0) {
    result.violations.push(`Run again, the ETL failed: ${again.output}`);
  }
}

function drawn(kinds: readonly [Kind, number][], draw: number): Kind {
  let sum = 0;
  return (kinds.find(([, share]) => draw < (sum += share)) ?? kinds.at(-1)!)[0];
}

const TRANSACTION_ENDS = {
  file: "warehouse/load_tables.ts",
  from: "loaded[rows.table.name] = await loadTable(warehouse, tx, rows, files, options);",
  to:
    'loaded[rows.table.name] = await loadTable(warehouse, tx, rows, files, options); await tx.unsafe("commit");' +
    ' await tx.unsafe("begin");',
};
const ANOTHER_TRANSACTION_WILL_DO = {
  file: "warehouse/load_tables.ts",
  from: "if (await transactionId(tx) !== transaction) {",
  to: 'if (transaction === "") {',
};

export const experiment: Experiment = {
  number: 11,
  name: "connection-lost",
  fault: "the warehouse's connection is lost inside a transaction: the backend ended, or the proxy resets it",
  mustHold: "all or nothing; no statement outside its transaction",
  engines: ["embedded", "kafka"],
  needs: (engine) => engine === "kafka" ? ["postgres"] : [],
  faults: { short: { embedded: 5, kafka: 6 }, full: { embedded: 100, kafka: 100 } },
  faultsPerRound: 25,
  run,
  controls: [
    {
      guard: "all tables, their watermark and the run are one transaction",
      engines: ["embedded", "kafka"],
      mutations: [TRANSACTION_ENDS, ANOTHER_TRANSACTION_WILL_DO],
      faults: 10,
    },
    {
      guard: "a load works within its transaction",
      engines: ["kafka"],
      mutations: [{
        file: "warehouse/load_tables.ts",
        from: "return await warehouse.sql.begin((tx) =>",
        to:
          "return await ((work: (tx: SqlTransaction) => Promise<LoadedRows>) => work(warehouse.sql as never))((tx) =>",
      }, ANOTHER_TRANSACTION_WILL_DO],
      faults: 10,
    },
  ],
};
