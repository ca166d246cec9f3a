/** What the configuration names that a permission must allow: hosts, folders, files. */

import { dirname, join } from "node:path";
import { UsageError } from "../process/command_line.ts";
import { refuseLogin, SETTINGS, watchedProcesses } from "../process/settings.ts";
import type { SettingName } from "../process/settings.ts";
import { parseDatabaseUrl, shownHost } from "../warehouse/database_address.ts";
import type { DatabaseAddress } from "../warehouse/database_address.ts";

/** Hosts as `host:port` (or `host`, any port), folders and files as written. */
export interface Configuration {
  /** `undefined`: the embedded log. */
  brokers: string[] | undefined;
  /** `undefined`: the embedded warehouse. */
  databaseHost: string | undefined;
  /** `undefined`: the minute windows are in the warehouse's database. */
  realtimeHost: string | undefined;
  warehousePort: string;
  metricsHost: string;
  logDir: string;
  /** What `start` and `tracker` keep of what their processes print, and how they are found. */
  logsDir: string;
  lakeDir: string;
  warehouseDir: string;
  backupDir: string;
  /** Addresses of the processes that the API looks after. */
  watchedAddresses: string[];
  /** Where the tracker's upstreams are; undefined: not used. */
  registryHost: string | undefined;
  redisHost: string | undefined;
  flightAwareHost: string | undefined;
  /** Undefined: the template writes summaries. */
  modelHost: string | undefined;
  /** Where summaries are kept: in a database, else below a folder; the other is undefined. */
  summariesHost: string | undefined;
  summariesDir: string | undefined;
  /** Instances of the tracker's services that its gateway may reach. */
  trackerInstances: string[];
  /** Its gateway, which the API asks; undefined: there is none. */
  trackerHost: string | undefined;
  /** PEM files that the settings of the brokers name, and those that the addresses of the databases name. */
  kafkaFiles: string[];
  databaseFiles: string[];
  realtimeFiles: string[];
  summariesFiles: string[];
}

/**
 * Reads the configuration out of an environment.
 *
 * @throws {UsageError} for a list of brokers or an address that cannot be read.
 */
export function configuration(env: Record<string, string>): Configuration {
  const value = (name: SettingName): string | undefined => {
    const given = env[name];
    if (given !== undefined && given !== "") return given;
    return (SETTINGS[name] as { default?: string }).default;
  };
  const brokers = value("KAFKA_BROKERS");
  const database = databaseOf("DATABASE_URL", value("DATABASE_URL"));
  const realtime = databaseOf("REALTIME_DATABASE_URL", value("REALTIME_DATABASE_URL"));
  const tracker = databaseOf("TRACKER_DATABASE_URL", value("TRACKER_DATABASE_URL"));
  const summaries = tracker ?? database;
  const kafkaFiles = [value("KAFKA_SSL_CA_FILE"), value("KAFKA_SSL_CERT_FILE"), value("KAFKA_SSL_KEY_FILE")];
  const brokerHosts = [
    ...list("KAFKA_BROKERS", brokers),
    ...list("KAFKA_ALLOWED_HOSTS", value("KAFKA_ALLOWED_HOSTS")),
  ];
  return {
    brokers: brokers === undefined ? undefined : brokerHosts.flatMap((host) => withLoopbackNames(host)),
    databaseHost: database === undefined ? undefined : shownHost(database),
    realtimeHost: realtime === undefined ? undefined : shownHost(realtime),
    warehousePort: portOf("WAREHOUSE_PORT", value("WAREHOUSE_PORT")!),
    metricsHost: addressOf("METRICS_HOST", value("METRICS_HOST")!),
    logDir: dirname(value("EVENT_LOG_FILE")!),
    logsDir: join(dirname(value("EVENT_LOG_FILE")!), "logs"),
    lakeDir: value("LAKE_DIR")!,
    warehouseDir: value("WAREHOUSE_DIR")!,
    backupDir: value("BACKUP_DIR")!,
    watchedAddresses: watchedProcesses(value("PIPELINE_PROCESSES")!).map(({ address }) => address),
    registryHost: value("SERVICE_REGISTRY_URL") === "none"
      ? undefined
      : urlHost("SERVICE_REGISTRY_URL", value("SERVICE_REGISTRY_URL")!),
    redisHost: optionalHost("REDIS_URL", value("REDIS_URL")),
    flightAwareHost: value("FLIGHTAWARE_API_KEY") === undefined
      ? undefined
      : urlHost("FLIGHTAWARE_BASE_URL", value("FLIGHTAWARE_BASE_URL")!),
    modelHost: value("OPENAI_API_KEY") === undefined &&
        value("OPENAI_BASE_URL") === SETTINGS.OPENAI_BASE_URL.default
      ? undefined
      : urlHost("OPENAI_BASE_URL", value("OPENAI_BASE_URL")!),
    summariesHost: summaries === undefined ? undefined : shownHost(summaries),
    summariesDir: summaries === undefined ? dirname(value("TRACKER_SUMMARIES_FILE")!) : undefined,
    trackerInstances: list("TRACKER_INSTANCES", value("TRACKER_INSTANCES")),
    trackerHost: value("TRACKER_URL") === "none" ? undefined : urlHost("TRACKER_URL", value("TRACKER_URL")!),
    kafkaFiles: kafkaFiles.filter((file) => file !== undefined),
    databaseFiles: filesOf(database),
    realtimeFiles: filesOf(realtime),
    summariesFiles: filesOf(summaries),
  };
}

function databaseOf(name: SettingName, url: string | undefined): DatabaseAddress | undefined {
  if (url === undefined) return undefined;
  const database = parseDatabaseUrl(url);
  if (ADDRESS.test(database.host)) return database;
  // Not shown: where the address was cut in the wrong place, it may hold a part of the password.
  throw new UsageError(
    `${name} names a host that cannot be one, expected a name or an address such as 127.0.0.1`,
  );
}

function filesOf(database: DatabaseAddress | undefined): string[] {
  const files = [database?.sslRootCertFile, database?.sslCertFile, database?.sslKeyFile];
  return files.filter((file) => file !== undefined && file !== "system") as string[];
}

const DEFAULT_PORTS: Readonly<Record<string, string>> = {
  "http:": "80",
  "https:": "443",
  "redis:": "6379",
  "rediss:": "6379",
};

function optionalHost(name: SettingName, url: string | undefined): string | undefined {
  return url === undefined ? undefined : urlHost(name, url);
}

/** Host and port of an address. It is not shown where it cannot be read: it may hold a password. */
function urlHost(name: SettingName, url: string): string {
  const parsed = URL.canParse(url) ? new URL(url) : undefined;
  const port = parsed?.port || DEFAULT_PORTS[parsed?.protocol ?? ""];
  const host = parsed === undefined || port === undefined ? "" : `${parsed.hostname}:${port}`;
  if (HOST.test(host)) return host;
  throw new UsageError(
    `${name} is no address with a host, expected one such as http://127.0.0.1:8761/eureka`,
  );
}

const PORT_MAX = 65535;

/** Checked here already: what is no port cannot become a permission either. */
function portOf(name: SettingName, text: string): string {
  if (/^\d{1,5}$/.test(text) && Number(text) >= 1 && Number(text) <= PORT_MAX) return text;
  throw new UsageError(`${name} is "${text}", expected a port from 1 to ${PORT_MAX}`);
}

function addressOf(name: SettingName, text: string): string {
  if (ADDRESS.test(text)) return text;
  throw new UsageError(`${name} is "${text}", expected an address such as 127.0.0.1 or 0.0.0.0`);
}

/** What permission lists take as a host's name or address: an unusual one ends in a backtrace of theirs. */
const NAME = String.raw`[a-zA-Z0-9_-]+(?:\.[a-zA-Z0-9_-]+)*`;
const ADDRESS = new RegExp(`^(?:${NAME}|[0-9a-fA-F:]+)$`);
const HOST = new RegExp(String.raw`^(\[[0-9a-fA-F:]+\]|${NAME})(:\d{1,5})?$`);

function list(name: SettingName, text: string | undefined): string[] {
  if (text !== undefined) refuseLogin(name, text);
  const hosts = (text ?? "").split(",").map((host) => host.trim()).filter((host) => host !== "");
  for (const host of hosts) {
    const port = HOST.exec(host)?.[2]?.slice(1) ?? "0";
    if (!HOST.test(host) || Number(port) > PORT_MAX) {
      throw new UsageError(
        `${name} holds "${host}", expected host:port such as 127.0.0.1:9092`,
      );
    }
  }
  return hosts;
}

const LOOPBACK_NAMES = ["127.0.0.1", "localhost", "[::1]"];

/** One machine, three names: a broker reached by one of them may advertise another. */
function withLoopbackNames(host: string): string[] {
  const [, name, port = ""] = HOST.exec(host)!;
  return LOOPBACK_NAMES.includes(name!) ? LOOPBACK_NAMES.map((loopback) => `${loopback}${port}`) : [host];
}
