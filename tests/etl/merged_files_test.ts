import { deepEqual, equal } from "node:assert/strict";
import { repairManifest } from "../../lake/manifest.ts";
import { mergeFiles } from "../../lake/merge_files.ts";
import { listRawFiles } from "../../lake/raw_files.ts";
import { booking, LOG_ID8, metrics, withLake } from "./_etl_support.ts";
import type { TestLake } from "./_etl_support.ts";

/** Merges the files of a partition as the lake writer does. */
async function merge(lake: TestLake, topic: string, partition = 0): Promise<void> {
  await repairManifest(lake.folders.raw, topic, LOG_ID8);
  const { sealed } = await listRawFiles(lake.folders.raw, topic);
  await mergeFiles(`${lake.folders.raw}/${topic}`, sealed.filter((file) => file.partition === partition));
}

const bookingIds = (lake: TestLake) => lake.rows("fact_booking").map((row) => row.booking_id);

Deno.test("a file that was merged of files that were read is not read again", () =>
  withLake(async (lake) => {
    lake.seal("bookings", [booking("B1"), booking("B2")]);
    lake.seal("bookings", [booking("B3")], { from: 2 });
    await lake.build();
    const before = lake.gold();
    await merge(lake, "bookings");
    const { files, lines, warnings } = await lake.build();
    deepEqual([files, lines, warnings], [0, 0, []]);
    deepEqual(lake.gold(), before);
    lake.seal("bookings", [booking("B4")], { from: 3 });
    equal((await lake.build()).lines, 1);
    await lake.build({ full: true });
    deepEqual(bookingIds(lake), ["B1", "B2", "B3", "B4"]);
  }));

// The fast way reads files whole; a backslash is what makes it leave them to the careful one.
for (const [way, channel] of [["fast", "WEB"], ["careful", "W\\B"]] as const) {
  Deno.test(`of a merged file whose beginning was read only the rest is read, the ${way} way`, () =>
    withLake(async (lake) => {
      lake.seal("bookings", [booking("B1", { channel }), "broken", booking("B2", { channel })]);
      const anonymous = { ...metrics(), event_id: undefined };
      lake.seal("inventory_metrics", [anonymous, anonymous]);
      await lake.build();
      lake.sealText("bookings", "", { partition: 0, from: 3, to: 5 });
      lake.seal("bookings", [booking("B3", { channel }), "broken too", booking("B4", { channel })], {
        from: 5,
      });
      lake.seal("inventory_metrics", [anonymous], { from: 2 });
      await merge(lake, "bookings");
      await merge(lake, "inventory_metrics");
      const { files, lines, warnings, rejected } = await lake.build();
      deepEqual([files, lines, warnings, rejected], [2, 4, [], { invalid_json: 1 }]);
      const gold = lake.gold();
      deepEqual(bookingIds(lake), ["B1", "B2", "B3", "B4"]);
      equal(gold.fact_inventory_metrics!.length, 3);
      equal(lake.rejected("bookings").length, 2);
      await lake.build({ full: true });
      deepEqual(lake.gold(), gold);
      equal(lake.rejected("bookings").length, 2);
    }));
}

Deno.test("a merged file and its parts, both there after a crash, count once", () =>
  withLake(async (lake) => {
    const parts = [
      lake.seal("bookings", [booking("B1")]),
      lake.seal("bookings", [booking("B2"), booking("B3")], { from: 1 }),
    ];
    const texts = parts.map((path) => Deno.readTextFileSync(path));
    await merge(lake, "bookings");
    parts.forEach((path, at) => Deno.writeTextFileSync(path, texts[at]!));
    const { files, lines, warnings } = await lake.build();
    deepEqual([files, lines, warnings], [1, 3, []]);
    deepEqual(bookingIds(lake), ["B1", "B2", "B3"]);
  }));

for (const at of [1, 2, 3]) {
  Deno.test(`files that are merged while a run reads the ${at}. of them are read once each`, () =>
    withLake(async (lake) => {
      const parts = [0, 1, 2, 3].map((n) => lake.seal("bookings", [booking(`B${n}`)], { from: n }));
      const text = parts.map((path) => Deno.readTextFileSync(path)).join("");
      lake.seal("bookings", [booking("other")], { partition: 1 });
      let slices = 0;
      const { partial, warnings, lines } = await lake.build({
        // Each file is a slice of its own.
        sliceBytes: 1,
        onRead: () => {
          if (++slices !== at) return;
          lake.sealText("bookings", text, { partition: 0, from: 0, to: 4 });
          for (const path of parts) Deno.removeSync(path);
        },
      });
      deepEqual([partial, warnings, lines], [false, [], 5]);
      deepEqual(bookingIds(lake), ["B0", "B1", "B2", "B3", "other"]);
      equal((await lake.build()).lines, 0);
    }));
}
