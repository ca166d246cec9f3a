/** The exam's verifier: silent over what the real consumer wrote, loud over each kind of wrong. */

import { deepStrictEqual, ok, strictEqual } from "node:assert/strict";
import type { LogRecord } from "../../event_log/event_log.ts";
import { ENGINE_INPUT_TOPICS, GROUPS } from "../../events/topics.ts";
import { openPipeline } from "../pipeline/_pipeline.ts";
import { Load } from "./_load.ts";
import { readTopic } from "./_read_topic.ts";
import { type EngineRecords, judge, VERIFIED_TOPICS } from "./_reference.ts";

/** What the consumer makes of a load with a little of everything. */
async function realRecords(): Promise<EngineRecords> {
  const pipeline = await openPipeline("embedded");
  try {
    await pipeline.append(new Load(11, { keylessShare: 0.02, badShare: 0.02, flights: 25 }).take(3_000));
    const consumer = pipeline.start("consumer", ["--metrics-port", "0"]);
    await pipeline.caughtUp(GROUPS.engine, [...ENGINE_INPUT_TOPICS]);
    await pipeline.caughtUp(GROUPS.engine, [...ENGINE_INPUT_TOPICS, "inventory-engine-repartition"]);
    strictEqual(await consumer.stop(), 0);
    const topics = new Map<string, LogRecord[]>();
    for (const topic of VERIFIED_TOPICS) topics.set(topic, await readTopic(pipeline.log, topic));
    return { logId: pipeline.log.logId, partitions: 3, topics };
  } finally {
    await pipeline.close();
  }
}

/** One thing made wrong in a topic, and what the verifier must say of it. */
interface Wrong {
  name: string;
  topic: string;
  change: (records: LogRecord[]) => LogRecord[];
  lost?: number;
  doubled?: number;
  says: RegExp;
}

const without = (index: number) => (records: LogRecord[]) => records.toSpliced(index, 1);
const twice = (index: number) => (records: LogRecord[]) => records.toSpliced(index, 0, records[index]!);

/** Changes the event at `index`. */
const changed =
  (index: number, change: (event: Record<string, unknown>) => void) => (records: LogRecord[]) => {
    const event = JSON.parse(records[index]!.value!);
    change(event);
    return records.with(index, { ...records[index]!, value: JSON.stringify(event) });
  };

/** Two neighbouring events of one flight change places. */
function swapped(records: LogRecord[]): LogRecord[] {
  const first = records[0]!;
  const second = records.findIndex(({ key }, index) => index > 0 && key === first.key);
  return records.with(0, { ...first, value: records[second]!.value })
    .with(second, { ...records[second]!, value: first.value });
}

const WRONGS: Wrong[] = [
  {
    name: "a lost metric",
    topic: "inventory_metrics",
    change: without(100),
    lost: 1,
    says: /^Lost: inventory_m/,
  },
  {
    name: "a doubled metric",
    topic: "inventory_metrics",
    change: twice(100),
    doubled: 1,
    says: /^Doubled: inventory_metrics/,
  },
  { name: "metrics of a flight swapped", topic: "inventory_metrics", change: swapped, says: /out of order/ },
  {
    name: "a seat too many",
    topic: "inventory_metrics",
    change: changed(50, (event) => event.booked_seats = Number(event.booked_seats) + 1),
    says: /booked_seats is/,
  },
  {
    name: "an event of another flight's key",
    topic: "inventory_metrics",
    change: (records) => records.with(7, { ...records[7]!, key: "BA1_2026-01-01" }),
    says: /has key BA1_2026-01-01/,
  },
  {
    name: "a lost decision",
    topic: "promo_decisions",
    change: without(3),
    lost: 1,
    says: /^Lost: promo_decisions/,
  },
  {
    name: "a doubled decision",
    topic: "promo_decisions",
    change: twice(3),
    doubled: 1,
    says: /^Doubled: promo_decisions/,
  },
  {
    name: "a lost word of a promotion that was held back",
    topic: "policy_evaluations",
    change: without(2),
    lost: 1,
    says: /^Lost: policy_evaluations/,
  },
  {
    name: "a doubled word of a promotion that was held back",
    topic: "policy_evaluations",
    change: twice(2),
    doubled: 1,
    says: /^Doubled: policy_evaluations/,
  },
  {
    name: "another discount",
    topic: "promo_decisions",
    change: changed(3, (event) => event.discount_percentage = event.discount_percentage === 25 ? 10 : 25),
    says: /discount_percentage is/,
  },
  {
    name: "a decision that must not be",
    topic: "promo_decisions",
    change: (records) =>
      changed(records.length, (event) => event.event_id = "bookings-0-1-1@x")([...records, records[0]!]),
    says: /must not be there/,
  },
  {
    name: "a lost dead letter",
    topic: "dead_letters",
    change: without(2),
    lost: 1,
    says: /^Lost: dead_letters/,
  },
  {
    name: "a doubled dead letter",
    topic: "dead_letters",
    change: twice(2),
    doubled: 1,
    says: /^Doubled: dead/,
  },
  {
    name: "a dead letter with another reason",
    topic: "dead_letters",
    change: changed(2, (letter) => letter.reason = "unknown_flight_type"),
    says: /says unknown_flight_type, the reference/,
  },
  {
    name: "a record passed on twice",
    topic: "inventory-engine-repartition",
    change: twice(0),
    doubled: 1,
    says: /^Doubled: record passed on/,
  },
  {
    name: "a commit whose order is gone",
    topic: "inventory-engine-order",
    change: without(0),
    says: /ranges do not adjoin/,
  },
  {
    name: "a commit taken twice",
    topic: "inventory-engine-order",
    change: twice(1),
    says: /ranges do not adjoin/,
  },
];

/** A flight, a booking and a snapshot a second later; the consumer took them in the order of `runs`. */
function shortDay(booking: Partial<LogRecord>, runs: [number, number][]): EngineRecords {
  const flight = { flight_id: "BA1_2026-01-08", event_time: "2026-01-05T00:00:00Z" };
  const record = (topic: string, fields: Record<string, unknown>, rest: Partial<LogRecord> = {}) => ({
    topic,
    partition: 0,
    offset: 0,
    key: flight.flight_id,
    value: JSON.stringify({ ...flight, ...fields }),
    timestampMs: 0,
    ...rest,
  });
  const scheduled = { scheduled_departure_time: "2026-01-08T12:00:00Z", total_seats: 100 };
  const sold = { booking_id: "B1", fare_bucket: "Y", total_price: 100, passengers: [{ passenger_id: "P1" }] };
  const booked = record("bookings", {
    event_type: "BookingCreated",
    event_time: "2026-01-05T00:00:01Z",
    ...sold,
  });
  const snapshot = { event_type: "CabinInventorySnapshot", event_time: "2026-01-05T00:00:02Z" };
  const topics = ["flight_lifecycle", "bookings", "seat_inventory", "inventory-engine-repartition"];
  const order = {
    topics,
    from: [0, 0, 0, 0],
    to: topics.map((_, at) => runs.some(([lane]) => lane === at) ? 1 : 0),
    runs,
  };
  const records = [
    record("flight_lifecycle", { event_type: "FlightScheduled", ...scheduled }),
    { ...booked, ...booking },
    record("seat_inventory", snapshot),
    record("inventory-engine-order", {}, { value: JSON.stringify(order) }),
  ];
  return { logId: "0123456789", partitions: 1, topics: Map.groupBy(records, ({ topic }) => topic) };
}

Deno.test("a flight of direct records that an undisturbed run decides otherwise is told apart from one of records passed on", () => {
  const otherwise = (booking: Partial<LogRecord>, runs: [number, number][]) =>
    judge(shortDay(booking, runs)).decidedOtherwise;
  // The promotion comes with the first evaluation: the booking's by event time, the snapshot's where that is taken first.
  deepStrictEqual(otherwise({}, [[0, 1], [1, 1], [2, 1]]), { passedOn: [], direct: [] });
  deepStrictEqual(otherwise({}, [[0, 1], [2, 1], [1, 1]]), { passedOn: [], direct: ["BA1_2026-01-08"] });
  const passedOn = {
    topic: "inventory-engine-repartition",
    headers: { "origin-topic": "bookings", "origin-partition": "1", "origin-offset": "7" },
  };
  deepStrictEqual(otherwise(passedOn, [[0, 1], [3, 1], [2, 1]]), { passedOn: [], direct: [] });
  deepStrictEqual(otherwise(passedOn, [[0, 1], [2, 1], [3, 1]]), {
    passedOn: ["BA1_2026-01-08"],
    direct: [],
  });
});

Deno.test("the verifier is silent over the consumer's work, and loud over each kind of wrong", async (test) => {
  const records = await realRecords();
  const verdict = judge(records);
  strictEqual(verdict.violations.join("\n"), "");
  strictEqual(verdict.lost + verdict.doubled, 0);
  ok(verdict.checked > 5_000 && verdict.metrics > 2_000, JSON.stringify(verdict));
  ok(verdict.decisions > 15 && verdict.deadLetters > 40, JSON.stringify(verdict));
  for (const { name, topic, change, lost = 0, doubled = 0, says } of WRONGS) {
    await test.step(name, () => {
      const topics = new Map(records.topics).set(topic, change([...records.topics.get(topic)!]));
      const wrong = judge({ ...records, topics });
      ok(wrong.violations.some((line) => says.test(line)), wrong.violations.slice(0, 5).join("\n"));
      if (lost > 0) strictEqual(wrong.lost, lost);
      if (doubled > 0) strictEqual(wrong.doubled, doubled);
    });
  }
  await test.step("an input that no commit took", () => {
    const bookings = records.topics.get("bookings")!;
    const last = bookings.at(-1)!;
    const topics = new Map(records.topics).set("bookings", [...bookings, {
      ...last,
      offset: last.offset + 1,
    }]);
    const wrong = judge({ ...records, topics });
    strictEqual(wrong.lost, 1);
    ok(wrong.violations.some((line) => line.includes("was never taken")));
  });
});
