/** `deno task test:containers`: the tests on real engines that docker compose brings up and takes down again. */

import { parseArgs } from "node:util";
import { fileURLToPath } from "node:url";
import { freePort } from "../process/free_port.ts";
import { logger } from "../process/logger.ts";
import { OperatorError, runProcess } from "../process/run_process.ts";

const PROJECT_DIR = fileURLToPath(new URL("..", import.meta.url));
/** A compose project of its own: containers and data of a running `docker compose up` are left alone. */
const COMPOSE = ["compose", "--project-name", "airline-test", "--file", "compose.yaml"];
const ENGINES = ["kafka", "postgres", "redis"];
const PASSWORD = "airline";
const UP_DEADLINE_SECONDS = 180;

await runProcess(async (signal) => {
  const { values, positionals } = parseArgs({
    args: Deno.args,
    options: { help: { type: "boolean", short: "h" } },
    allowPositionals: true,
  });
  if (values.help) {
    logger.info(
      "Usage: deno task test:containers [FILES]\n\nBrings up Kafka, Postgres and Redis by docker compose on free ports, runs " +
        "the tests\n(all, or the given files) on them, and takes them down. Needs Docker with Compose 2.",
    );
    return 0;
  }
  const [kafka, postgres, redis] = [freePort(), freePort(), freePort()];
  const env = {
    KAFKA_PORT: String(kafka),
    POSTGRES_PORT: String(postgres),
    REDIS_PORT: String(redis),
    POSTGRES_PASSWORD: PASSWORD,
  };
  const docker = (args: string[]) => run("docker", [...COMPOSE, ...args], env, signal);
  await checkDocker();
  try {
    logger.info(`Starting ${ENGINES.join(", ")} …`);
    const up = await docker(["up", "--wait", "--wait-timeout", String(UP_DEADLINE_SECONDS), ...ENGINES]);
    if (signal.aborted) return 1;
    if (up !== 0) {
      throw new OperatorError(
        `The engines did not come up (docker compose ended with code ${up}); see docker's lines above`,
      );
    }
    return await run(Deno.execPath(), ["test", "-q", "-P=test", ...positionals], {
      KAFKA_BROKERS: `127.0.0.1:${kafka}`,
      DATABASE_URL: `postgres://airline:${PASSWORD}@127.0.0.1:${postgres}/airline_dw`,
      REDIS_URL: `redis://127.0.0.1:${redis}`,
    }, signal);
  } finally {
    // Also after Ctrl+C: nothing may stay behind.
    await run(
      "docker",
      [...COMPOSE, "down", "--volumes", "--timeout", "10"],
      env,
      new AbortController().signal,
    );
  }
});

/** Runs a program to its end and returns its exit code; `signal` asks it to stop. */
async function run(
  program: string,
  args: string[],
  env: Record<string, string>,
  signal: AbortSignal,
): Promise<number> {
  const child = new Deno.Command(program, { args, env, cwd: PROJECT_DIR, stdin: "null" }).spawn();
  const stop = () => {
    try {
      child.kill("SIGTERM");
    } catch {
      // It has ended already.
    }
  };
  signal.addEventListener("abort", stop);
  const { code } = await child.status;
  signal.removeEventListener("abort", stop);
  return code;
}

async function checkDocker(): Promise<void> {
  let answer;
  try {
    answer = await new Deno.Command("docker", {
      args: ["compose", "version"],
      stdout: "null",
      stderr: "null",
    })
      .output();
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
  }
  if (answer?.success !== true) {
    throw new OperatorError(
      'There is no "docker compose" here. Install Docker with Compose 2, or run engines of your own and give ' +
        "KAFKA_BROKERS, DATABASE_URL and REDIS_URL to deno task test",
    );
  }
}
