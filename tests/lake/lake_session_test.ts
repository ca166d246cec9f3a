import assert from "node:assert/strict";
import fc from "fast-check";
import { listRawFiles } from "../../lake/raw_files.ts";
import { readManifest } from "../../lake/manifest.ts";
import { ArrayLog } from "./_array_log.ts";
import { booking, deadLetter, lakeLines, linesOf, namesIn, withFolder, writeLake } from "./_lake_support.ts";

const TOPICS = { bookings: 2, dead_letters: 1 };
const UNLIMITED = { bytes: 1e9, events: 1e9, ageMs: 1e9 };
const FIVE_PAST_TWO = Date.UTC(2025, 10, 28, 14, 5);
const HOUR_MS = 3_600_000;

Deno.test("each record becomes one line with its place, and each partition a file that names its range", () =>
  withFolder(async (raw) => {
    const log = new ArrayLog(TOPICS);
    for (let n = 0; n < 10; n++) log.put("bookings", n % 2, booking(n));
    const run = await writeLake(log, raw);
    const lines = await lakeLines(raw, "bookings");
    assert.deepEqual(lines.map(({ booking_id, _partition, _offset }) => [booking_id, _partition, _offset]), [
      ...[0, 2, 4, 6, 8].map((n, at) => [`booking-${n}`, 0, at]),
      ...[1, 3, 5, 7, 9].map((n, at) => [`booking-${n}`, 1, at]),
    ]);
    assert.ok(lines.every(({ _timestamp }) => _timestamp === "2025-11-28T14:05:00.000Z"));
    const { sealed } = await listRawFiles(raw, "bookings");
    assert.deepEqual(sealed.map(({ name }) => name), [
      "2025-11-28_14.1f3a9c2e.p0.000000000000-000000000005.jsonl",
      "2025-11-28_14.1f3a9c2e.p1.000000000000-000000000005.jsonl",
    ]);
    assert.deepEqual(Object.fromEntries(log.committed), {
      "lake-writer/bookings/0": 5,
      "lake-writer/bookings/1": 5,
    });
    assert.equal(await run.metric("lake_events_written_total", { topic: "bookings" }), 10);
    assert.equal(await run.metric("lake_files_sealed_total", { topic: "bookings" }), 2);
    const { entries } = await readManifest(`${raw}/bookings`);
    const bytes = [...entries.values()].reduce((sum, entry) => sum + entry.bytes, 0);
    assert.equal(await run.metric("lake_bytes_written_total", { topic: "bookings" }), bytes);
    assert.deepEqual(run.warned, []);
  }));

Deno.test("ranges adjoin and every record is there once, at any limits, gaps, hours and restarts", async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(
        fc.record({
          partition: fc.integer({ min: 0, max: 1 }),
          gap: fc.constantFrom(0, 0, 0, 1, 4),
          minutes: fc.integer({ min: 0, max: 20 }),
          bad: fc.constantFrom(false, false, false, true),
        }),
        { minLength: 1, maxLength: 80 },
      ),
      fc.integer({ min: 1, max: 20 }),
      fc.integer({ min: 1, max: 4000 }),
      fc.integer({ min: 1, max: 9 }),
      fc.integer({ min: 0, max: 80 }),
      (records, events, bytes, batchRecords, restartAt) =>
        withFolder(async (raw) => {
          const log = new ArrayLog({ bookings: 2, dead_letters: 1 });
          log.batchRecords = batchRecords;
          let timestampMs = FIVE_PAST_TWO;
          const expected: string[] = [];
          for (const [n, { partition, gap, minutes, bad }] of records.entries()) {
            if (n === restartAt) await writeLake(log, raw, { limits: { bytes, events, ageMs: 1e9 } });
            timestampMs += minutes * 60_000;
            const { offset } = log.put("bookings", partition, bad ? "{" : booking(n), { timestampMs, gap });
            if (!bad) expected.push(`${partition}/${offset}`);
          }
          log.addMarkers("bookings", 0, 1);
          await writeLake(log, raw, { limits: { bytes, events, ageMs: 1e9 } });
          const lines = await lakeLines(raw, "bookings");
          const found = lines.map(({ _partition, _offset }) => `${_partition}/${_offset}`);
          assert.deepEqual(found.toSorted(), expected.toSorted());
          const { sealed } = await listRawFiles(raw, "bookings");
          for (const file of sealed) {
            for (const { _timestamp } of await linesOf(file)) {
              assert.equal(`${_timestamp.slice(0, 10)}_${_timestamp.slice(11, 13)}`, file.hour);
            }
          }
          // Each refused record is a dead letter, and each dead letter a line of the lake.
          const letters = await lakeLines(raw, "dead_letters");
          assert.equal(letters.length, records.length - expected.length);
        }),
    ),
    { numRuns: 60, endOnFailure: true },
  );
});

Deno.test("a range covers the marks of transactions behind its last record, so that the group is not behind", () =>
  withFolder(async (raw) => {
    const log = new ArrayLog(TOPICS);
    log.put("bookings", 0, booking(1));
    log.addMarkers("bookings", 0, 2);
    await writeLake(log, raw);
    const { sealed } = await listRawFiles(raw, "bookings");
    assert.deepEqual(sealed.map(({ from, to }) => [from, to]), [[0, 3]]);
    assert.equal(log.committed.get("lake-writer/bookings/0"), 3);
  }));

Deno.test("a file is finished by events, by bytes, by age and by the hour", () =>
  withFolder(async (folder) => {
    const ranges = async (raw: string) =>
      (await listRawFiles(raw, "bookings")).sealed.map(({ hour, from, to }) => [hour.slice(-2), from, to]);
    const log = new ArrayLog(TOPICS);
    for (let n = 0; n < 10; n++) {
      log.put("bookings", 0, booking(n), { timestampMs: FIVE_PAST_TWO + (n < 6 ? 0 : HOUR_MS) });
    }
    // All lines are of one length.
    await writeLake(log, `${folder}/one`, { topics: ["bookings"] });
    const [first] = (await listRawFiles(`${folder}/one`, "bookings")).sealed;
    const lineBytes = (await Deno.stat(first!.path)).size / 6;
    const cases: [string, Partial<typeof UNLIMITED>, (string | number)[][]][] = [
      ["hour", {}, [["14", 0, 6], ["15", 6, 10]]],
      ["events", { events: 4 }, [["14", 0, 4], ["14", 4, 6], ["15", 6, 10]]],
      ["bytes", { bytes: 2 * lineBytes }, [
        ["14", 0, 2],
        ["14", 2, 4],
        ["14", 4, 6],
        ["15", 6, 8],
        ["15", 8, 10],
      ]],
      // Each poll of 7 records is older than 0 ms when it is over.
      ["age", { ageMs: 0 }, [["14", 0, 6], ["15", 6, 7], ["15", 7, 10]]],
    ];
    for (const [name, limits, expected] of cases) {
      const raw = `${folder}/${name}`;
      await writeLake(log, raw, { fromBeginning: true, limits: { ...UNLIMITED, ...limits } });
      assert.deepEqual(await ranges(raw), expected, name);
    }
  }));

Deno.test("clocks that differ around the hour do not cut files to pieces", () =>
  withFolder(async (raw) => {
    const log = new ArrayLog(TOPICS);
    const threeOClock = Date.UTC(2025, 10, 28, 15);
    for (let n = 0; n < 100; n++) {
      log.put("bookings", 0, booking(n), { timestampMs: threeOClock + (n % 2 === 0 ? -50 : 50) });
    }
    await writeLake(log, raw);
    const { sealed } = await listRawFiles(raw, "bookings");
    assert.deepEqual(sealed.map(({ hour, from, to }) => [hour, from, to]), [
      ["2025-11-28_14", 0, 1],
      ["2025-11-28_15", 1, 100],
    ]);
  }));

const UTF8_BROKEN = new Uint8Array([0x7b, 0xff, 0x7d]);
const BAD: [string, string, string | null, Uint8Array?][] = [
  ["a tombstone", "empty_value", null],
  ["an empty value", "empty_value", ""],
  ["no UTF-8", "invalid_utf8", "{\ufffd}", UTF8_BROKEN],
  ["no JSON", "invalid_json", '{"event_type":'],
  ["a list", "not_an_object", "[]"],
  ["lists nested too deep", "not_an_object", "[".repeat(200_000) + "]".repeat(200_000)],
  ["an unknown event type", "unknown_event_type", booking(0, { event_type: "Nonsense" })],
  ["a missing field", "missing_field", booking(0, { booking_id: undefined })],
  ["a wrong type", "wrong_type", booking(0, { total_price: "140" })],
  ["a negative price", "out_of_range", booking(0, { total_price: -1 })],
  ["no time", "invalid_time", booking(0, { event_time: "yesterday" })],
  ["an absurd time", "event_time", booking(0, { event_time: "2099-01-01T00:00:00Z" })],
  ["a NUL character", "nul_character", booking(0, { fare_bucket: "K\0" })],
];
for (const [name, reason, value, bytes] of BAD) {
  Deno.test(`${name} goes to the dead letters as ${reason}, and the good records around it to the lake`, () =>
    withFolder(async (raw) => {
      const log = new ArrayLog(TOPICS);
      log.put("bookings", 0, booking(1));
      log.put("bookings", 0, value, bytes === undefined ? {} : { bytes });
      log.put("bookings", 0, booking(2));
      const run = await writeLake(log, raw);
      const lines = await lakeLines(raw, "bookings");
      assert.deepEqual(lines.map(({ booking_id, _offset }) => [booking_id, _offset]), [["booking-1", 0], [
        "booking-2",
        2,
      ]]);
      const letters = await lakeLines(raw, "dead_letters");
      assert.equal(letters.length, 1);
      const [letter] = letters;
      assert.equal(letter!.reason, reason);
      assert.equal(letter!.dead_letter_id, "lake-writer-bookings-0-1");
      assert.equal(letter!.log_id, log.logId);
      if (bytes === undefined) assert.equal(letter!.value, value);
      else assert.deepEqual(Uint8Array.fromBase64(letter!.value_base64 as string), bytes);
      assert.equal(await run.metric("lake_dead_letters_total", { reason }), 1);
    }));
}

Deno.test("a range in which nothing was kept is an empty file that no reader of *.jsonl sees", () =>
  withFolder(async (raw) => {
    const log = new ArrayLog(TOPICS);
    for (let n = 0; n < 3; n++) log.put("bookings", 1, "no JSON");
    await writeLake(log, raw, { topics: ["bookings"] });
    assert.deepEqual(await namesIn(`${raw}/bookings`), [
      "2025-11-28_14.1f3a9c2e.p1.000000000000-000000000003.empty",
      "_manifest.ndjson",
    ]);
    const { entries } = await readManifest(`${raw}/bookings`);
    const [entry] = entries.values();
    assert.deepEqual([entry!.lines, entry!.bytes, entry!.min_event_time, entry!.max_event_time], [
      0,
      0,
      null,
      null,
    ]);
    log.put("bookings", 1, booking(3));
    await writeLake(log, raw, { topics: ["bookings"] });
    assert.deepEqual((await lakeLines(raw, "bookings")).map(({ _offset }) => _offset), [3]);
    assert.equal(log.records("dead_letters").length, 3);
  }));

Deno.test("a malformed record among the dead letters is told and counted, and makes no further dead letter", () =>
  withFolder(async (raw) => {
    const log = new ArrayLog(TOPICS);
    log.put("dead_letters", 0, deadLetter());
    log.put("dead_letters", 0, "no JSON");
    log.put("dead_letters", 0, null);
    const run = await writeLake(log, raw);
    assert.equal(log.records("dead_letters").length, 3);
    assert.deepEqual((await lakeLines(raw, "dead_letters")).map(({ _offset }) => _offset), [0]);
    assert.equal(await run.metric("lake_dead_letters_total", { reason: "invalid_json" }), 1);
    assert.equal(await run.metric("lake_dead_letters_total", { reason: "empty_value" }), 1);
    assert.equal(run.warned.length, 2);
    assert.match(run.warned[0]!, /dead_letters\/0 offset 1, The value is not JSON/);
  }));

Deno.test("more dead letters than fit in memory are stored on the way", () =>
  withFolder(async (raw) => {
    const log = new ArrayLog(TOPICS);
    log.batchRecords = 100;
    for (let n = 0; n < 100; n++) log.put("bookings", 0, `${n} ${"x".repeat(50_000)}`);
    let storedBeforeEnd = 0;
    let polls = 0;
    log.beforeCall = (call) => {
      if (call === "poll" && ++polls === 2) storedBeforeEnd = log.records("dead_letters").length;
    };
    await writeLake(log, raw);
    assert.ok(storedBeforeEnd >= 80 && storedBeforeEnd < 100, `${storedBeforeEnd} were stored on the way`);
    const ids = (await lakeLines(raw, "dead_letters")).map(({ dead_letter_id }) => dead_letter_id);
    assert.equal(new Set(ids).size, 100);
    assert.equal(ids.length, 100);
  }));

Deno.test("an event that carries the lake's own fields, as one sent again does, is told by its new place", () =>
  withFolder(async (raw) => {
    const log = new ArrayLog(TOPICS);
    log.put("bookings", 1, booking(1), { gap: 5 });
    log.put("bookings", 1, booking(2, { _offset: 99, _partition: 0, _timestamp: "2020-01-01T00:00:00Z" }));
    await writeLake(log, raw);
    assert.deepEqual((await lakeLines(raw, "bookings")).map(({ _offset }) => _offset), [5, 6]);
  }));

Deno.test("records without a sensible append time are kept", () =>
  withFolder(async (raw) => {
    const log = new ArrayLog(TOPICS);
    const event = booking(1, { event_time: "1990-01-01T00:00:00Z" });
    log.put("bookings", 0, event, { timestampMs: 9e15 });
    log.put("bookings", 0, "no JSON", { timestampMs: 9e15 });
    log.put("bookings", 0, "no JSON", { timestampMs: -1 });
    await writeLake(log, raw);
    assert.equal((await lakeLines(raw, "bookings"))[0]!._timestamp, "2199-12-31T23:59:59.999Z");
    assert.equal((await lakeLines(raw, "dead_letters")).length, 2);
  }));
