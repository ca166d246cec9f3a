/** A small pipeline made by the real writers, in one process: log, consumer, lake writer and ETL, one after another. */

import { cp } from "node:fs/promises";
import { bookingExample } from "../../events/bookings.ts";
import { flightLifecycleExample } from "../../events/flight_lifecycle.ts";
import { seatInventoryExample } from "../../events/seat_inventory.ts";
import { ALL_TOPICS, ENGINE_INPUT_TOPICS, GROUPS, LAKE_TOPICS, PARTITIONS } from "../../events/topics.ts";
import { EVENT_LEAD_MS_MAX } from "../../events/parse_event.ts";
import type { EventLog, NewRecord } from "../../event_log/event_log.ts";
import { openSqliteEventLog } from "../../event_log/sqlite_event_log.ts";
import { runEtl } from "../../etl/etl_run.ts";
import { keepWriting } from "../../lake/keep_writing.ts";
import { lakeMetrics } from "../../lake/lake_metrics.ts";
import { Registry } from "../../process/metrics_server.ts";
import type { LakeFolders } from "../../process/settings.ts";
import { InventoryEngine } from "../../streaming/inventory_engine.ts";
import { runPartitionTask } from "../../streaming/partition_task.ts";
import { ruleEngineIteration2 } from "../../streaming/policies/rule_engine_iteration_2.ts";
import type { VerificationReport } from "../../verification/report.ts";
import { verifyPipeline } from "../../verification/verify_pipeline.ts";
import type { VerifyOptions } from "../../verification/verify_pipeline.ts";

export const FLIGHTS = ["BA210_2025-11-28", "AF12_2025-11-28", "LH7_2025-11-28"];
/** Seats of each flight. */
export const SEATS = 40;
const BOOKINGS_PER_FLIGHT = 8;
const ENGINE_TOPICS = [...ENGINE_INPUT_TOPICS, "inventory-engine-repartition"];

export type Fields = Record<string, unknown>;

/** A record that is keyed by its flight, as ours are. */
export function record(topic: string, event: Fields): NewRecord {
  return { topic, key: String(event.flight_id), value: JSON.stringify(event) };
}

export function booking(id: string, flight_id: string, passengers: number, fields: Fields = {}): NewRecord {
  return record("bookings", {
    ...bookingExample,
    booking_id: id,
    flight_id,
    total_price: 100,
    passengers: Array.from(
      { length: passengers },
      (_, at) => ({ passenger_id: `P${at}`, seat_id: `${at}A` }),
    ),
    ...fields,
  });
}

/** Flights, bookings, and one of each thing that is out of the ordinary. */
function firstEvents(): NewRecord[] {
  const at = (minute: number) => new Date(Date.UTC(2025, 10, 24, 10, minute)).toISOString();
  const flights = FLIGHTS.map((flight_id) =>
    record("flight_lifecycle", {
      ...flightLifecycleExample,
      flight_id,
      total_seats: SEATS,
      event_time: at(0),
    })
  );
  const bookings = FLIGHTS.flatMap((flight, index) =>
    Array.from(
      { length: BOOKINGS_PER_FLIGHT },
      (_, number) =>
        booking(`b${index}-${number}`, flight, 1 + number % 3, {
          event_time: at(1 + number),
          currency: index === 2 ? "EUR" : "GBP",
        }),
    )
  );
  const [flight] = FLIGHTS as [string];
  const cancelled = {
    event_type: "BookingCancelled",
    event_time: at(20),
    booking_id: "b0-1",
    flight_id: flight,
  };
  return [
    ...flights,
    ...bookings,
    record("bookings", cancelled),
    // Sent twice; without a key; of a flight that nobody knows; refused.
    booking("b0-2", flight, 3, { event_time: at(21) }),
    { ...booking("keyless", flight, 1, { event_time: at(22) }), key: null, partition: 0 },
    { ...booking("keyless-2", flight, 1, { event_time: at(22) }), key: null, partition: 1 },
    booking("waits", "XX9_2025-11-28", 1, { event_time: at(23) }),
    booking("negative", flight, 1, { total_price: -5 }),
    { topic: "bookings", key: flight, value: "{torn" },
    record("flight_lifecycle", {
      event_type: "FlightDelayed",
      event_time: at(24),
      flight_id: flight,
      delay_minutes: 20,
      estimated_departure_time: "2025-11-28T20:00:00.000Z",
    }),
    // Has fields of the lake's own, and line breaks between its tokens.
    record("seat_inventory", { ...seatInventoryExample, _offset: 7, event_time: at(25) }),
    {
      topic: "seat_inventory",
      key: flight,
      value: JSON.stringify({ ...seatInventoryExample, event_time: at(26) }, null, 2),
    },
  ];
}

/** A pipeline in a folder. */
export class SmallPipeline {
  readonly root: string;
  readonly folders: LakeFolders;
  /** What `MAX_EVENT_LEAD` gives every part, in milliseconds. */
  eventLeadMsMax = EVENT_LEAD_MS_MAX;

  constructor(root: string) {
    this.root = root;
    this.folders = { raw: `${root}/lake/raw`, gold: `${root}/lake/gold`, rejected: `${root}/lake/rejected` };
  }

  openLog(): Promise<EventLog> {
    return openSqliteEventLog({ file: `${this.root}/log.sqlite` });
  }

  async withLog<T>(work: (log: EventLog) => Promise<T>): Promise<T> {
    const log = await this.openLog();
    try {
      return await work(log);
    } finally {
      await log.close();
    }
  }

  async append(records: NewRecord[]): Promise<void> {
    await this.withLog(async (log) => {
      const appender = await log.appender();
      await appender.append(records);
      await appender.close();
    });
  }

  /** Runs the consumer until it has taken everything. */
  async consume(): Promise<void> {
    await this.withLog(async (log) => {
      const stop = new AbortController();
      const member = await log.member({
        group: GROUPS.engine,
        topics: ENGINE_TOPICS,
        companionTopics: ["inventory-engine-changelog"],
      });
      const running = member.run((assigned, signal) =>
        runPartitionTask(assigned, signal, {
          log,
          group: GROUPS.engine,
          topics: ENGINE_TOPICS,
          repartitionTopic: "inventory-engine-repartition",
          changelogTopic: "inventory-engine-changelog",
          orderTopic: "inventory-engine-order",
          partitions: PARTITIONS,
          eventLeadMsMax: this.eventLeadMsMax,
          commitIntervalMs: 5,
          newEngine: () => new InventoryEngine({ policy: ruleEngineIteration2, logId: log.logId }),
        }), { signal: stop.signal });
      await caughtUp(log, GROUPS.engine, ENGINE_TOPICS);
      stop.abort();
      await running;
      await member.close();
    });
  }

  /** Runs the lake writer until it has written everything, dead letters of its own included. */
  async writeLake(options: { eventsPerFile?: number } = {}): Promise<void> {
    const { eventsPerFile = 5 } = options;
    await this.withLog(async (watched) => {
      const stop = new AbortController();
      const writing = keepWriting({
        openLog: () => this.openLog(),
        rawFolder: this.folders.raw,
        topics: LAKE_TOPICS,
        group: GROUPS.lake,
        limits: { bytes: 1e9, events: eventsPerFile, ageMs: 20 },
        metrics: lakeMetrics(new Registry()),
        eventLeadMsMax: this.eventLeadMsMax,
      }, stop.signal);
      await caughtUp(watched, GROUPS.lake, [...LAKE_TOPICS]);
      stop.abort();
      await writing;
    });
  }

  async runEtl(warehouse?: { url: string; embedded: boolean }, full = false): Promise<void> {
    const { eventLeadMsMax } = this;
    const options = { full, eventLeadMsMax, ...(warehouse === undefined ? {} : { warehouse }) };
    const summary = await runEtl(this.folders, options);
    if (summary.loadError !== undefined) throw summary.loadError;
  }

  /** Verifies log, lake and gold tables, and what `options` say otherwise. */
  async verify(options: Partial<VerifyOptions> = {}): Promise<VerificationReport> {
    return await this.withLog((log) =>
      verifyPipeline({
        log,
        rawFolder: this.folders.raw,
        goldFolder: this.folders.gold,
        warehouse: { skipped: true },
        eventLeadMsMax: this.eventLeadMsMax,
        ...options,
      })
    );
  }

  /** Paths of the lake writer's files of a topic that hold lines. */
  rawFiles(topic: string): string[] {
    return [...Deno.readDirSync(`${this.folders.raw}/${topic}`)].map(({ name }) => name)
      .filter((name) => name.endsWith(".jsonl")).sort().map((name) => `${this.folders.raw}/${topic}/${name}`);
  }

  /** Changes the text of the first raw file of a topic that holds `marker`. */
  editRaw(topic: string, marker: string, edit: (text: string) => string): void {
    for (const path of this.rawFiles(topic)) {
      const text = Deno.readTextFileSync(path);
      if (!text.includes(marker)) continue;
      Deno.writeTextFileSync(path, edit(text));
      return;
    }
    throw new Error(`No raw file of ${topic} holds ${marker}`);
  }
}

async function caughtUp(log: EventLog, group: string, topics: string[]): Promise<void> {
  for (;;) {
    const [ranges, committed] = [await log.ranges(topics), await log.committedOffsets(group, topics)];
    const isRead = ranges.every(({ topic, partition, start, end }) =>
      start === end ||
      committed.some((position) =>
        position.topic === topic && position.partition === partition && position.offset >= end
      )
    );
    if (isRead) return;
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}

let template: Promise<string> | undefined;

/** A folder with a pipeline that has done its work: made once, and copied. */
function finishedPipeline(): Promise<string> {
  return template ??= (async () => {
    const root = await Deno.makeTempDir({ prefix: "verification-template-" });
    globalThis.addEventListener("unload", () => Deno.removeSync(root, { recursive: true }));
    const pipeline = new SmallPipeline(root);
    await pipeline.withLog((log) => log.createTopics([...ALL_TOPICS]));
    await pipeline.append(firstEvents());
    await pipeline.consume();
    await pipeline.writeLake();
    await pipeline.runEtl();
    return root;
  })();
}

/** Runs `body` with a pipeline of its own that has done its work. */
export async function withPipeline(body: (pipeline: SmallPipeline) => Promise<void>): Promise<void> {
  const root = await Deno.makeTempDir({ prefix: "verification-test-" });
  try {
    await cp(await finishedPipeline(), root, { recursive: true });
    await body(new SmallPipeline(root));
  } finally {
    await Deno.remove(root, { recursive: true });
  }
}
