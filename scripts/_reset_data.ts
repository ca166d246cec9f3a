/** What `stop no` deletes: everything that the system has made, and nothing else. */

import { resolve } from "node:path";
import { ALL_TOPICS } from "../events/topics.ts";
import { isThere, removeIfThere } from "../process/files.ts";
import { openEventLog } from "../process/open_event_log.ts";
import { databaseUrl, lakeFolders, setting } from "../process/settings.ts";
import { openWarehouse } from "../warehouse/connect.ts";
import { parseDatabaseUrl, shownHost } from "../warehouse/database_address.ts";
import { dropRealtime, dropTracker, dropWarehouse } from "../warehouse/our_objects.ts";
import type { Configuration } from "./_configuration.ts";
import { deleteFlights, openFlightKeys } from "./_flight_keys.ts";

/** Further files of a SQLite database. */
const SQLITE_ENDINGS = ["", "-wal", "-shm"];

/** One thing that is deleted. */
interface Deletion {
  what: string;
  run: () => Promise<void>;
}

/** What is there to be deleted, in words. */
export async function whatResetDeletes(given: Configuration): Promise<string[]> {
  return (await deletions(given)).map(({ what }) => what);
}

/** Deletes it; returns what was. */
export async function resetData(given: Configuration): Promise<string[]> {
  const done: string[] = [];
  for (const { what, run } of await deletions(given)) {
    await run();
    done.push(`deleted: ${what}`);
  }
  return done;
}

async function deletions(given: Configuration): Promise<Deletion[]> {
  const found: Deletion[] = [];
  const folder = async (what: string, path: string) => {
    if (!await isThere(path)) return;
    found.push({ what: `${what} ${resolve(path)}`, run: () => removeIfThere(path, { recursive: true }) });
  };
  const sqlite = async (what: string, file: string) => {
    if (!await isThere(file)) return;
    found.push({
      what: `${what} ${resolve(file)}`,
      run: async () => {
        for (const ending of SQLITE_ENDINGS) await removeIfThere(file + ending);
      },
    });
  };
  if (given.brokers === undefined) await sqlite("the event log", setting("EVENT_LOG_FILE")!);
  else found.push(topics());
  const { raw, gold, rejected } = lakeFolders();
  await folder("the lake's raw events", raw);
  await folder("the gold tables", gold);
  await folder("rejected lines", rejected);
  if (given.databaseHost === undefined) await folder("the embedded warehouse", given.warehouseDir);
  else found.push(tables("the warehouse's tables", databaseUrl().url, dropWarehouse()));
  const realtime = setting("REALTIME_DATABASE_URL");
  if (realtime !== undefined) {
    found.push(tables("the minute windows", realtime, dropRealtime("public")));
  }
  const tracker = setting("TRACKER_DATABASE_URL");
  if (tracker !== undefined) {
    found.push(tables("the flight summaries", tracker, dropTracker("public")));
  } else if (given.databaseHost === undefined) {
    await sqlite("the flight summaries", setting("TRACKER_SUMMARIES_FILE")!);
  }
  if (given.redisHost !== undefined) {
    found.push({
      what: `the tracker's flights in Redis at ${given.redisHost}`,
      run: async () => {
        const keys = await openFlightKeys(setting("REDIS_URL")!);
        try {
          await deleteFlights(keys);
        } finally {
          keys.close();
        }
      },
    });
  }
  await folder("the kept log lines", given.logsDir);
  return found;
}

function topics(): Deletion {
  const prefix = setting("KAFKA_TOPIC_PREFIX")!;
  const named = prefix === "" ? "this system's topics" : `the topics "${prefix}…"`;
  return {
    what: `${named} on Kafka at ${setting("KAFKA_BROKERS")}`,
    run: async () => {
      const log = await openEventLog("airline-stop");
      try {
        const there = new Set((await log.listTopics()).map(({ name }) => name));
        await log.deleteTopics(ALL_TOPICS.map(({ name }) => name).filter((name) => there.has(name)));
      } finally {
        await log.close();
      }
    },
  };
}

function tables(what: string, url: string, statements: string[]): Deletion {
  const address = parseDatabaseUrl(url);
  return {
    what: `${what} in database ${address.database} at ${shownHost(address)}`,
    run: async () => {
      const database = await openWarehouse({
        url,
        embedded: false,
        applicationName: "airline-stop",
        max: 1,
      });
      try {
        await database.sql.begin(async (sql) => {
          for (const statement of statements) await sql.unsafe(statement);
        });
      } finally {
        await database.close();
      }
    },
  };
}
