/**
 * A pipeline of real processes in a folder of its own, each under its own permission set, on one pair of engines.
 * Everything it makes is removed when it is closed.
 */

import { DatabaseSync } from "node:sqlite";
import postgres from "postgres";
import { ALL_TOPICS } from "../../events/topics.ts";
import type { EventLog, NewRecord, PartitionOffset } from "../../event_log/event_log.ts";
import { openKafkaEventLog } from "../../event_log/kafka_event_log.ts";
import { openSqliteEventLog } from "../../event_log/sqlite_event_log.ts";
import { freePort } from "../../process/free_port.ts";
import { SETTINGS } from "../../process/settings.ts";
import { commandFor, PROJECT_DIR, stoppable } from "../../scripts/launcher.ts";
import type { PartName, ProcessCommand } from "../../scripts/launcher.ts";

/** Whose processes a pipeline runs: those of this project, or of a copy of it. */
export interface PipelineProject {
  /** The folder that processes run in. */
  folder: string;
  commandFor: (part: PartName, args: readonly string[], env: Record<string, string>) => ProcessCommand;
}

/** What a pipeline is made of where it is not the usual. */
export interface PipelineOptions {
  /** Default: this project. */
  project?: PipelineProject;
  /** Where its folder is made. Default: the system's folder for temporary files. */
  parentFolder?: string;
  /** Of the real pair; default: those of `KAFKA_BROKERS`. */
  brokers?: string[];
  /** Of the real pair: a server on which a database of its own is made; default: that of `DATABASE_URL`, if given. */
  databaseUrl?: string;
  /** Further variables of its processes; they win. */
  env?: Record<string, string>;
  /** Partitions of topics that are to have others than usual. */
  partitions?: Record<string, number>;
  /** Leaves the topics where they are when it is closed: the brokers go with their owner. */
  leaveTopics?: boolean;
}

/** The engines of a pipeline: both embedded, or both real. */
export type EnginePair = "embedded" | "real";

/** The pairs that can be had here; real ones where `KAFKA_BROKERS` and `DATABASE_URL` are given. */
export function enginePairs(): EnginePair[] {
  const given = (name: string) => (Deno.env.get(name) ?? "") !== "";
  const real = given("KAFKA_BROKERS") && given("DATABASE_URL");
  return real ? ["embedded", "real"] : ["embedded"];
}

export { freePort };

const LOOPBACK = /^(127\.\d+\.\d+\.\d+|localhost|\[::1\])$/;

/** The engines to be used, refused where they are not on this machine: tests write and delete. */
function realEngines(options: PipelineOptions): { brokers: string[]; databaseUrl: URL | undefined } {
  const brokers = options.brokers ?? Deno.env.get("KAFKA_BROKERS")!.split(",");
  const database = options.databaseUrl ?? Deno.env.get("DATABASE_URL") ?? "";
  const databaseUrl = database === "" ? undefined : new URL(database);
  const hosts = brokers.map((broker) => broker.replace(/:\d+$/, ""));
  if (databaseUrl !== undefined) hosts.push(databaseUrl.hostname);
  for (const host of hosts) {
    if (!LOOPBACK.test(host)) throw new Error(`Tests refuse the engine on "${host}": they only use loopback`);
  }
  return { brokers, databaseUrl };
}

/** A process of the pipeline. */
export class Part {
  readonly name: string;
  readonly #child: Deno.ChildProcess;
  readonly #read: Promise<void>;
  #output = "";

  constructor(name: string, child: Deno.ChildProcess) {
    this.name = name;
    this.#child = child;
    const collect = async (stream: ReadableStream<Uint8Array>) => {
      for await (const text of stream.pipeThrough(new TextDecoderStream())) this.#output += text;
    };
    this.#read = Promise.all([collect(child.stdout), collect(child.stderr)]).then(() => {});
  }

  /** What it has printed so far. */
  get output(): string {
    return this.#output;
  }

  /** The process's id. */
  get pid(): number {
    return this.#child.pid;
  }

  /** Sends it a signal; one that has ended already is left alone. */
  signal(signal: Deno.Signal): void {
    try {
      this.#child.kill(signal);
    } catch (error) {
      if (!(error instanceof TypeError) && !(error instanceof Deno.errors.NotFound)) throw error;
    }
  }

  /** Waits until it ends by itself. */
  async exited(): Promise<number> {
    const { code } = await this.#child.status;
    await this.#read;
    await this.#child.stdin.close().catch(() => {});
    return code;
  }

  /** Asks it to drain and waits for its end. */
  async stop(): Promise<number> {
    await this.#child.stdin.close().catch(() => {});
    return await this.exited();
  }

  /** `kill -9`. */
  async kill(): Promise<void> {
    this.signal("SIGKILL");
    await this.exited();
  }

  /** Waits for a text in its output. */
  async says(text: string, withinMs = 30_000): Promise<void> {
    await eventually(
      `${this.name} says "${text}"`,
      () => this.#output.includes(text),
      withinMs,
      () => this.#output,
    );
  }
}

/** Waits for a condition; fails with what it waited for, and `state` when given. */
export async function eventually(
  what: string,
  condition: () => boolean | Promise<boolean>,
  withinMs = 60_000,
  state: () => string = () => "",
): Promise<void> {
  const deadline = performance.now() + withinMs;
  while (!await condition()) {
    if (performance.now() > deadline) throw new Error(`Not within ${withinMs / 1000} s: ${what}\n${state()}`);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

/** One pipeline; see {@link openPipeline}. */
export class Pipeline {
  readonly pair: EnginePair;
  readonly folder: string;
  readonly log: EventLog;
  readonly env: Record<string, string>;
  readonly #project: PipelineProject;
  readonly #closers: (() => Promise<unknown>)[];
  readonly #running = new Set<Part>();
  #closed = false;

  constructor(
    pair: EnginePair,
    folder: string,
    log: EventLog,
    env: Record<string, string>,
    project: PipelineProject,
    closers: (() => Promise<unknown>)[],
  ) {
    this.pair = pair;
    this.folder = folder;
    this.log = log;
    this.env = env;
    this.#project = project;
    this.#closers = closers;
  }

  /** Starts a part as its task does, with `env` beside the pipeline's. */
  start(name: PartName, args: string[] = [], env: Record<string, string> = {}): Part {
    const command = this.#project.commandFor(name, args, stoppable({ ...this.env, ...env }));
    const child = new Deno.Command(Deno.execPath(), {
      args: command.args,
      env: command.env,
      clearEnv: true,
      cwd: this.#project.folder,
      stdin: "piped",
      stdout: "piped",
      stderr: "piped",
    }).spawn();
    const part = new Part(name, child);
    this.#running.add(part);
    child.status.then(() => this.#running.delete(part));
    return part;
  }

  /** Runs a part to its end and returns its exit code, what it printed, and what of that is for a pipe. */
  async run(name: PartName, args: string[] = []): Promise<{ code: number; output: string; piped: string }> {
    const command = this.#project.commandFor(name, args, this.env);
    const { code, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
      args: command.args,
      env: command.env,
      clearEnv: true,
      cwd: this.#project.folder,
      stdin: "null",
    }).output();
    const piped = new TextDecoder().decode(stdout);
    return { code, piped, output: piped + new TextDecoder().decode(stderr) };
  }

  async append(records: NewRecord[]): Promise<void> {
    const appender = await this.log.appender();
    await appender.append(records);
    await appender.close();
  }

  /** Every value of a topic, in partition and offset order, up to its present end. */
  async values(
    topic: string,
  ): Promise<{ partition: number; offset: number; key: string | null; value: string }[]> {
    const ranges = await this.log.ranges([topic]);
    const reader = await this.log.reader({
      positions: ranges.map(({ partition, start }) => ({ topic, partition, offset: start })),
    });
    reader.resume([topic]);
    const values: { partition: number; offset: number; key: string | null; value: string }[] = [];
    // Kafka's end counts transaction markers, so the end is where a second passes without a record.
    for (let empty = 0; empty < (this.log.engine === "kafka" ? 5 : 1);) {
      const batches = await reader.poll({ maxWaitMs: 200 });
      if (batches.length === 0) empty++;
      else empty = 0;
      for (const { partition, records } of batches) {
        for (const { offset, key, value } of records) {
          values.push({ partition, offset, key, value: value ?? "" });
        }
      }
    }
    await reader.close();
    return values.sort((a, b) => a.partition - b.partition || a.offset - b.offset);
  }

  /** Waits until the group has consumed what the topics hold now, or as much of it as are no transaction markers. */
  async caughtUp(group: string, topics: string[], withinMs = 90_000): Promise<void> {
    let state: PartitionOffset[] = [];
    let quietSince = performance.now();
    const ends = await this.log.ranges(topics);
    await eventually(
      `${group} caught up`,
      async () => {
        const committed = await this.log.committedOffsets(group, topics);
        const moved = JSON.stringify(committed) !== JSON.stringify(state);
        state = committed;
        if (moved) quietSince = performance.now();
        const lag = (range: { topic: string; partition: number; start: number; end: number }) =>
          range.end -
          (committed.find(({ topic, partition }) => topic === range.topic && partition === range.partition)
            ?.offset ??
            range.start);
        const most = Math.max(0, ...ends.map(lag));
        return most === 0 ||
          (this.log.engine === "kafka" && most <= 8 && performance.now() - quietSince > 1500);
      },
      withinMs,
      () => JSON.stringify(state),
    );
  }

  /** SIGSTOP to a part, at a moment when it does not hold the embedded log: nobody could append until it goes on. */
  async freeze(part: Part): Promise<void> {
    for (;;) {
      part.signal("SIGSTOP");
      if (this.pair === "real" || logIsFree(this.env.EVENT_LOG_FILE!)) return;
      part.signal("SIGCONT");
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  }

  /** What the parts that run have said so far. */
  output(): string {
    return [...this.#running].map((part) => `== ${part.name}\n${part.output}`).join("\n");
  }

  /** `kill -9` to every part that runs. */
  async killParts(): Promise<void> {
    await Promise.all([...this.#running].map((part) => part.kill()));
  }

  /** Whether it is closed, or about to be: nothing is to be started any more. */
  get closed(): boolean {
    return this.#closed;
  }

  async close(): Promise<void> {
    this.#closed = true;
    await this.killParts();
    for (const close of this.#closers) await close();
    await this.log.close();
    await Deno.remove(this.folder, { recursive: true });
  }
}

/** Whether nobody has the embedded log's write lock for longer than a commit takes. */
function logIsFree(file: string): boolean {
  const database = new DatabaseSync(file, { timeout: 1000 });
  try {
    database.exec("begin immediate; rollback");
    return true;
  } catch (error) {
    if (!/locked/.test((error as Error).message)) throw error;
    return false;
  } finally {
    database.close();
  }
}

/** A new pipeline: folder, topics, and on real engines a topic prefix and a database of its own. */
export async function openPipeline(pair: EnginePair, options: PipelineOptions = {}): Promise<Pipeline> {
  const folder = await Deno.makeTempDir({
    prefix: "airline-pipeline-",
    ...(options.parentFolder === undefined ? {} : { dir: options.parentFolder }),
  });
  const env: Record<string, string> = Deno.env.toObject();
  for (const name of Object.keys(SETTINGS)) delete env[name];
  Object.assign(env, {
    NO_COLOR: "1",
    EVENT_LOG_FILE: `${folder}/data/event_log.sqlite`,
    LAKE_DIR: `${folder}/lake`,
    WAREHOUSE_DIR: `${folder}/data/warehouse`,
    WAREHOUSE_PORT: String(freePort()),
    ...options.env,
  });
  await Deno.mkdir(`${folder}/data`);
  for (const name of ["raw", "gold", "rejected"]) {
    await Deno.mkdir(`${folder}/lake/${name}`, { recursive: true });
  }
  const closers: (() => Promise<unknown>)[] = [];
  let log: EventLog;
  if (pair === "real") {
    const { brokers, databaseUrl } = realEngines(options);
    const unique = crypto.randomUUID().slice(0, 8);
    Object.assign(env, { KAFKA_BROKERS: brokers.join(","), KAFKA_TOPIC_PREFIX: `test-${unique}-` });
    if (databaseUrl !== undefined) {
      const database = await createDatabase(databaseUrl, `airline_test_${unique}`);
      env.DATABASE_URL = database.url;
      closers.push(database.drop);
    }
    log = await openKafkaEventLog({ brokers, clientId: "pipeline-test", topicPrefix: `test-${unique}-` });
    if (options.leaveTopics !== true) {
      closers.push(async () => await log.deleteTopics((await log.listTopics()).map(({ name }) => name)));
    }
  } else {
    log = await openSqliteEventLog({ file: env.EVENT_LOG_FILE! });
  }
  Object.assign(env, options.env);
  await log.createTopics(
    ALL_TOPICS.map((topic) => ({
      ...topic,
      partitions: options.partitions?.[topic.name] ?? topic.partitions,
    })),
  );
  const project = options.project ?? { folder: PROJECT_DIR, commandFor };
  return new Pipeline(pair, folder, log, env, project, closers);
}

/** Makes a database on a server; `drop` ends its connections and removes it. */
async function createDatabase(
  server: URL,
  name: string,
): Promise<{ url: string; drop: () => Promise<void> }> {
  const administer = async (statement: string) => {
    const admin = postgres(server.href, { max: 1, onnotice: () => {} });
    try {
      await admin.unsafe(statement);
    } finally {
      await admin.end();
    }
  };
  await administer(`create database ${name}`);
  const url = new URL(server);
  url.pathname = `/${name}`;
  return { url: url.href, drop: () => administer(`drop database ${name} with (force)`) };
}

/** After this long a test fails, and tells what its processes said: one that hangs must not hold up all the others. */
const TEST_DEADLINE_MS = 8 * 60_000;

/** One test for each pair of engines that can be had, named after it. */
export function pipelineTest(name: string, body: (pipeline: Pipeline) => Promise<void>): void {
  for (const pair of enginePairs()) {
    Deno.test(`${name} (${pair} engines)`, async () => {
      const pipeline = await openPipeline(pair);
      let timer: ReturnType<typeof setTimeout> | undefined;
      const deadline = new Promise<never>((_resolve, reject) => {
        timer = setTimeout(
          () => reject(new Error(`Hangs after ${TEST_DEADLINE_MS / 60_000} minutes\n${pipeline.output()}`)),
          TEST_DEADLINE_MS,
        );
      });
      const running = body(pipeline);
      try {
        await Promise.race([running, deadline]);
      } finally {
        clearTimeout(timer);
        running.catch(() => {});
        await pipeline.close();
      }
    });
  }
}
