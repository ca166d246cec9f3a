/** `deno task status`: which processes run, whether they are ready, how far behind they are. */

import { parseCommandLine } from "../process/command_line.ts";
import type { CommandLineSpec } from "../process/command_line.ts";
import { colored, logger } from "../process/logger.ts";
import { runProcess } from "../process/run_process.ts";
import { configuration } from "./_configuration.ts";
import { duration } from "./_pipeline_status.ts";
import { knownParts, probe } from "./_process_probe.ts";
import type { PartHealth } from "./_process_probe.ts";
import { runningNow, SUPERVISORS } from "./_run_record.ts";
import type { RunRecord } from "./_run_record.ts";
import { alignedTable } from "./_table.ts";

const COMMAND_LINE = {
  usage: "deno task status",
  description: "Shows which processes run, whether they are ready, and how far behind they are.",
  options: { json: { type: "flag", description: "Print JSON" } },
  notes: [
    "Asks what deno task start and deno task tracker run, else the default addresses and PIPELINE_PROCESSES (none: only",
    "what they run).",
    "Exit code 0: what was started is ready (or, where nothing was started by them, what answers is); 1: it is not, or",
    "nothing runs.",
  ],
} as const satisfies CommandLineSpec;

/** All that is found. */
export interface SystemStatus {
  checked_at: string;
  runs: RunRecord[];
  processes: PartHealth[];
  ready: boolean;
}

/** Looks at everything once. */
export async function systemStatus(logsDir: string): Promise<SystemStatus> {
  const runs = (await Promise.all(SUPERVISORS.map((supervisor) => runningNow(logsDir, supervisor))))
    .filter((run) => run !== undefined);
  const processes = await Promise.all(knownParts(runs).map((part) => probe(part)));
  return { checked_at: new Date().toISOString(), runs, processes, ready: isReady(runs, processes) };
}

/** Whether what should run does: the parts of what was started, else whatever answers, if anything does. */
export function isReady(runs: readonly RunRecord[], processes: readonly PartHealth[]): boolean {
  const started = new Set(runs.flatMap(({ parts }) => parts.map(({ name }) => name)));
  const expected = processes.filter(({ name, state }) =>
    started.size > 0 ? started.has(name) : state !== "away" && state !== "taken"
  );
  // A Postgres that answers does not mean that anything of ours runs.
  return expected.some(({ kind }) => kind !== "warehouse") &&
    expected.every(({ state }) => state === "ready");
}

const MARKS = { ready: "✔", "not ready": "⚠", away: "·", taken: "✖" } as const;
const COLORS = { ready: 32, "not ready": 33, away: 90, taken: 31 } as const;

/** As a person reads it. */
export function statusText(
  { runs, processes }: SystemStatus,
  options: { colors: boolean; nowMs: number },
): string {
  const since = (time: string | null) =>
    time === null ? "" : duration(Math.max(0, (options.nowMs - Date.parse(time)) / 1000));
  const lines = SUPERVISORS.map((supervisor) => {
    const run = runs.find((one) => one.supervisor === supervisor);
    return run === undefined
      ? `${supervisor.padEnd(8)} does not run (deno task ${supervisor})`
      : `${supervisor.padEnd(8)} runs for ${since(run.started_at)}, process ${run.pid}: ${run.command}`;
  });
  const started = new Set(runs.flatMap(({ parts }) => parts.map(({ name }) => name)));
  const shown = processes.filter(({ name, state }) => state !== "away" || started.has(name));
  if (shown.length === 0) return [...lines, "", "No process answers. Start them: deno task start"].join("\n");
  const table = alignedTable(
    ["process", "state", "lag", "memory", "for", "address", "why"],
    shown.map((part) => [
      `${MARKS[part.state]} ${part.name}`,
      part.state,
      part.lag_records === null ? "" : part.lag_records.toLocaleString("en"),
      part.resident_memory_bytes === null ? "" : `${Math.round(part.resident_memory_bytes / 1024 / 1024)} MB`,
      since(part.started_at),
      part.address,
      part.detail ?? "",
    ]),
    ["lag", "memory", "for"],
  ).split("\n");
  const painted = table.map((line, at) =>
    at === 0 || !options.colors ? line : `\x1b[${COLORS[shown[at - 1]!.state]}m${line}\x1b[0m`
  );
  const hint = shown.some(({ state }) => state !== "ready")
    ? ["", "What is wrong, and how to mend it: deno task doctor"]
    : [];
  return [...lines, "", ...painted, ...hint].join("\n");
}

if (import.meta.main) {
  await runProcess(async () => {
    const { values } = parseCommandLine(COMMAND_LINE, Deno.args);
    const status = await systemStatus(configuration(Deno.env.toObject()).logsDir);
    logger.info(
      values.json
        ? JSON.stringify(status, null, 2)
        : statusText(status, { colors: colored(Deno.stdout), nowMs: Date.now() }),
    );
    return status.ready ? 0 : 1;
  });
}
