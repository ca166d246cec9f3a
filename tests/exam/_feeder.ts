/**
 * A process that appends a load, and an account of what was acknowledged to it: each of these records must be in the log
 * once. What was under way when it or the broker was killed may be there or not, and never twice.
 *
 * @module
 */

import { join } from "node:path";
import { fileURLToPath } from "node:url";
import type { NewRecord } from "../../event_log/event_log.ts";
import { Part } from "./_exam_pipeline.ts";
import type { ExamPipeline } from "./_exam_pipeline.ts";
import type { Findings } from "./_findings.ts";
import { Load } from "./_load.ts";
import type { LoadOptions } from "./_load.ts";
import { readTopic } from "./_read_topic.ts";
import type { Round } from "./experiment.ts";

const SCRIPT = fileURLToPath(new URL("./_feeder_process.ts", import.meta.url));
const INPUTS = ["flight_lifecycle", "bookings", "seat_inventory"];

/** What the process is told. */
export interface FeederTask {
  seed: number;
  load: LoadOptions;
  /** Records of the load that it leaves out: others have sent them. */
  from: number;
  perSecond: number;
  /** Of Kafka; without it `file` is the embedded log's. */
  brokers?: string[];
  topicPrefix?: string;
  file?: string;
}

/** What a feeder is given beside the pipeline. */
export interface FeederOptions {
  perSecond: number;
  load?: LoadOptions;
  /** In place of those of the pipeline: a proxy's. */
  brokers?: string[];
}

/** Appends a load by one process after another. */
export class Feeder {
  readonly #round: Round;
  readonly #pipeline: ExamPipeline;
  readonly #options: FeederOptions;
  #part: Part | undefined;
  #read = 0;
  /** Records that were taken from the load, whatever became of them. */
  #sent = 0;
  #acknowledged = 0;
  /** `[from, to)` of appends whose outcome is not known. */
  readonly #unknown: [number, number][] = [];
  #open: [number, number] | undefined;
  #openSinceMs = 0;
  /** Messages of appends that failed. */
  readonly failures: string[] = [];

  constructor(round: Round, pipeline: ExamPipeline, options: FeederOptions) {
    this.#round = round;
    this.#pipeline = pipeline;
    this.#options = options;
  }

  /** Starts a process that goes on where the last one ended. */
  start(): Part {
    this.#listen();
    if (this.#open !== undefined) this.#unknown.push(this.#open);
    this.#open = undefined;
    this.#read = 0;
    const { env } = this.#pipeline;
    const { perSecond, load = {}, brokers = env.KAFKA_BROKERS?.split(",") } = this.#options;
    const log = brokers === undefined
      ? { file: env.EVENT_LOG_FILE! }
      : { brokers, topicPrefix: env.KAFKA_TOPIC_PREFIX! };
    const task: FeederTask = { seed: this.#round.seed, load, from: this.#sent, perSecond, ...log };
    const { folder } = this.#round.project;
    const flags = ["run", "-q", "-A", "--no-check", "--config", join(folder, "deno.json")];
    const child = new Deno.Command(Deno.execPath(), {
      args: [...flags, SCRIPT, folder, JSON.stringify(task)],
      env: { NO_COLOR: "1" },
      stdin: "piped",
      stdout: "piped",
      stderr: "piped",
    }).spawn();
    return this.#part = new Part("feeder", child);
  }

  /** Records acknowledged so far. */
  acknowledged(): number {
    this.#listen();
    return this.#acknowledged;
  }

  /** For how long the append under way has not returned; to be asked often. */
  waitingMs(): number {
    this.#listen();
    return this.#open === undefined ? 0 : performance.now() - this.#openSinceMs;
  }

  /** The process that appends now. */
  get part(): Part | undefined {
    return this.#part;
  }

  /** Lets the append under way come to its end. */
  async stop(): Promise<void> {
    const code = await this.#part?.stop() ?? 0;
    this.#listen();
    if (code !== 0) throw new Error(`The feeder ended with ${code}: ${this.#part?.output.slice(-1000)}`);
  }

  async kill(): Promise<void> {
    await this.#part?.kill();
  }

  #listen(): void {
    const output = this.#part?.output ?? "";
    const end = output.lastIndexOf("\n") + 1;
    for (const line of output.slice(this.#read, end).split("\n")) {
      const match = /^(sent|acked|failed) (\d+) (\d+) ?(.*)$/.exec(line);
      if (match === null) continue;
      const [, what, from, count, message] = match as unknown as [string, string, string, string, string];
      const range: [number, number] = [Number(from), Number(from) + Number(count)];
      this.#open = what === "sent" ? range : undefined;
      this.#openSinceMs = performance.now();
      this.#sent = range[1];
      if (what === "acked") this.#acknowledged += Number(count);
      if (what === "failed") {
        this.#unknown.push(range);
        this.failures.push(message);
      }
    }
    this.#read = Math.max(this.#read, end);
  }

  /** Compares the input topics with what was acknowledged, as multisets. */
  async verify(findings: Findings): Promise<void> {
    this.#listen();
    if (this.#open !== undefined) this.#unknown.push(this.#open);
    this.#open = undefined;
    const records = new Load(this.#round.seed, this.#options.load).take(this.#sent);
    const isUnknown = (at: number) => this.#unknown.some(([from, to]) => at >= from && at < to);
    const acknowledged = records.filter((_, at) => !isUnknown(at)).map(lineOf);
    const optional = new Map<string, number>();
    for (const line of records.filter((_, at) => isUnknown(at)).map(lineOf)) {
      optional.set(line, (optional.get(line) ?? 0) + 1);
    }
    const wanted = new Map<string, number>();
    for (const line of acknowledged) wanted.set(line, (wanted.get(line) ?? 0) + 1);
    const found: string[] = [];
    for (const topic of INPUTS) {
      for (const record of await readTopic(this.#pipeline.log, topic)) {
        const line = lineOf(record);
        const left = wanted.get(line) ?? 0;
        const spare = optional.get(line) ?? 0;
        if (left > 0) wanted.set(line, left - 1);
        else if (spare > 0) {
          optional.set(line, spare - 1);
          continue;
        }
        found.push(line);
      }
    }
    findings.compare("append", acknowledged, found);
  }
}

function lineOf({ topic, key, value }: Pick<NewRecord, "topic" | "key" | "value">): string {
  return `${topic} ${key} ${value}`;
}
