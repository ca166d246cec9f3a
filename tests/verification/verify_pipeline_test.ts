import { deepEqual, equal, match, ok } from "node:assert/strict";
import pl from "nodejs-polars";
import type { EventLog } from "../../event_log/event_log.ts";
import { flightLifecycleExample } from "../../events/flight_lifecycle.ts";
import { inventoryMetricsExample } from "../../events/inventory_metrics.ts";
import { promoDecisionExample } from "../../events/promo_decisions.ts";
import { bookingExample } from "../../events/bookings.ts";
import { repairManifest } from "../../lake/manifest.ts";
import { mergeFiles } from "../../lake/merge_files.ts";
import { covers, listRawFiles, parseRawFileName, rawFileName } from "../../lake/raw_files.ts";
import type { RawFile } from "../../lake/raw_files.ts";
import type { VerificationReport } from "../../verification/report.ts";
import { booking, FLIGHTS, record, SEATS, withPipeline } from "./_small_pipeline.ts";
import type { SmallPipeline } from "./_small_pipeline.ts";

const DAY_MS = 24 * 60 * 60 * 1000;
const APPENDED_MS = Date.parse("2025-11-24T10:15:31.000Z");

function shown(report: VerificationReport): string {
  return JSON.stringify(report.differences, null, 1);
}

function assertAgrees(report: VerificationReport): void {
  ok(report.agrees, shown(report));
}

/** The report must name exactly these differences (`where: kind`), and an example must match. */
function assertFound(report: VerificationReport, expected: Record<string, RegExp>): void {
  equal(report.agrees, false);
  deepEqual(
    report.differences.map(({ where, kind }) => `${where}: ${kind}`).sort(),
    Object.keys(expected).sort(),
    shown(report),
  );
  for (const { where, kind, examples, count } of report.differences) {
    ok(count > 0);
    match(examples.join("\n"), expected[`${where}: ${kind}`]!);
  }
}

Deno.test("a pipeline that has done its work agrees, to the last record and cent", () =>
  withPipeline(async (pipeline) => {
    const report = await pipeline.verify({ deep: true, complete: true });
    assertAgrees(report);
    const bookings = report.topics.find(({ topic }) => topic === "bookings")!;
    // 3 × 8 bookings, a cancellation, a duplicate, two without a key, one that waits, two that are refused.
    equal(bookings.log_records, 31);
    equal(bookings.lake_lines, 29);
    equal(bookings.dead_letters, 2);
    equal(bookings.distinct_ids, 27);
    deepEqual(report.engine.bookings, {
      evaluated: 27,
      duplicates: 1,
      dead_letters: 0,
      waiting: 1,
      not_yet_processed: 0,
      missing: 0,
    });
    // Each flight: passengers 1 2 3 1 2 3 1 2; b0-1 (2) is given back, the two without a key add 1 each.
    equal(report.seats.sold, 3 * 15 - 2 + 2);
    equal(report.engine.promotions, report.engine.flights_with_promotions);
    ok(report.engine.promotions > 0);
    deepEqual(report.revenue.map(({ sink, currency, expected }) => `${sink} ${currency} ${expected}`), [
      // 8 + 8 + two without a key + the one that waits, at 100; then 8.
      "gold EUR 800.00",
      "gold GBP 1900.00",
    ]);
    const letters = report.dead_letters.map(({ group, reason, letters, sources }) =>
      `${group} ${reason} ${letters} ${sources}`
    );
    deepEqual(letters, [
      "inventory-engine invalid_json 1 1",
      "inventory-engine out_of_range 1 1",
      "lake-writer invalid_json 1 1",
      "lake-writer out_of_range 1 1",
    ]);
  }));

Deno.test("texts are compared as they came, a byte order mark at their start included", () =>
  withPipeline(async (pipeline) => {
    const marked = "\ufeffBOM";
    await pipeline.append([booking(marked, FLIGHTS[1]!, 1, { channel: marked, fare_bucket: marked })]);
    await pipeline.consume();
    await pipeline.writeLake();
    await pipeline.runEtl();
    assertAgrees(await pipeline.verify({ complete: true }));
  }));

for (const [lead, days, taken] of [["the default", 7, false], ["14 days", 14, true]] as const) {
  Deno.test(`all parts judge an event 10 days ahead by the same lead: ${lead}`, () =>
    withPipeline(async (pipeline) => {
      pipeline.eventLeadMsMax = days * DAY_MS;
      const ahead = new Date(Date.now() + 10 * DAY_MS).toISOString();
      await pipeline.append([booking("ahead", FLIGHTS[1]!, 2, { event_time: ahead })]);
      // The lines of another program, one of them 10 days and one 20 days ahead of its append time.
      const foreign = [10, 20].map((aheadDays) => ({
        ...bookingExample,
        booking_id: `foreign-${aheadDays}`,
        event_time: new Date(APPENDED_MS + aheadDays * DAY_MS).toISOString(),
        _timestamp: new Date(APPENDED_MS).toISOString(),
      }));
      Deno.writeTextFileSync(
        `${pipeline.folders.raw}/bookings/2025-11-24_10.jsonl`,
        foreign.map((line) => `${JSON.stringify(line)}\n`).join(""),
      );
      await pipeline.consume();
      await pipeline.writeLake();
      await pipeline.runEtl();
      const report = await pipeline.verify({ complete: true });
      assertAgrees(report);
      const bookings = report.topics.find(({ topic }) => topic === "bookings")!;
      // 29 as in the pipeline before; 27 distinct ids and those of what is taken.
      equal(bookings.lake_lines, taken ? 30 : 29);
      equal(bookings.distinct_ids, taken ? 29 : 27);
      const tooFar = report.dead_letters.filter(({ reason }) => reason === "event_time");
      deepEqual(tooFar.map(({ group }) => group), taken ? [] : ["inventory-engine", "lake-writer"]);
    }));
}

Deno.test("what is not written yet is no difference, unless the pipeline is said to be complete", () =>
  withPipeline(async (pipeline) => {
    await pipeline.append([booking("late", FLIGHTS[1]!, 2)]);
    const report = await pipeline.verify();
    assertAgrees(report);
    equal(report.topics.find(({ topic }) => topic === "bookings")!.not_yet_written, 1);
    equal(report.engine.bookings!.not_yet_processed, 1);
    const complete = await pipeline.verify({ complete: true });
    deepEqual(complete.differences.map(({ where, kind, count }) => `${where} ${kind} ${count}`), [
      "lake bookings not yet written 1",
      "engine not yet processed 1",
    ]);
    // The lake has it, the tables do not: each part is compared as far as it says it has come.
    await pipeline.consume();
    await pipeline.writeLake();
    const behind = await pipeline.verify();
    assertAgrees(behind);
    const table = behind.tables.find(({ table }) => table === "fact_booking")!;
    equal(table.gold!.not_yet_written, 1);
    await pipeline.runEtl();
    assertAgrees(await pipeline.verify({ complete: true }));
  }));

Deno.test("gold tables that are ahead of the ETL's state agree: a run is under way", () =>
  withPipeline(async (pipeline) => {
    const state = `${pipeline.folders.gold}/_etl_state.json`;
    const before = Deno.readTextFileSync(state);
    await pipeline.append([
      booking("late", FLIGHTS[1]!, 2),
      record("flight_lifecycle", {
        event_type: "FlightCancelled",
        event_time: "2025-11-24T12:00:00.000Z",
        flight_id: FLIGHTS[2],
      }),
    ]);
    await pipeline.writeLake();
    await pipeline.runEtl();
    Deno.writeTextFileSync(state, before);
    const report = await pipeline.verify();
    assertAgrees(report);
    match(report.notes.join(), /3 rows are newer than the ETL's state/);
  }));

Deno.test("outputs that come while all is read are found: a booking's flight became known meanwhile", () =>
  withPipeline((pipeline) =>
    pipeline.withLog(async (log) => {
      let rangesAsked = 0;
      const meanwhile: EventLog = {
        engine: log.engine,
        logId: log.logId,
        createTopics: (specs) => log.createTopics(specs),
        listTopics: () => log.listTopics(),
        deleteTopics: (names) => log.deleteTopics(names),
        topicSettings: (specs) => log.topicSettings(specs),
        applySettings: (specs) => log.applySettings(specs),
        checkIdentity: (topics) => log.checkIdentity(topics),
        committedOffsets: (group, topics) => log.committedOffsets(group, topics),
        commitOffsets: (group, positions) => log.commitOffsets(group, positions),
        appender: () => log.appender(),
        transactor: (id) => log.transactor(id),
        reader: (options) => log.reader(options),
        member: (options) => log.member(options),
        close: () => log.close(),
        async ranges(topics) {
          // The last topic: metrics and bookings have been read.
          if (topics[0] === "dead_letters" && rangesAsked++ === 0) {
            const flight = { ...flightLifecycleExample, flight_id: "XX9_2025-11-28" };
            await pipeline.append([record("flight_lifecycle", flight)]);
            await pipeline.consume();
          }
          return await log.ranges(topics);
        },
      };
      const report = await pipeline.verify({ log: meanwhile });
      assertAgrees(report);
      equal(report.engine.bookings!.waiting, 0);
      equal(report.engine.bookings!.evaluated, 28);
    })
  ));

Deno.test("events of another program's files are expected in the tables, a torn last line is not", () =>
  withPipeline(async (pipeline) => {
    const line = (id: string) => JSON.stringify({ ...bookingExample, booking_id: id });
    const path = `${pipeline.folders.raw}/bookings/2025-11-28_14.jsonl`;
    Deno.writeTextFileSync(path, `${line("python-1")}\nnot an event\n${line("python-2")}\n${line("torn")}`);
    assertAgrees(await pipeline.verify());
    await pipeline.runEtl();
    const report = await pipeline.verify();
    assertAgrees(report);
    equal(report.topics.find(({ topic }) => topic === "bookings")!.foreign_lines, 3);
    match(report.notes.join(), /line 2 cannot be used/);
  }));

/** The largest finished file of a topic, and what its first line would be as a file of its own. */
async function firstPart(pipeline: SmallPipeline, topic: string): Promise<{ whole: RawFile; part: RawFile }> {
  const { sealed } = await listRawFiles(pipeline.folders.raw, topic);
  const whole = sealed.toSorted((a, b) => b.to - b.from - (a.to - a.from))[0]!;
  const [line] = Deno.readTextFileSync(whole.path).split("\n");
  const name = rawFileName({ ...whole, to: JSON.parse(line!)._offset + 1 });
  return { whole, part: parseRawFileName(`${pipeline.folders.raw}/${topic}`, topic, name)! };
}

/** Cuts a file in two, as they were before a merge; returns the whole one's text. */
async function cutInTwo(pipeline: SmallPipeline, topic: string): Promise<{ whole: RawFile; text: string }> {
  const { whole, part } = await firstPart(pipeline, topic);
  const text = Deno.readTextFileSync(whole.path);
  const end = text.indexOf("\n") + 1;
  Deno.removeSync(whole.path);
  Deno.writeTextFileSync(part.path, text.slice(0, end));
  Deno.writeTextFileSync(
    `${pipeline.folders.raw}/${topic}/${rawFileName({ ...whole, from: part.to })}`,
    text.slice(end),
  );
  return { whole, text };
}

Deno.test("files that were merged agree, whether before, while or after they are read", () =>
  withPipeline(async (pipeline) => {
    const logId = (await pipeline.verify()).log_id!;
    await cutInTwo(pipeline, "bookings");
    await repairManifest(pipeline.folders.raw, "bookings", logId);
    assertAgrees(await pipeline.verify({ deep: true }));
    const { sealed } = await listRawFiles(pipeline.folders.raw, "bookings");
    const partition = sealed.find((file, at) => sealed[at + 1]?.partition === file.partition)!.partition;
    const parts = sealed.filter((file) => file.partition === partition);
    let merging: Promise<unknown> | undefined;
    // The topics before it are read first; its own files were not listed yet, or were just now.
    const report = await pipeline.verify({
      deep: true,
      onProgress: (step) => {
        if (step.includes("bookings")) {
          merging ??= mergeFiles(`${pipeline.folders.raw}/bookings`, parts);
        }
      },
    });
    await (merging ?? mergeFiles(`${pipeline.folders.raw}/bookings`, parts));
    assertAgrees(report);
    assertAgrees(await pipeline.verify({ deep: true }));
  }));

Deno.test("a file that was merged between the listing and its reading is read where it is now", () =>
  withPipeline(async (pipeline) => {
    const { whole, text } = await cutInTwo(pipeline, "bookings");
    await repairManifest(pipeline.folders.raw, "bookings", (await pipeline.verify()).log_id!);
    const parts = (await listRawFiles(pipeline.folders.raw, "bookings")).sealed
      .filter((file) => covers(whole, file));
    const open = Deno.open;
    let opened = 0;
    Deno.open = (path, options) => {
      if (path === parts[1]!.path && opened++ === 0) {
        Deno.writeTextFileSync(whole.path, text);
        for (const part of parts) Deno.removeSync(part.path);
      }
      return open(path, options);
    };
    const report = await pipeline.verify().finally(() => Deno.open = open);
    equal(opened, 1);
    assertAgrees(report);
  }));

/** A damage, and what must be said about it and nothing else. */
interface Damage {
  name: string;
  damage: (pipeline: SmallPipeline) => void | Promise<void>;
  deep?: boolean;
  found: Record<string, RegExp>;
}

const withoutLine = (text: string, marker: string) =>
  text.split("\n").filter((line) => !line.includes(marker)).join("\n");

/** Rewrites a gold table. */
function editGold(pipeline: SmallPipeline, table: string, edit: (frame: pl.DataFrame) => pl.DataFrame): void {
  const path = `${pipeline.folders.gold}/${table}.parquet`;
  edit(pl.readParquet(path)).writeParquet(path, { compression: "zstd" });
}

const DAMAGES: Damage[] = [
  {
    name: "a line removed from the lake",
    damage: (pipeline) => pipeline.editRaw("bookings", '"b1-3"', (text) => withoutLine(text, '"b1-3"')),
    found: {
      "lake bookings: missing": /^partition \d offset \d+$/,
      "lake bookings: manifest": /has \d lines, its manifest says \d/,
      "gold fact_booking: unexpected": /booking_id b1-3, passenger_number 1/,
      "gold fact_booking: revenue": /GBP: passengers' prices sum to 1900\.00, .* the lake says 1800\.00/,
    },
  },
  {
    name: "a price changed in the lake",
    damage: (pipeline) =>
      pipeline.editRaw("bookings", '"b1-3"', (text) => text.replace(/("b1-3".*?"total_price":)100/, "$1101")),
    found: {
      "lake bookings: changed": /partition \d offset \d+ is not what the log holds/,
      "gold fact_booking: changed":
        /booking_id b1-3, passenger_number 1: total_price is 100\.00, the lake says 101\.00; passenger_price is 100\.00/,
      "gold fact_booking: revenue": /the lake says 1901\.00/,
    },
  },
  {
    name: "a field changed in the lake that no table has, with --deep",
    deep: true,
    damage: (pipeline) =>
      pipeline.editRaw(
        "seat_inventory",
        '"available_seats":20',
        (text) => text.replace('"available_seats":20', '"available_seats":21'),
      ),
    found: {
      "lake seat_inventory: changed": /is not what the log holds/,
      "lake seat_inventory: manifest": /has another SHA-256/,
    },
  },
  {
    name: "a broken line",
    damage: (pipeline) => pipeline.editRaw("bookings", '"b1-3"', (text) => text.replace('"b1-3"', '"b1-3')),
    found: {
      "lake bookings: broken": /line \d+: The value is not JSON/,
      "lake bookings: manifest": /bytes, its manifest says/,
      "lake bookings: missing": /offset/,
      "gold fact_booking: unexpected": /b1-3/,
      "gold fact_booking: revenue": /1800\.00/,
    },
  },
  {
    name: "a file doubled under another hour",
    damage(pipeline) {
      const [path] = pipeline.rawFiles("bookings");
      Deno.copyFileSync(path!, path!.replace(/\d\d\.([0-9a-f]{8}\.p)/, "99.$1"));
    },
    found: {
      "lake bookings: overlap": /are in two files/,
      "lake bookings: doubled": /partition \d offset \d+, again in/,
    },
  },
  {
    name: "a part left beside the file that it was merged into",
    async damage(pipeline) {
      const { whole, part } = await firstPart(pipeline, "bookings");
      const text = Deno.readTextFileSync(whole.path);
      Deno.writeTextFileSync(part.path, text.slice(0, text.indexOf("\n") + 1));
    },
    found: { "lake bookings: overlap": /are in two files, .* and a wider one; if a merge left it, / },
  },
  {
    name: "a link among the raw files",
    damage: (pipeline) => Deno.symlinkSync("/dev/null", `${pipeline.folders.raw}/promo_decisions/link.jsonl`),
    found: { "lake promo_decisions: link": /link\.jsonl is a symbolic link, which is not read/ },
  },
  {
    name: "a file doubled under a name of its own",
    damage(pipeline) {
      const [path] = pipeline.rawFiles("promo_decisions");
      Deno.copyFileSync(path!, `${pipeline.folders.raw}/promo_decisions/copy.jsonl`);
    },
    found: {
      "lake promo_decisions: doubled": /again in copy\.jsonl line 1/,
      "engine: promo_decisions doubled": /again in copy\.jsonl/,
    },
  },
  {
    name: "a file removed",
    damage: (pipeline) => Deno.removeSync(pipeline.rawFiles("inventory_metrics")[0]!),
    found: {
      "lake inventory_metrics: file gone": /is in the manifest \(\d lines\) and not there/,
      "lake inventory_metrics: missing": /offset/,
      "gold fact_inventory_metrics: unexpected": /event_id /,
    },
  },
  {
    name: "all files of a topic removed, and their manifest",
    damage: (pipeline) => Deno.removeSync(`${pipeline.folders.raw}/seat_inventory`, { recursive: true }),
    found: { "lake seat_inventory: missing": /offset 0/ },
  },
  {
    name: "a line moved to another partition's file",
    damage: (pipeline) =>
      pipeline.editRaw("bookings", '"b1-3"', (text) => text.replace(/("b1-3".*?"_partition":)\d/, "$17")),
    found: {
      "lake bookings: misplaced": /says partition 7/,
      "lake bookings: missing": /offset/,
      "gold fact_booking: unexpected": /b1-3/,
      "gold fact_booking: revenue": /1800\.00/,
    },
  },
  {
    name: "a gold row removed",
    damage: (pipeline) =>
      editGold(pipeline, "fact_booking", (frame) => frame.filter(pl.col("booking_id").neq(pl.lit("b2-0")))),
    found: {
      "gold fact_booking: missing": /booking_id b2-0, passenger_number 1/,
      "gold fact_booking: revenue": /EUR: passengers' prices sum to 700\.00/,
    },
  },
  {
    name: "a gold row changed",
    damage: (pipeline) =>
      editGold(
        pipeline,
        "fact_inventory_metrics",
        (frame) => frame.withColumns(pl.col("load_factor").add(0.5).alias("load_factor")),
      ),
    found: { "gold fact_inventory_metrics: changed": /load_factor is 0\.\d+, the lake says 0\.\d+/ },
  },
  {
    name: "a gold row doubled",
    damage: (pipeline) => editGold(pipeline, "fact_promotions", (frame) => pl.concat([frame, frame.head(1)])),
    found: { "gold fact_promotions: doubled": /event_id / },
  },
  {
    name: "a flight's status changed in gold",
    damage: (pipeline) =>
      editGold(pipeline, "dim_flight", (frame) => frame.withColumns(pl.lit("arrived").alias("status"))),
    found: {
      "gold dim_flight: changed": /flight_id .*: status is arrived, the lake says (scheduled|delayed)/,
    },
  },
  {
    name: "a gold table that is no Parquet",
    damage: (pipeline) => Deno.writeTextFileSync(`${pipeline.folders.gold}/fact_booking.parquet`, "broken"),
    found: { "gold fact_booking: unreadable": /Build it anew: deno task etl --full/ },
  },
  {
    name: "a flight oversold",
    async damage(pipeline) {
      await pipeline.append([booking("too-many", FLIGHTS[1]!, SEATS)]);
      await pipeline.consume();
      await pipeline.writeLake();
      await pipeline.runEtl();
    },
    found: {
      "seats: flights oversold by their bookings": /AF12_2025-11-28 has 55 seats sold of 40/,
      "seats: flights oversold by their metrics": /AF12_2025-11-28 had 55 of 40 seats booked/,
    },
  },
  {
    name: "a second promotion of a flight",
    damage: (pipeline) =>
      pipeline.append([
        record("promo_decisions", { ...promoDecisionExample, flight_id: FLIGHTS[0], event_id: undefined }),
      ]),
    found: { "promotions: too many": /BA210_2025-11-28 has 2, at most 1/ },
  },
  {
    name: "metrics of one booking twice",
    damage: (pipeline) =>
      pipeline.withLog((log) =>
        pipeline.append([
          record("inventory_metrics", {
            ...inventoryMetricsExample,
            event_id: `bookings-1-0-0@${log.logId.slice(0, 8)}`,
          }),
        ])
      ),
    found: { "engine: inventory_metrics doubled": /bookings-1-0-0@[0-9a-f]{8}, again in inventory_metrics-/ },
  },
  {
    name: "an output without an input",
    damage: (pipeline) =>
      pipeline.withLog((log) =>
        pipeline.append([
          record("inventory_metrics", {
            ...inventoryMetricsExample,
            event_id: `bookings-1-999-0@${log.logId.slice(0, 8)}`,
          }),
        ])
      ),
    found: { "engine: inventory_metrics without input": /bookings-1-999 of log [0-9a-f]{8} does not exist/ },
  },
  {
    name: "a booking that the consumer passed over",
    damage: (pipeline) =>
      pipeline.withLog(async (log) => {
        await pipeline.append([booking("passed-over", FLIGHTS[0]!, 1)]);
        const ends = await log.ranges(["bookings"]);
        await log.commitOffsets(
          "inventory-engine",
          ends.map(({ topic, partition, end }) => ({ topic, partition, offset: end })),
        );
      }),
    found: { "engine: booking not evaluated": /bookings-\d-\d+ led to no metrics and is no dead letter/ },
  },
];

for (const { name, damage, deep = false, found } of DAMAGES) {
  Deno.test(`it is found and named: ${name}`, () =>
    withPipeline(async (pipeline) => {
      await damage(pipeline);
      assertFound(await pipeline.verify({ deep }), found);
    }));
}

Deno.test("parts that are absent are differences, parts that are skipped are not", () =>
  withPipeline(async (pipeline) => {
    const report = await pipeline.verify({
      log: { skipped: true },
      goldFolder: { absent: "There are no gold tables yet" },
      rawFolder: `${pipeline.root}/nowhere`,
    });
    assertFound(report, { "gold: absent": /no gold tables yet/, "lake: absent": /There is no lake at/ });
    equal(report.parts.log.state, "skipped");
    assertAgrees(await pipeline.verify({ log: { skipped: true } }));
  }));
