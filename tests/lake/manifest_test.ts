import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { MANIFEST_NAME, readManifest, repairManifest } from "../../lake/manifest.ts";
import { listRawFiles } from "../../lake/raw_files.ts";
import { ArrayLog } from "./_array_log.ts";
import { booking, namesIn, withFolder, writeLake } from "./_lake_support.ts";

const LOG_ID = "1f3a9c2e-5b1d-4d36-8f0e-2f6f0d9f4c11";

/** A lake of three files: two of good records, one empty. */
async function makeLake(raw: string): Promise<void> {
  const log = new ArrayLog({ bookings: 3 }, LOG_ID);
  log.put("bookings", 0, booking(1, { event_time: "2025-11-24T10:00:00Z" }));
  log.put("bookings", 0, booking(2, { event_time: "2025-11-23T10:00:00.123456Z" }));
  log.put("bookings", 0, booking(3, { event_time: "2025-11-25T10:00:00+00:00" }));
  log.put("bookings", 1, booking(4, { channel: "é" }));
  log.addPartition("dead_letters", 0);
  log.put("bookings", 2, "broken");
  await writeLake(log, raw, { topics: ["bookings"] });
}

Deno.test("the manifest says of each file what its bytes say", () =>
  withFolder(async (raw) => {
    await makeLake(raw);
    const { entries } = await readManifest(`${raw}/bookings`);
    const { sealed } = await listRawFiles(raw, "bookings");
    assert.deepEqual([...entries.keys()].toSorted(), sealed.map(({ name }) => name).toSorted());
    for (const file of sealed) {
      const bytes = await Deno.readFile(file.path);
      const entry = entries.get(file.name)!;
      assert.equal(entry.bytes, bytes.length);
      assert.equal(entry.lines, new TextDecoder().decode(bytes).split("\n").length - 1);
      assert.equal(entry.sha256, createHash("sha256").update(bytes).digest("hex"));
      assert.equal(entry.log_id, LOG_ID);
    }
    const first = entries.get(sealed[0]!.name)!;
    assert.equal(first.min_event_time, "2025-11-23T10:00:00.123Z");
    assert.equal(first.max_event_time, "2025-11-25T10:00:00.000Z");
  }));

Deno.test("a manifest that agrees with its folder is left alone", () =>
  withFolder(async (raw) => {
    await makeLake(raw);
    const before = await Deno.readTextFile(`${raw}/bookings/${MANIFEST_NAME}`);
    assert.equal(await repairManifest(raw, "bookings", LOG_ID), 0);
    assert.equal(await Deno.readTextFile(`${raw}/bookings/${MANIFEST_NAME}`), before);
    assert.equal(await repairManifest(raw, "no_such_topic", LOG_ID), 0);
  }));

const DAMAGES: [string, (text: string, path: string) => Promise<void>][] = [
  ["was lost", (_, path) => Deno.remove(path)],
  ["misses its last line", (text, path) => Deno.writeTextFile(path, text.replace(/[^\n]*\n$/, ""))],
  ["ends in half a line", (text, path) => Deno.writeTextFile(path, text.slice(0, -40))],
  ["misses its last newline", (text, path) => Deno.writeTextFile(path, text.slice(0, -1))],
  ["holds nonsense", (text, path) => Deno.writeTextFile(path, `\0\0\n[]\nnull\n${text}`)],
  [
    "tells of a file that is gone",
    (text, path) =>
      Deno.writeTextFile(path, text + text.split("\n")[0]!.replace("2025-11", "2024-11") + "\n"),
  ],
];
for (const [damage, apply] of DAMAGES) {
  Deno.test(`a manifest that ${damage} is made to agree with the folder again`, () =>
    withFolder(async (raw) => {
      await makeLake(raw);
      const path = `${raw}/bookings/${MANIFEST_NAME}`;
      const text = await Deno.readTextFile(path);
      await apply(text, path);
      assert.ok(await repairManifest(raw, "bookings", LOG_ID) > 0);
      assert.deepEqual(
        (await Deno.readTextFile(path)).split("\n").toSorted(),
        text.split("\n").toSorted(),
      );
      assert.ok(!(await namesIn(`${raw}/bookings`)).some((name) => name.endsWith(".tmp")));
    }));
}

Deno.test("a file of an earlier log keeps that log's whole id where another line has it, else its first digits", () =>
  withFolder(async (raw) => {
    await makeLake(raw);
    const { sealed } = await listRawFiles(raw, "bookings");
    const path = `${raw}/bookings/${MANIFEST_NAME}`;
    const text = await Deno.readTextFile(path);
    await Deno.writeTextFile(path, text.replace(/[^\n]*\n$/, ""));
    await repairManifest(raw, "bookings", "0badcafe-0000");
    let { entries } = await readManifest(`${raw}/bookings`);
    assert.ok(sealed.every(({ name }) => entries.get(name)!.log_id === LOG_ID));
    await Deno.remove(path);
    await repairManifest(raw, "bookings", "0badcafe-0000");
    ({ entries } = await readManifest(`${raw}/bookings`));
    assert.ok(sealed.every(({ name }) => entries.get(name)!.log_id === "1f3a9c2e"));
  }));

Deno.test("a raw file that somebody broke does not stop the repair", () =>
  withFolder(async (raw) => {
    await makeLake(raw);
    const { sealed } = await listRawFiles(raw, "bookings");
    await Deno.writeTextFile(sealed[1]!.path, "broken\n{}\nhalf");
    await Deno.remove(`${raw}/bookings/${MANIFEST_NAME}`);
    await repairManifest(raw, "bookings", LOG_ID);
    const { entries } = await readManifest(`${raw}/bookings`);
    const entry = entries.get(sealed[1]!.name)!;
    assert.deepEqual([entry.lines, entry.bytes, entry.min_event_time], [2, 14, null]);
  }));
