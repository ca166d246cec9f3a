/** The producer as a process, under its own permission set. */

import { deepEqual, equal, match, ok } from "node:assert/strict";
import { partitionOf } from "../../event_log/partitioner.ts";
import { PARTITIONS } from "../../events/topics.ts";
import type { EventRecord } from "../../producer/flight_simulation.ts";
import { loadFlights } from "../../producer/load_flights.ts";
import { parseProducerOptions } from "../../producer/producer_options.ts";
import { simulationOf } from "../../producer/producer_session.ts";
import { engineTest, eventually, ProducerProcess, type TestLog } from "./_engines.ts";

const EVENT_TOPICS = ["flight_lifecycle", "bookings", "seat_inventory", "seat_map", "stream.events"];
const LOAD = "--start-date 2025-06-02 --flights-per-day 20 --booking-horizon 5d --backfill 3d".split(" ");
const STARTED = "🚀 Producer started (Iteration 2 with metrics)";

/** The first `count` events of a simulation that nothing disturbs, as they come with --rate. */
async function undisturbed(args: string[], count: number): Promise<EventRecord[]> {
  const { choices } = parseProducerOptions(args);
  const startMs = choices.startDateMs!;
  const simulation = simulationOf(choices, await loadFlights(choices), { startMs });
  const events: EventRecord[] = [];
  simulation.takeHistory(events, count);
  simulation.takeLive(events, Infinity, count - events.length, count - events.length);
  return events;
}

/** The log holds exactly these events, each partition in this order. */
async function holdsExactly(test: TestLog, events: EventRecord[]): Promise<void> {
  for (const topic of EVENT_TOPICS) {
    const records = await test.records(topic);
    for (let partition = 0; partition < PARTITIONS; partition++) {
      const expected = events
        .filter((event) => event.topic === topic && partitionOf(event.key, PARTITIONS) === partition)
        .map(({ key, value }) => ({ key, value }));
      const stored = records.filter((record) => record.partition === partition)
        .map(({ key, value }) => ({ key, value }));
      equal(stored.length, expected.length, `${topic}-${partition}`);
      deepEqual(stored, expected, `${topic}-${partition}`);
    }
  }
}

async function eventCount(test: TestLog): Promise<number> {
  let count = 0;
  for (const topic of EVENT_TOPICS) count += (await test.records(topic)).length;
  return count;
}

engineTest(
  "killed three times in the middle of the work, the log holds what an undisturbed run writes",
  async (test) => {
    const total = 24_000;
    for (let kill = 1; kill <= 3; kill++) {
      const before = await eventCount(test);
      const producer = new ProducerProcess(test, [...LOAD, "--rate", "4000"]);
      await eventually("the producer has written something", async () => {
        const ranges = await test.log.ranges(EVENT_TOPICS);
        return ranges.reduce((sum, { start, end }) => sum + end - start, 0) > before + 1500;
      });
      equal(await producer.signalled("SIGKILL"), 137);
      ok(await eventCount(test) < total, "killed before the end");
    }
    const left = total - await eventCount(test);
    const last = new ProducerProcess(test, [...LOAD, "--rate", "0", "--limit", String(left)]);
    equal(await last.ended(), 0, last.errors);
    await holdsExactly(test, await undisturbed(LOAD, total));
  },
);

engineTest(
  "--limit ends after exactly so many events, and the next run goes on behind them",
  async (test) => {
    for (const limit of [1, 2500, 4999]) {
      const producer = new ProducerProcess(test, [...LOAD, "--rate", "0", "--limit", String(limit)]);
      equal(await producer.ended(), 0, producer.errors);
      ok(producer.output.startsWith(`Metrics on port`), producer.output);
      ok(producer.output.includes(`\n${STARTED}\n`), producer.output);
      match(producer.output, /\nProducer stopped: [\d,]+ events? in [\d.]+ s, simulated time 2025-/);
      equal(producer.errors, "");
    }
    await holdsExactly(test, await undisturbed(LOAD, 7500));
  },
);

engineTest(
  "in real time the past fills up beside live events, each flight in order; Ctrl+C drains and exits 0",
  async (test) => {
    const args = "--flights-per-day 40 --booking-horizon 3d --backfill 3d --speed 3600".split(" ");
    const producer = new ProducerProcess(test, args);
    await eventually(
      `the history is written\n${producer.errors}`,
      () => producer.output.includes("History of"),
    );
    const port = Number(/Metrics on port (\d+)/.exec(producer.output)![1]);
    const metric = async (name: string) => {
      const text = await (await fetch(`http://127.0.0.1:${port}/metrics`)).text();
      return Number(new RegExp(`^${name} (.+)$`, "m").exec(text)?.[1]);
    };
    const sent = await metric("producer_bookings_emitted_total");
    equal(await metric("producer_backfill_progress_ratio"), 1);
    ok(await metric("producer_live_flights") > 100);
    await eventually(
      "live bookings follow",
      async () => await metric("producer_bookings_emitted_total") > sent,
    );
    equal((await fetch(`http://127.0.0.1:${port}/readyz`).then((answer) => answer.text())).trim(), "ready");
    equal(await producer.signalled("SIGINT"), 0, producer.errors);
    ok(producer.output.includes("✈️ Tracking flight "), producer.output);
    match(producer.output, /Producer stopped: /);
    const last = new Map<string, string>();
    for (const { key, value } of await test.records("bookings")) {
      const { event_time } = JSON.parse(value!) as { event_time: string };
      ok((last.get(key!) ?? "") <= event_time, `${key} goes back in time`);
      last.set(key!, event_time);
    }
  },
);

engineTest("a second producer refuses to start, and the first goes on", async (test) => {
  const first = new ProducerProcess(test, [...LOAD, "--rate", "500"]);
  await eventually("the first is at work", () => first.output.includes("Tracking flight"));
  const second = new ProducerProcess(test, [...LOAD, "--rate", "500"]);
  equal(await second.ended(), 1);
  match(second.errors, /^✖ Another producer works on this log.*stop the other first/);
  match(second.output, /Another producer is or was at work on this log: waiting up to \d+ s for its end/);
  const before = await eventCount(test);
  await eventually("the first goes on", async () => await eventCount(test) > before);
  equal(await first.signalled("SIGINT"), 0, first.errors);
  await holdsExactly(test, await undisturbed(LOAD, await eventCount(test)));
});

engineTest("a producer that was held up is replaced, says so when it wakes and exits 1", async (test) => {
  const first = new ProducerProcess(test, [...LOAD, "--rate", "500"]);
  await eventually("the first is at work", () => first.output.includes("Tracking flight"));
  first.signal("SIGSTOP");
  const second = new ProducerProcess(test, [...LOAD, "--rate", "500"]);
  await eventually("the second is at work", () => second.output.includes("Simulated time"));
  first.signal("SIGCONT");
  equal(await first.ended(), 1);
  match(first.errors, /Another producer took over.*Run one producer per log/);
  equal(await second.signalled("SIGINT"), 0, second.errors);
  await holdsExactly(test, await undisturbed(LOAD, await eventCount(test)));
});

engineTest("what it cannot work with is one clear line and an exit code", async (test) => {
  const folder = await Deno.makeTempDir({ prefix: "airline-schedule-" });
  try {
    const file = `${folder}/mine.csv`;
    await Deno.writeTextFile(file, "year,month\n2013,7\n");
    const broken = new ProducerProcess(test, ["--flights", file]);
    equal(await broken.ended(), 1);
    match(broken.errors, /^✖ Cannot read ".*mine\.csv": line 1 lacks the columns day, dep_time, .*\n$/);
    const missing = new ProducerProcess(test, ["--flights", `${folder}/other.csv`]);
    equal(await missing.ended(), 1);
    match(missing.errors, /^✖ Cannot read the flight schedule ".*other\.csv": there is no such file\n$/);
    const wrong = new ProducerProcess(test, ["--seed", "x"]);
    equal(await wrong.ended(), 2);
    match(wrong.errors, /^✖ --seed is "x", expected a whole number/);
    const started = new ProducerProcess(test, [...LOAD, "--rate", "0", "--limit", "10"]);
    equal(await started.ended(), 0, started.errors);
    const other = new ProducerProcess(test, [...LOAD, "--seed", "2"]);
    equal(await other.ended(), 2);
    match(other.errors, /^✖ Cannot go on with the stored simulation: --seed was 1, now 2\..*\n$/);
    await test.log.deleteTopics(["seat_map"]);
    const lacking = new ProducerProcess(test, LOAD);
    equal(await lacking.ended(), 1);
    match(
      lacking.errors,
      /^✖ The event log lacks the topics seat_map\. Create them first: deno task topics\n$/,
    );
    await test.log.createTopics([{ name: "seat_map", partitions: 3, cleanup: "delete", retentionMs: -1 }]);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});
