/** Dead letters driven again by real processes: once each, whatever is killed and whoever does it at the same time. */

import { deepStrictEqual, match, ok, strictEqual } from "node:assert/strict";
import { bookingRecords, flightRecords } from "../../bench/workload.ts";
import { deadLetterId, deadLetterOf, REPLAY_HEADERS } from "../../events/dead_letters.ts";
import type { DeadLetter } from "../../events/dead_letters.ts";
import { ENGINE_INPUT_TOPICS, GROUPS, LAKE_TOPICS } from "../../events/topics.ts";
import type { LogRecord, NewRecord } from "../../event_log/event_log.ts";
import { PartitionScan } from "../../event_log/partition_scan.ts";
import { pipelineTest } from "./_pipeline.ts";
import type { Part, Pipeline } from "./_pipeline.ts";

const INPUTS = [...ENGINE_INPUT_TOPICS, "inventory-engine-repartition"];
const FREE_PORT = ["--metrics-port", "0"];

function startConsumer(pipeline: Pipeline): Part {
  return pipeline.start("consumer", [
    ...FREE_PORT,
    "--session-timeout",
    pipeline.pair === "real" ? "6s" : "2s",
  ]);
}

/** Lets the consumer take all that there is, then the lake writer. */
async function processAll(pipeline: Pipeline): Promise<void> {
  const consumer = startConsumer(pipeline);
  // Few records are no more than what may be markers of transactions: be sure that it reads.
  for (const partition of [0, 1, 2]) await consumer.says(`Partition ${partition}`);
  await pipeline.caughtUp(GROUPS.engine, INPUTS);
  strictEqual(await consumer.stop(), 0, consumer.output);
  const lake = pipeline.start("lake", [...FREE_PORT, "--seal-age", "1s"]);
  await lake.says("🪣 Lake ingestion started");
  await pipeline.caughtUp(GROUPS.lake, [...LAKE_TOPICS]);
  strictEqual(await lake.stop(), 0, lake.output);
}

/** Every record of a topic, with its headers. */
async function recordsOf(pipeline: Pipeline, topic: string): Promise<LogRecord[]> {
  const records: LogRecord[] = [];
  for (const range of await pipeline.log.ranges([topic])) {
    const scan = await PartitionScan.open(pipeline.log, range);
    while (await scan.fill()) records.push(scan.next()!);
    await scan.close();
  }
  return records;
}

async function lettersOf(pipeline: Pipeline): Promise<DeadLetter[]> {
  return (await recordsOf(pipeline, "dead_letters")).map(({ value }) => JSON.parse(value!));
}

/** Records that were driven again, by the id of their letter. */
async function drivenAgain(pipeline: Pipeline, topic = "bookings"): Promise<Map<string, LogRecord[]>> {
  const driven = (await recordsOf(pipeline, topic)).filter(({ headers }) =>
    headers?.[REPLAY_HEADERS.of] !== undefined
  );
  return Map.groupBy(driven, ({ headers }) => headers![REPLAY_HEADERS.of]!);
}

async function replay(pipeline: Pipeline, ...args: string[]): Promise<{ code: number; output: string }> {
  return await pipeline.run("dead-letters", ["replay", ...args, "--yes"]);
}

/** Letters as a consumer would have left them; the bookings behind them are those of the bench's load. */
async function appendLetters(pipeline: Pipeline, count: number): Promise<string[]> {
  const ids: string[] = [];
  const records: NewRecord[] = [];
  let offset = 0;
  for (const { key, value } of bookingRecords(count)) {
    const record = { topic: "bookings", partition: 0, offset: offset++, timestampMs: Date.now(), key, value };
    const refusal = { logId: pipeline.log.logId, reason: "unknown_flight", message: "Not known" } as const;
    ids.push(deadLetterId(GROUPS.engine, record));
    records.push({
      topic: "dead_letters",
      key: ids.at(-1)!,
      value: await deadLetterOf(record, { group: GROUPS.engine, ...refusal }),
    });
  }
  await pipeline.append(records);
  return ids;
}

/** Each letter's record stands in its topic once, as it came. */
async function assertEachOnce(pipeline: Pipeline, ids: readonly string[]): Promise<void> {
  const driven = await drivenAgain(pipeline);
  deepStrictEqual([...driven.keys()].sort(), [...ids].sort());
  const values = new Map((await lettersOf(pipeline)).map((letter) => [letter.dead_letter_id, letter]));
  for (const [id, records] of driven) {
    strictEqual(records.length, 1, `${id} was driven again ${records.length} times`);
    strictEqual(records[0]!.value, values.get(id)!.value);
    strictEqual(records[0]!.key, values.get(id)!.key);
  }
  const notes = (await recordsOf(pipeline, "dead-letter-replays")).filter(({ key }) => key !== "marker");
  strictEqual(notes.length, ids.length);
}

pipelineTest(
  "refused bookings are driven again once their flight is known, count once, and everything agrees",
  async (pipeline) => {
    const flights = [...flightRecords()];
    const [missing, ...known] = flights as [NewRecord, ...NewRecord[]];
    const own = [...bookingRecords(3000)].filter(({ key }) => key === missing.key);
    const others = [...bookingRecords(300)].filter(({ key }) => key !== missing.key);
    ok(own.length > 2);
    await pipeline.append([...known, ...others, ...own.slice(1), { ...own[0]!, key: null, partition: 1 }]);
    const torn = [{ topic: "bookings", key: missing.key, value: "{torn" }, {
      topic: "bookings",
      key: null,
      value: "",
    }];
    await pipeline.append(torn);
    // A day later in each partition: nobody waits for the flight any longer.
    const later = (record: NewRecord): NewRecord => ({
      ...record,
      value: JSON.stringify({ ...JSON.parse(record.value!), event_time: "2026-01-07T00:00:00.000Z" }),
    });
    await processAll(pipeline);
    await pipeline.append(known.map(later));
    await processAll(pipeline);
    const refused = (await lettersOf(pipeline)).filter(({ reason }) => reason === "unknown_flight");
    strictEqual(refused.length, own.length);

    const dry = await pipeline.run("dead-letters", ["replay", "--reason", "unknown_flight", "--dry-run"]);
    strictEqual(dry.code, 0, dry.output);
    match(dry.output, new RegExp(`To drive again: ${own.length} records \\(${own.length} into bookings\\)`));
    strictEqual((await drivenAgain(pipeline)).size, 0);

    await pipeline.append([missing]);
    const all = await replay(pipeline, "--all");
    strictEqual(all.code, 0, all.output);
    match(all.output, new RegExp(`^${own.length + 2} driven again`, "m"));
    const again = await replay(pipeline, "--all");
    match(again.output, new RegExp(`left out: ${own.length + 2}, such as`));
    await processAll(pipeline);

    // The torn ones were refused again, by consumer and lake writer, name their ancestors, and do not go round.
    const letters = await lettersOf(pipeline);
    const children = letters.filter(({ replay_of }) => replay_of !== undefined);
    deepStrictEqual(children.map(({ reason }) => reason).sort(), [
      "empty_value",
      "empty_value",
      "invalid_json",
      "invalid_json",
    ]);
    for (const { replay_of, reason } of children) {
      strictEqual(letters.find(({ dead_letter_id }) => dead_letter_id === replay_of)!.reason, reason);
    }
    const third = await replay(pipeline, "--all");
    match(third.output, /Nothing to drive again[\s\S]*left out: 2 \(--refused-again takes them/);
    const listed = await pipeline.run("dead-letters", ["list", "--reason", "unknown_flight"]);
    strictEqual(listed.piped.trim().split("\n").length, own.length);
    match(listed.output, new RegExp(`unknown_flight +${own.length} +${own.length} +${own.length}$`, "m"));

    // Downstream: the engine evaluated each booking once, in the lake and the warehouse it stands once.
    const metrics = (await recordsOf(pipeline, "inventory_metrics")).map(({ value }) => JSON.parse(value!));
    const seats = metrics.filter(({ flight_id }) => flight_id === missing.key).map(({ booked_seats }) =>
      booked_seats
    );
    deepStrictEqual(seats.sort((a, b) => a - b), own.map((_, at) => at + 1));
    await assertVerified(pipeline, own.length, missing.key!);
  },
);

/** ETL, warehouse and verify; the flight has that many passengers. */
async function assertVerified(pipeline: Pipeline, passengers: number, flight: string): Promise<void> {
  const warehouse = pipeline.pair === "real" ? undefined : pipeline.start("warehouse");
  if (warehouse === undefined) strictEqual((await pipeline.run("warehouse")).code, 0);
  else await warehouse.says(pipeline.env.WAREHOUSE_PORT!);
  const etl = await pipeline.run("etl");
  strictEqual(etl.code, 0, etl.output);
  const { piped } = await pipeline.run("sql", [
    "--format",
    "csv",
    `select count(*) from fact_booking where flight_id = '${flight}'`,
  ]);
  strictEqual(piped.trim().split(/\s+/).at(-1), String(passengers));
  const verify = await pipeline.run("verify", ["--complete"]);
  strictEqual(verify.code, 0, verify.output);
  match(
    verify.output,
    new RegExp(`inventory-engine +unknown_flight +${passengers} +${passengers} +${passengers}`),
  );
  strictEqual(await warehouse?.stop() ?? 0, 0, warehouse?.output);
}

pipelineTest("a replay that is killed at any moment drives each record again once", async (pipeline) => {
  const ids = await appendLetters(pipeline, 4000);
  const appended = async () =>
    (await pipeline.log.ranges(["bookings"])).reduce((sum, { end }) => sum + end, 0);
  let [seed, killedMidway] = [7, 0];
  for (let ended = false; !ended;) {
    const part = pipeline.start("dead-letters", ["replay", "--all", "--yes"]);
    const exit = part.exited().then(() => ended = true);
    // Dies at another point of its work each time: between and within its commits.
    seed = (seed * 16807) % 2147483647;
    const target = await appended() + 1 + seed % 700;
    while (!ended && await appended() < target) await new Promise((resolve) => setTimeout(resolve, 1));
    if (ended) continue;
    await part.kill();
    await exit;
    ended = false;
    const driven = (await drivenAgain(pipeline)).size;
    if (driven > 0 && driven < ids.length) killedMidway++;
  }
  ok(killedMidway >= 3, `killed ${killedMidway} times in the middle`);
  strictEqual((await replay(pipeline, "--all")).code, 0);
  await assertEachOnce(pipeline, ids);
});

pipelineTest("several replays at once drive each record again once", async (pipeline) => {
  const ids = await appendLetters(pipeline, 1500);
  const parts = [1, 2, 3].map(() => pipeline.start("dead-letters", ["replay", "--all", "--yes"]));
  for (const part of parts) strictEqual(await part.exited(), 0, part.output);
  await assertEachOnce(pipeline, ids);
});

pipelineTest(
  "a mended value takes the place of the refused one, and a note is kept of it",
  async (pipeline) => {
    const flights = [...flightRecords()].slice(0, 3);
    const [booking] = [...bookingRecords(3000)].filter(({ key }) => key === flights[0]!.key);
    const bad = { ...JSON.parse(booking!.value!), total_price: -5 };
    await pipeline.append([...flights, { ...booking!, value: JSON.stringify(bad) }]);
    const huge = JSON.stringify({ ...bad, padding: "x".repeat(950_000) });
    await pipeline.append([{ ...booking!, value: huge }]);
    await processAll(pipeline);
    const letters = await lettersOf(pipeline);
    const id = letters.find(({ truncated, group }) => truncated === undefined && group === GROUPS.engine)!
      .dead_letter_id;
    const cut = letters.find(({ truncated, group }) => truncated !== undefined && group === GROUPS.engine)!
      .dead_letter_id;

    const shown = await pipeline.run("dead-letters", ["show", id]);
    match(shown.output, /^reason +out_of_range: A field's value lies outside what can be$/m);
    match(shown.output, /^driven again +no$/m);
    match(shown.output, /"total_price":-5/);
    const value = await pipeline.run("dead-letters", ["show", id, "--value"]);
    deepStrictEqual(JSON.parse(value.piped), bad);

    // Only the first 64 KiB are left of the large one.
    const refusal = await replay(pipeline, cut);
    strictEqual(refusal.code, 1, refusal.output);
    match(refusal.output, /only the first 64 KiB of its 950,\d+ bytes were kept/);

    const file = `${pipeline.folder}/mended.json`;
    await Deno.writeTextFile(file, `${JSON.stringify(bad)}\n`);
    const still = await replay(pipeline, id, "--value-file", file);
    strictEqual(still.code, 1);
    match(still.output, /would be refused too \(out_of_range\): Field "total_price" is -5/);
    await Deno.writeTextFile(file, `${JSON.stringify({ ...bad, total_price: 90 })}\n`);
    const mended = await replay(pipeline, id, "--value-file", file);
    strictEqual(mended.code, 0, mended.output);
    strictEqual((await replay(pipeline, id)).code, 0);
    const records = (await drivenAgain(pipeline)).get(id)!;
    deepStrictEqual(records.map((record) => JSON.parse(record.value!).total_price), [90]);
    strictEqual(records[0]!.headers![REPLAY_HEADERS.value], "replaced");
    await processAll(pipeline);
    const known = await pipeline.run("dead-letters", ["show", id, "--json"]);
    const { driven_again, refused_again_as } = JSON.parse(known.piped);
    strictEqual(driven_again.replaced.file, file);
    match(driven_again.replaced.refused_sha256, /^[0-9a-f]{64}$/);
    deepStrictEqual(refused_again_as, []);
    await assertMendedOnce(pipeline, flights[0]!.key!);
  },
);

/** The mended booking stands in the engine's metrics and agrees with the lake. */
async function assertMendedOnce(pipeline: Pipeline, flight: string): Promise<void> {
  const metrics = (await recordsOf(pipeline, "inventory_metrics")).map(({ value }) => JSON.parse(value!));
  deepStrictEqual(metrics.map(({ flight_id, booked_seats }) => [flight_id, booked_seats]), [[flight, 1]]);
  const verify = await pipeline.run("verify", ["--complete", "--skip", "gold,warehouse"]);
  strictEqual(verify.code, 0, verify.output);
}
