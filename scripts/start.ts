/** `deno task start`: the whole pipeline, each part a process of its own under its own permissions. */

import { parseCommandLine } from "../process/command_line.ts";
import { logger } from "../process/logger.ts";
import { OperatorError, runProcess } from "../process/run_process.ts";
import { databaseUrl, kafkaSettings, maxEventLeadMs, setting, warehousePort } from "../process/settings.ts";
import { configuration } from "./_configuration.ts";
import { commandFor } from "./launcher.ts";
import type { PartName } from "./launcher.ts";
import { duration, PipelineStatus, scrape } from "./_pipeline_status.ts";
import { LogFiles } from "./_log_files.ts";
import { beginRun } from "./_run_record.ts";
import { addresses, allAlive, listens, metricsPages, until } from "./_readiness.ts";
import { Screen } from "./_screen.ts";
import { checkPorts, lockFolders, makeFolders, runToEnd } from "./_start_checks.ts";
import {
  foldersNeeded,
  NEED_DATABASE,
  partsToStart,
  pipelineProcesses,
  portsNeeded,
  runningParts,
  START_COMMAND_LINE,
  STOP_ORDER,
} from "./_start_parts.ts";
import { SupervisedProcess } from "./_supervised_process.ts";

const TOPICS_DEADLINE_MS = 60_000;
const DATABASE_DEADLINE_MS = 30_000;
const STOP_DEADLINE_MS = 30_000;
const STATUS_INTERVAL_MS = 1000;
const LAST_SCRAPE_DEADLINE_MS = 2000;

await runProcess(async (processSignal) => {
  const { values } = parseCommandLine(START_COMMAND_LINE, Deno.args);
  const startedMs = performance.now();
  const env = Deno.env.toObject();
  const given = configuration(env);
  const kafka = kafkaSettings();
  // Only looked at: the parts read it themselves, and one clear line is better than five restarts of each.
  maxEventLeadMs();
  const database = values["no-etl"] ? undefined : databaseUrl();
  const embeddedWarehouse = database?.embedded === true;
  const parts = partsToStart(values, { embeddedWarehouse });
  const commands = new Map(parts.map(({ name, args }) => {
    if (name !== "api") return [name, commandFor(name, args, env)];
    const watched = env.PIPELINE_PROCESSES || pipelineProcesses(parts, given.metricsHost);
    return [name, commandFor(name, args, { ...env, PIPELINE_PROCESSES: watched })];
  }));

  // Step 1: folders, the lock on them, ports.
  const folders = foldersNeeded(given, { embeddedWarehouse });
  await makeFolders(folders.all);
  await lockFolders(folders.locked);
  checkPorts(portsNeeded(parts, given));
  const logs = new LogFiles(given.logsDir, {
    onError: ({ message }) => logger.warn(`⚠ Cannot keep the log lines in "${given.logsDir}": ${message}`),
  });
  const screen = new Screen(["start", ...parts.map(({ name }) => name)], {
    json: setting("LOG_FORMAT") === "json",
    keep: (message) => logs.write(message),
  });
  const again = ["deno task start", ...Deno.args].join(" ");
  const run = await beginRun(given.logsDir, {
    supervisor: "start",
    pid: Deno.pid,
    started_at: new Date().toISOString(),
    command: again,
    parts: runningParts(parts, given.metricsHost),
  });
  const signal = AbortSignal.any([processSignal, run.stopAsked]);

  // Step 2: the engines answer, the topics are there.
  screen.say(kafka === undefined ? "Event log: embedded" : `Event log: Kafka at ${kafka.brokers.join(", ")}`);
  await runToEnd("topics", commandFor("topics", [], env), { deadlineMs: TOPICS_DEADLINE_MS, signal });
  if (database?.embedded === false) {
    const question = commandFor("sql", ["select 1"], env);
    await runToEnd("sql", question, { deadlineMs: DATABASE_DEADLINE_MS, signal });
  }
  if (signal.aborted) return await run.end();

  // Step 3: the processes; those that need the warehouse once it answers.
  const failed = Promise.withResolvers<OperatorError>();
  const processes = new Map<PartName, SupervisedProcess>();
  for (const { name } of parts) {
    processes.set(
      name,
      new SupervisedProcess(name, commands.get(name)!, {
        onMessage: (message) => screen.message(message),
        onRestart: (code, pauseMs, failures) =>
          screen.line(
            "start",
            `${name} ended with exit code ${code} (failure ${failures}) and starts again in ${
              pauseMs / 1000
            } s`,
          ),
        onGiveUp: (code, failures, lastLines) => failed.resolve(giveUpError(name, code, failures, lastLines)),
      }),
    );
  }
  // Also when a second Ctrl+C ends this process at once.
  globalThis.addEventListener("unload", () => processes.forEach((process) => process.kill()));
  for (const [name, process] of processes) if (!NEED_DATABASE.includes(name)) process.start();

  // Step 4: what they are doing, until they are to stop.
  const pages = metricsPages(parts, given.metricsHost);
  const urls = pages.map(({ url }) => url);
  const status = new PipelineStatus();
  const watching = new AbortController();
  const watch = async () => {
    status.update(await scrape(urls, watching.signal), performance.now());
    if (!watching.signal.aborted) screen.status(status.line(Date.now() / 1000));
  };
  const timer = setInterval(watch, STATUS_INTERVAL_MS);
  const announced = announce();
  const stopped = new Promise<undefined>((resolve) =>
    signal.addEventListener("abort", () => resolve(undefined), { once: true })
  );
  const reason = await Promise.race([stopped, failed.promise]);

  // Step 5: stop in order.
  clearInterval(timer);
  watching.abort();
  status.update(await scrape(urls, AbortSignal.timeout(LAST_SCRAPE_DEADLINE_MS)), performance.now());
  screen.close();
  screen.say(reason === undefined ? "Stopping …" : "Stopping, because a part fails …");
  for (const name of STOP_ORDER) {
    const killed = await processes.get(name)?.stop(STOP_DEADLINE_MS);
    if (killed) {
      screen.line("start", `${name} did not stop within ${STOP_DEADLINE_MS / 1000} s and was killed`);
    }
  }
  await announced;
  if (reason !== undefined) {
    logs.write({ timeMs: Date.now(), level: "error", process: "start", message: reason.message });
    logs.close();
    throw reason;
  }
  const ran = duration((performance.now() - startedMs) / 1000);
  screen.say(`Stopped after ${ran}: ${status.summary()}. To go on from here: ${again}`);
  logs.close();
  await run.end();

  async function announce(): Promise<void> {
    if (embeddedWarehouse) await until(() => listens(warehousePort()), watching.signal);
    if (watching.signal.aborted) return;
    for (const name of NEED_DATABASE) processes.get(name)?.start();
    const api = parts.find(({ apiPort }) => apiPort !== undefined);
    const dashboard = api && `http://127.0.0.1:${api.apiPort}/`;
    const alive = [...urls, ...(dashboard === undefined ? [] : [dashboard])];
    await until(() => allAlive(alive), watching.signal);
    if (watching.signal.aborted) return;
    const seconds = ((performance.now() - startedMs) / 1000).toFixed(1);
    screen.say(
      `Everything runs, after ${seconds} s. ${
        addresses(pages, { dashboard, database, lakeDir: given.lakeDir })
      }`,
    );
  }
});

function giveUpError(name: string, code: number, failures: number, lastLines: string[]): OperatorError {
  const often = failures === 1 ? "" : ` ${failures} times in a row`;
  const words = lastLines.length === 0
    ? "It printed nothing"
    : `Its last lines:\n  ${lastLines.join("\n  ")}`;
  return new OperatorError(`${name} failed${often}, at last with exit code ${code}. ${words}`);
}
