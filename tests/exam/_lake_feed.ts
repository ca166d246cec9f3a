/** Records for the lake: good ones of two topics and broken ones, appended at a steady rate while faults run. */

import { setTimeout as delay } from "node:timers/promises";
import type { EventLog, LogRecord, NewRecord } from "../../event_log/event_log.ts";
import type { Random } from "./experiment.ts";
import { wholeNumber } from "./_random.ts";

/** Topics that are fed. */
export const FED_TOPICS = ["bookings", "flight_lifecycle"] as const;

const PAUSE_MS = 20;
const RECORDS_A_CALL = 20;
const BROKEN_SHARE = 0.02;

/** Whether the feed sent a record as a good one. */
export function isGood({ value }: Pick<LogRecord, "value">): boolean {
  return value?.startsWith("{") === true;
}

/** Feeds until it is stopped. */
export class LakeFeed {
  readonly #log: EventLog;
  readonly #random: Random;
  readonly #stop = new AbortController();
  readonly #done: Promise<void>;
  /** Values of which the log said that they are stored, by topic. */
  readonly acknowledged: Record<string, string[]> = Object.fromEntries(
    FED_TOPICS.map((topic) => [topic, []]),
  );
  #count = 0;

  constructor(log: EventLog, random: Random) {
    this.#log = log;
    this.#random = random;
    this.#done = this.#run();
  }

  /** Ends the feed; throws what it failed of. */
  async stop(): Promise<void> {
    this.#stop.abort();
    await this.#done;
  }

  async #run(): Promise<void> {
    const appender = await this.#log.appender();
    const transactor = await this.#log.transactor(`exam-feed-${crypto.randomUUID()}`);
    try {
      for (let call = 0; !this.#stop.signal.aborted; call++) {
        const records = Array.from({ length: RECORDS_A_CALL }, () => this.#record());
        // Transactions leave markers in Kafka's offsets: ranges have gaps within.
        if (call % 3 === 0) await transactor.commit({ records });
        else await appender.append(records);
        for (const { topic, value } of records) this.acknowledged[topic]!.push(value!);
        await delay(PAUSE_MS, undefined, { signal: this.#stop.signal }).catch(() => {});
      }
    } finally {
      await transactor.close();
      await appender.close();
    }
  }

  #record(): NewRecord {
    const number = this.#count++;
    const flight = wholeNumber(this.#random, 200, 240);
    const flight_id = `BA${flight}_2025-11-28`;
    const topic = this.#random() < 0.1 ? "flight_lifecycle" : "bookings";
    const event_time = "2025-11-24T10:15:30.000Z";
    if (this.#random() < BROKEN_SHARE) return { topic, key: flight_id, value: `broken ${number}` };
    const event = topic === "bookings"
      ? {
        event_type: "BookingCreated",
        event_time,
        booking_id: `exam-${number}`,
        flight_id,
        fare_bucket: "K",
        total_price: 140,
        passengers: [{ passenger_id: `P${number}` }],
        note: "é".repeat(wholeNumber(this.#random, 0, 40)),
      }
      : { event_type: "FlightCancelled", event_time, flight_id, note: String(number) };
    return { topic, key: flight_id, value: JSON.stringify(event) };
  }
}

/** Every record of a topic as the log gives it, by partition and offset. */
export async function readAll(log: EventLog, topic: string): Promise<LogRecord[]> {
  const ranges = await log.ranges([topic]);
  const reader = await log.reader({
    positions: ranges.map(({ partition, start }) => ({ topic, partition, offset: start })),
  });
  reader.resume([topic]);
  const records: LogRecord[] = [];
  try {
    // Kafka's end counts transaction markers, so the end is where some polls bring nothing.
    for (let empty = 0; empty < (log.engine === "kafka" ? 4 : 1);) {
      const batches = await reader.poll({ maxWaitMs: 250 });
      empty = batches.length === 0 ? empty + 1 : 0;
      for (const batch of batches) for (const record of batch.records) records.push(record);
    }
  } finally {
    await reader.close();
  }
  return records.sort((a, b) => a.partition - b.partition || a.offset - b.offset);
}
