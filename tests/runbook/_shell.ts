/** An operator's terminals: the commands of RUNBOOK.md in a copy of the project, on ports and engines of a test's own. */

import { dirname, join } from "node:path";
import { freePort } from "../../process/free_port.ts";
import { SETTINGS } from "../../process/settings.ts";
import { PROJECT_DIR } from "../../scripts/launcher.ts";
import { copyProject } from "../exam/_project_copy.ts";
import type { Pipeline } from "../pipeline/_pipeline.ts";
import { freePorts } from "../scripts/_support.ts";

/** A small network of flights, so that nothing takes long. */
const SMALL = "--flights-per-day 4 --backfill 1d --etl-every 20s";
/** A part that is started by hand serves metrics; its usual port may be taken. */
const BY_HAND = /^deno task (producer|consumer|lake|viewer-metrics|etl-runner)\b(?!.*--metrics-port)/;

/** A command that goes on. */
export interface Terminal {
  output(): string;
  /** The exit code, once it has ended. */
  ended: Promise<number>;
  /** Ctrl+C, as the terminal sends it: to the command and all that it started. */
  interrupt(): void;
  kill(): void;
}

/** See the module. */
export class Shell {
  readonly #folder: string;
  readonly #env: Record<string, string>;
  readonly #ports = freePorts(6);

  private constructor(folder: string, env: Record<string, string>) {
    this.#folder = folder;
    this.#env = env;
  }

  /** Copies the project into `folder`; the engines stand in its `.env`, as the runbook says. */
  static async open(folder: string, pipeline: Pipeline): Promise<Shell> {
    await copyProject(folder, []);
    await Deno.mkdir(join(folder, "monitoring"), { recursive: true });
    // The copy's libraries are those of the project, behind a link.
    const libraries = await Deno.realPath(join(PROJECT_DIR, "node_modules"));
    const configuration = join(folder, "deno.json");
    const text = await Deno.readTextFile(configuration);
    await Deno.writeTextFile(
      configuration,
      text.replaceAll('"node_modules"', `"node_modules", ${JSON.stringify(libraries)}`),
    );
    const { KAFKA_BROKERS, KAFKA_TOPIC_PREFIX, DATABASE_URL } = pipeline.env;
    const given = pipeline.pair === "real"
      ? { KAFKA_BROKERS, KAFKA_TOPIC_PREFIX, DATABASE_URL }
      : { WAREHOUSE_PORT: String(freePort()) };
    const file = Object.entries(given).map(([name, value]) => `${name}=${value}\n`).join("");
    await Deno.writeTextFile(join(folder, ".env"), file);
    const env = Deno.env.toObject();
    for (const name of Object.keys(SETTINGS)) delete env[name];
    return new Shell(folder, {
      ...env,
      NO_COLOR: "1",
      // The deno that runs the tests.
      PATH: `${dirname(Deno.execPath())}:${env.PATH}`,
    });
  }

  /** The command as it is run here. */
  #here(command: string): string {
    if (/^deno task start\b/.test(command)) {
      return `${command} ${SMALL} --metrics-ports-from ${this.#ports} --api-port ${this.#ports + 5}`;
    }
    return command.replace(BY_HAND, (all) => `${all} --metrics-port 0`);
  }

  /** Starts a command in a terminal of its own. */
  start(command: string): Terminal {
    const child = new Deno.Command("sh", {
      args: ["-c", this.#here(command)],
      cwd: this.#folder,
      env: this.#env,
      clearEnv: true,
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
    const signal = (name: Deno.Signal) => {
      try {
        Deno.kill(-child.pid, name);
      } catch {
        // It has ended.
      }
    };
    return {
      output: () => output,
      ended: child.status.then(async ({ code }) => {
        await collected;
        return code;
      }),
      interrupt: () => signal("SIGINT"),
      kill: () => signal("SIGKILL"),
    };
  }
}
