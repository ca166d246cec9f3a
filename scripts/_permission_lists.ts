/** The lists of a permission set with the default places replaced by those that the configuration names. */

import { isAbsolute, relative, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { UsageError } from "../process/command_line.ts";
import type { Configuration } from "./_configuration.ts";

/** The project's folder; every process runs in it, and relative paths of the configuration start from it. */
export const PROJECT_DIR = fileURLToPath(new URL("..", import.meta.url));

/** What a set of `deno.json` says of one kind: a list, everything or nothing, and exceptions. */
export type PermissionEntry = boolean | string[] | {
  allow?: boolean | string[];
  deny?: boolean | string[];
  ignore?: boolean | string[];
};

/** The list that an entry allows; `true` is everything. */
export function listOf(entry: PermissionEntry | undefined): true | string[] {
  if (entry === undefined || entry === false) return [];
  if (entry === true || Array.isArray(entry)) return entry;
  return listOf(entry.allow);
}

/** A path as Deno's permission lists take it: relative where it lies in the project, and without a comma. */
function permissionPath(path: string): string {
  const whole = resolve(PROJECT_DIR, path);
  const inside = relative(PROJECT_DIR, whole);
  const shown = inside === "" ? "." : inside.startsWith("..") || isAbsolute(inside) ? whole : inside;
  if (shown.includes(",")) {
    throw new UsageError(
      `The path "${path}" holds a comma, which permission lists cannot. Choose another path`,
    );
  }
  return shown;
}

/** Which engines the part reads the settings of: it may reach those, where they are not embedded. */
interface Engines {
  log: boolean;
  database: boolean;
  realtime: boolean;
  summaries: boolean;
}

/** `--allow-read`, `--deny-read` and the same for writing. `also` are files to add to what is allowed. */
export function pathsOf(
  kind: "read" | "write",
  entry: PermissionEntry | undefined,
  given: Configuration,
  options: { reads: Engines; also: string[] },
): string[] {
  const allowed = listOf(entry);
  if (allowed === true) return [`--allow-${kind}`];
  const fitted = unique(
    [...allowed.flatMap((path) => place(path, given)), ...options.also].map(permissionPath),
  );
  const refused = typeof entry === "object" && !Array.isArray(entry) ? listOf(entry.deny) : [];
  const denied = refused === true ? [] : unique(
    // A folder that holds an allowed one cannot be denied: denying wins.
    refused.flatMap((path) => place(path, given)).map(permissionPath)
      .filter((path) => !fitted.some((inner) => isInside(inner, path))),
  );
  return [
    ...(fitted.length === 0 ? [] : [`--allow-${kind}=${fitted.join(",")}`]),
    ...(denied.length === 0 ? [] : [`--deny-${kind}=${denied.join(",")}`]),
  ];
}

/** Where a default place of the sets really is; nowhere for the embedded log when Kafka carries the events. */
function place(path: string, given: Configuration): string[] {
  if (path === "data/warehouse" || path.startsWith("data/warehouse/")) {
    return [given.warehouseDir + path.slice("data/warehouse".length)];
  }
  if (path === "data/tracker") return given.summariesDir === undefined ? [] : [given.summariesDir];
  if (path === "data/logs") return [given.logsDir];
  if (path === "backups" || path.startsWith("backups/")) {
    return [given.backupDir + path.slice("backups".length)];
  }
  if (path === "data") return given.brokers === undefined ? [given.logDir] : [];
  if (path === "lake" || path.startsWith("lake/")) return [given.lakeDir + path.slice("lake".length)];
  return [path];
}

function isInside(inner: string, outer: string): boolean {
  const path = relative(outer, inner);
  return path === "" || (!path.startsWith("..") && !isAbsolute(path));
}

const METRICS = /^127\.0\.0\.1:(0|80\d\d)$/;
const API = "127.0.0.1:8000";
const GATEWAY = "127.0.0.1:8080";
/** Stands for those that the gateway hands requests on to. */
const INSTANCE = "127.0.0.1:8081";
const REGISTRY = "127.0.0.1:8761";
const EMBEDDED_WAREHOUSE = "127.0.0.1:5433";

/** `--allow-net` with the brokers, the database server, and the host and port the metrics are served on. */
export function hostsOf(
  entry: PermissionEntry | undefined,
  given: Configuration,
  options: {
    reads: Engines;
    metricsPort: string | undefined;
    /**
     * A command of an operator's goes to every engine whose settings it reads. Whether it asks Redis; which processes it
     * asks, at the ports of the set and others, undefined for one that serves metrics of its own.
     */
    operator?: { redis: boolean; processes?: string[] | undefined } | undefined;
    /** Where the API is to listen; it also looks after the other processes. */
    api?: { host: string; port: string };
    /** Where a service of the tracker is to listen, and what stands for it in the set; which upstreams it has. */
    service?: {
      entry: string;
      host: string;
      port: string;
      redis: boolean;
      flightAware: boolean;
      model: boolean;
    };
  },
): string[] {
  const allowed = listOf(entry);
  if (allowed === true) return ["--allow-net"];
  const metricsHost = given.metricsHost.includes(":") ? `[${given.metricsHost}]` : given.metricsHost;
  const port = /^\d{1,5}$/.test(options.metricsPort ?? "") ? options.metricsPort : undefined;
  const hosts = allowed.flatMap((host) => {
    if (host === EMBEDDED_WAREHOUSE) {
      const realtime = options.reads.realtime && given.realtimeHost !== undefined ? [given.realtimeHost] : [];
      if (options.reads.database && given.databaseHost !== undefined) {
        return [given.databaseHost, ...realtime];
      }
      return [`127.0.0.1:${given.warehousePort}`, ...realtime];
    }
    if (options.operator?.processes !== undefined) return [host];
    if (options.api !== undefined && host === API) return [listeningAddress(options.api, API)];
    const { service } = options;
    if (service !== undefined && host === service.entry) return [listeningAddress(service, service.entry)];
    if (service !== undefined && host === INSTANCE) return given.trackerInstances;
    if (host === REGISTRY) return given.registryHost === undefined ? [] : [given.registryHost];
    if (options.api !== undefined && host === GATEWAY) {
      return given.trackerHost === undefined ? [] : [given.trackerHost];
    }
    if (options.api !== undefined && METRICS.test(host)) return given.watchedAddresses;
    const metrics = METRICS.exec(host);
    if (metrics !== null) return [`${metricsHost}:${port ?? metrics[1]}`];
    // The whole of loopback: the supervisor looks at the ports of all parts.
    return host === "127.0.0.1" ? [host, metricsHost] : [host];
  });
  if (options.reads.log && given.brokers !== undefined) hosts.push(...given.brokers);
  if (options.service?.redis && given.redisHost !== undefined) hosts.push(given.redisHost);
  if (options.service?.flightAware && given.flightAwareHost !== undefined) hosts.push(given.flightAwareHost);
  if (options.service?.model && given.modelHost !== undefined) hosts.push(given.modelHost);
  if (options.service && options.reads.summaries && given.summariesHost !== undefined) {
    hosts.push(given.summariesHost);
  }
  if (options.operator !== undefined) {
    hosts.push(...options.operator.processes ?? []);
    if (options.operator.redis && given.redisHost !== undefined) hosts.push(given.redisHost);
    if (options.reads.realtime && given.realtimeHost !== undefined) hosts.push(given.realtimeHost);
    if (options.reads.summaries && given.summariesHost !== undefined) hosts.push(given.summariesHost);
  }
  return hosts.length === 0 ? [] : [`--allow-net=${unique(hosts).join(",")}`];
}

/** What a program's own options name, as a permission; what is none of either is left to the program to refuse. */
function listeningAddress({ host, port }: { host: string; port: string }, otherwise: string): string {
  const name = host.includes(":") ? `[${host.replace(/^\[|\]$/g, "")}]` : host;
  const fits = /^(\[[0-9a-fA-F:]+\]|[a-zA-Z0-9_.-]+)$/.test(name) && /^\d{1,5}$/.test(port) &&
    Number(port) < 65536;
  return fits ? `${name}:${port}` : otherwise;
}

function unique(values: string[]): string[] {
  return [...new Set(values)];
}
