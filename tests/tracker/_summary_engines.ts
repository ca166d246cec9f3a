/** Pairs of a log and a store for summaries: both embedded, and Kafka with Postgres where both are given. */

import type { EventLog, NewRecord } from "../../event_log/event_log.ts";
import { openKafkaEventLog } from "../../event_log/kafka_event_log.ts";
import { openSqliteEventLog } from "../../event_log/sqlite_event_log.ts";
import { FLIGHT_DATA_TOPIC, PUBLIC_TOPICS } from "../../events/topics.ts";
import type { TrackedFlight } from "../../tracker/tracked_flight.ts";
import { POSTGRES_GIVEN, withPostgresStore, withSqliteStore } from "./_summary_stores.ts";
import type { TestStore } from "./_summary_stores.ts";
import { FLIGHT } from "./_tracker_support.ts";

const BROKERS = (Deno.env.get("KAFKA_BROKERS") ?? "").split(",").filter((broker) => broker !== "");
const LOOPBACK = /^(127\.\d+\.\d+\.\d+|localhost|\[::1\]):\d+$/;
const TOPICS = PUBLIC_TOPICS.filter(({ name }) => name === FLIGHT_DATA_TOPIC || name === "dead_letters");
const WAIT_MS = 120_000;

/** A log and a store of a test's own. */
export interface SummaryEngines {
  store: TestStore;
  log: EventLog;
  /** A further connection to the log; the caller closes it. */
  openLog(): Promise<EventLog>;
  /** The settings by which a process reaches both. */
  env: Record<string, string>;
  append(records: Omit<NewRecord, "topic">[]): Promise<void>;
  /** Appends a flight to each partition, and waits until they are told of: so is all that was appended before. */
  caughtUp(): Promise<void>;
  /** How many changes were told of, by `fa_flight_id`; sentinels are left out. */
  changes(ids: string[]): Promise<Map<string, number>>;
  /** The values of `dead_letters`. */
  letters(): Promise<Record<string, unknown>[]>;
}

/** One test on each pair of engines. */
export function summaryTest(name: string, body: (engines: SummaryEngines) => Promise<void>): void {
  Deno.test(`${name} (embedded engines)`, async () => {
    const folder = await Deno.makeTempDir({ prefix: "airline-summary-log-" });
    const file = `${folder}/log.sqlite`;
    try {
      await withSqliteStore((store) =>
        withLog(() => openSqliteEventLog({ file }), { EVENT_LOG_FILE: file }, store, body)
      );
    } finally {
      await Deno.remove(folder, { recursive: true });
    }
  });
  realSummaryTest(name, body);
}

/** A test on Kafka and Postgres. */
export function realSummaryTest(name: string, body: (engines: SummaryEngines) => Promise<void>): void {
  Deno.test({
    name: `${name} (real engines)`,
    ignore: BROKERS.length === 0 || !POSTGRES_GIVEN,
    async fn() {
      if (!BROKERS.every((broker) => LOOPBACK.test(broker))) {
        throw new Error("Tests only use Kafka on loopback");
      }
      const topicPrefix = `test-${crypto.randomUUID().slice(0, 8)}.`;
      const env = { KAFKA_BROKERS: BROKERS.join(","), KAFKA_TOPIC_PREFIX: topicPrefix };
      const open = () => openKafkaEventLog({ brokers: BROKERS, clientId: "summary-test", topicPrefix });
      await withPostgresStore((store) => withLog(open, env, store, body));
    },
  });
}

async function withLog(
  openLog: () => Promise<EventLog>,
  env: Record<string, string>,
  store: TestStore,
  body: (engines: SummaryEngines) => Promise<void>,
): Promise<void> {
  const log = await openLog();
  await log.createTopics(TOPICS);
  const reading = await store.open();
  const appender = await log.appender();
  let sentinels = 0;
  const append: SummaryEngines["append"] = (records) =>
    appender.append(records.map((record) => ({ topic: FLIGHT_DATA_TOPIC, ...record })));
  const changes = async (ids: string[]) =>
    new Map([...await reading.flights(ids)].map(([id, { changes }]) => [id, changes]));
  try {
    await body({
      store,
      log,
      openLog,
      env: { ...env, ...store.env, SERVICE_REGISTRY_URL: "none" },
      append,
      changes,
      async caughtUp() {
        const ids = [0, 1, 2].map((partition) => `sentinel-${++sentinels}-${partition}`);
        await append(
          ids.map((id, partition) => ({ partition, key: id, value: flightValue({ fa_flight_id: id }) })),
        );
        await until("all was read", async () => (await changes(ids)).size === ids.length);
      },
      letters: () => valuesOf(log, "dead_letters"),
    });
  } finally {
    await appender.close();
    if (log.engine === "kafka") await log.deleteTopics(TOPICS.map(({ name }) => name));
    await log.close();
  }
}

async function valuesOf(log: EventLog, topic: string): Promise<Record<string, unknown>[]> {
  const ranges = await log.ranges([topic]);
  const reader = await log.reader({
    positions: ranges.map(({ partition, start }) => ({ topic, partition, offset: start })),
  });
  const missing = new Map(ranges.map(({ partition, start, end }) => [partition, end - start]));
  const values: Record<string, unknown>[] = [];
  while ([...missing.values()].some((left) => left > 0)) {
    for (const { partition, records, nextOffset } of await reader.poll({ maxWaitMs: 500 })) {
      values.push(...records.map(({ value }) => JSON.parse(value!)));
      missing.set(partition, ranges.find((range) => range.partition === partition)!.end - nextOffset);
    }
  }
  await reader.close();
  return values;
}

/** Waits for a condition; fails saying what it waited for. */
export async function until(what: string, condition: () => boolean | Promise<boolean>): Promise<void> {
  const deadline = performance.now() + WAIT_MS;
  while (!await condition()) {
    if (performance.now() > deadline) throw new Error(`Not within ${WAIT_MS / 1000} s: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

/** A flight as it travels. */
export function flightValue(fields: Partial<TrackedFlight>): string {
  return JSON.stringify({ ...FLIGHT, ...fields });
}

/** Flights from their schedule to their gate, and how many changes of each are worth telling. */
export interface Lifecycles {
  /** In order for each flight, flights among each other. */
  records: { key: string; value: string }[];
  changes: Map<string, number>;
}

/** Makes flights of which every fourth is cancelled, with repetitions, positions, small shifts and late news. */
export function lifecycles(count: number, firstNumber = 1000): Lifecycles {
  const changes = new Map<string, number>();
  const flights = Array.from({ length: count }, (_, at) => {
    const own = { ident: `UAL${firstNumber + at}`, fa_flight_id: `UAL${firstNumber + at}-leg` };
    const key = own.fa_flight_id;
    const left = { status: "En Route / On Time", actual_out: "2025-11-28T12:02:00.000Z" };
    const scheduled = [
      {},
      {},
      { scheduled_out: "2025-11-28T12:04:00.000Z" },
      { status: "Scheduled / Delayed" },
      { status: "Scheduled / Delayed", scheduled_in: "2025-11-28T14:05:00.000Z" },
      // Back and forth: whoever reads a part of this twice tells of it twice.
      {},
      { status: "Scheduled / Delayed" },
    ];
    const flown = [
      left,
      { ...left, latitude: 41, longitude: -75 },
      // Somebody fetched this earlier and sent it later.
      { status: "Scheduled / Delayed" },
      { ...left, latitude: 41.2, longitude: -76 },
      { ...left, scheduled_in: "2025-11-28T14:30:00.000Z" },
      { ...left, scheduled_in: "2025-11-28T14:30:00.000Z", latitude: 41.4 },
      {
        status: "Arrived / Gate Arrival",
        actual_out: left.actual_out,
        actual_in: "2025-11-28T14:20:00.000Z",
      },
      left,
    ];
    const isCancelled = at % 4 === 3;
    const states = isCancelled
      ? [...scheduled, { status: "Cancelled" }, { status: "Cancelled" }]
      : [...scheduled, ...flown];
    // First, delayed, not, delayed; cancelled, or left, half an hour, arrived (where half an hour less is the same change).
    changes.set(key, isCancelled ? 5 : 7);
    return states.map((state) => ({ key, value: flightValue({ ...own, ...state }) }));
  });
  const records: Lifecycles["records"] = [];
  for (let step = 0; step < 15; step++) {
    for (const flight of flights) {
      const record = flight[step];
      if (record !== undefined) records.push(record);
    }
  }
  return { records, changes };
}
