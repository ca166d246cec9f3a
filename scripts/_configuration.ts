/** What the configuration names that a permission must allow: hosts, folders, files. */

import { dirname } from "node:path";
import { UsageError } from "../process/command_line.ts";
import { SETTINGS } from "../process/settings.ts";
import type { SettingName } from "../process/settings.ts";

/** Hosts as `host:port` (or `host`, any port), folders and files as written. */
export interface Configuration {
  /** `undefined`: the embedded log. */
  brokers: string[] | undefined;
  /** `undefined`: the embedded warehouse. */
  databaseHosts: string[] | undefined;
  warehousePort: string;
  metricsHost: string;
  logDir: string;
  lakeDir: string;
  warehouseDir: string;
  tlsFiles: string[];
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
  const databaseUrl = value("DATABASE_URL");
  const tlsFiles = [value("KAFKA_SSL_CA_FILE"), value("KAFKA_SSL_CERT_FILE"), value("KAFKA_SSL_KEY_FILE")];
  const brokerHosts = [...list(brokers), ...list(value("KAFKA_ALLOWED_HOSTS"))];
  return {
    brokers: brokers === undefined ? undefined : brokerHosts.flatMap((host) => withLoopbackNames(host)),
    databaseHosts: databaseUrl === undefined ? undefined : databaseHosts(databaseUrl),
    warehousePort: value("WAREHOUSE_PORT")!,
    metricsHost: value("METRICS_HOST")!,
    logDir: dirname(value("EVENT_LOG_FILE")!),
    lakeDir: value("LAKE_DIR")!,
    warehouseDir: value("WAREHOUSE_DIR")!,
    tlsFiles: tlsFiles.filter((file) => file !== undefined),
  };
}

const HOST = /^(\[[0-9a-fA-F:]+\]|[^\s:\/,]+)(:\d{1,5})?$/;

function list(text: string | undefined): string[] {
  const hosts = (text ?? "").split(",").map((host) => host.trim()).filter((host) => host !== "");
  for (const host of hosts) {
    if (!HOST.test(host)) {
      throw new UsageError(
        `KAFKA_BROKERS or KAFKA_ALLOWED_HOSTS holds "${host}", expected host:port such as 127.0.0.1:9092`,
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

/**
 * The servers that a Postgres address names, with the default port filled in. Several are separated by commas.
 *
 * @throws {UsageError} where it is no such address; the message leaves the address out, it holds a password.
 */
export function databaseHosts(url: string): string[] {
  const match = /^postgres(?:ql)?:\/\/(?:[^@\/]*@)?([^\/?#]+)/.exec(url);
  const hosts = match?.[1]?.split(",") ?? [];
  if (hosts.length === 0 || !hosts.every((host) => HOST.test(host))) {
    throw new UsageError(
      "DATABASE_URL is no address of a server, expected postgres://user:password@host:port/database " +
        "(characters such as @ and / in the password as %40 and %2F)",
    );
  }
  return hosts.map((host) => HOST.exec(host)![2] === undefined ? `${host}:5432` : host);
}
