/** Which parts `deno task start` runs, with which arguments, and what they need of the machine. */

import type { CommandLineSpec, Values } from "../process/command_line.ts";
import { warehousePort } from "../process/settings.ts";
import { POLICIES } from "../streaming/policies/policies.ts";
import type { Configuration } from "./_configuration.ts";
import type { PartName } from "./launcher.ts";
import type { RunningPart } from "./_run_record.ts";
import type { DataFolder, NeededPort } from "./_start_checks.ts";

/** The options of `deno task start`. */
export const START_COMMAND_LINE = {
  usage: "deno task start",
  description:
    "Runs producer, consumer, lake writer, ETL, viewer metrics, API with dashboard and (unless DATABASE_URL is given) the embedded warehouse.",
  options: {
    profile: {
      type: "text",
      value: "NAME",
      choices: ["network", "iteration-2", "iteration-1"],
      description: "Producer: a real week of flights, or a published demand model; without it network",
    },
    seed: {
      type: "text",
      value: "NUMBER",
      description: "Producer: decides all that is left to chance; without it 1",
    },
    flights: {
      type: "text",
      value: "FILE",
      description: "Producer: a schedule of your own; without it producer/data/flights.csv",
    },
    "flights-per-day": {
      type: "text",
      value: "NUMBER",
      description: "Producer: departures a day, or all; without it 60",
    },
    backfill: {
      type: "duration",
      minMs: 0,
      description: "Producer: history made at the first start; without it 14d",
    },
    speed: {
      type: "number",
      min: 0.001,
      max: 10_000_000,
      description: "Producer: simulated seconds per second; without it 1",
    },
    policy: {
      type: "text",
      value: "NAME",
      choices: POLICIES.map(({ name }) => name),
      description: "Consumer: rules that decide promotions; without it RULE_ENGINE_ITERATION_2",
    },
    "etl-every": {
      type: "duration",
      minMs: 1000,
      default: "1m",
      description: "Time between the starts of two ETL runs",
    },
    "no-backup": { type: "flag", description: "Leave the nightly backup (02:00 UTC, to BACKUP_DIR) out" },
    "no-etl": { type: "flag", description: "Leave the ETL, the viewer metrics and the warehouse out" },
    "no-api": { type: "flag", description: "Leave the API and the dashboard out" },
    "api-port": {
      type: "number",
      integer: true,
      min: 1,
      max: 65535,
      default: 8000,
      description: "Port of the API and the dashboard on 127.0.0.1",
    },
    "metrics-ports-from": {
      type: "number",
      value: "PORT",
      integer: true,
      min: 1,
      max: 65531,
      default: 8001,
      description:
        "First of five ports for the metrics of producer, consumer, lake writer, ETL and viewer metrics",
    },
  },
  notes: [
    "More about the options of the producer: deno task producer --help.",
    "Engines: KAFKA_BROKERS and DATABASE_URL, in the environment or in .env; else embedded ones below data/.",
    "Ctrl+C, or deno task stop in another terminal, stops the parts one after another and loses nothing; the next start",
    "goes on from there. What they print is kept for a while: deno task logs. Backups: deno task backup --list.",
  ],
} as const satisfies CommandLineSpec;

export type StartValues = Values<typeof START_COMMAND_LINE>;

/** A part as `start` runs it. */
export interface StartedPart {
  name: PartName;
  args: string[];
  /** Undefined: it serves no metrics of its own. */
  metricsPort?: number;
  /** Of the API alone. */
  apiPort?: number;
}

const PRODUCER_OPTIONS = ["profile", "seed", "flights", "flights-per-day", "speed"] as const;

/** When backups are made: at 02:00, UTC. */
const NIGHTLY = "0 2 * * *";

/** The order of stopping: nothing is produced any more, then what is there is worked off. */
export const STOP_ORDER: readonly PartName[] = [
  "producer",
  "consumer",
  "viewer-metrics",
  "lake",
  "etl-runner",
  "api",
  "warehouse",
];

/** Parts that are started once the database answers. */
export const NEED_DATABASE: readonly PartName[] = ["etl-runner", "viewer-metrics"];

/** The parts in the order of starting. */
export function partsToStart(values: StartValues, options: { embeddedWarehouse: boolean }): StartedPart[] {
  const first = values["metrics-ports-from"];
  const withMetrics = (name: PartName, at: number, args: string[]): StartedPart => ({
    name,
    args: ["--metrics-port", String(first + at), ...args],
    metricsPort: first + at,
  });
  const given = (name: string, value: string | number | undefined) =>
    value === undefined ? [] : [`--${name}`, String(value)];
  const backfill = values.backfill === undefined ? undefined : `${values.backfill}ms`;
  return [
    ...(options.embeddedWarehouse ? [{ name: "warehouse" as const, args: [] }] : []),
    withMetrics("consumer", 1, given("policy", values.policy)),
    // Sooner than by default, so that the first ETL run finds something.
    withMetrics("lake", 2, ["--seal-age", "15s"]),
    withMetrics("producer", 0, [
      ...PRODUCER_OPTIONS.flatMap((name) => given(name, values[name])),
      ...given("backfill", backfill),
    ]),
    ...(values["no-etl"] ? [] : [
      withMetrics("etl-runner", 3, [
        ...["--every", `${values["etl-every"]}ms`],
        ...(values["no-backup"] ? [] : ["--backup-cron", NIGHTLY]),
      ]),
      withMetrics("viewer-metrics", 4, []),
    ]),
    ...(values["no-api"] ? [] : [{
      name: "api" as const,
      args: ["--port", String(values["api-port"]), "--access-log", "errors"],
      apiPort: values["api-port"],
    }]),
  ];
}

/** Where the API finds the other parts, as `PIPELINE_PROCESSES` says it. */
export function pipelineProcesses(parts: StartedPart[], metricsHost: string): string {
  return runningParts(parts, metricsHost).filter(({ kind }) => kind === "pipeline")
    .map(({ name, address }) => `${name}=${address}`).join(",");
}

/** Where the parts can be asked for their health. */
export function runningParts(parts: StartedPart[], metricsHost: string): RunningPart[] {
  const everywhere = metricsHost === "0.0.0.0" || metricsHost === "::";
  const host = everywhere ? "127.0.0.1" : metricsHost.includes(":") ? `[${metricsHost}]` : metricsHost;
  return parts.flatMap(({ name, metricsPort, apiPort }): RunningPart[] => {
    if (name === "warehouse") {
      return [{ name, kind: "warehouse", address: `127.0.0.1:${warehousePort()}` }];
    }
    if (apiPort !== undefined) return [{ name, kind: "api", address: `127.0.0.1:${apiPort}` }];
    return metricsPort === undefined ? [] : [{ name, kind: "pipeline", address: `${host}:${metricsPort}` }];
  });
}

/** The folders that are written; `locked` are those that only one start may work on. */
export function foldersNeeded(
  configuration: Configuration,
  options: { embeddedWarehouse: boolean },
): { all: DataFolder[]; locked: DataFolder[] } {
  const { logDir, logsDir, lakeDir, warehouseDir, brokers } = configuration;
  const log = brokers === undefined ? [{ path: logDir, setting: "EVENT_LOG_FILE" }] : [];
  const raw = { path: `${lakeDir}/raw`, setting: "LAKE_DIR" };
  const gold = { path: `${lakeDir}/gold`, setting: "LAKE_DIR" };
  const warehouse = options.embeddedWarehouse ? [{ path: warehouseDir, setting: "WAREHOUSE_DIR" }] : [];
  const logs = { path: logsDir, setting: "EVENT_LOG_FILE" };
  return { all: [...log, logs, raw, gold, ...warehouse], locked: [...log, raw] };
}

/** The ports that the parts will listen on. */
export function portsNeeded(parts: StartedPart[], configuration: Configuration): NeededPort[] {
  return parts.flatMap(({ name, metricsPort, apiPort }): NeededPort[] => {
    if (name === "warehouse") {
      const remedy = "WAREHOUSE_PORT, in the environment or .env";
      return [{ hostname: "127.0.0.1", port: warehousePort(), purpose: "the embedded warehouse", remedy }];
    }
    if (apiPort !== undefined) {
      const remedy = `--api-port ${apiPort > 65_000 ? 8100 : apiPort + 100}`;
      return [{ hostname: "127.0.0.1", port: apiPort, purpose: "the API and the dashboard", remedy }];
    }
    if (metricsPort === undefined) return [];
    const hostname = configuration.metricsHost;
    const remedy = `--metrics-ports-from ${metricsPort > 60_000 ? 8101 : metricsPort + 100}`;
    return [{ hostname, port: metricsPort, purpose: `the metrics of ${name}`, remedy }];
  });
}
