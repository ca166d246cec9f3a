import assert from "node:assert/strict";
import { prepareTopicFolders } from "../../lake/lake_folder.ts";
import { readManifest } from "../../lake/manifest.ts";
import { isTemporaryName, SegmentWriter } from "../../lake/segment_writer.ts";
import { namesIn, withFolder } from "./_lake_support.ts";

const FINAL = "2025-11-28_14.1f3a9c2e.p0.000000000100-000000000103.jsonl";

async function segmentIn(raw: string): Promise<SegmentWriter> {
  await prepareTopicFolders(raw, ["bookings"]);
  return new SegmentWriter({
    rawFolder: raw,
    topic: "bookings",
    partition: 0,
    logId: "1f3a9c2e-5b1d",
    hour: "2025-11-28_14",
    from: 100,
  });
}

Deno.test("the steps of a commit come in their order: dead letters, final name, manifest", () =>
  withFolder(async (raw) => {
    const segment = await segmentIn(raw);
    segment.add('{"a":1}', 0);
    segment.add('{"a":"é"}', 0);
    await segment.write();
    segment.add('{"a":3}', 0);
    const [temporary, ...others] = await namesIn(`${raw}/bookings`);
    assert.deepEqual(others, []);
    assert.ok(isTemporaryName(temporary!), temporary);
    const sealed = await segment.seal(103, async () => {
      // Step 1 is done, steps 4 and 6 are not.
      assert.deepEqual(await namesIn(`${raw}/bookings`), [temporary]);
      assert.equal(
        await Deno.readTextFile(`${raw}/bookings/${temporary}`),
        '{"a":1}\n{"a":"é"}\n{"a":3}\n',
      );
    });
    assert.deepEqual(sealed, { name: FINAL, lines: 3, bytes: 27 });
    assert.deepEqual(await namesIn(`${raw}/bookings`), [FINAL, "_manifest.ndjson"]);
    assert.deepEqual([...(await readManifest(`${raw}/bookings`)).entries.keys()], [FINAL]);
    await segment.discard();
    assert.deepEqual(await namesIn(`${raw}/bookings`), [FINAL, "_manifest.ndjson"]);
  }));

Deno.test("a range whose dead letters are not stored does not appear, and leaves nothing behind", () =>
  withFolder(async (raw) => {
    const segment = await segmentIn(raw);
    segment.add('{"a":1}', 0);
    await assert.rejects(segment.seal(103, () => Promise.reject(new Error("away"))), /away/);
    await segment.discard();
    assert.deepEqual(await namesIn(`${raw}/bookings`), []);
  }));

Deno.test("a file whose writing failed is never finished", () =>
  withFolder(async (raw) => {
    const segment = await segmentIn(raw);
    segment.add('{"a":1}', 0);
    await Deno.remove(`${raw}/bookings`, { recursive: true });
    await assert.rejects(segment.write(), { name: "StorageError", message: /^Cannot make ".*\.tmp"/ });
    await Deno.mkdir(`${raw}/bookings`);
    await assert.rejects(segment.seal(103, () => Promise.resolve()), /writing it failed before/);
    await segment.discard();
    assert.deepEqual(await namesIn(`${raw}/bookings`), []);
  }));

Deno.test("a range cannot end before it begins", () =>
  withFolder(async (raw) => {
    const segment = await segmentIn(raw);
    await assert.rejects(segment.seal(100, () => Promise.resolve()), /\[100, 100\): offsets must rise/);
  }));

Deno.test("a start removes the temporary files of a crashed run and no others", () =>
  withFolder(async (raw) => {
    const folder = `${raw}/bookings`;
    await Deno.mkdir(folder, { recursive: true });
    const crashed = [".2025-11-28_14.1f3a9c2e.p0.0badcafe.tmp", "._manifest.ndjson.0badcafe.tmp"];
    const kept = [".something.tmp", "2025-11-28_14.jsonl", FINAL, "download.tmp"];
    for (const name of [...crashed, ...kept]) await Deno.writeTextFile(`${folder}/${name}`, "x");
    assert.equal(await prepareTopicFolders(raw, ["bookings"]), 2);
    assert.deepEqual(await namesIn(folder), kept.toSorted());
  }));
