import assert from "node:assert/strict";
import { lakeMetrics } from "../../lake/lake_metrics.ts";
import { FileMerger } from "../../lake/file_merger.ts";
import { readManifest, repairManifest } from "../../lake/manifest.ts";
import { DamagedPartError, finishMerges, mergeFiles } from "../../lake/merge_files.ts";
import { adjoining, listRawFiles } from "../../lake/raw_files.ts";
import { Registry } from "../../process/metrics_server.ts";
import { ArrayLog } from "./_array_log.ts";
import { booking, lakeLines, namesIn, withFolder, writeLake } from "./_lake_support.ts";

const LOG_ID = "1f3a9c2e-5b1d-4d36-8f0e-2f6f0d9f4c11";
const TWO_OCLOCK = Date.UTC(2025, 10, 28, 14);
const MINUTE_MS = 60_000;
const LIMITS = { bytes: 1e9, events: 3, ageMs: 1e9 };
const MERGING = { belowBytes: 1e6, bytesMax: 1e7, afterMs: 0 };

/** A log of two partitions over two hours, every fifth record bad and every third range bad wholly. */
function smallLog(): ArrayLog {
  const log = new ArrayLog({ bookings: 2, dead_letters: 1 }, LOG_ID);
  for (let n = 0; n < 60; n++) {
    const bad = n % 5 === 4 || (n >= 18 && n < 24);
    log.put("bookings", n % 2, bad ? "{" : booking(n), { timestampMs: TWO_OCLOCK + n * 2 * MINUTE_MS });
  }
  return log;
}

/** A lake of small files. */
async function smallLake(raw: string): Promise<void> {
  await writeLake(smallLog(), raw, { topics: ["bookings"], limits: LIMITS });
}

const placesOf = async (raw: string) =>
  (await lakeLines(raw, "bookings")).map(({ _partition, _offset, booking_id }) =>
    `${_partition}/${_offset} ${booking_id}`
  );

/** Files by partition. */
async function filesOf(raw: string, partition: number) {
  return (await listRawFiles(raw, "bookings")).sealed.filter((file) => file.partition === partition);
}

Deno.test("files that adjoin become one with the same bytes, and the manifest says so", () =>
  withFolder(async (raw) => {
    await smallLake(raw);
    const before = await placesOf(raw);
    const parts = await filesOf(raw, 0);
    assert.ok(parts.length > 5 && parts.some(({ empty }) => empty));
    const bytes = parts.map(({ path }) => Deno.readTextFileSync(path)).join("");
    const merged = await mergeFiles(`${raw}/bookings`, parts);
    assert.equal(merged.name, "2025-11-28_14.1f3a9c2e.p0.000000000000-000000000030.jsonl");
    assert.equal(await Deno.readTextFile(merged.path), bytes);
    assert.deepEqual((await filesOf(raw, 0)).map(({ name }) => name), [merged.name]);
    assert.deepEqual(await placesOf(raw), before);
    const { entries } = await readManifest(`${raw}/bookings`);
    const entry = entries.get(merged.name);
    // The repair reads what is there: it must come to the same.
    await Deno.remove(`${raw}/bookings/_manifest.ndjson`);
    await repairManifest(raw, "bookings", LOG_ID);
    const repaired = (await readManifest(`${raw}/bookings`)).entries;
    assert.deepEqual(entry, repaired.get(merged.name));
    assert.deepEqual([...entries.keys()].sort(), [...repaired.keys()].sort());
  }));

Deno.test("ranges of which nothing was kept become one that is empty", () =>
  withFolder(async (raw) => {
    const log = new ArrayLog({ bookings: 1, dead_letters: 1 }, LOG_ID);
    for (let n = 0; n < 6; n++) log.put("bookings", 0, "{");
    await writeLake(log, raw, { topics: ["bookings"], limits: LIMITS });
    const merged = await mergeFiles(`${raw}/bookings`, await filesOf(raw, 0));
    assert.equal(merged.name, "2025-11-28_14.1f3a9c2e.p0.000000000000-000000000006.empty");
    assert.equal((await Deno.stat(merged.path)).size, 0);
  }));

const OPERATIONS = ["open", "rename", "renameSync", "removeSync", "remove"] as const;

/** Makes the file operations fail from the `fatal`th on, as when the process is killed there; counts them. */
async function dyingAt(fatal: number, work: () => Promise<unknown>): Promise<number> {
  const originals = Object.fromEntries(OPERATIONS.map((name) => [name, Deno[name]]));
  let count = 0;
  for (const name of OPERATIONS) {
    // deno-lint-ignore no-explicit-any
    (Deno as any)[name] = (...args: unknown[]) => {
      if (++count >= fatal) throw new Error("killed");
      // deno-lint-ignore no-explicit-any
      return (originals as any)[name](...args);
    };
  }
  try {
    await work().catch(() => {});
  } finally {
    Object.assign(Deno, originals);
  }
  return count;
}

Deno.test("a merge that is killed anywhere loses and doubles nothing, neither before nor after the next start", async () => {
  let operations = Infinity;
  let sawBoth = 0;
  let sawPrepared = 0;
  for (let fatal = 1; fatal <= operations; fatal++) {
    await withFolder(async (raw) => {
      await smallLake(raw);
      const before = await placesOf(raw);
      const parts = await filesOf(raw, 0);
      const count = await dyingAt(fatal, () => mergeFiles(`${raw}/bookings`, parts));
      if (fatal > count) operations = count;
      const { covered } = await listRawFiles(raw, "bookings");
      if (covered.length > 0) sawBoth++;
      if ((await namesIn(`${raw}/bookings`)).some((name) => name.endsWith(".merged"))) sawPrepared++;
      // What a reader sees who comes before the next start.
      assert.deepEqual(await placesOf(raw), before);
      // The next start, with one more record.
      const log = smallLog();
      log.put("bookings", 0, booking(100), { timestampMs: TWO_OCLOCK + 3 * 60 * MINUTE_MS });
      const run = await writeLake(log, raw, { topics: ["bookings"], limits: LIMITS });
      assert.deepEqual(run.warned, []);
      assert.deepEqual((await placesOf(raw)).filter((place) => !place.endsWith("-100")), before);
      const listing = await listRawFiles(raw, "bookings");
      assert.deepEqual(listing.covered, []);
      const names = listing.sealed.map(({ name }) => name);
      assert.deepEqual(await namesIn(`${raw}/bookings`), [...names, "_manifest.ndjson"].sort());
      const { entries } = await readManifest(`${raw}/bookings`);
      assert.deepEqual([...entries.keys()].sort(), names.sort());
      assert.equal(await repairManifest(raw, "bookings", LOG_ID), 0);
    });
  }
  assert.ok(sawBoth > 3, `${sawBoth} crashes left both`);
  assert.ok(sawPrepared >= 1, `${sawPrepared} crashes left a prepared file`);
});

Deno.test("a listing that is made while files are merged misses nothing", () =>
  withFolder(async (raw) => {
    await smallLake(raw);
    const parts = await filesOf(raw, 0);
    const readDir = Deno.readDir;
    let listings = 0;
    Deno.readDir = (async function* (path: string | URL) {
      const names = await Array.fromAsync(readDir(path));
      // The first listing passed the place of the merged file before it was there, and its parts after they had gone.
      if (listings++ === 0) {
        await dyingAt(Infinity, () => mergeFiles(`${raw}/bookings`, parts));
        yield* names.filter(({ name }) => !parts.some((part) => part.name === name));
      } else yield* names;
    }) as typeof Deno.readDir;
    try {
      const { sealed } = await listRawFiles(raw, "bookings");
      assert.deepEqual(adjoining(sealed), []);
      assert.deepEqual(sealed.filter(({ partition }) => partition === 0).map(({ from, to }) => [from, to]), [
        [0, 30],
      ]);
      // And when the second one is hit, a third is made.
      const others = sealed.filter(({ partition }) => partition === 1);
      listings = -1;
      Deno.readDir = (async function* (path: string | URL) {
        const names = await Array.fromAsync(readDir(path));
        if (listings++ === 0) {
          await mergeFiles(`${raw}/bookings`, others);
          yield* names.filter(({ name }) => !others.some((part) => part.name === name));
        } else yield* names;
      }) as typeof Deno.readDir;
      const again = await listRawFiles(raw, "bookings");
      assert.deepEqual(again.sealed.map(({ from, to }) => [from, to]), [[0, 30], [0, 30]]);
    } finally {
      Deno.readDir = readDir;
    }
  }));

Deno.test("a file that is not what it was is not merged, and nothing changes", () =>
  withFolder(async (raw) => {
    await smallLake(raw);
    const parts = await filesOf(raw, 0);
    const text = Deno.readTextFileSync(parts[1]!.path);
    Deno.writeTextFileSync(parts[1]!.path, text.replace("booking-", "Booking-"));
    const before = await namesIn(`${raw}/bookings`);
    await assert.rejects(mergeFiles(`${raw}/bookings`, parts), DamagedPartError);
    assert.deepEqual(await namesIn(`${raw}/bookings`), before);
    const warned: string[] = [];
    const merger = mergerOf(raw, (message) => warned.push(message));
    for (let job = merger.next(); job !== undefined; job = merger.next()) await job();
    assert.equal(warned.length, 1);
    assert.match(warned[0]!, /is not what it was when it was finished \(its SHA-256 differs\).* not merged$/);
    assert.equal((await filesOf(raw, 0)).length, parts.length);
    assert.equal((await filesOf(raw, 1)).length, 1);
  }));

Deno.test("a file within a wider one that no merge left there is kept, and told of", () =>
  withFolder(async (raw) => {
    await smallLake(raw);
    const parts = await filesOf(raw, 0);
    const [first, last] = [parts[0]!, parts.at(-1)!];
    const texts = new Map(parts.map(({ path }) => [path, Deno.readTextFileSync(path)]));
    const merged = await mergeFiles(`${raw}/bookings`, parts);
    const whole = Deno.readTextFileSync(merged.path);
    // Its lines are in the merged file; but a merge removes the first part first.
    Deno.writeTextFileSync(first.path, texts.get(first.path)!);
    let found = await finishMerges(raw, "bookings");
    assert.equal(found.changed, 0);
    assert.match(found.warnings.join(), /lies within the range of ".*" and was not left there by a merge: /);
    Deno.removeSync(first.path);
    // Somebody cut the merged file, and put a part back.
    Deno.writeTextFileSync(last.path, texts.get(last.path)!);
    Deno.writeTextFileSync(merged.path, whole.slice(0, -texts.get(last.path)!.length));
    found = await finishMerges(raw, "bookings");
    assert.equal(found.changed, 0);
    assert.match(
      found.warnings.join(),
      /lies within the range of ".*" and has lines that it does not hold: /,
    );
    assert.equal(Deno.readTextFileSync(last.path), texts.get(last.path));
    Deno.writeTextFileSync(merged.path, whole);
    assert.deepEqual(await finishMerges(raw, "bookings"), { changed: 1, warnings: [] });
  }));

Deno.test("a file within a wider one that is left there is read once, and again when it has changed", () =>
  withFolder(async (raw) => {
    await smallLake(raw);
    const parts = await filesOf(raw, 0);
    const text = Deno.readTextFileSync(parts[0]!.path);
    await mergeFiles(`${raw}/bookings`, parts);
    // One that ends where the wider one does may be a merge's rest: it has to be read.
    const strange = parts.at(-1)!.path;
    Deno.writeTextFileSync(strange, `${text}{}\n`);
    const warned: string[] = [];
    let nowMs = 0;
    const merger = mergerOf(raw, (message) => warned.push(message), () => nowMs);
    const look = async () => {
      nowMs += 60_000;
      for (let job = merger.next(); job !== undefined; job = merger.next()) await job();
    };
    const { readFile } = Deno;
    let read = 0;
    Object.assign(Deno, {
      readFile: (...args: Parameters<typeof readFile>) => {
        read++;
        return readFile(...args);
      },
    });
    try {
      await look();
      const first = read;
      assert.ok(first > 0);
      await look();
      assert.equal(read, first);
      Deno.writeTextFileSync(strange, `${text}{}\n{}\n`);
      await look();
      assert.ok(read > first);
    } finally {
      Object.assign(Deno, { readFile });
    }
    assert.equal(warned.length, 1);
  }));

function mergerOf(
  raw: string,
  warn: (message: string) => void = assert.fail,
  now: () => number = () => 0,
) {
  return new FileMerger({
    rawFolder: raw,
    topics: ["bookings"],
    logId: LOG_ID,
    limits: MERGING,
    metrics: lakeMetrics(new Registry()),
    warn,
    now,
  });
}

Deno.test("the writer merges beside its work, and every record is there once", () =>
  withFolder(async (raw) => {
    await smallLake(raw);
    const before = (await listRawFiles(raw, "bookings")).sealed.length;
    const log = smallLog();
    // Each of the next polls finds a record, so that the writer has work meanwhile.
    let polls = 0;
    log.beforeCall = (call) => {
      if (call !== "poll" || ++polls > 20) return;
      log.put("bookings", polls % 2, booking(100 + polls), { timestampMs: TWO_OCLOCK + 120 * MINUTE_MS });
    };
    const run = await writeLake(log, raw, { topics: ["bookings"], limits: LIMITS, merging: MERGING });
    assert.deepEqual(run.warned, []);
    const places = await placesOf(raw);
    assert.equal(new Set(places).size, places.length);
    assert.equal(places.length, log.records("bookings").filter(({ value }) => value !== "{").length);
    const { sealed } = await listRawFiles(raw, "bookings");
    assert.ok(sealed.length < before, `${before} files became ${sealed.length}`);
    assert.equal(await run.metric("lake_files", { topic: "bookings" }), sealed.length);
    const metric = (name: string) => run.metric(name, { topic: "bookings" });
    assert.ok(await metric("lake_merges_total") >= 2);
    assert.equal(
      before + await metric("lake_files_sealed_total") - await metric("lake_files_merged_total") +
        await metric("lake_merges_total"),
      sealed.length,
    );
  }));
