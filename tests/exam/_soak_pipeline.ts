/** The whole pipeline at work for a long time: its processes, how each is started again, and what each keeps. */

import { join } from "node:path";
import { GROUPS } from "../../events/topics.ts";
import type { PartName } from "../../scripts/launcher.ts";
import { freePort } from "../pipeline/_pipeline.ts";
import { eventually, type ExamPipeline, type Part, usageOf } from "./_exam_pipeline.ts";
import type { KafkaBroker } from "./_kafka_broker.ts";
import { heapAfterCollectionMiB, INSPECTOR_PORT, Samples } from "./_process_memory.ts";

/** The processes that stay for the whole soak. */
export const ROLES = ["consumer", "producer", "lake", "etl-runner"] as const;
export type Role = typeof ROLES[number];

const FREE_PORT = ["--metrics-port", "0"];
/** By when work goes on after any fault. */
const RECOVERY_MS_MAX = 60_000;
const BYTES_PER_MIB = 1024 * 1024;

export interface SoakOptions {
  pipeline: ExamPipeline;
  /** The broker of the soak's own on Kafka. */
  broker: KafkaBroker | undefined;
  /** Of the simulation. */
  seed: number;
  /** Events that the producer sends a second. */
  eventsPerSecond: number;
  etlIntervalSeconds: number;
  /** Silence after which a consumer is taken for dead. */
  sessionMs: number;
}

/** Sizes over the soak, by what they are of. */
export interface Measured {
  heapMiB: Record<Role, Samples>;
  handles: Record<Role, Samples>;
  residentMiB: Record<Role, Samples>;
  writeAheadMiB: Samples;
}

/** The pipeline of a soak. */
export class SoakPipeline {
  readonly pipeline: ExamPipeline;
  readonly broker: KafkaBroker | undefined;
  /** Silence after which a consumer is taken for dead. */
  readonly sessionMs: number;
  readonly measured: Measured;
  readonly #args: Record<Role, string[]>;
  readonly #ports = new Map<Part, number>();
  readonly #parts = new Map<Role, Part>();
  #warehouse: Part | undefined;

  constructor({ pipeline, broker, seed, eventsPerSecond, etlIntervalSeconds, sessionMs }: SoakOptions) {
    this.pipeline = pipeline;
    this.broker = broker;
    this.sessionMs = sessionMs;
    this.#args = {
      consumer: [...FREE_PORT, "--session-timeout", `${sessionMs}ms`],
      // A flight is on sale for a day and a half and departs, so that as many come as go.
      producer: [
        ...FREE_PORT,
        ...["--seed", String(seed), "--start-date", "2026-03-02", "--flights-per-day", "12"],
        ...["--booking-horizon", "36h", "--backfill", "0s", "--rate", String(eventsPerSecond)],
        // Shoppers would be most of the events, and none of what is looked at here.
        ...["--look-to-book", "none"],
      ],
      lake: [...FREE_PORT, "--seal-age", "5s"],
      "etl-runner": [...FREE_PORT, "--every", `${etlIntervalSeconds}s`, "--first-after", "5s"],
    };
    const samples = () =>
      Object.fromEntries(ROLES.map((role) => [role, new Samples()])) as Record<Role, Samples>;
    this.measured = {
      heapMiB: samples(),
      handles: samples(),
      residentMiB: samples(),
      writeAheadMiB: new Samples(),
    };
  }

  part(role: Role): Part {
    return this.#parts.get(role)!;
  }

  async start(): Promise<void> {
    await this.startWarehouse();
    for (const role of ROLES) this.startRole(role);
    await this.part("producer").says("Producer started", 60_000);
    await this.part("consumer").says("Partition 2", 60_000);
  }

  startRole(role: Role): void {
    const port = freePort();
    const part = this.pipeline.start(role, this.#args[role], { [INSPECTOR_PORT]: String(port) });
    this.#ports.set(part, port);
    this.#parts.set(role, part);
  }

  /** A consumer beside the one that stays. */
  secondConsumer(): Part {
    return this.pipeline.start("consumer", this.#args.consumer);
  }

  once(name: PartName, args: string[] = []): Part {
    return this.pipeline.start(name, args);
  }

  /** `kill -9` and a new process of the role. */
  async killRole(role: Role): Promise<void> {
    await this.part(role).kill();
    this.startRole(role);
  }

  /** The embedded warehouse, or the schema on a Postgres server. */
  async startWarehouse(): Promise<void> {
    if (this.pipeline.pair === "real") {
      const { code, output } = await this.pipeline.run("warehouse");
      if (code !== 0) throw new Error(`The warehouse cannot be prepared: ${output}`);
      return;
    }
    this.#warehouse = this.pipeline.start("warehouse");
    await this.#warehouse.says(this.pipeline.env.WAREHOUSE_PORT!, 60_000);
  }

  async killWarehouse(): Promise<void> {
    await this.#warehouse!.kill();
    await this.startWarehouse();
  }

  /** Processes that ended though nobody asked them to. */
  ended(): string[] {
    return ROLES.filter((role) => usageOf(this.part(role)) === undefined).map((role) =>
      `The ${role} ended by itself: ${this.part(role).output.slice(-1000)}`
    );
  }

  /** The offsets that consumer and lake writer have committed, summed up. */
  async progress(): Promise<{ engine: number; lake: number }> {
    const sum = async (group: string, topics: string[]) =>
      (await this.pipeline.log.committedOffsets(group, topics)).reduce(
        (total, { offset }) => total + offset,
        0,
      );
    const [engine, lake] = await Promise.all([
      sum(GROUPS.engine, ["flight_lifecycle", "bookings", "seat_inventory"]),
      sum(GROUPS.lake, ["bookings", "inventory_metrics"]),
    ]);
    return { engine, lake };
  }

  /** Waits until consumer and lake writer have both come further; returns how long that took, in milliseconds. */
  async recovered(): Promise<number> {
    const startedMs = performance.now();
    let before: { engine: number; lake: number } | undefined;
    await eventually(
      "consumer and lake writer go on",
      async () => {
        try {
          const now = await this.progress();
          before ??= now;
          return now.engine > before.engine && now.lake > before.lake;
        } catch {
          return false; // The broker or its coordinator is still coming up.
        }
      },
      RECOVERY_MS_MAX,
      () => ROLES.map((role) => `${role}: ${this.part(role).output.slice(-1500)}`).join("\n"),
    );
    return performance.now() - startedMs;
  }

  /** Takes the sizes of everything at a moment of the soak, `atMs` after its start. */
  async measure(atMs: number): Promise<void> {
    const { heapMiB, handles, residentMiB, writeAheadMiB } = this.measured;
    for (const role of ROLES) {
      const part = this.part(role);
      const usage = usageOf(part);
      if (usage === undefined) continue;
      handles[role].add(atMs, usage.handles);
      residentMiB[role].add(atMs, usage.residentMiB);
      heapMiB[role].add(atMs, await heapAfterCollectionMiB(this.#ports.get(part)!));
    }
    if (this.pipeline.pair === "embedded") writeAheadMiB.add(atMs, await this.#writeAheadMiB());
  }

  async #writeAheadMiB(): Promise<number> {
    const { size } = await Deno.stat(`${this.pipeline.env.EVENT_LOG_FILE}-wal`);
    return size / BYTES_PER_MIB;
  }

  /** Lets everything drain into the warehouse and end. Returns what went wrong on the way. */
  async finish(): Promise<string[]> {
    const wrong: string[] = [];
    const stopped = async (part: Part, name: string) => {
      const code = await part.stop();
      if (code !== 0) wrong.push(`The ${name} ended with ${code}: ${part.output.slice(-1000)}`);
    };
    const inputs = ["flight_lifecycle", "bookings", "seat_inventory", "inventory-engine-repartition"];
    await stopped(this.part("producer"), "producer");
    await this.pipeline.caughtUp(GROUPS.engine, inputs, 180_000);
    await stopped(this.part("consumer"), "consumer");
    await stopped(this.part("etl-runner"), "etl-runner");
    await stopped(this.part("lake"), "lake writer");
    const rest = this.pipeline.start("lake", [...FREE_PORT, "--seal-age", "1s"]);
    await this.pipeline.caughtUp(
      GROUPS.lake,
      ["bookings", "flight_lifecycle", "inventory_metrics", "promo_decisions", "seat_inventory", "seat_map"],
      180_000,
    );
    await stopped(rest, "lake writer");
    const etl = await this.pipeline.run("etl");
    if (etl.code !== 0) wrong.push(`The last ETL run ended with ${etl.code}: ${etl.output.slice(-1000)}`);
    return wrong;
  }

  /** `deno task verify` on what is there, as its own report. */
  async verify(): Promise<VerifyReport> {
    const { output, piped } = await this.pipeline.run("verify", ["--complete", "--json"]);
    try {
      return JSON.parse(piped) as VerifyReport;
    } catch {
      throw new Error(`verify gave no report: ${output.slice(-2000)}`);
    }
  }

  async stopWarehouse(): Promise<void> {
    await this.#warehouse?.stop();
  }

  /** Bytes of the pipeline's files, in MiB, for the figures. */
  async logMiB(): Promise<number> {
    if (this.pipeline.pair === "real") return NaN;
    return (await Deno.stat(join(this.pipeline.env.EVENT_LOG_FILE!))).size / BYTES_PER_MIB;
  }
}

/** What of a report of `deno task verify --json` is looked at. */
export interface VerifyReport {
  differences: { where: string; kind: string; count: number; examples: string[] }[];
  topics: { topic: string; log_records: number | null; lake_lines: number }[];
  tables: { table: string; warehouse: { rows: number } | null }[];
}
