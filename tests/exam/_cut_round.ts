/** Opens what a power cut left: log and lake each time, and now and then everything, until all has caught up. */

import postgres from "postgres";
import type { EventLog } from "../../event_log/event_log.ts";
import { openSqliteEventLog } from "../../event_log/sqlite_event_log.ts";
import type { Round } from "./experiment.ts";
import { drawCut, makeImage } from "./_disk_image.ts";
import type { ExamPipeline } from "./_exam_pipeline.ts";
import { Findings } from "./_findings.ts";
import { LakeChecker } from "./_lake_checker.ts";
import { FED_TOPICS, isGood, readAll } from "./_lake_feed.ts";
import { CLIENT_CALLS, LAKE_ARGUMENTS, placesIn } from "./_power_cut_scene.ts";
import type { Scene } from "./_power_cut_scene.ts";
import { recordsOf } from "./_power_cut_records.ts";
import { oneOf } from "./_random.ts";
import { tablesOfLake, tablesOfWarehouse } from "./_warehouse_reference.ts";

const LAKE_TOPICS_USED = [...FED_TOPICS, "dead_letters"];
/** Of so many cuts one is followed by the processes themselves, until lake and warehouse have caught up. */
const RESTART_EVERY = 25;
const GROUP = "lake-writer";

/** The cuts of one scene. */
export class CutRound {
  readonly findings = new Findings();
  readonly recoveryMs: number[] = [];
  readonly #round: Round;
  readonly #pipeline: ExamPipeline;
  readonly #scene: Scene;

  constructor(round: Round, pipeline: ExamPipeline, scene: Scene) {
    this.#round = round;
    this.#pipeline = pipeline;
    this.#scene = scene;
  }

  /** The `number`th cut, from 0. */
  async cut(number: number): Promise<void> {
    const { random, folder, engine, faults } = this.#round;
    const { journal, acknowledged } = this.#scene;
    const restarts = number % RESTART_EVERY === RESTART_EVERY - 1 || number === faults - 1;
    const { at, kept } = this.#momentOf(number, restarts);
    const image = `${folder}/image`;
    const luck = makeImage(journal, at, image, {
      random,
      wanted: (name) => name !== "warehouse" || restarts,
      ...(kept === undefined ? {} : { kept }),
    });
    const calls = acknowledged.filter((change) => change <= at).length;
    const before = this.findings.violations.length;
    if (engine === "embedded") await this.#openLog(image, calls);
    await this.#openLake(image);
    if (restarts) await this.#restart(image);
    this.#round.say(
      `cut ${
        number + 1
      } after ${at} of ${journal.changes.length} changes, ${calls} appends acknowledged; ${luck}${
        restarts ? "; everything started again" : ""
      }${this.findings.violations.length > before ? `: ${this.findings.violations.at(-1)}` : ""}`,
    );
    await Deno.remove(image, { recursive: true });
  }

  /** When a cut comes. Most are drawn; some come at the moments that matter most. */
  #momentOf(
    number: number,
    restarts: boolean,
  ): { at: number; kept?: { names: number; content: number | "by file" } } {
    const { journal, acknowledged } = this.#scene;
    const { random } = this.#round;
    // Right after all processes have stopped in order; most that was not synced is there.
    if (restarts && Math.floor(number / RESTART_EVERY) % 2 === 0) {
      return { at: journal.changes.length, kept: { names: 1, content: "by file" } };
    }
    // Right after an append was acknowledged; no content is there that was not synced.
    if (number % 4 === 1 && acknowledged.length > 0) {
      return { at: oneOf(random, acknowledged), kept: { names: 1, content: 0 } };
    }
    return { at: drawCut(journal, random) };
  }

  /** Every acknowledged append is in the log, whole and once; of any other all or nothing. */
  async #openLog(image: string, calls: number): Promise<void> {
    const file = placesIn(image).EVENT_LOG_FILE!;
    const log = await this.#opened(file, calls);
    if (log === undefined) return;
    try {
      const found = new Map<string, number>();
      const topics = new Set((await log.listTopics()).map(({ name }) => name));
      for (const topic of FED_TOPICS.filter((name) => topics.has(name))) {
        for (const { value } of await readAll(log, topic)) found.set(value!, (found.get(value!) ?? 0) + 1);
      }
      for (let call = 0; call < CLIENT_CALLS; call++) {
        const counts = recordsOf(call).map(({ value }) => found.get(value) ?? 0);
        const stored = counts.filter((count) => count > 0).length;
        this.findings.checked += counts.length;
        if (call < calls && stored < counts.length) {
          this.findings.loss(`acknowledged append ${call} after a power cut`, counts.length - stored);
        } else if (stored > 0 && stored < counts.length) {
          this.findings.violation(`${stored} of ${counts.length} records of append ${call} are in the log`);
        }
        if (counts.some((count) => count > 1)) this.findings.duplicate(`append ${call} after a power cut`);
      }
      await this.#lakeHoldsWhatIsCommitted(log, image);
    } finally {
      await log.close();
    }
  }

  async #opened(file: string, calls: number): Promise<EventLog | undefined> {
    try {
      await Deno.stat(file);
      return await openSqliteEventLog({ file });
    } catch (error) {
      if (calls > 0) this.findings.loss(`the log after a power cut: ${(error as Error).message}`);
      return undefined;
    }
  }

  /** The group's offsets tell monitoring how far the lake is: it must be there. */
  async #lakeHoldsWhatIsCommitted(log: EventLog, image: string): Promise<void> {
    const checker = new LakeChecker(`${placesIn(image).LAKE_DIR}/raw`, this.findings);
    checker.look(LAKE_TOPICS_USED);
    const committed = await log.committedOffsets(GROUP, LAKE_TOPICS_USED).catch(() => []);
    for (const { topic, partition, offset } of committed) {
      this.findings.checked++;
      const end = checker.end(topic, partition);
      if (end < offset) {
        this.findings.violation(`The lake ends at ${end} of ${topic}/${partition}, ${offset} was committed`);
      }
    }
  }

  /** Whatever has a final name is whole, and ranges adjoin. */
  async #openLake(image: string): Promise<void> {
    const checker = new LakeChecker(`${placesIn(image).LAKE_DIR}/raw`, this.findings);
    checker.look(LAKE_TOPICS_USED);
    for (const topic of FED_TOPICS) checker.mustAdjoin(topic);
    this.findings.checked += checker.filesSeen;
    await Promise.resolve();
  }

  /** The processes go on from the image: lake and warehouse come to hold what the log holds. */
  async #restart(image: string): Promise<void> {
    const embedded = this.#round.engine === "embedded";
    const startedMs = performance.now();
    const env = placesIn(image);
    for (const folder of [`${env.LAKE_DIR}/raw`, `${env.LAKE_DIR}/gold`, `${env.LAKE_DIR}/rejected`]) {
      await Deno.mkdir(folder, { recursive: true });
    }
    if (embedded) await this.#run("topics", [], env);
    const log = embedded ? await openSqliteEventLog({ file: env.EVENT_LOG_FILE! }) : this.#pipeline.log;
    try {
      await this.#fillLake(log, env);
      const checker = new LakeChecker(`${env.LAKE_DIR}/raw`, this.findings);
      checker.look(LAKE_TOPICS_USED);
      const letters = await readAll(log, "dead_letters");
      for (const topic of FED_TOPICS) {
        const records = await readAll(log, topic);
        checker.compareWithLog(topic, records, isGood);
        checker.compareManifest(topic);
        const refused = records.filter((record) => !isGood(record));
        const mine = letters.filter(({ value }) => JSON.parse(value!).topic === topic);
        if (embedded) checker.compareDeadLetters(refused, mine, { topic, group: GROUP });
      }
    } finally {
      if (embedded) await log.close();
    }
    if (embedded) await this.#fillWarehouse(env);
    else await this.#run("etl", ["--skip-warehouse"], env);
    this.recoveryMs.push(performance.now() - startedMs);
  }

  async #fillLake(log: EventLog, env: Record<string, string>): Promise<void> {
    // Kafka was not cut off: its group stands where it came to later.
    const args = log.engine === "kafka" ? [...LAKE_ARGUMENTS, "--from-beginning"] : LAKE_ARGUMENTS;
    const writer = this.#pipeline.start("lake", args, env);
    const ends = new Map<string, number>();
    for (const topic of FED_TOPICS) {
      for (const { partition, offset } of await readAll(log, topic)) {
        ends.set(`${topic}/${partition}`, offset);
      }
    }
    const checker = new LakeChecker(`${env.LAKE_DIR}/raw`, new Findings());
    const deadline = performance.now() + 60_000;
    const behind = () => {
      checker.look(LAKE_TOPICS_USED);
      return [...ends].some(([place, last]) => {
        const [topic, partition] = place.split("/");
        return checker.end(topic!, Number(partition)) <= last;
      });
    };
    while (behind() && performance.now() < deadline) await new Promise((resolve) => setTimeout(resolve, 100));
    const code = await writer.stop();
    if (code !== 0) {
      this.findings.violation(`The lake writer ended with ${code}: ${writer.output.slice(-300)}`);
    }
  }

  async #fillWarehouse(env: Record<string, string>): Promise<void> {
    // The machine was started anew since.
    const mark = `${env.WAREHOUSE_DIR}/running`;
    const running = await Deno.readTextFile(mark).catch(() => undefined);
    if (running !== undefined) await Deno.writeTextFile(mark, String(Number(running) - 3600));
    const warehouse = this.#pipeline.start("warehouse", [], env);
    const started = await Promise.race([
      warehouse.says("Embedded warehouse ready", 120_000).then(() => true, () => false),
      warehouse.exited().then(() => false),
    ]);
    if (!started) {
      this.findings.violation(
        `The warehouse does not start after a power cut: ${warehouse.output.slice(-300)}`,
      );
      return;
    }
    await this.#run("etl", ["--wait", "40s"], env);
    const url = `postgres://airline:airline@127.0.0.1:${this.#pipeline.env.WAREHOUSE_PORT}/airline_dw`;
    const sql = postgres(url, { max: 1, onnotice: () => {} });
    try {
      const expected = tablesOfLake(`${env.LAKE_DIR}/raw`);
      const found = await tablesOfWarehouse(sql);
      for (const [table, rows] of Object.entries(expected)) {
        this.findings.compare(`after a power cut, a row of ${table}`, rows, found[table]!);
      }
    } catch (error) {
      this.findings.violation(`The warehouse cannot be read after a power cut: ${(error as Error).message}`);
    } finally {
      await sql.end({ timeout: 1 });
    }
    await warehouse.stop();
  }

  async #run(part: "topics" | "etl", args: string[], env: Record<string, string>): Promise<void> {
    const process = this.#pipeline.start(part, args, env);
    const code = await process.exited();
    if (code !== 0) {
      this.findings.violation(`${part} ended with ${code}: ${process.output.trim().slice(-300)}`);
    }
  }
}
