import { deepEqual, equal, match, rejects } from "node:assert/strict";
import { RawLossError } from "../../etl/build_gold.ts";
import { repairManifest } from "../../lake/manifest.ts";
import { booking, LOG_ID8, withLake } from "./_etl_support.ts";
import type { TestLake } from "./_etl_support.ts";

const bookingIds = (lake: TestLake) => lake.rows("fact_booking").map((row) => row.booking_id);

/** A file of two bookings that a run has not read, in a partition with more behind it; returns its text. */
async function cutLake(lake: TestLake): Promise<{ path: string; text: string }> {
  lake.seal("bookings", [booking("B0")]);
  await lake.build();
  const path = lake.seal("bookings", [booking("B1"), booking("B2")], { from: 1 });
  lake.seal("bookings", [booking("B3")], { from: 3 });
  lake.seal("bookings", [booking("B4")], { partition: 1 });
  await repairManifest(lake.folders.raw, "bookings", LOG_ID8);
  const text = Deno.readTextFileSync(path);
  Deno.writeTextFileSync(path, text.slice(0, text.indexOf("\n") + 1));
  return { path, text };
}

Deno.test("a finished file that has lost lines holds up its partition until it is restored", () =>
  withLake(async (lake) => {
    const { path, text } = await cutLake(lake);
    for (let run = 0; run < 2; run++) {
      const { partial, warnings } = await lake.build();
      equal(partial, true);
      equal(warnings.length, 1);
      match(warnings[0]!, /has \d+ bytes, \d+ when it was finished: lines are lost\. Its partition waits/);
      deepEqual(bookingIds(lake), ["B0", "B4"]);
    }
    Deno.writeTextFileSync(path, text);
    const { partial, warnings } = await lake.build();
    deepEqual([partial, warnings], [false, []]);
    deepEqual(bookingIds(lake), ["B0", "B1", "B2", "B3", "B4"]);
  }));

Deno.test("a finished file that was emptied has lost lines, too", () =>
  withLake(async (lake) => {
    const { path } = await cutLake(lake);
    Deno.writeTextFileSync(path, "");
    const { partial, warnings } = await lake.build();
    equal(partial, true);
    match(warnings.join(), /has 0 bytes, \d+ when it was finished/);
  }));

Deno.test("--accept-loss goes on with the lines that are left, and so does every run after it", () =>
  withLake(async (lake) => {
    await cutLake(lake);
    const { partial, warnings } = await lake.build({ acceptLoss: true });
    equal(partial, false);
    match(warnings.join(), /the tables go on with what it holds/);
    deepEqual(bookingIds(lake), ["B0", "B1", "B3", "B4"]);
    const next = await lake.build();
    deepEqual([next.partial, next.warnings], [false, []]);
  }));

Deno.test("tables are not built anew from a lake that has lost lines: the old ones stay, whole", () =>
  withLake(async (lake) => {
    const path = lake.seal("bookings", [booking("B1"), booking("B2")]);
    await repairManifest(lake.folders.raw, "bookings", LOG_ID8);
    await lake.build();
    const before = lake.gold();
    const text = Deno.readTextFileSync(path);
    Deno.writeTextFileSync(path, text.slice(0, text.indexOf("\n") + 1));
    // What is in the tables already is no concern of a run that only goes on.
    deepEqual((await lake.build()).partial, false);
    await rejects(lake.build({ full: true }), (error) => {
      match((error as Error).message, /lines are lost of raw files bookings\/.*Nothing is changed\. Restore/);
      return error instanceof RawLossError;
    });
    deepEqual(lake.gold(), before);
    equal((await lake.build()).files, 0);
    await lake.build({ full: true, acceptLoss: true });
    deepEqual(bookingIds(lake), ["B1"]);
  }));

Deno.test("symbolic links among the raw files are not followed, and the run says so", () =>
  withLake(async (lake) => {
    const secret = `${lake.root}/secret.txt`;
    const path = lake.seal("bookings", [booking("B1")]);
    lake.seal("bookings", [booking("B2")], { from: 1 });
    lake.seal("bookings", [booking("B3")], { partition: 1 });
    Deno.renameSync(path, secret);
    Deno.symlinkSync(secret, path);
    Deno.symlinkSync(secret, `${lake.folders.raw}/bookings/2025-11-24_10.jsonl`);
    const { partial, warnings } = await lake.build();
    equal(partial, true);
    equal(warnings.length, 2);
    for (const warning of warnings) match(warning, /is a symbolic link, which could lead to any file/);
    deepEqual(bookingIds(lake), ["B3"]);
    deepEqual(lake.rejected("bookings"), []);
    Deno.removeSync(path);
    Deno.renameSync(secret, path);
    Deno.removeSync(`${lake.folders.raw}/bookings/2025-11-24_10.jsonl`);
    equal((await lake.build()).partial, false);
    deepEqual(bookingIds(lake), ["B1", "B2", "B3"]);
  }));
