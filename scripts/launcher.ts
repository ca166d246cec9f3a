/**
 * From a part's name to the command that runs it. The permission sets of `deno.json` say what each part may do with
 * the default local engines; this module puts in what the configuration names instead: the brokers, the database
 * server, the folders of log, lake and warehouse, and nothing else.
 *
 * @module
 */

import { STOP_ON_STDIN_CLOSE } from "../process/run_process.ts";
import { configuration } from "./_configuration.ts";
import { LOG_NAMES, logging } from "./_log_option.ts";
import { filesNamed, optionValue } from "./_part_arguments.ts";
import type { FileArguments } from "./_part_arguments.ts";
import { hostsOf, listOf, pathsOf, PROJECT_DIR } from "./_permission_lists.ts";
import type { PermissionEntry } from "./_permission_lists.ts";
import { permissionSets, united } from "./_permission_sets.ts";
import { postgresPrograms } from "./_postgres_folders.ts";
import { runningAddresses } from "./_run_record.ts";

export { PROJECT_DIR };

/** What a part is: its script, its permission set, and the options of its command line that name files. */
interface Part extends FileArguments {
  script: string;
  permissions: string;
  /** Options with which it needs another set, too. */
  optionPermissions?: Readonly<Record<string, string>>;
  /** Asks processes how they do: those that were started, wherever they listen, and those at the default addresses. */
  asksProcesses?: boolean;
  /** A service of the tracker: the port that it listens on without `--port`. */
  servicePort?: number;
  /** Settings of V8 that the part was measured with; see bench/README.md. */
  v8Flags?: readonly string[];
}

/** A collection more often, a third of the memory less under load. */
const MORE_COLLECTIONS = ["--heap-growing-percent=50", "--max-semi-space-size=16"];

/** Everything that `deno task` runs through the launcher, by the task's name. */
export const PARTS = {
  start: { script: "scripts/start.ts", permissions: "start", fileOptions: ["flights"] },
  topics: { script: "scripts/topics.ts", permissions: "topics" },
  producer: {
    script: "producer/airline_producer.ts",
    permissions: "producer",
    fileOptions: ["flights"],
    // Of the memory that all of the network's flights would take by default a third was garbage.
    v8Flags: MORE_COLLECTIONS,
  },
  consumer: {
    script: "streaming/consumer.ts",
    permissions: "consumer",
    v8Flags: MORE_COLLECTIONS,
  },
  "viewer-metrics": {
    script: "streaming/viewer_metrics.ts",
    permissions: "viewer-metrics",
    v8Flags: MORE_COLLECTIONS,
  },
  "event-generator": { script: "producer/event_generator.ts", permissions: "event-generator" },
  lake: { script: "lake/lake_writer.ts", permissions: "lake" },
  etl: { script: "etl/build_warehouse.ts", permissions: "etl" },
  "etl-runner": {
    script: "etl/etl_runner.ts",
    permissions: "etl",
    // Only one that is to make backups may read the log and write them.
    optionPermissions: { "backup-cron": "backup" },
  },
  warehouse: { script: "warehouse/embedded_warehouse.ts", permissions: "warehouse" },
  api: {
    script: "api/metrics_api.ts",
    permissions: "api",
    // The texts of many listeners are garbage soon: collected more often, they cost a third of the memory.
    v8Flags: ["--heap-growing-percent=50", "--max-semi-space-size=4"],
  },
  tracker: { script: "scripts/tracker.ts", permissions: "tracker" },
  "api-gateway": {
    script: "tracker/api_gateway.ts",
    permissions: "api-gateway",
    servicePort: 8080,
  },
  "flightdata-service": {
    script: "tracker/flightdata_service.ts",
    permissions: "flightdata-service",
    servicePort: 8081,
  },
  "llm-summary-service": {
    script: "tracker/llm_summary_service.ts",
    permissions: "llm-summary-service",
    servicePort: 8082,
  },
  "service-registry": {
    script: "tracker/service_registry.ts",
    permissions: "service-registry",
    servicePort: 8761,
  },
  verify: { script: "scripts/verify.ts", permissions: "verify" },
  tail: { script: "scripts/tail.ts", permissions: "tail" },
  "dead-letters": {
    script: "scripts/dead_letters.ts",
    permissions: "dead-letters",
    fileOptions: ["value-file"],
  },
  explain: { script: "scripts/explain.ts", permissions: "explain" },
  replay: { script: "scripts/replay.ts", permissions: "replay", outputOptions: ["out"] },
  sql: { script: "scripts/sql.ts", permissions: "sql" },
  lab: {
    script: "policy_lab/lab.ts",
    permissions: "lab",
    outputOptions: ["out", "train"],
    fileOptions: ["model"],
  },
  status: { script: "scripts/status.ts", permissions: "status", asksProcesses: true },
  lag: { script: "scripts/lag.ts", permissions: "lag" },
  doctor: { script: "scripts/doctor.ts", permissions: "doctor", asksProcesses: true },
  logs: { script: "scripts/logs.ts", permissions: "logs" },
  cache: { script: "scripts/cache.ts", permissions: "cache" },
  stop: { script: "scripts/stop.ts", permissions: "stop", asksProcesses: true },
  backup: { script: "scripts/backup.ts", permissions: "backup" },
  restore: {
    script: "scripts/restore.ts",
    permissions: "restore",
    asksProcesses: true,
    positionalFile: true,
  },
} as const satisfies Record<string, Part>;

export type PartName = keyof typeof PARTS;

/** What an operator runs over all of it: it goes to every engine whose settings it reads. */
const OPERATOR_PARTS = new Set<PartName>([
  "status",
  "lag",
  "doctor",
  "cache",
  "stop",
  "backup",
  "restore",
]);

/** What to start: `deno` with `args`, in {@link PROJECT_DIR}, with `env` beside the inherited environment. */
export interface ProcessCommand {
  args: string[];
  env: Record<string, string>;
}

/**
 * The command that runs a part under its permission set, fitted to the configuration in `env`.
 *
 * @param args The part's own arguments. Relative files among them are taken from the folder the task was called in.
 * @param env The whole environment, `.env` included; only its names and values are looked at.
 * @throws {UsageError} for a value of the configuration that cannot be used.
 */
export function commandFor(
  name: PartName,
  args: readonly string[],
  env: Record<string, string>,
): ProcessCommand {
  const part: Part = PARTS[name];
  const further = Object.entries(part.optionPermissions ?? {})
    .filter(([option]) => optionValue(args, option) !== undefined).map(([, set]) => set);
  const set = [part.permissions, ...further].map((set) => permissionSets()[set]!).reduce(united);
  const given = configuration(env);
  const names = listOf(set.env);
  const all = names === true;
  const runsOn = all || names.includes(STOP_ON_STDIN_CLOSE);
  const log = runsOn ? logging(name, args, env) : { args, env: {} };
  const files = filesNamed(part, log.args, env.INIT_CWD ?? PROJECT_DIR);
  const reads = {
    log: all || names.includes("KAFKA_BROKERS"),
    database: all || names.includes("DATABASE_URL"),
    realtime: all || names.includes("REALTIME_DATABASE_URL"),
    summaries: all || names.includes("TRACKER_DATABASE_URL"),
  };
  const dumps = (all || names.includes("POSTGRES_BIN")) &&
      [given.databaseHost, given.realtimeHost, given.summariesHost].some((host) => host !== undefined)
    ? postgresPrograms(env)
    : { programs: [], env: {} };
  const settingFiles = [
    ...(reads.log ? given.kafkaFiles : []),
    ...(reads.database ? given.databaseFiles : []),
    ...(reads.realtime ? given.realtimeFiles : []),
    ...(reads.summaries ? given.summariesFiles : []),
  ];
  const flags = [
    ...pathsOf("read", set.read, given, { reads, also: [...files.paths, ...files.folders, ...settingFiles] }),
    ...pathsOf("write", set.write, given, { reads, also: files.folders }),
    ...hostsOf(set.net, given, {
      reads,
      metricsPort: optionValue(args, "metrics-port"),
      operator: OPERATOR_PARTS.has(name) || further.length > 0
        ? {
          redis: names !== true && names.includes("REDIS_URL"),
          processes: part.asksProcesses === true
            ? [...given.watchedAddresses, ...runningAddresses(given.logsDir)]
            : undefined,
        }
        : undefined,
      ...(name === "api"
        ? {
          api: { host: optionValue(args, "host") ?? "127.0.0.1", port: optionValue(args, "port") ?? "8000" },
        }
        : {}),
      ...(part.servicePort === undefined ? {} : {
        service: {
          entry: `127.0.0.1:${part.servicePort}`,
          host: optionValue(args, "host") ?? "127.0.0.1",
          port: optionValue(args, "port") ?? String(part.servicePort),
          redis: all || names.includes("REDIS_URL"),
          flightAware: all || names.includes("FLIGHTAWARE_API_KEY"),
          model: all || names.includes("OPENAI_API_KEY"),
        },
      }),
    }),
    ...environmentOf(set.env, runsOn ? LOG_NAMES : []),
    ...plainList("sys", set.sys),
    ...plainList("run", all || dumps.programs.length === 0 ? set.run : dumps.programs),
    ...plainList("ffi", set.ffi),
  ];
  const quiet = ["--quiet", "--no-prompt", "--config", "deno.json"];
  const v8 = part.v8Flags === undefined ? [] : [`--v8-flags=${part.v8Flags.join(",")}`];
  return {
    args: ["run", ...quiet, ...v8, ...flags, part.script, ...files.args],
    env: { ...env, ...log.env, ...dumps.env },
  };
}

function environmentOf(entry: PermissionEntry | undefined, also: readonly string[]): string[] {
  const names = listOf(entry);
  if (names === true) return ["--allow-env"];
  const allowed = [...names, ...also];
  return allowed.length === 0 ? ["--ignore-env"] : [`--allow-env=${allowed.join(",")}`, "--ignore-env"];
}

function plainList(kind: string, entry: PermissionEntry | undefined): string[] {
  const allowed = listOf(entry);
  if (allowed === true) return [`--allow-${kind}`];
  return allowed.length === 0 ? [] : [`--allow-${kind}=${allowed.join(",")}`];
}

/** The environment for a child that is to stop when its standard input closes. */
export function stoppable(env: Record<string, string>): Record<string, string> {
  return { ...env, [STOP_ON_STDIN_CLOSE]: "1" };
}
