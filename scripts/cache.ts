/** `deno task cache`: the flights that the tracker keeps in Redis. */

import { parseCommandLine, UsageError } from "../process/command_line.ts";
import type { CommandLineSpec } from "../process/command_line.ts";
import { logger } from "../process/logger.ts";
import { OperatorError, runProcess } from "../process/run_process.ts";
import { setting } from "../process/settings.ts";
import { parseIdent } from "../tracker/flight_ident.ts";
import { confirmed } from "./_confirmed.ts";
import { deleteFlights, FRESH_PREFIX, openFlightKeys, STALE_PREFIX } from "./_flight_keys.ts";
import type { FlightKeys } from "./_flight_keys.ts";
import { alignedTable } from "./_table.ts";

const ACTIONS = ["list", "get", "delete", "flush", "stats"] as const;

const COMMAND_LINE = {
  usage: "deno task cache",
  description: "Shows and deletes the flights that the tracker keeps in Redis (keys flights::…).",
  positionals: { usage: "list | get FLIGHT | delete FLIGHT … | flush | stats", min: 1, max: 100 },
  options: {
    json: { type: "flag", description: "Print JSON" },
    max: { type: "number", default: 100, min: 1, integer: true, description: "list: at most so many" },
    yes: { type: "flag", description: "flush: delete without asking" },
  },
  notes: [
    "FLIGHT is a number such as UA1545, or a key such as flights::UA1545.",
    "What is deleted is fetched anew when it is next asked for. Keys of others in that Redis are never touched.",
    "Environment: REDIS_URL. Without it each process of the tracker keeps its own in memory: a restart empties it, and",
    "http://127.0.0.1:8081/actuator/prometheus counts its hits and misses.",
  ],
} as const satisfies CommandLineSpec;

interface KeptFlight {
  key: string;
  status: string | null;
  route: string | null;
  /** Seconds since it was fetched, and until it is forgotten. */
  age_seconds: number | null;
  ttl_seconds: number;
}

async function main(signal: AbortSignal): Promise<number> {
  const { values, positionals } = parseCommandLine(COMMAND_LINE, Deno.args);
  const [action, ...names] = positionals;
  if (!(ACTIONS as readonly string[]).includes(action!)) {
    throw new UsageError(`There is no "${action}", expected ${ACTIONS.join(", ")}`);
  }
  const named = action === "get" || action === "delete";
  if (named !== names.length > 0 || (action === "get" && names.length > 1)) {
    throw new UsageError(
      `deno task cache ${action} takes ${named ? "a flight such as UA1545" : "no flight"}`,
    );
  }
  const idents = names.map(identOf);
  const url = setting("REDIS_URL");
  if (url === undefined) {
    throw new OperatorError(
      "REDIS_URL is not set: each flightdata-service keeps flights in its own memory, where no command reaches them. " +
        "Starting it again empties it; its hits and misses are at http://127.0.0.1:8081/actuator/prometheus",
    );
  }
  const keys = await openFlightKeys(url);
  try {
    switch (action) {
      case "list":
        return await list(keys, values);
      case "get":
        return await get(keys, idents[0]!);
      case "delete":
        return await remove(keys, idents);
      case "flush":
        return await flush(keys, values.yes, signal);
      default:
        return await stats(keys, values.json);
    }
  } finally {
    keys.close();
  }
}

/** The flight's number as it is in keys. */
function identOf(name: string): string {
  const plain = name.startsWith(FRESH_PREFIX) ? name.slice(FRESH_PREFIX.length) : name;
  const ident = parseIdent(plain);
  if (ident === undefined) throw new UsageError(`"${name}" is no flight number, expected one such as UA1545`);
  return ident.ident;
}

async function kept(keys: FlightKeys, key: string): Promise<KeptFlight | undefined> {
  const [text, ttlMs] = await Promise.all([keys.get(key), keys.ttlMs(key)]);
  if (text === null) return undefined;
  const row: KeptFlight = {
    key,
    status: null,
    route: null,
    age_seconds: null,
    ttl_seconds: Math.max(0, Math.round(ttlMs / 1000)),
  };
  try {
    const { flight, storedAtMs } = JSON.parse(text);
    row.status = flight === null ? "no such flight" : String(flight.status);
    if (flight !== null) row.route = `${flight.origin ?? "?"} → ${flight.destination ?? "?"}`;
    row.age_seconds = Math.max(0, Math.round((Date.now() - storedAtMs) / 1000));
  } catch {
    row.status = "not readable";
  }
  return row;
}

async function list(keys: FlightKeys, { json, max }: { json: boolean; max: number }): Promise<number> {
  const names: string[] = [];
  for await (const found of keys.scan(FRESH_PREFIX)) names.push(...found);
  const shown = [...new Set(names)].sort().slice(0, max);
  const rows = (await Promise.all(shown.map((key) => kept(keys, key)))).filter((row) => row !== undefined);
  if (json) logger.info(JSON.stringify(rows, null, 2));
  else if (rows.length === 0) logger.info("No flight is kept now");
  else {
    const columns = ["key", "status", "route", "fetched s ago", "kept s more"];
    logger.info(alignedTable(
      columns,
      rows.map((row) => [
        row.key,
        row.status ?? "",
        row.route ?? "",
        String(row.age_seconds ?? ""),
        String(row.ttl_seconds),
      ]),
      columns.slice(3),
    ));
    if (names.length > rows.length) logger.info(`… of ${names.length}; --max shows more`);
  }
  return 0;
}

async function get(keys: FlightKeys, ident: string): Promise<number> {
  const text = await keys.get(FRESH_PREFIX + ident);
  if (text === null) throw new OperatorError(`Flight ${ident} is not kept now`);
  let shown = text;
  try {
    shown = JSON.stringify(JSON.parse(text), null, 2);
  } catch {
    // As it is.
  }
  logger.info(shown);
  return 0;
}

async function remove(keys: FlightKeys, idents: string[]): Promise<number> {
  let missing = 0;
  for (const ident of idents) {
    const deleted = await keys.delete([FRESH_PREFIX + ident]);
    // A stale answer would be given instead.
    await keys.delete([STALE_PREFIX + ident]);
    if (deleted > 0) logger.info(`✔ ${ident} deleted`);
    else {
      missing++;
      logger.warn(`⚠ ${ident} was not kept`);
    }
  }
  return missing === 0 ? 0 : 1;
}

async function flush(keys: FlightKeys, yes: boolean, signal: AbortSignal): Promise<number> {
  if (!yes && !await confirmed("Delete every flight that is kept?", signal)) {
    logger.info("Nothing is deleted");
    return 1;
  }
  const deleted = await deleteFlights(keys);
  logger.info(
    `✔ ${deleted} ${deleted === 1 ? "key" : "keys"} deleted; flights are fetched anew when asked for`,
  );
  return 0;
}

async function stats(keys: FlightKeys, json: boolean): Promise<number> {
  const count = async (prefix: string) => {
    const names = new Set<string>();
    for await (const found of keys.scan(prefix)) for (const name of found) names.add(name);
    return names.size;
  };
  const info = await keys.info();
  const number = (field: string) => Number(info.get(field) ?? NaN);
  const [hits, misses] = [number("keyspace_hits"), number("keyspace_misses")];
  const figures = {
    flights: await count(FRESH_PREFIX),
    stale_flights: await count(STALE_PREFIX),
    redis_version: info.get("redis_version") ?? null,
    used_memory_bytes: number("used_memory"),
    max_memory_bytes: number("maxmemory"),
    /** Of the whole Redis, since it was started. */
    hits,
    misses,
    hit_share: hits + misses > 0 ? Math.round(hits / (hits + misses) * 1000) / 1000 : null,
    evicted_keys: number("evicted_keys"),
  };
  if (json) logger.info(JSON.stringify(figures, null, 2));
  else {
    const megabytes = (bytes: number) => `${(bytes / 1024 / 1024).toFixed(1)} MB`;
    const bound = figures.max_memory_bytes > 0 ? ` of ${megabytes(figures.max_memory_bytes)}` : ", unbounded";
    logger.info([
      `flights kept     ${figures.flights} (and ${figures.stale_flights} for when the source fails)`,
      `Redis            ${figures.redis_version}, ${megabytes(figures.used_memory_bytes)}${bound}`,
      `hits of Redis    ${hits.toLocaleString("en")} of ${(hits + misses).toLocaleString("en")} look-ups` +
      (figures.hit_share === null ? "" : ` (${Math.round(figures.hit_share * 100)} %)`),
      `pushed out       ${figures.evicted_keys.toLocaleString("en")}`,
    ].join("\n"));
  }
  return 0;
}

if (import.meta.main) await runProcess(main);
