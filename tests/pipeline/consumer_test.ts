/** The consumer as a process, under load and faults. The reference is the pure engine over the same input. */

import { deepStrictEqual, ok, strictEqual } from "node:assert/strict";
import { bookingRecords, flightRecords } from "../../bench/workload.ts";
import { ENGINE_INPUT_TOPICS, GROUPS } from "../../events/topics.ts";
import type { NewRecord } from "../../event_log/event_log.ts";
import { freePort } from "../../process/free_port.ts";
import { eventually, pipelineTest } from "./_pipeline.ts";
import type { Pipeline } from "./_pipeline.ts";

const INPUTS = [...ENGINE_INPUT_TOPICS, "inventory-engine-repartition", "booking_curves"];
/** Brokers take no session timeout below 6 s; the embedded log does, and a killed member is missed sooner. */
const argsOn = (pipeline: Pipeline) => [
  "--metrics-port",
  "0",
  "--session-timeout",
  pipeline.pair === "real" ? "6s" : "2s",
];

/** What must hold of the metrics events of `bench/workload.ts`'s bookings, each counted once and in order. */
async function assertEachBookingCountedOnce(pipeline: Pipeline, bookings: NewRecord[]): Promise<void> {
  const perFlight = new Map<string, number>();
  for (const { key } of bookings) perFlight.set(key!, (perFlight.get(key!) ?? 0) + 1);
  const seats = new Map<string, number>();
  const ids = new Set<string>();
  for (const { value, key } of await pipeline.values("inventory_metrics")) {
    const event = JSON.parse(value);
    strictEqual(event.flight_id, key);
    ok(!ids.has(event.event_id), `${event.event_id} is there twice`);
    ids.add(event.event_id);
    // One passenger a booking: the count of a flight rises by one each time, without a gap or a repetition.
    strictEqual(event.booked_seats, (seats.get(event.flight_id) ?? 0) + 1);
    seats.set(event.flight_id, event.booked_seats);
  }
  deepStrictEqual(seats, perFlight);
  const promoted = (await pipeline.values("promo_decisions")).map(({ value }) => JSON.parse(value).flight_id);
  strictEqual(promoted.length, new Set(promoted).size);
}

pipelineTest("a consumer that is killed again and again counts every booking once", async (pipeline) => {
  const bookings = [...bookingRecords(30_000)];
  await pipeline.append([...flightRecords()]);
  let appended = 0;
  for (let round = 0; round < 6; round++) {
    const consumer = pipeline.start("consumer", argsOn(pipeline));
    await consumer.says("Partition");
    while (appended < bookings.length * (round + 1) / 6) {
      await pipeline.append(bookings.slice(appended, appended + 500));
      appended += 500;
    }
    await new Promise((resolve) => setTimeout(resolve, 37 * round));
    await consumer.kill();
  }
  const consumer = pipeline.start("consumer", argsOn(pipeline));
  await pipeline.caughtUp(GROUPS.engine, INPUTS);
  strictEqual(await consumer.stop(), 0);
  await assertEachBookingCountedOnce(pipeline, bookings);
});

pipelineTest(
  "a consumer is ready once its partitions are restored, and its lag is exact",
  async (pipeline) => {
    await pipeline.append([...flightRecords(), ...bookingRecords(2_000)]);
    const port = freePort();
    const consumer = pipeline.start("consumer", ["--metrics-port", String(port), "--session-timeout", "6s"]);
    const page = async (path: string) => {
      try {
        const response = await fetch(`http://127.0.0.1:${port}${path}`);
        return { status: response.status, text: await response.text() };
      } catch {
        return { status: 0, text: "" };
      }
    };
    const reasons = new Set<string>();
    await eventually("it is ready", async () => {
      const { status, text } = await page("/readyz");
      if (status === 503) reasons.add(text.trim());
      return status === 200;
    });
    for (const partition of [0, 1, 2]) {
      ok(
        consumer.output.includes(`Partition ${partition}: `),
        consumer.output,
      );
    }
    ok(
      [...reasons].every((reason) =>
        /log is not open|not let this consumer in|is being restored$/.test(reason)
      ),
    );
    // Its own outputs are none of its inputs; the ends of the inputs count marks of transactions on Kafka.
    const transactor = await pipeline.log.transactor("somebody");
    await transactor.commit({
      records: [...bookingRecords(6)].map((record, n) => ({ ...record, partition: n % 3 })),
    });
    await transactor.close();
    await eventually("all is processed, to the last offset", async () => {
      const lines = (await page("/metrics")).text.split("\n")
        .filter((line) => line.startsWith("consumer_lag_records{"));
      return lines.length === 3 * INPUTS.length && lines.every((line) => line.endsWith(" 0"));
    });
    strictEqual(await consumer.stop(), 0);
  },
);

pipelineTest("two consumers share the work, and one goes on where the other left", async (pipeline) => {
  const bookings = [...bookingRecords(20_000)];
  await pipeline.append([...flightRecords()]);
  const first = pipeline.start("consumer", argsOn(pipeline));
  await first.says("Partition 2");
  await pipeline.append(bookings.slice(0, 5_000));
  const second = pipeline.start("consumer", argsOn(pipeline));
  await second.says("Partition");
  await pipeline.append(bookings.slice(5_000, 15_000));
  await first.kill();
  await pipeline.append(bookings.slice(15_000));
  await pipeline.caughtUp(GROUPS.engine, INPUTS);
  strictEqual(await second.stop(), 0);
  await assertEachBookingCountedOnce(pipeline, bookings);
});

pipelineTest(
  "records without a key, in any partition and order, are counted once under their own ids",
  async (pipeline) => {
    // As the Python producers send: no key; bookings spread over all partitions, some before their flights.
    const flights = [...flightRecords()].slice(0, 20);
    const known = new Set(flights.map(({ key }) => key));
    const bookings = [...bookingRecords(20_000)].filter(({ key }) => known.has(key));
    const keyless = (records: NewRecord[]): NewRecord[] =>
      records.map((record, index) => ({ ...record, key: null, partition: index % 3 }));
    const consumer = pipeline.start("consumer", argsOn(pipeline));
    await consumer.says("Partition 2");
    await pipeline.append(keyless(bookings.slice(0, 100)));
    await pipeline.append(keyless(flights));
    await pipeline.append(keyless(bookings.slice(100)));
    await pipeline.caughtUp(GROUPS.engine, [...ENGINE_INPUT_TOPICS]);
    await pipeline.caughtUp(GROUPS.engine, INPUTS);
    strictEqual(await consumer.stop(), 0);
    const metrics = (await pipeline.values("inventory_metrics")).map(({ value }) => JSON.parse(value));
    strictEqual(metrics.length, bookings.length);
    strictEqual(new Set(metrics.map((event) => event.event_id)).size, bookings.length);
    ok(metrics.every((event) => event.event_id.startsWith("bookings-")));
    const most = new Map<string, number>();
    for (const { flight_id, booked_seats } of metrics) {
      most.set(flight_id, Math.max(most.get(flight_id) ?? 0, booked_seats));
    }
    for (const flight of known) {
      strictEqual(most.get(flight!) ?? 0, bookings.filter(({ key }) => key === flight).length, flight!);
    }
  },
);

/** The size of a value that both engines only just take. */
const RECORD_BYTES = 1_047_950;

/** Each bad record and the reason it is refused for. */
function badRecords(flightId: string): [NewRecord, string][] {
  const booking = (changes: Record<string, unknown>): string =>
    JSON.stringify({
      event_type: "BookingCreated",
      event_time: "2026-01-05T01:00:00Z",
      booking_id: crypto.randomUUID(),
      flight_id: flightId,
      fare_bucket: "K",
      total_price: 140,
      passengers: [{ passenger_id: "P1" }],
      ...changes,
    });
  const far = new Date(Date.now() + 8 * 24 * 60 * 60 * 1000).toISOString();
  const rows: [string | null, string][] = [
    ["{not json", "invalid_json"],
    ["", "empty_value"],
    [null, "empty_value"],
    ["[1,2]", "not_an_object"],
    [booking({ total_price: "a lot" }), "wrong_type"],
    [booking({ total_price: -5 }), "out_of_range"],
    [booking({ event_type: "BookingDreamt" }), "unknown_event_type"],
    [booking({ event_time: "yesterday" }), "invalid_time"],
    [booking({ event_time: far }), "event_time"],
    [booking({ booking_id: "a\u0000b" }), "nul_character"],
    [booking({ flight_id: "BA\ud800" }), "lone_surrogate"],
    [booking({ passengers: undefined }), "missing_field"],
    [booking({ total_price: "x".repeat(600_000) }), "wrong_type"],
  ];
  const whole = booking({ padding: "x".repeat(RECORD_BYTES - booking({ padding: "" }).length) });
  return [
    ...rows.map((
      [value, reason],
    ): [NewRecord, string] => [{ topic: "bookings", key: flightId, value }, reason]),
    // It fits as it is, but not with a key and the headers of its origin.
    [{ topic: "bookings", key: null, value: whole }, "too_large"],
  ];
}

pipelineTest(
  "bad records become dead letters with their reasons, and good ones around them go through",
  async (pipeline) => {
    const flights = [...flightRecords()];
    await pipeline.append(flights);
    const consumer = pipeline.start("consumer", argsOn(pipeline));
    await consumer.says("Partition 2");
    const bookings = [...bookingRecords(300)];
    const bad = badRecords(flights[0]!.key!);
    for (const [index, [record]] of bad.entries()) {
      await pipeline.append([...bookings.slice(index * 20, index * 20 + 20), record]);
    }
    await pipeline.append(bookings.slice(bad.length * 20));
    await pipeline.caughtUp(GROUPS.engine, INPUTS);
    strictEqual(await consumer.stop(), 0);
    await assertEachBookingCountedOnce(pipeline, bookings);
    const letters = (await pipeline.values("dead_letters")).map(({ value }) => JSON.parse(value));
    deepStrictEqual(letters.map(({ reason }) => reason).sort(), bad.map(([, reason]) => reason).sort());
    const sent = new Set(
      bad.map(([{ value }]) => value).filter((value) => value !== null && value.length < 100_000),
    );
    const kept = new Set(
      letters.filter(({ truncated, value }) => truncated === undefined && value !== null).map((l) => l.value),
    );
    ok(sent.isSubsetOf(kept), "a dead letter does not hold its record as it came");
  },
);

pipelineTest("large records are read ahead by their size, and each is counted", async (pipeline) => {
  await pipeline.append([...flightRecords()]);
  // Unknown fields pass through: forty megabytes, of which the consumer holds a part at a time.
  const padding = "x".repeat(400_000);
  const bookings = [...bookingRecords(100)].map((record): NewRecord => ({
    ...record,
    value: JSON.stringify({ ...JSON.parse(record.value!), padding }),
  }));
  for (let at = 0; at < bookings.length; at += 2) await pipeline.append(bookings.slice(at, at + 2));
  const consumer = pipeline.start("consumer", argsOn(pipeline));
  await pipeline.caughtUp(GROUPS.engine, INPUTS);
  strictEqual(await consumer.stop(), 0);
  await assertEachBookingCountedOnce(pipeline, bookings);
});

pipelineTest("a topic of another partition count is passed on by flight", async (pipeline) => {
  await pipeline.log.deleteTopics(["bookings"]);
  await eventually(
    "bookings is deleted",
    async () => !(await pipeline.log.listTopics()).some(({ name }) => name === "bookings"),
  );
  await pipeline.log.createTopics([{ name: "bookings", partitions: 5, cleanup: "delete", retentionMs: -1 }]);
  const bookings = [...bookingRecords(5_000)];
  await pipeline.append([...flightRecords()]);
  await pipeline.append(bookings);
  const consumer = pipeline.start("consumer", argsOn(pipeline));
  await consumer.says("passed on by flight");
  await pipeline.caughtUp(`${GROUPS.engine}-bookings`, ["bookings"]);
  await pipeline.caughtUp(GROUPS.engine, ["flight_lifecycle", "inventory-engine-repartition"]);
  const metricsUrl = /http:\S+\/metrics/.exec(consumer.output)![0];
  await eventually("the lag of each of its partitions is told", async () => {
    const text = await (await fetch(metricsUrl)).text();
    return [0, 1, 2, 3, 4].every((partition) =>
      text.includes(`consumer_lag_records{topic="bookings",partition="${partition}"} 0\n`)
    );
  });
  strictEqual(await consumer.stop(), 0);
  await assertEachBookingCountedOnce(pipeline, bookings);
});
