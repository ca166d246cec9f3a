/**
 * Experiment 10: runs of the ETL are killed at every step, race each other on one lake and on one warehouse, and a run
 * that slept past its lease wakes up. The warehouse always equals a fold of the raw lines, before a run or after it.
 *
 * @module
 */

import { setTimeout as delay } from "node:timers/promises";
import postgres from "postgres";
import type { Experiment, Round, RoundResult } from "./experiment.ts";
import { eventually, isAtPoint, openExamPipeline } from "./_exam_pipeline.ts";
import type { ExamPipeline, Part } from "./_exam_pipeline.ts";
import { ETL_POINT_PASSES, ETL_POINTS, ZOMBIE_POINT } from "./_etl_points.ts";
import { Findings } from "./_findings.ts";
import { copyProject } from "./_project_copy.ts";
import { oneOf, wholeNumber } from "./_random.ts";
import { RawLake, shareRawFiles } from "./_raw_lake.ts";
import { checksumOf, rowVersions, tablesOfLake, tablesOfWarehouse } from "./_warehouse_reference.ts";

/** One fault of five is a race of two runs. */
const RACE_SHARE = 0.2;
/** A run that comes to its end before the point is reached, or hangs: given up after so long. */
const RUN_DEADLINE_MS = 60_000;
const WAIT = ["--wait", "30s"];

class EtlRound {
  readonly findings = new Findings();
  readonly recoveryMs: number[] = [];
  readonly #round: Round;
  readonly #pipeline: ExamPipeline;
  readonly #lake: RawLake;
  readonly #sql: postgres.Sql;
  /** The checksum of the warehouse as it was last seen. */
  #before = "";
  #kills = 0;

  constructor(round: Round, pipeline: ExamPipeline, sql: postgres.Sql) {
    this.#round = round;
    this.#pipeline = pipeline;
    this.#sql = sql;
    this.#lake = new RawLake(`${pipeline.folder}/lake/raw`, round.random);
  }

  async begin(): Promise<void> {
    await this.#lake.grow();
    await this.#runToEnd("the first run");
    await this.#mustEqualLake("after the first run");
  }

  async kill(): Promise<void> {
    const { random } = this.#round;
    await this.#lake.grow();
    const after = this.#expected();
    const inTurn = ETL_POINT_PASSES[this.#kills++];
    const full = inTurn === undefined && random() < 0.1 ? ["--full"] : [];
    const [point, passes] = inTurn ?? (random() < 0.8 ? oneOf(random, ETL_POINT_PASSES) : [undefined, 0]);
    const pass = wholeNumber(random, 1, passes + 1);
    const delayMs = wholeNumber(random, 100, 1500);
    const part = point === undefined
      ? this.#pipeline.start("etl", [...WAIT, ...full])
      : this.#pipeline.startTo(point, pass, "etl", [...WAIT, ...full]);
    const ended = part.exited();
    let hit = false;
    if (point === undefined) await Promise.race([ended, delay(delayMs)]);
    else hit = await reached(part, point, ended);
    await part.kill();
    const killedMs = performance.now();
    this.#round.say(
      `killed ${
        point === undefined
          ? `after ${delayMs} ms`
          : `at ${point}, pass ${pass}${hit ? "" : " (not reached)"}`
      }${full.length > 0 ? ", full" : ""}`,
    );
    await this.#mustBeOneOf(["as before", this.#before], ["as after", after]);
    // Three of ten kills meet a lake that a kill before left behind.
    if (inTurn === undefined && random() < 0.3) return;
    await this.#runToEnd("the run after a kill");
    this.recoveryMs.push(performance.now() - killedMs);
    await this.#mustEqualLake("after a kill and a run");
    if (random() < 0.5) await this.#rerunChangesNothing();
  }

  /** Two runs at once, on one lake or on two that share the warehouse. */
  async race(): Promise<void> {
    await this.#lake.grow();
    const second = this.#round.random() < 0.5 ? await this.#secondLake() : {};
    const startedMs = performance.now();
    const runs = [this.#pipeline.start("etl", WAIT), this.#pipeline.start("etl", WAIT, second)];
    const codes = await Promise.all(runs.map((run) => run.exited()));
    this.recoveryMs.push(performance.now() - startedMs);
    this.#round.say(
      `raced on ${"LAKE_DIR" in second ? "two lakes" : "one lake"}: exit codes ${codes.join(" and ")}`,
    );
    for (const [at, code] of codes.entries()) {
      if (code !== 0) this.findings.violation(`A run that raced ended with ${code}: ${tail(runs[at]!)}`);
    }
    await this.#mustEqualLake("after a race");
  }

  /** A run sleeps with its rows in hand, another loads newer ones, the first wakes up: it must not store what it has. */
  async wakeUp(): Promise<void> {
    await this.#lake.grow();
    const sleeper = this.#pipeline.startTo(ZOMBIE_POINT, 1, "etl", WAIT, 500);
    const ended = sleeper.exited();
    if (!await reached(sleeper, ZOMBIE_POINT, ended)) {
      this.findings.violation(`A run did not come to its load: ${tail(sleeper)}`);
      return;
    }
    sleeper.signal("SIGSTOP");
    try {
      await this.#lake.grow();
      await this.#runToEnd("the run that takes over", await this.#secondLake());
      await this.#mustEqualLake("after a run took over");
    } finally {
      sleeper.signal("SIGCONT");
    }
    const wokenMs = performance.now();
    const code = await ended;
    this.#round.say(`woke a run up after another took over: exit code ${code}`);
    if (code === 0) {
      this.findings.violation(`A run that lost its lease ended as if all were well: ${tail(sleeper)}`);
    }
    await this.#mustEqualLake("after a run woke up that had lost its lease");
    await this.#runToEnd("the run after that");
    this.recoveryMs.push(performance.now() - wokenMs);
    await this.#mustEqualLake("after the run after that");
  }

  async end(): Promise<void> {
    await this.#runToEnd("the last run");
    await this.#mustEqualLake("at the end");
    await this.#rerunChangesNothing();
    await this.#runToEnd("a rebuild", {}, ["--full"]);
    await this.#mustEqualLake("after a rebuild");
  }

  async #secondLake(): Promise<{ LAKE_DIR: string }> {
    const folder = `${this.#round.folder}/second_lake`;
    await shareRawFiles(this.#lake.folder, `${folder}/raw`);
    await Deno.mkdir(`${folder}/gold`, { recursive: true });
    await Deno.mkdir(`${folder}/rejected`, { recursive: true });
    return { LAKE_DIR: folder };
  }

  async #runToEnd(what: string, env: Record<string, string> = {}, args: string[] = []): Promise<void> {
    this.#round.signal.throwIfAborted();
    const part = this.#pipeline.start("etl", [...WAIT, ...args], env);
    const code = await part.exited();
    if (code !== 0) this.findings.violation(`${what} ended with exit code ${code}: ${tail(part)}`);
  }

  #expected(): string {
    return checksumOf(tablesOfLake(this.#lake.folder));
  }

  async #mustBeOneOf(...allowed: [string, string][]): Promise<void> {
    const found = checksumOf(await tablesOfWarehouse(this.#sql));
    this.findings.checked++;
    const state = allowed.find(([, checksum]) => checksum === found);
    if (state === undefined) this.findings.violation("A killed run left a part of its rows in the warehouse");
    else this.#before = found;
  }

  async #mustEqualLake(when: string): Promise<void> {
    const expected = tablesOfLake(this.#lake.folder);
    const found = await tablesOfWarehouse(this.#sql);
    this.#before = checksumOf(found);
    if (this.#before === checksumOf(expected)) {
      for (const rows of Object.values(expected)) this.findings.checked += rows.length;
      return;
    }
    for (const [table, rows] of Object.entries(expected)) {
      this.findings.compare(`${when}, a row of ${table}`, rows, found[table]!);
    }
  }

  async #rerunChangesNothing(): Promise<void> {
    const before = await rowVersions(this.#sql);
    await this.#runToEnd("a rerun");
    this.findings.checked++;
    if (await rowVersions(this.#sql) !== before) {
      this.findings.violation("A rerun with nothing new wrote rows of the warehouse anew");
    }
  }
}

/** Whether a run comes to the point; `false` when it ends before. */
async function reached(part: Part, point: string, ended: Promise<unknown>): Promise<boolean> {
  let over = false;
  void ended.then(() => over = true);
  await eventually(
    `a run comes to "${point}" or to its end`,
    () => over || isAtPoint(part, point),
    RUN_DEADLINE_MS,
    () => part.output,
  );
  return isAtPoint(part, point);
}

function tail(part: Part): string {
  return part.output.trim().slice(-400);
}

async function run(round: Round): Promise<RoundResult> {
  const project = await copyProject(`${round.folder}/project`, ETL_POINTS, { from: round.project });
  const pipeline = await openExamPipeline({ ...round, project }, { warehouse: true });
  let sql: postgres.Sql | undefined;
  try {
    const url = pipeline.env.DATABASE_URL ??
      `postgres://airline:airline@127.0.0.1:${pipeline.env.WAREHOUSE_PORT}/airline_dw`;
    const warehouse = pipeline.start("warehouse");
    if (round.engine === "embedded") await warehouse.says("Embedded warehouse ready", 60_000);
    else await warehouse.exited();
    sql = postgres(url, { max: 1, onnotice: () => {} });
    const etl = new EtlRound(round, pipeline, sql);
    await etl.begin();
    let races = 0;
    let faults = 0;
    // What is wrong already need not be waited for.
    for (; faults < round.faults && etl.findings.violations.length === 0; faults++) {
      round.signal.throwIfAborted();
      if (Math.floor((faults + 1) * RACE_SHARE) === races) await etl.kill();
      else if (races++ % 2 === 0) await etl.wakeUp();
      else await etl.race();
      round.progress(faults + 1);
    }
    if (etl.findings.violations.length === 0) await etl.end();
    const { findings, recoveryMs } = etl;
    return {
      faults,
      ...findings.result(),
      recoveryMs,
      figures: { kills: faults - races, races },
    };
  } finally {
    await sql?.end({ timeout: 1 }).catch(() => {});
    await pipeline.close();
  }
}

/** See the module. */
export const experiment: Experiment = {
  number: 10,
  name: "etl-killed",
  fault: "ETL killed at each step, two runs at once, a run that lost its lease wakes up, rerun",
  mustHold: "warehouse checksum = checksum of the raw lake; a rerun changes 0 rows",
  engines: ["embedded", "kafka"],
  needs: (engine) => engine === "kafka" ? ["linux", "postgres"] : ["linux"],
  faults: { short: { embedded: 5, kafka: 5 }, full: { embedded: 250, kafka: 250 } },
  faultsPerRound: 50,
  points: () => ETL_POINTS,
  run,
  controls: [
    {
      guard: "the watermark is stored in the transaction of the rows",
      engines: ["embedded", "kafka"],
      mutations: [{
        file: "warehouse/load_tables.ts",
        from: "await files.values().next().value;",
        to: `await files.values().next().value;
    await warehouse.sql\`
      insert into public.etl_watermark (log_id, topic, partition, next_offset, updated_at)
      select log_id, topic, partition, next_offset, now()
      from json_to_recordset(\${JSON.stringify(options.watermark)}::text::json)
        as new (log_id text, topic text, partition integer, next_offset bigint)
      on conflict (log_id, topic, partition) do update set next_offset = excluded.next_offset\`;`,
      }],
      faults: 2,
    },
    {
      guard: "a load makes sure that it still holds the lease",
      engines: ["embedded", "kafka"],
      mutations: [{
        file: "warehouse/load_tables.ts",
        from: "await assertLease(tx, lease.name, lease.token);",
        to: "void assertLease;",
      }],
      faults: 5,
    },
    {
      guard: "the state is replaced after the tables that it speaks of",
      engines: ["embedded", "kafka"],
      mutations: [{
        file: "etl/build_gold.ts",
        from: "const writing = performance.now();",
        to: "const writing = performance.now(); await writeState(lake.gold, state);",
      }],
      faults: 1,
    },
  ],
};
