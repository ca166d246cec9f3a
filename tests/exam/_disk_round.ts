/** The whole pipeline on small disks: one is filled and freed, and everything that must hold is looked at. */

import { setTimeout as delay } from "node:timers/promises";
import type postgres from "postgres";
import { GROUPS, LAKE_TOPICS } from "../../events/topics.ts";
import type { Round, RoundResult } from "./experiment.ts";
import type { ExamPipeline } from "./_exam_pipeline.ts";
import { Findings } from "./_findings.ts";
import { LakeChecker, namesIn } from "./_lake_checker.ts";
import { readAll } from "./_lake_feed.ts";
import { oneOf, wholeNumber } from "./_random.ts";
import { verifyEngine } from "./_reference.ts";
import { RetryingFeed } from "./_retrying_feed.ts";
import type { SmallDisk } from "./_small_disk.ts";
import { SupervisedPart } from "./_supervised_parts.ts";
import { tablesOfLake, tablesOfWarehouse } from "./_warehouse_reference.ts";

/** What a disk of its own is under. */
export type Place = "log" | "lake" | "gold" | "warehouse";

/** How much room a filled disk is left with: none, or a little that soon runs out. */
const LEFT_BYTES = [0, 4096, 8192, 16_384];
/** What a place's fullness must show on. */
const WRITERS = {
  log: ["producer", "consumer"],
  lake: ["lake"],
  gold: ["etl-runner"],
  warehouse: ["etl-runner"],
} as const;

/** The log may go on for a while in what its files have allocated already. */
const NOTICED_MS_MAX: Record<Place, number> = { log: 60_000, lake: 15_000, gold: 15_000, warehouse: 15_000 };
const RECOVERY_MS_MAX = 60_000;
/** After that a round gives up waiting: a violation has been told. */
const WAITED_MS_MAX = 90_000;
const POLL_MS = 100;

/** The pipeline on its small disks, with everything that runs. */
export class DiskRound {
  readonly findings = new Findings();
  readonly recoveryMs: number[] = [];
  readonly #round: Round;
  readonly #pipeline: ExamPipeline;
  readonly #disks: Map<Place, SmallDisk>;
  readonly #parts = new Map<string, SupervisedPart>();
  readonly #checker: LakeChecker;
  readonly #feed: RetryingFeed;

  constructor(round: Round, pipeline: ExamPipeline, disks: Map<Place, SmallDisk>) {
    this.#round = round;
    this.#pipeline = pipeline;
    this.#disks = disks;
    this.#checker = new LakeChecker(`${pipeline.env.LAKE_DIR}/raw`, this.findings);
    this.#feed = new RetryingFeed(pipeline.log);
  }

  async begin(): Promise<void> {
    const start = (name: ConstructorParameters<typeof SupervisedPart>[1], args: string[]) =>
      this.#parts.set(name, new SupervisedPart(this.#pipeline, name, args));
    if (this.#round.engine === "embedded") {
      start("warehouse", []);
      // Making the first database takes all of a small machine.
      await this.#within(
        WAITED_MS_MAX,
        () => Promise.resolve(this.#parts.get("warehouse")!.output.includes("Embedded warehouse ready")),
      );
    }
    // Shoppers would be most of the events, and none of them goes to the lake.
    start("producer", ["--rate", "150", "--look-to-book", "none", "--seed", String(this.#round.seed)]);
    start("consumer", ["--session-timeout", "6s"]);
    start("lake", ["--seal-age", "300ms"]);
    start("etl-runner", ["--every", "2s", "--first-after", "1s"]);
    if (!await this.#within(WAITED_MS_MAX, () => this.#areReady([...this.#parts.keys()]))) {
      throw new Error(`The pipeline does not get ready:\n${this.#outputs()}`);
    }
  }

  async fillAndFree(place: Place): Promise<void> {
    const { random } = this.#round;
    const disk = this.#disks.get(place)!;
    const left = oneOf(random, LEFT_BYTES);
    const writers = WRITERS[place];
    await disk.fill(left);
    const filledMs = performance.now();
    for (const name of writers) {
      const noticed = await this.#within(
        NOTICED_MS_MAX[place],
        async () => !await this.#parts.get(name)!.isReady(),
      );
      if (!noticed) {
        this.findings.violation(`${name} says it is ready although the disk of the ${place} is full`);
      }
    }
    const noticedMs = performance.now() - filledMs;
    await delay(wholeNumber(random, 0, 4000));
    this.#nothingTorn();
    const before = await this.#progress(place);
    await disk.free();
    const freedMs = performance.now();
    const goesOn = async () =>
      await this.#areReady([...this.#parts.keys()]) && await this.#progress(place) > before;
    const recovered = await this.#within(WAITED_MS_MAX, goesOn);
    const recoveryMs = performance.now() - freedMs;
    this.recoveryMs.push(recoveryMs);
    if (this.findings.violations.length > 0) return;
    if (!recovered || recoveryMs > RECOVERY_MS_MAX) {
      const words = recovered ? "took" : "had not come back after";
      this.findings.violation(
        `The ${place} ${words} ${Math.round(recoveryMs / 1000)} s once its disk was freed`,
      );
    }
    this.#nothingTorn();
    for (const [name, part] of this.#parts) {
      if (part.gaveUp) {
        throw new Error(`deno task start would have ended everything: ${name}\n${part.output}`);
      }
    }
    const seconds = (ms: number) => (ms / 1000).toFixed(1);
    this.#round.say(
      `disk of the ${place} full but for ${left} bytes: noticed after ${seconds(noticedMs)} s, went on ${
        seconds(recoveryMs)
      } s after it was freed`,
    );
  }

  /** Ends what runs beside the pipeline. */
  async abandon(): Promise<void> {
    for (const part of this.#parts.values()) part.abandon();
    await this.#feed.stop().catch(() => {});
  }

  result(faults: number): RoundResult {
    return { faults, ...this.findings.result(), recoveryMs: this.recoveryMs };
  }

  /** A figure that grows when the place is written again. */
  async #progress(place: Place): Promise<number> {
    if (place === "log") return this.#feed.acknowledged.length;
    if (place === "lake") {
      this.#checker.look(LAKE_TOPICS);
      return this.#checker.filesSeen;
    }
    return await this.#parts.get("etl-runner")!.metric("etl_last_success_timestamp_seconds") ?? 0;
  }

  /** What readers may see at any moment: whole raw files, whole gold tables. */
  #nothingTorn(): void {
    this.#checker.look(LAKE_TOPICS);
    const gold = `${this.#pipeline.env.LAKE_DIR}/gold`;
    for (const name of namesIn(gold).filter((entry) => entry.endsWith(".parquet"))) {
      this.findings.checked++;
      const bytes = Deno.readFileSync(`${gold}/${name}`);
      const magic = (at: number) => new TextDecoder().decode(bytes.subarray(at, at + 4));
      const footer = bytes.length < 12
        ? Infinity
        : new DataView(bytes.buffer).getUint32(bytes.length - 8, true);
      if (magic(0) !== "PAR1" || magic(bytes.length - 4) !== "PAR1" || footer + 12 > bytes.length) {
        this.findings.violation(`The gold table ${name} is torn: ${bytes.length} bytes`);
      }
    }
  }

  /** Everything in, everything written, everything compared. */
  async finish(sql: postgres.Sql): Promise<void> {
    await this.#feed.stop();
    await this.#stop("producer");
    await this.#pipeline.caughtUp(GROUPS.engine, ["flight_lifecycle", "bookings", "seat_inventory"]);
    await this.#stop("consumer");
    await this.#pipeline.caughtUp(GROUPS.lake, [...LAKE_TOPICS]);
    await this.#stop("lake");
    await this.#stop("etl-runner");
    const { code, output } = await this.#pipeline.run("etl");
    if (code !== 0) {
      this.findings.violation(`The last run of the ETL ended with exit code ${code}: ${output.slice(-400)}`);
    }
    const verdict = await verifyEngine(this.#pipeline.log);
    this.findings.checked += verdict.checked;
    if (verdict.lost > 0) this.findings.loss("outputs of the consumer", verdict.lost);
    if (verdict.doubled > 0) this.findings.duplicate("outputs of the consumer", verdict.doubled);
    for (const violation of verdict.violations) this.findings.violation(violation);
    this.#checker.look(LAKE_TOPICS);
    for (const topic of LAKE_TOPICS) {
      const records = await readAll(this.#pipeline.log, topic);
      if (topic === this.#feed.topic) {
        this.findings.compare(
          "a record",
          this.#feed.acknowledged,
          records.map(({ value }) => value!).filter((value) => this.#feed.isOwn(value)),
        );
      }
      this.#checker.compareWithLog(topic, records, () => true);
      this.#checker.compareManifest(topic);
    }
    const expected = tablesOfLake(`${this.#pipeline.env.LAKE_DIR}/raw`);
    const found = await tablesOfWarehouse(sql);
    for (const [table, rows] of Object.entries(expected)) {
      this.findings.compare(`a row of ${table}`, rows, found[table]!);
    }
    if (this.#round.engine === "embedded") await this.#stop("warehouse");
  }

  async #stop(name: string): Promise<void> {
    const part = this.#parts.get(name)!;
    const code = await part.stop();
    if (code !== 0) {
      this.findings.violation(`${name} ended with exit code ${code}: ${part.output.slice(-400)}`);
    }
  }

  /** The embedded warehouse has no page that says so: it is ready when the ETL gets through. */
  async #areReady(names: readonly string[]): Promise<boolean> {
    const ready = await Promise.all(
      names.filter((name) => name !== "warehouse").map((name) => this.#parts.get(name)!.isReady()),
    );
    return ready.every((one) => one);
  }

  async #within(ms: number, condition: () => Promise<boolean>): Promise<boolean> {
    const deadline = performance.now() + ms;
    while (!await condition()) {
      this.#round.signal.throwIfAborted();
      if (this.findings.violations.length > 0 || performance.now() > deadline) return false;
      await delay(POLL_MS);
    }
    return true;
  }

  #outputs(): string {
    return [...this.#parts].map(([name, part]) => `${name}: ${part.output.slice(-500)}`).join("\n");
  }
}
