/** The flights that the tracker keeps in Redis, for `deno task cache` and `deno task stop no`. */

import { createClient } from "@redis/client";
import { OperatorError } from "../process/run_process.ts";

/** The tracker's keys; `flights-stale::` holds answers beyond their time to live, for when the source fails. */
export const FRESH_PREFIX = "flights::";
export const STALE_PREFIX = "flights-stale::";

const CONNECT_TIMEOUT_MS = 3000;
const SCAN_COUNT = 500;

/** Redis, as far as these commands need it. */
export interface FlightKeys {
  /** Keys that begin with `prefix`, in no order, some at a time; other programs' keys are never looked into. */
  scan(prefix: string): AsyncIterable<string[]>;
  get(key: string): Promise<string | null>;
  /** Milliseconds until it is forgotten; negative where it is gone. */
  ttlMs(key: string): Promise<number>;
  /** Deletes keys and returns how many were there. */
  delete(keys: string[]): Promise<number>;
  /** Fields of `INFO`. */
  info(): Promise<Map<string, string>>;
  close(): void;
}

/**
 * Connects to Redis.
 *
 * @throws {OperatorError} where it does not answer; the address's password is never shown.
 */
export async function openFlightKeys(url: string): Promise<FlightKeys> {
  const client = createClient({
    url,
    disableOfflineQueue: true,
    socket: { connectTimeout: CONNECT_TIMEOUT_MS, reconnectStrategy: false },
  });
  // What goes wrong is told by the command that it concerns.
  client.on("error", () => {});
  try {
    await client.connect();
    await client.ping();
  } catch (error) {
    if (client.isOpen) client.destroy();
    const { host } = new URL(url);
    throw new OperatorError(
      `Redis at ${host} does not answer (${(error as Error).message}): start it, or check REDIS_URL`,
    );
  }
  return {
    scan: (prefix) => client.scanIterator({ MATCH: `${escaped(prefix)}*`, COUNT: SCAN_COUNT }),
    get: (key) => client.get(key),
    ttlMs: (key) => client.pTTL(key),
    delete: (keys) => keys.length === 0 ? Promise.resolve(0) : client.unlink(keys),
    info: async () =>
      new Map(
        (await client.info()).split("\r\n").filter((line) => line.includes(":")).map((line) => {
          const at = line.indexOf(":");
          return [line.slice(0, at), line.slice(at + 1)];
        }),
      ),
    close: () => client.destroy(),
  };
}

function escaped(text: string): string {
  return text.replaceAll(/[\\*?[\]]/g, "\\$&");
}

/** Deletes the flights that are kept, fresh and stale; returns how many keys went. */
export async function deleteFlights(keys: FlightKeys): Promise<number> {
  let deleted = 0;
  for (const prefix of [FRESH_PREFIX, STALE_PREFIX]) {
    for await (const found of keys.scan(prefix)) deleted += await keys.delete(found);
  }
  return deleted;
}
