/** What the consumer recorded is decided again by a replay, byte for byte, from the lake and from the log. */

import { deepStrictEqual, match, notStrictEqual, ok, strictEqual } from "node:assert/strict";
import { bookingRecords, flightRecords } from "../../bench/workload.ts";
import { ALL_TOPICS, ENGINE_INPUT_TOPICS, GROUPS, LAKE_TOPICS } from "../../events/topics.ts";
import type { NewRecord } from "../../event_log/event_log.ts";
import type { ReplayReport } from "../../replay/replay_report.ts";
import { eventually, pipelineTest } from "./_pipeline.ts";
import type { Part, Pipeline } from "./_pipeline.ts";

const INPUTS = [...ENGINE_INPUT_TOPICS, "inventory-engine-repartition"];
const FREE_PORT = ["--metrics-port", "0"];
const PRODUCER = [
  ...FREE_PORT,
  "--seed",
  "11",
  "--start-date",
  "2026-03-02",
  "--flights-per-day",
  "12",
  "--backfill",
  "2d",
];

function startConsumer(pipeline: Pipeline): Part {
  return pipeline.start("consumer", [
    ...FREE_PORT,
    "--session-timeout",
    pipeline.pair === "real" ? "6s" : "2s",
  ]);
}

async function startedConsumer(pipeline: Pipeline): Promise<Part> {
  const consumer = startConsumer(pipeline);
  for (const partition of [0, 1, 2]) await consumer.says(`Partition ${partition}`);
  return consumer;
}

async function writeLake(pipeline: Pipeline): Promise<void> {
  const lake = pipeline.start("lake", [...FREE_PORT, "--seal-age", "1s"]);
  await lake.says("🪣 Lake ingestion started");
  await pipeline.caughtUp(GROUPS.lake, [...LAKE_TOPICS]);
  strictEqual(await lake.stop(), 0, lake.output);
}

async function replay(pipeline: Pipeline, ...args: string[]): Promise<ReplayReport & { code: number }> {
  const { code, output, piped } = await pipeline.run("replay", ["--json", ...args]);
  ok(piped.startsWith("{"), output);
  return { ...JSON.parse(piped), code };
}

/** Nothing differs, and everything was compared. */
function assertSame(
  report: ReplayReport & { code: number },
  recorded: { metrics: number; decisions: number },
): void {
  const shown = JSON.stringify(report, null, 2);
  strictEqual(report.code, 0, shown);
  const { inventory_metrics, promo_decisions } = report.comparison!;
  const nothingElse = { different: 0, only_recorded: 0, only_replayed: 0, not_comparable: 0 };
  deepStrictEqual(inventory_metrics, { equal: recorded.metrics, ...nothingElse }, shown);
  deepStrictEqual(promo_decisions, { equal: recorded.decisions, ...nothingElse }, shown);
  strictEqual(report.order, "as taken");
  strictEqual(report.history_missing, false);
}

/** What a replay must leave as it is. */
async function stateOf(pipeline: Pipeline): Promise<unknown> {
  const { log } = pipeline;
  return [
    await log.listTopics(),
    await log.ranges(ALL_TOPICS.map(({ name }) => name)),
    await log.committedOffsets(GROUPS.engine, INPUTS),
    await log.committedOffsets(GROUPS.lake, [...LAKE_TOPICS]),
    LAKE_TOPICS.map((topic) =>
      [...Deno.readDirSync(`${pipeline.env.LAKE_DIR}/raw/${topic}`)].map((f) => f.name).sort()
    ),
  ];
}

pipelineTest(
  "a live run with killed and shared consumers is decided again the same, from lake and log, under way and at its end",
  async (pipeline) => {
    const consumers = [startConsumer(pipeline)];
    const lake = pipeline.start("lake", [...FREE_PORT, "--seal-age", "1s"]);
    const producer = pipeline.start("producer", [...PRODUCER, "--rate", "4000", "--limit", "24000"]);
    await producer.says("Tracking flight");
    for (let kill = 0; kill < 4; kill++) {
      await new Promise((resolve) => setTimeout(resolve, 700 + 137 * kill));
      if (kill === 2) consumers.push(startConsumer(pipeline));
      await consumers.shift()!.kill();
      consumers.push(startConsumer(pipeline));
      // As Python sends: no key, some of them in their flight's partition by chance.
      const keyless = [...bookingRecords(400 * (kill + 1))].slice(400 * kill)
        .map((record, at): NewRecord => ({ ...record, key: null, partition: at % 3 }));
      await pipeline.append(keyless);
      if (kill === 1) await pipeline.append([...flightRecords()].map((flight) => ({ ...flight, key: null })));
      await pipeline.append([{ topic: "bookings", key: "x", partition: 1, value: "{torn" }]);
    }
    // While everything runs; on a slow machine the consumers may have come to nothing yet.
    await eventually("metrics are recorded", async () => {
      const ranges = await pipeline.log.ranges(["inventory_metrics"]);
      return ranges.some(({ start, end }) => end - start > 100);
    });
    for (const source of ["--from-log", "--from-lake"]) {
      const live = await replay(pipeline, "--compare", source);
      strictEqual(live.code, 0, JSON.stringify(live, null, 2));
      ok(live.comparison!.inventory_metrics.equal > 0);
    }
    strictEqual(await producer.exited(), 0, producer.output);
    await pipeline.caughtUp(GROUPS.engine, INPUTS);
    for (const consumer of consumers) strictEqual(await consumer.stop(), 0, consumer.output);
    strictEqual(await lake.stop(), 0, lake.output);
    await writeLake(pipeline);

    const metrics = await pipeline.values("inventory_metrics");
    const decisions = await pipeline.values("promo_decisions");
    const recorded = { metrics: metrics.length, decisions: decisions.length };
    ok(recorded.decisions > 10 && recorded.metrics > 5000, JSON.stringify(recorded));
    const before = await stateOf(pipeline);
    const out = `${pipeline.folder}/replayed/outputs.jsonl`;
    await Deno.mkdir(`${pipeline.folder}/replayed`);
    const fromLake = await replay(pipeline, "--compare", "--out", out);
    assertSame(fromLake, recorded);
    strictEqual(fromLake.source, "lake");
    assertSame(await replay(pipeline, "--compare", "--from-log"), recorded);
    deepStrictEqual(await stateOf(pipeline), before);

    // The file holds them all, as they stand in the log, in the order of each partition.
    const lines = (await Deno.readTextFile(out)).trimEnd().split("\n");
    deepStrictEqual([...Deno.readDirSync(`${pipeline.folder}/replayed`)].map(({ name }) => name), [
      "outputs.jsonl",
    ]);
    deepStrictEqual(lines.toSorted(), [...metrics, ...decisions].map(({ value }) => value).sort());
    deepStrictEqual(
      lines.filter((line) => line.includes("PromotionTriggered")),
      decisions.map(({ value }) => value),
    );

    // A part of the time: what came before is taken for the state, and not reported.
    const times = metrics.map(({ value }) => JSON.parse(value).event_time as string).sort();
    const [from, to] = [times[Math.floor(times.length / 3)]!, times[Math.floor(times.length / 2)]!];
    const within = (value: string) => {
      const time = JSON.parse(value).event_time as string;
      return time >= from && time < to;
    };
    const part = await replay(pipeline, "--compare", "--from", from, "--to", to);
    assertSame(part, {
      metrics: metrics.filter(({ value }) => within(value)).length,
      decisions: decisions.filter(({ value }) => within(value)).length,
    });

    // Another policy decides otherwise, and that is the reason it gives; the metrics are the same.
    const other = await replay(pipeline, "--compare", "--policy", "RULE_ENGINE");
    strictEqual(other.code, 1);
    strictEqual(other.comparison!.inventory_metrics.equal, recorded.metrics);
    strictEqual(other.comparison!.promo_decisions.only_recorded, recorded.decisions);
    deepStrictEqual(other.comparison!.recorded_policies, ["RULE_ENGINE_ITERATION_2/1"]);
    for (const why of Object.keys(other.comparison!.reasons)) match(why, /under RULE_ENGINE_ITERATION_2\/1/);

    // Other options without another policy are not explained, but seen.
    const none = await replay(pipeline, "--compare", "--max-promotions-per-flight", "0");
    strictEqual(none.code, 1);
    strictEqual(none.comparison!.promo_decisions.only_recorded, recorded.decisions);
    match(Object.keys(none.comparison!.reasons)[0]!, /--max-promotions-per-flight/);
  },
);

function at(minute: number): string {
  return new Date(Date.UTC(2026, 0, 5, 10, minute)).toISOString();
}

pipelineTest(
  "records that came out of order are taken as the consumer took them; what was changed or is missing is found",
  async (pipeline) => {
    const flights = [...flightRecords()].slice(0, 12);
    const bookings = [...bookingRecords(20_000)].filter(({ key }) =>
      flights.some((flight) => flight.key === key)
    );
    const consumer = await startedConsumer(pipeline);
    await pipeline.append(flights);
    const moved = (record: NewRecord, minute: number): NewRecord => ({
      ...record,
      value: JSON.stringify({ ...JSON.parse(record.value!), event_time: at(minute) }),
    });
    await pipeline.append(bookings.slice(0, 60).map((record) => moved(record, 30)));
    const metrics = async () => (await pipeline.values("inventory_metrics")).length;
    await eventually("the bookings are evaluated", async () => await metrics() === 60);
    // Older than what was taken already, in another topic: live it comes later, by event time earlier.
    await pipeline.append(flights.map(({ key }): NewRecord => ({
      topic: "seat_inventory",
      key,
      value: JSON.stringify({
        event_type: "CabinInventorySnapshot",
        event_time: at(10),
        flight_id: key,
        time_to_departure_minutes: 1000,
        currency: "GBP",
        cabins: [{ cabin_code: "Y", fare_buckets: [{ bucket: "K", available_seats: 9, price: 90 }] }],
      }),
    })));
    await eventually("the snapshots are evaluated", async () => await metrics() === 72);
    await pipeline.append(bookings.slice(60, 200).map((record) => moved(record, 40)));
    await eventually("all is evaluated", async () => await metrics() === 212);
    strictEqual(await consumer.stop(), 0, consumer.output);
    await writeLake(pipeline);
    const recorded = { metrics: 212, decisions: (await pipeline.values("promo_decisions")).length };
    assertSame(await replay(pipeline, "--compare"), recorded);
    assertSame(await replay(pipeline, "--compare", "--from-log"), recorded);

    const byTime = await replay(pipeline, "--compare", "--by-event-time");
    strictEqual(byTime.code, 1);
    strictEqual(byTime.order, "by event time");
    ok(byTime.comparison!.inventory_metrics.different > 0);
    deepStrictEqual(Object.keys(byTime.comparison!.reasons), [
      "the order in which the consumer took the records is not known",
    ]);

    // Somebody changes one recorded number in the lake.
    const folder = `${pipeline.env.LAKE_DIR}/raw/inventory_metrics`;
    const name = [...Deno.readDirSync(folder)].map((file) => file.name).find((file) =>
      file.endsWith(".jsonl")
    )!;
    const text = await Deno.readTextFile(`${folder}/${name}`);
    await Deno.writeTextFile(`${folder}/${name}`, text.replace(/"booked_seats":\d+/, '"booked_seats":77'));
    const changed = await replay(pipeline, "--compare");
    strictEqual(changed.code, 1);
    strictEqual(changed.comparison!.inventory_metrics.different, 1);
    strictEqual(changed.comparison!.inventory_metrics.equal, 211);
    match(Object.keys(changed.comparison!.reasons)[0]!, /^not explained/);
    await Deno.writeTextFile(`${folder}/${name}`, text);

    // The flights' files are lost: nothing of what follows from them can be said, and it says so.
    const lost = `${pipeline.env.LAKE_DIR}/raw/flight_lifecycle`;
    for (const file of [...Deno.readDirSync(lost)]) {
      if (file.name !== "_manifest.ndjson") await Deno.remove(`${lost}/${file.name}`);
    }
    const without = await replay(pipeline, "--compare");
    strictEqual(without.code, 1);
    notStrictEqual(without.commits_left, 0);
    match(without.notes.join("\n"), /took records that the lake does not hold yet/);
    assertSame(await replay(pipeline, "--compare", "--from-log"), recorded);
  },
);

pipelineTest("the lake alone is enough, by event time, and says what it does not know", async (pipeline) => {
  const flights = [...flightRecords()].slice(0, 40);
  const bookings = [...bookingRecords(20_000)].filter(({ key }) =>
    flights.some((flight) => flight.key === key)
  );
  await pipeline.append([...flights, ...bookings]);
  const consumer = await startedConsumer(pipeline);
  await pipeline.caughtUp(GROUPS.engine, INPUTS);
  strictEqual(await consumer.stop(), 0, consumer.output);
  await writeLake(pipeline);
  const metrics = await pipeline.values("inventory_metrics");
  // No log, neither embedded nor Kafka.
  const { code, piped, output } = await withoutLog(pipeline, ["--json", "--compare"]);
  strictEqual(code, 0, output);
  const report = JSON.parse(piped) as ReplayReport;
  strictEqual(report.order, "by event time");
  strictEqual(report.log_id, pipeline.log.logId);
  strictEqual(report.comparison!.inventory_metrics.equal, metrics.length);
  match(report.notes.join("\n"), /Booking curves are in the event log alone[^]*no event log/);
  const file = `${pipeline.folder}/decisions.jsonl`;
  const written = await withoutLog(pipeline, ["--decisions-only", "--out", file]);
  strictEqual(written.code, 0, written.output);
  match(written.output, /^decisions +\d+ on \d+ flights/m);
  const decided = (await pipeline.values("promo_decisions")).map(({ value }) => value).sort();
  deepStrictEqual((await Deno.readTextFile(file)).split("\n").filter((line) => line !== "").sort(), decided);
  const toPipe = await withoutLog(pipeline, ["--decisions-only", "--out", "-"]);
  deepStrictEqual(toPipe.piped.split("\n").filter((line) => line !== "").sort(), decided);
});

/** Runs a replay that finds no log. */
async function withoutLog(pipeline: Pipeline, args: string[]) {
  const env = pipeline.env;
  const kept = { file: env.EVENT_LOG_FILE!, brokers: env.KAFKA_BROKERS };
  env.EVENT_LOG_FILE = `${pipeline.folder}/none/log.sqlite`;
  env.KAFKA_BROKERS = "";
  try {
    return await pipeline.run("replay", args);
  } finally {
    env.EVENT_LOG_FILE = kept.file;
    if (kept.brokers === undefined) delete env.KAFKA_BROKERS;
    else env.KAFKA_BROKERS = kept.brokers;
  }
}
