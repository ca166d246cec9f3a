/**
 * Every service of ours in compose.yaml, run on this machine: its command, its environment and nothing else of this
 * one's, its health check, and the signal that Docker stops it with. Names of containers become addresses of this
 * machine, volumes folders, and ports free ones. Runs where Kafka, Postgres and Redis are named.
 */

import { deepEqual, equal } from "node:assert/strict";
import { freePort } from "../../process/free_port.ts";
import { eventually, openPipeline } from "../pipeline/_pipeline.ts";
import type { Pipeline } from "../pipeline/_pipeline.ts";
import { composeFile, entrypoint, OWN_IMAGE } from "./_compose.ts";
import type { Service } from "./_compose.ts";
import { PROJECT_DIR } from "./_support.ts";

const ENGINES = ["KAFKA_BROKERS", "DATABASE_URL", "REDIS_URL"].map((name) => Deno.env.get(name) ?? "");
const CONTAINER_PORT = /:(\d+)$/;
/** As `stop_grace_period` says. */
const STOP_DEADLINE_MS = 30_000;

/** One container's process. */
interface Running {
  name: string;
  child: Deno.ChildProcess;
  ended: Promise<number>;
  output(): string;
}

/** The services, and how what they name is found on this machine. */
class NativeCompose {
  readonly services: Record<string, Service>;
  readonly #pipeline: Pipeline;
  /** The free port in the place of each published one, by service. */
  readonly #ports = new Map<string, { published: string; free: string }>();

  constructor(pipeline: Pipeline) {
    this.#pipeline = pipeline;
    const { services } = composeFile({ KAFKA_TOPIC_PREFIX: pipeline.env.KAFKA_TOPIC_PREFIX! });
    this.services = Object.fromEntries(
      Object.entries(services).filter(([, { image }]) => image === OWN_IMAGE),
    );
    for (const [name, { ports = [] }] of Object.entries(this.services)) {
      const published = CONTAINER_PORT.exec(ports[0] ?? "")?.[1];
      if (published !== undefined) this.#ports.set(name, { published, free: String(freePort()) });
    }
  }

  /** A text with containers' addresses replaced by those here. */
  #here(value: string): string {
    let text = value.replaceAll("kafka:19092", this.#pipeline.env.KAFKA_BROKERS!)
      .replaceAll("redis://redis:6379", ENGINES[2]!)
      .replaceAll(/postgres:\/\/\S+@postgres:5432\/airline_dw/g, this.#pipeline.env.DATABASE_URL!);
    for (const [name, { published, free }] of this.#ports) {
      text = text.replaceAll(`${name}:${published}`, `127.0.0.1:${free}`);
    }
    return text;
  }

  #spawn(name: string, args: string[], env: Record<string, string>): Running {
    const [program, ...rest] = args;
    if (program !== "deno") throw new Error(`${name} starts "${program}", expected deno`);
    const child = new Deno.Command(Deno.execPath(), {
      args: rest,
      // What the image itself gives: where programs are, and what was cached.
      env: { ...env, PATH: Deno.env.get("PATH")!, HOME: Deno.env.get("HOME") ?? "/", NO_COLOR: "1" },
      clearEnv: true,
      cwd: PROJECT_DIR,
      // A group of its own: what is killed takes its children with it, as a container does.
      detached: true,
      stdin: "null",
      stdout: "piped",
      stderr: "piped",
    }).spawn();
    let output = "";
    const collect = async (stream: ReadableStream<Uint8Array>) => {
      for await (const text of stream.pipeThrough(new TextDecoderStream())) output += text;
    };
    const collected = Promise.all([collect(child.stdout), collect(child.stderr)]);
    return {
      name,
      child,
      ended: child.status.then(async ({ code }) => {
        await collected;
        return code;
      }),
      output: () => `== ${name}\n${output}`,
    };
  }

  /** Starts a service. */
  start(name: string): Running {
    const { command = [], environment = {} } = this.services[name]!;
    const [part, ...options] = command;
    const port = this.#ports.get(name);
    const listening = options.includes("--host") ? "--port" : "--metrics-port";
    const args = options.map((value, at) =>
      ["--allow-host", "--advertise"].includes(options[at - 1] ?? "") ? "127.0.0.1" : this.#here(value)
    );
    const env = Object.fromEntries(
      Object.entries(environment).map(([setting, value]) => [setting, this.#here(String(value))]),
    );
    return this.#spawn(
      name,
      [...entrypoint(), part!, ...args, ...(port === undefined ? [] : [listening, port.free])],
      { ...env, LAKE_DIR: this.#pipeline.env.LAKE_DIR! },
    );
  }

  /** Whether the service's own health check is content. */
  async healthy(name: string): Promise<boolean> {
    const { published, free } = this.#ports.get(name)!;
    const [kind, ...check] = this.services[name]!.healthcheck!.test;
    equal(kind, "CMD");
    const args = check.map((text) => text.replaceAll(`127.0.0.1:${published}/`, `127.0.0.1:${free}/`));
    return await this.#spawn(`health check of ${name}`, args, {}).ended === 0;
  }
}

if (!ENGINES.includes("")) {
  Deno.test("every service of compose.yaml starts, becomes healthy and stops in order", async () => {
    const pipeline = await openPipeline("real");
    const compose = new NativeCompose(pipeline);
    const running: Running[] = [];
    const output = () => running.map((service) => service.output()).join("\n");
    try {
      const names = Object.keys(compose.services);
      for (const name of names.filter((name) => compose.services[name]!.restart === "no")) {
        const once = compose.start(name);
        equal(await once.ended, 0, once.output());
      }
      for (const name of names.filter((name) => compose.services[name]!.restart !== "no")) {
        running.push(compose.start(name));
      }
      for (const { name, ended } of running) {
        const gone = ended.then((code) => {
          throw new Error(`${name} ended with exit code ${code}\n${output()}`);
        });
        await Promise.race([
          gone,
          eventually(`${name} is healthy`, () => compose.healthy(name), 120_000, output),
        ]);
        gone.catch(() => {});
      }
      const codes = await Promise.all(running.map(async ({ name, child, ended }) => {
        child.kill("SIGTERM");
        const timer = setTimeout(() => Deno.kill(-child.pid, "SIGKILL"), STOP_DEADLINE_MS);
        const code = await ended;
        clearTimeout(timer);
        return `${name} ${code}`;
      }));
      deepEqual(codes, running.map(({ name }) => `${name} 0`), output());
    } finally {
      for (const { child } of running) {
        try {
          Deno.kill(-child.pid, "SIGKILL");
        } catch {
          // It has ended.
        }
      }
      await Promise.all(running.map(({ ended }) => ended));
      await pipeline.close();
    }
  });
}
