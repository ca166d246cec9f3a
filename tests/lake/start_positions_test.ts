import assert from "node:assert/strict";
import { listRawFiles } from "../../lake/raw_files.ts";
import { startPositions } from "../../lake/start_positions.ts";
import { ArrayLog } from "./_array_log.ts";
import { booking, lakeLines, withFolder, writeLake } from "./_lake_support.ts";

const TOPICS = { bookings: 2, dead_letters: 1 };

function logOf(count: number, logId?: string): ArrayLog {
  const log = new ArrayLog(TOPICS, logId);
  for (let n = 0; n < count; n++) log.put("bookings", n % 2, booking(n));
  return log;
}

const offsetsOf = (lines: { _partition: number; _offset: number }[]) =>
  lines.map(({ _partition, _offset }) => `${_partition}/${_offset}`);

Deno.test("a restart goes on where the lake ends, whatever the group says", () =>
  withFolder(async (raw) => {
    const log = logOf(10);
    await writeLake(log, raw);
    log.committed.set("lake-writer/bookings/0", 0);
    log.committed.set("lake-writer/bookings/1", 100);
    for (let n = 10; n < 14; n++) log.put("bookings", n % 2, booking(n));
    await writeLake(log, raw);
    assert.deepEqual(
      offsetsOf(await lakeLines(raw, "bookings")),
      [0, 1, 2, 3, 4, 5, 6].map((n) => `0/${n}`).concat([0, 1, 2, 3, 4, 5, 6].map((n) => `1/${n}`)),
    );
  }));

Deno.test("a crash between manifest and group leaves the group behind until the next start", () =>
  withFolder(async (raw) => {
    const log = logOf(10);
    await writeLake(log, raw);
    log.committed.clear();
    await writeLake(log, raw);
    assert.deepEqual(Object.fromEntries(log.committed), {
      "lake-writer/bookings/0": 5,
      "lake-writer/bookings/1": 5,
    });
  }));

Deno.test("another lake writer's folder and offsets are taken over: its files stay, its records are not read again", () =>
  withFolder(async (raw) => {
    await Deno.mkdir(`${raw}/bookings`, { recursive: true });
    const foreign = `${raw}/bookings/2025-11-28_13.jsonl`;
    await Deno.writeTextFile(foreign, `${booking(0)}\n{"half`);
    const log = logOf(10);
    log.committed.set("lake-writer/bookings/0", 3);
    const run = await writeLake(log, raw);
    assert.deepEqual(offsetsOf(await lakeLines(raw, "bookings")), [
      "0/3",
      "0/4",
      ...[0, 1, 2, 3, 4].map((n) => `1/${n}`),
    ]);
    assert.ok(run.said.some((line) => line.includes("taking over") && line.includes("bookings/0 at 3")));
    assert.equal(await Deno.readTextFile(foreign), `${booking(0)}\n{"half`);
    assert.deepEqual((await listRawFiles(raw, "bookings")).foreign, ["2025-11-28_13.jsonl"]);
  }));

Deno.test("--from-beginning leaves the group's offsets out, and never what the lake has", () =>
  withFolder(async (raw) => {
    const log = logOf(10);
    log.committed.set("lake-writer/bookings/0", 3);
    await writeLake(log, raw, { fromBeginning: true });
    assert.equal((await lakeLines(raw, "bookings")).length, 10);
    await writeLake(log, raw, { fromBeginning: true });
    assert.equal((await lakeLines(raw, "bookings")).length, 10);
  }));

Deno.test("a group's offset that the log does not hold is of an earlier log and does not count", () =>
  withFolder(async (raw) => {
    const log = logOf(10);
    log.committed.set("lake-writer/bookings/0", 500);
    await writeLake(log, raw);
    assert.equal((await lakeLines(raw, "bookings")).length, 10);
  }));

Deno.test("a reset log is read from its start beside the files of the old one", () =>
  withFolder(async (raw) => {
    await writeLake(logOf(10), raw);
    const old = (await listRawFiles(raw, "bookings")).sealed.map(({ name }) => name);
    await writeLake(logOf(4, "0badcafe-5b1d-4d36-8f0e-2f6f0d9f4c11"), raw);
    const { sealed } = await listRawFiles(raw, "bookings");
    assert.deepEqual(sealed.filter(({ logId8 }) => logId8 === "1f3a9c2e").map(({ name }) => name), old);
    assert.deepEqual(
      sealed.filter(({ logId8 }) => logId8 === "0badcafe").map(({ from, to }) => [from, to]),
      [[0, 2], [0, 2]],
    );
    assert.equal((await lakeLines(raw, "bookings")).length, 14);
  }));

Deno.test("records that retention removed before the lake had them are told and counted, and leave a gap", () =>
  withFolder(async (raw) => {
    const log = logOf(10);
    await writeLake(log, raw);
    for (let n = 10; n < 20; n++) log.put("bookings", n % 2, booking(n));
    log.truncate("bookings", 0, 8);
    const run = await writeLake(log, raw);
    assert.ok(run.warned.some((line) => line.includes("Offsets 5 to 8 of bookings/0 are gone")));
    assert.equal(await run.metric("lake_lost_records_total", { topic: "bookings" }), 3);
    const { sealed } = await listRawFiles(raw, "bookings");
    assert.deepEqual(sealed.filter(({ partition }) => partition === 0).map(({ from, to }) => [from, to]), [
      [0, 5],
      [8, 10],
    ]);
  }));

Deno.test("a lake that is ahead of the log, which was restored from an older copy, is refused", () =>
  withFolder(async (raw) => {
    await writeLake(logOf(10), raw);
    const options = { rawFolder: raw, topics: ["bookings"], group: "lake-writer" };
    await assert.rejects(
      startPositions(logOf(8), options),
      /The lake holds bookings\/0 up to offset 5, but the log ends at 4/,
    );
    await assert.rejects(writeLake(logOf(8), raw), { name: "OperatorError" });
  }));

Deno.test("a topic that gets more partitions is read whole", () =>
  withFolder(async (raw) => {
    const log = logOf(10);
    let polls = 0;
    log.beforeCall = (call) => {
      // Before the second session reads: the first one must see it by itself.
      if (call !== "poll" || ++polls !== 1) return;
      log.addPartition("bookings", 2);
      log.put("bookings", 2, booking(10));
    };
    let nowMs = 0;
    await writeLake(log, raw, { now: () => nowMs += 6000 });
    assert.equal((await lakeLines(raw, "bookings")).length, 11);
  }));
