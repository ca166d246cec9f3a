import { deepEqual, equal, ok } from "node:assert/strict";
import { runEtl } from "../../etl/etl_run.ts";
import { onEachWarehouse } from "../warehouse/_warehouse_support.ts";
import { booking, cancellation, metrics, promotion, scheduled, withLake } from "./_etl_support.ts";
import type { TestLake } from "./_etl_support.ts";
import { goldContent, warehouseContent } from "./_warehouse_content.ts";

interface KilledRun {
  signal: Deno.Signal | null;
  /** The steps that it passed. */
  steps: string[];
}

async function killedRun(
  lake: TestLake,
  step: string,
  options: { full?: boolean; warehouse?: string[] } = {},
): Promise<KilledRun> {
  const { full = false, warehouse = [] } = options;
  const script = new URL("./_killed_run.ts", import.meta.url).pathname;
  const { signal, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
    args: ["run", "-A", "-q", script, lake.root, step, ...warehouse],
    env: { FULL: full ? "1" : "" },
    stdin: "null",
  }).output();
  const steps = new TextDecoder().decode(stdout).split("\n").filter((line) => line !== "");
  ok(signal !== null || steps.length > 0, new TextDecoder().decode(stderr));
  return { signal, steps };
}

function firstEvents(lake: TestLake): void {
  lake.seal("flight_lifecycle", [scheduled()]);
  lake.seal("bookings", [booking("B1"), "broken", booking("B2")]);
  lake.seal("inventory_metrics", [metrics({ event_id: "m1" })]);
  lake.seal("promo_decisions", [promotion({ event_id: "p1" })]);
}

function moreEvents(lake: TestLake): void {
  lake.seal("flight_lifecycle", [scheduled({ flight_id: "BA211_2025-11-28" })], { from: 1 });
  lake.seal(
    "bookings",
    [booking("B1", { channel: "APP" }), cancellation("B1"), "broken too", booking("B3")],
    { from: 3 },
  );
  lake.append("bookings", "2025-11-28_14.jsonl", `${JSON.stringify(booking("B4"))}\nbroken as well\n{"half`);
  lake.seal("inventory_metrics", [metrics({ event_id: null })], { from: 1 });
  lake.seal("promo_decisions", [promotion({ event_id: "p2" })], { from: 1 });
}

Deno.test("kill -9 at any step of a run, and the next one makes the same tables as a run in peace", async () => {
  let steps: string[] = [];
  await withLake(async (lake) => {
    firstEvents(lake);
    moreEvents(lake);
    ({ steps } = await killedRun(lake, "never"));
  });
  equal(steps.length, 15);
  await withLake(async (reference) => {
    firstEvents(reference);
    await reference.build();
    moreEvents(reference);
    await reference.build();
    await Promise.all([0, 1].map(async (lane) => {
      for (const step of steps.filter((_, at) => at % 2 === lane)) {
        await withLake(async (lake) => {
          firstEvents(lake);
          await lake.build();
          moreEvents(lake);
          const { signal } = await killedRun(lake, step);
          equal(signal, "SIGKILL", step);
          await runEtl(lake.folders);
          deepEqual(lake.gold(), reference.gold(), step);
          deepEqual(lake.rejected("bookings"), reference.rejected("bookings"), step);
        });
      }
    }));
  });
});

Deno.test("kill -9 in the middle of a rebuild, and the next run builds all anew", () =>
  withLake(async (lake) => {
    firstEvents(lake);
    const gone = lake.seal("bookings", [booking("B9")], { partition: 2 });
    await lake.build();
    Deno.removeSync(gone);
    equal((await killedRun(lake, "table dim_flight", { full: true })).signal, "SIGKILL");
    const { rebuilt } = await runEtl(lake.folders);
    equal(rebuilt, true);
    deepEqual(lake.rows("fact_booking").map((row) => row.booking_id), ["B1", "B2"]);
    equal(lake.rejected("bookings").length, 1);
  }));

onEachWarehouse(
  "kill -9 while the warehouse is loaded stores nothing there, and the next run stores all",
  (target) =>
    withLake(async (lake) => {
      firstEvents(lake);
      const options = { warehouse: { url: target.url, embedded: target.embedded }, waitMs: 120_000 };
      await runEtl(lake.folders, options);
      const before = await warehouseContent(target);
      moreEvents(lake);
      const engine = target.embedded ? "embedded" : "real";
      equal((await killedRun(lake, "load", { warehouse: [target.url, engine] })).signal, "SIGKILL");
      deepEqual(await warehouseContent(target), before);
      // A dead run holds its lease until it expires; here it is given back by hand.
      const warehouse = await target.open(1);
      await warehouse.sql`update public.lease set expires_at = '-infinity'`;
      await warehouse.close();
      const { loadError } = await runEtl(lake.folders, options);
      equal(loadError, undefined);
      deepEqual(await warehouseContent(target), goldContent(lake));
    }),
);
