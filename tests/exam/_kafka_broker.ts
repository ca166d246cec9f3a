/**
 * A Kafka broker of the exam's own, to be killed: one node that is controller too, from the jars in `EXAM_KAFKA_LIBS`.
 *
 * @module
 */

import { join } from "node:path";
import { freePort } from "../../process/free_port.ts";

/** What a {@link KafkaBroker} is given. */
export interface KafkaBrokerOptions {
  /** Its settings and data; the caller removes it. */
  folder: string;
  /** A further listener whose address is told to be this port of 127.0.0.1: that of a proxy before it. */
  proxyPort?: number;
}

const START_DEADLINE_MS = 60_000;
const STOP_DEADLINE_MS = 20_000;
const LOOK_MS = 100;
/** One broker of little use is up sooner when its code is not optimised for long runs. */
const JAVA_FLAGS = ["-Xmx512m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1"];

/** Whether jars of Kafka and Java are there to run a broker with. */
export function ownBrokerMissing(): string | undefined {
  const libraries = Deno.env.get("EXAM_KAFKA_LIBS") ?? "";
  if (libraries === "") return "EXAM_KAFKA_LIBS does not name the folder of Kafka's jars";
  try {
    const kafka = [...Deno.readDirSync(libraries)].some(({ name }) => /^kafka_.*\.jar$/.test(name));
    if (!kafka) return `EXAM_KAFKA_LIBS names "${libraries}", which holds no kafka_….jar`;
    new Deno.Command("java", { args: ["-version"], stdout: "null", stderr: "null" }).outputSync();
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
    return "Java or the folder of Kafka's jars is missing";
  }
  return undefined;
}

/** One broker; see {@link startKafkaBroker}. */
export class KafkaBroker {
  /** Where clients reach it: `127.0.0.1:port`. */
  readonly address: string;
  /** Where the proxy reaches it, given `proxyPort`. */
  readonly proxiedPort: number;
  readonly #folder: string;
  readonly #classPath: string;
  #child: Deno.ChildProcess | undefined;

  private constructor(folder: string, classPath: string, port: number, proxiedPort: number) {
    this.#folder = folder;
    this.#classPath = classPath;
    this.address = `127.0.0.1:${port}`;
    this.proxiedPort = proxiedPort;
  }

  /** Formats its storage and starts it; it answers when this returns. */
  static async start({ folder, proxyPort }: KafkaBrokerOptions): Promise<KafkaBroker> {
    const libraries = Deno.env.get("EXAM_KAFKA_LIBS");
    if (libraries === undefined) throw new Error(ownBrokerMissing());
    const [port, proxiedPort, controllerPort] = [freePort(), freePort(), freePort()];
    const broker = new KafkaBroker(folder, `${libraries}/*`, port, proxiedPort);
    await Deno.mkdir(folder, { recursive: true });
    await Deno.writeTextFile(
      broker.#settings,
      [
        "process.roles=broker,controller",
        "node.id=1",
        `controller.quorum.voters=1@127.0.0.1:${controllerPort}`,
        `listeners=PLAINTEXT://127.0.0.1:${port},CONTROLLER://127.0.0.1:${controllerPort}${
          proxyPort === undefined ? "" : `,PROXIED://127.0.0.1:${proxiedPort}`
        }`,
        `advertised.listeners=PLAINTEXT://127.0.0.1:${port}${
          proxyPort === undefined ? "" : `,PROXIED://127.0.0.1:${proxyPort}`
        }`,
        "listener.security.protocol.map=PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT,PROXIED:PLAINTEXT",
        "controller.listener.names=CONTROLLER",
        "inter.broker.listener.name=PLAINTEXT",
        `log.dirs=${join(folder, "data")}`,
        "auto.create.topics.enable=false",
        "offsets.topic.replication.factor=1",
        "offsets.topic.num.partitions=3",
        "transaction.state.log.replication.factor=1",
        "transaction.state.log.min.isr=1",
        "transaction.state.log.num.partitions=3",
        "group.initial.rebalance.delay.ms=0",
        "group.min.session.timeout.ms=1000",
        // The controller takes a broker that was killed for alive so long, and refuses its successor meanwhile.
        "broker.heartbeat.interval.ms=500",
        "broker.session.timeout.ms=2000",
        "",
      ].join("\n"),
    );
    const { success, stdout, stderr } = await new Deno.Command("java", {
      args: broker.#java("kafka.tools.StorageTool", "format", "-t", clusterId(), "-c", broker.#settings),
    }).output();
    if (!success) {
      const said = new TextDecoder().decode(stdout) + new TextDecoder().decode(stderr);
      throw new Error(`Cannot format the storage of a Kafka broker in "${folder}": ${said}`);
    }
    await broker.restart();
    return broker;
  }

  get #settings(): string {
    return join(this.#folder, "server.properties");
  }

  get #log(): string {
    return join(this.#folder, "broker.log");
  }

  get running(): boolean {
    return this.#child !== undefined;
  }

  #java(main: string, ...args: string[]): string[] {
    const logging = [
      "-Dorg.slf4j.simpleLogger.defaultLogLevel=warn",
      `-Dorg.slf4j.simpleLogger.logFile=${this.#log}`,
    ];
    return [...JAVA_FLAGS, ...logging, "-cp", this.#classPath, main, ...args];
  }

  /** Starts it again after {@link KafkaBroker.kill} or {@link KafkaBroker.stop}; it answers when this returns. */
  async restart(): Promise<void> {
    if (this.#child !== undefined) throw new Error("Cannot start the broker: it is running");
    const child = new Deno.Command("java", {
      args: this.#java("kafka.Kafka", this.#settings),
      stdin: "null",
      stdout: "null",
      stderr: "null",
    }).spawn();
    this.#child = child;
    let ended: number | undefined;
    child.status.then(({ code }) => ended = code);
    const deadline = performance.now() + START_DEADLINE_MS;
    while (!await this.#answers()) {
      if (ended !== undefined || performance.now() > deadline) {
        await this.kill();
        const log = await Deno.readTextFile(this.#log).catch(() => "");
        throw new Error(
          `The Kafka broker in "${this.#folder}" ${
            ended === undefined
              ? `does not answer within ${START_DEADLINE_MS / 1000} s`
              : `ended with ${ended}`
          }: ${log.slice(-2000)}`,
        );
      }
      await new Promise((resolve) => setTimeout(resolve, LOOK_MS));
    }
  }

  /** `kill -9`. */
  async kill(): Promise<void> {
    await this.#end("SIGKILL");
  }

  /** Lets it close its files. */
  async stop(): Promise<void> {
    await this.#end("SIGTERM");
  }

  async #end(signal: Deno.Signal): Promise<void> {
    const child = this.#child;
    if (child === undefined) return;
    this.#child = undefined;
    const timer = setTimeout(() => child.kill("SIGKILL"), STOP_DEADLINE_MS);
    try {
      child.kill(signal);
    } catch {
      // It has ended by itself.
    }
    await child.status;
    clearTimeout(timer);
  }

  /** Whether it takes connections: it does so once it has read its logs and registered. */
  async #answers(): Promise<boolean> {
    try {
      const [hostname, port] = this.address.split(":") as [string, string];
      const connection = await Deno.connect({ hostname, port: Number(port) });
      connection.close();
      return true;
    } catch {
      return false;
    }
  }
}

/** As Kafka writes ids: 16 bytes in URL-safe base64 without padding; none that looks like an option. */
function clusterId(): string {
  const text = btoa(String.fromCharCode(...crypto.getRandomValues(new Uint8Array(16))));
  return text.replaceAll("+", "a").replaceAll("/", "b").replaceAll("=", "");
}
