/** `deno task tracker`: the flight tracker's services, each a process of its own under its own permissions. */

import { parseCommandLine } from "../process/command_line.ts";
import type { CommandLineSpec } from "../process/command_line.ts";
import { logger } from "../process/logger.ts";
import { OperatorError, runProcess } from "../process/run_process.ts";
import { setting } from "../process/settings.ts";
import { configuration } from "./_configuration.ts";
import { commandFor } from "./launcher.ts";
import type { PartName } from "./launcher.ts";
import { LogFiles } from "./_log_files.ts";
import { until } from "./_readiness.ts";
import { beginRun } from "./_run_record.ts";
import { Screen } from "./_screen.ts";
import { checkPorts, makeFolders } from "./_start_checks.ts";
import { SupervisedProcess } from "./_supervised_process.ts";

const port = (value: number, description: string) =>
  ({
    type: "number",
    value: "PORT",
    integer: true,
    min: 1,
    max: 65535,
    default: value,
    description,
  }) as const;

const COMMAND_LINE = {
  usage: "deno task tracker",
  description: "Runs the flight tracker: registry, flight data service, summary service and gateway.",
  options: {
    "gateway-port": port(8080, "Port of the gateway on 127.0.0.1"),
    "flightdata-port": port(8081, "Port of the flight data service on 127.0.0.1"),
    "summary-port": port(8082, "Port of the summary service on 127.0.0.1"),
    "registry-port": port(8761, "Port of the registry on 127.0.0.1"),
  },
  notes: [
    "Without FLIGHTAWARE_API_KEY it tells of our own simulated network; without REDIS_URL memory keeps what was fetched.",
    "Without OPENAI_API_KEY a template writes summaries; without TRACKER_DATABASE_URL and DATABASE_URL a file keeps them.",
    "Further instances: name them in TRACKER_INSTANCES, then deno task flightdata-service --port …",
  ],
} as const satisfies CommandLineSpec;

const HEALTH_TIMEOUT_MS = 1000;
const STOP_DEADLINE_MS = 15_000;

await runProcess(async (processSignal) => {
  const { values } = parseCommandLine(COMMAND_LINE, Deno.args);
  const startedMs = performance.now();
  const given = Deno.env.toObject();
  const services = [values["flightdata-port"], values["summary-port"]].map((port) => `127.0.0.1:${port}`);
  const env = {
    ...given,
    SERVICE_REGISTRY_URL: `http://127.0.0.1:${values["registry-port"]}/eureka`,
    TRACKER_INSTANCES: [...services, ...(given.TRACKER_INSTANCES ? [given.TRACKER_INSTANCES] : [])].join(","),
  };
  // In the order of starting; they stop in the other, so that nobody asks those who are gone.
  const parts = [
    { name: "service-registry", option: "registry-port" },
    { name: "flightdata-service", option: "flightdata-port" },
    { name: "llm-summary-service", option: "summary-port" },
    { name: "api-gateway", option: "gateway-port" },
  ] as const;
  const commands = parts.map(({ name, option }) => commandFor(name, ["--port", String(values[option])], env));
  const { brokers, logDir, logsDir } = configuration(env);
  const folders = [...(brokers === undefined ? [logDir] : []), logsDir];
  await makeFolders(folders.map((path) => ({ path, setting: "EVENT_LOG_FILE" })));
  checkPorts(parts.map(({ name, option }) => ({
    hostname: "127.0.0.1",
    port: values[option],
    purpose: name,
    remedy: `--${option} ${values[option] > 65_000 ? 8100 : values[option] + 100}`,
  })));

  const logs = new LogFiles(logsDir, {
    onError: ({ message }) => logger.warn(`⚠ Cannot keep the log lines in "${logsDir}": ${message}`),
  });
  const screen = new Screen(["tracker", ...parts.map(({ name }) => name)], {
    json: setting("LOG_FORMAT") === "json",
    keep: (message) => logs.write(message),
  });
  const run = await beginRun(logsDir, {
    supervisor: "tracker",
    pid: Deno.pid,
    started_at: new Date().toISOString(),
    command: ["deno task tracker", ...Deno.args].join(" "),
    parts: parts.map(({ name, option }) => ({
      name,
      kind: "service",
      address: `127.0.0.1:${values[option]}`,
    })),
  });
  const signal = AbortSignal.any([processSignal, run.stopAsked]);
  const failed = Promise.withResolvers<OperatorError>();
  const processes = parts.map(({ name }, at) =>
    new SupervisedProcess(name, commands[at]!, {
      onMessage: (message) => screen.message(message),
      onRestart: (code, pauseMs) =>
        screen.line(
          "tracker",
          `${name} ended with exit code ${code} and starts again in ${pauseMs / 1000} s`,
        ),
      onGiveUp: (code, failures, lastLines) => failed.resolve(giveUpError(name, code, failures, lastLines)),
    })
  );
  // Also when a second Ctrl+C ends this process at once.
  globalThis.addEventListener("unload", () => processes.forEach((process) => process.kill()));
  for (const process of processes) process.start();

  const watching = new AbortController();
  const gateway = `http://127.0.0.1:${values["gateway-port"]}`;
  const announced = (async () => {
    const all = [gateway, ...services.map((service) => `http://${service}`)];
    await until(async () => (await Promise.all(all.map(healthy))).every((is) => is), watching.signal);
    if (watching.signal.aborted) return;
    const seconds = ((performance.now() - startedMs) / 1000).toFixed(1);
    screen.say(
      `Everything runs, after ${seconds} s. Try ${gateway}/api/v1/flight/UA15; who is there: http://127.0.0.1:${
        values["registry-port"]
      }/`,
    );
  })();
  const stopped = new Promise<undefined>((resolve) =>
    signal.addEventListener("abort", () => resolve(undefined), { once: true })
  );
  const reason = await Promise.race([stopped, failed.promise]);
  watching.abort();
  screen.say(reason === undefined ? "Stopping …" : "Stopping, because a part fails …");
  for (const process of processes.toReversed()) {
    if (await process.stop(STOP_DEADLINE_MS)) {
      screen.line(
        "tracker",
        `${process.name} did not stop within ${STOP_DEADLINE_MS / 1000} s and was killed`,
      );
    }
  }
  await announced;
  screen.close();
  if (reason !== undefined) {
    logs.write({ timeMs: Date.now(), level: "error", process: "tracker", message: reason.message });
    logs.close();
    throw reason;
  }
  screen.say("Stopped");
  logs.close();
  await run.end();
});

/** Whether a service says that it works. */
async function healthy(address: string): Promise<boolean> {
  try {
    const response = await fetch(`${address}/actuator/health`, {
      signal: AbortSignal.timeout(HEALTH_TIMEOUT_MS),
    });
    await response.body?.cancel();
    return response.status === 200;
  } catch {
    return false;
  }
}

function giveUpError(name: PartName, code: number, failures: number, lastLines: string[]): OperatorError {
  const often = failures === 1 ? "" : ` ${failures} times in a row`;
  const words = lastLines.length === 0
    ? "It printed nothing"
    : `Its last lines:\n  ${lastLines.join("\n  ")}`;
  return new OperatorError(`${name} failed${often}, at last with exit code ${code}. ${words}`);
}
