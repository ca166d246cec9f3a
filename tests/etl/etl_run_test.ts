import { deepEqual, equal, match, ok, rejects } from "node:assert/strict";
import { runEtl, RunLockedError, succeeded } from "../../etl/etl_run.ts";
import type { EtlRunOptions, EtlSummary } from "../../etl/etl_run.ts";
import { acquireLease } from "../../warehouse/lease.ts";
import { onEachWarehouse } from "../warehouse/_warehouse_support.ts";
import type { TestWarehouse } from "../warehouse/_warehouse_support.ts";
import { booking, cancellation, LOG_ID8, metrics, promotion, scheduled, withLake } from "./_etl_support.ts";
import type { TestLake } from "./_etl_support.ts";
import { goldContent, warehouseContent } from "./_warehouse_content.ts";

const passengers = (count: number) => Array.from({ length: count }, (_, at) => ({ passenger_id: `P${at}` }));

async function run(lake: TestLake, target: TestWarehouse, options: EtlRunOptions = {}): Promise<EtlSummary> {
  const { url, embedded } = target;
  const summary = await runEtl(lake.folders, { warehouse: { url, embedded }, ...options });
  if (summary.loadError !== undefined) throw summary.loadError;
  return summary;
}

async function ask<T>(target: TestWarehouse, statement: string): Promise<T[]> {
  const warehouse = await target.open(1);
  try {
    return [...await warehouse.sql.unsafe(statement)] as unknown as T[];
  } finally {
    await warehouse.close();
  }
}

function seal(lake: TestLake): void {
  lake.seal("flight_lifecycle", [
    scheduled(),
    scheduled({ flight_id: "BA211_2025-11-28", aircraft_type: 'A "B", C' }),
  ]);
  lake.seal("bookings", [
    booking("B1", { passengers: passengers(3), total_price: 100 }),
    booking("B2", { channel: "", fare_bucket: "line\nline, \"quoted\" 'it' \\N" }),
    booking("B3", { channel: null, passengers: passengers(1) }),
    cancellation("B2"),
  ]);
  lake.seal("inventory_metrics", [metrics({ event_id: "m1" }), metrics({ event_id: null })]);
  lake.seal("promo_decisions", [
    promotion({ reason: "Tab\there, 6 % é😀" }),
    promotion({ event_id: "p2", inputs: null }),
  ]);
}

onEachWarehouse(
  "a run loads what is in the gold tables, and a second one changes nothing",
  (target) =>
    withLake(async (lake) => {
      seal(lake);
      const first = await run(lake, target);
      deepEqual(first.load, {
        full: true,
        loaded: {
          dim_flight: 2,
          fact_booking: 5,
          fact_booking_cancellation: 1,
          fact_inventory_metrics: 2,
          fact_promotions: 2,
        },
      });
      deepEqual(await warehouseContent(target), goldContent(lake));
      const state = "select xmin::text, * from etl_watermark order by log_id, topic, partition";
      const [watermark, runs] = [await ask(target, state), await ask(target, "select * from etl_run")];
      equal(watermark.length, 4);
      equal(runs.length, 1);
      const second = await run(lake, target);
      deepEqual(second.load, { full: false, loaded: {} });
      deepEqual(await ask(target, state), watermark);
      deepEqual(await ask(target, "select * from etl_run"), runs);

      // Only what is new is loaded; what changed replaces what was there.
      lake.seal("bookings", [booking("B4"), booking("B1", { passengers: passengers(2), total_price: 50 })], {
        from: 4,
      });
      lake.seal("flight_lifecycle", [{
        event_type: "FlightCancelled",
        event_time: "2025-11-25T00:00:00Z",
        flight_id: "BA211_2025-11-28",
      }], { from: 2 });
      deepEqual((await run(lake, target)).load!.loaded, {
        dim_flight: 1,
        fact_booking: 1,
        fact_booking_cancellation: 0,
      });
      deepEqual(await warehouseContent(target), goldContent(lake));

      // Another event now stands for B3, with fewer rows than the one for B1 has.
      lake.seal("bookings", [booking("B1", { passengers: passengers(1), total_price: 30 })], {
        logId8: "00000000",
      });
      await run(lake, target);
      deepEqual(await warehouseContent(target), goldContent(lake));
      deepEqual(
        await ask(
          target,
          "select sum(passenger_price)::text as revenue from fact_booking where booking_id = 'B1'",
        ),
        [{ revenue: "30.00" }],
      );

      // Runs without the warehouse leave it behind; the next one makes up for all of them.
      lake.seal("bookings", [booking("B5")], { from: 6 });
      await lake.build();
      lake.seal("promo_decisions", [promotion({ event_id: "p3" })], { from: 2 });
      lake.append("bookings", "2025-11-28_14.jsonl", `${JSON.stringify(booking("B6"))}\n`);
      await lake.build();
      deepEqual((await run(lake, target)).load!.loaded, {
        fact_booking: 2,
        fact_booking_cancellation: 0,
        fact_promotions: 1,
      });
      deepEqual(await warehouseContent(target), goldContent(lake));

      // A gold folder that was lost is built from the lake; the warehouse has it all already.
      await Deno.remove(lake.folders.gold, { recursive: true });
      deepEqual((await run(lake, target)).load, { full: false, loaded: {} });
      deepEqual(await warehouseContent(target), goldContent(lake));
    }),
);

onEachWarehouse(
  "tables of another program and a rebuild are filled in full",
  (target) =>
    withLake(async (lake) => {
      seal(lake);
      await run(lake, target);
      await ask(target, "drop table fact_booking");
      await ask(
        target,
        "create table fact_booking as select '1'::text as booking_id, 'x'::text as total_price",
      );
      const { load } = await run(lake, target);
      equal(load!.full, true);
      deepEqual(await warehouseContent(target), goldContent(lake));

      // What the lake does not hold any more is gone after --full, and the watermark is the lake's own.
      for (const file of [...Deno.readDirSync(`${lake.folders.raw}/bookings`)]) {
        await Deno.remove(`${lake.folders.raw}/bookings/${file.name}`);
      }
      lake.seal("bookings", [booking("B7")], { logId8: "ffffffff" });
      await run(lake, target, { full: true });
      deepEqual(await warehouseContent(target), goldContent(lake));
      deepEqual((await warehouseContent(target)).fact_booking!.map((row) => row.booking_id), ["B7"]);
      deepEqual(
        await ask(
          target,
          "select log_id, next_offset::integer as next from etl_watermark where topic = 'bookings'",
        ),
        [{ log_id: "ffffffff", next: 1 }],
      );
    }),
);

onEachWarehouse(
  "a file of another program that shrank before the gold tables were built anew fills the warehouse anew by itself",
  (target) =>
    withLake(async (lake) => {
      const name = "2025-11-28_14.jsonl";
      const text = (ids: string[]) => ids.map((id) => `${JSON.stringify(booking(id))}\n`).join("");
      seal(lake);
      const path = lake.append("bookings", name, text(["F1", "F2", "F3"]));
      await run(lake, target);
      Deno.writeTextFileSync(path, text(["F4"]));
      Deno.removeSync(`${lake.folders.gold}/fact_promotions.parquet`);
      const warnings: string[] = [];
      const summary = await run(lake, target, { warn: (message) => warnings.push(message) });
      equal(summary.rebuilt, true);
      equal(summary.load!.full, true);
      match(warnings.join(), /is ahead of the gold tables in "2025-11-28_14.jsonl".*filled anew/);
      deepEqual(await warehouseContent(target), goldContent(lake));
      equal((await run(lake, target)).load!.full, false);

      // The same after it was noticed that the file shrank: its rows are those of a second file of the name.
      Deno.writeTextFileSync(path, text([]));
      lake.append("bookings", name, text(["F5"]).slice(0, -1).replace("F5", "5") + "\n");
      await run(lake, target);
      lake.append("bookings", name, text(["F6", "F7"]));
      await run(lake, target);
      await Deno.remove(`${lake.folders.gold}/_etl_state.json`);
      equal((await run(lake, target)).load!.full, true);
      deepEqual(await warehouseContent(target), goldContent(lake));
    }),
);

onEachWarehouse(
  "two runs at once: one works, the other waits or leaves, and the result is right",
  (target) =>
    withLake(async (lake) => {
      seal(lake);
      const both = await Promise.all([
        run(lake, target, { waitMs: 60_000 }),
        run(lake, target, { waitMs: 60_000 }),
      ]);
      deepEqual(both.map(({ lines }) => lines).sort(), [0, 10]);
      deepEqual(await warehouseContent(target), goldContent(lake));

      const settled = await Promise.allSettled([run(lake, target), run(lake, target)]);
      deepEqual(settled.map(({ status }) => status).sort(), ["fulfilled", "rejected"]);
      const refused = settled.find((result) => result.status === "rejected") as PromiseRejectedResult;
      ok(refused.reason instanceof RunLockedError);
      match(refused.reason.message, /Another ETL run \(process \d+\) works on/);

      // A machine with a lake of its own, which shares the warehouse.
      const warehouse = await target.open();
      const attempt = await acquireLease(warehouse.sql, "etl", {
        ttlMs: 60_000,
        holder: "elsewhere, process 7",
      });
      ok(attempt.acquired);
      await rejects(run(lake, target), /Another ETL run \(elsewhere, process 7\) loads this warehouse/);
      setTimeout(() => void attempt.lease.release(), 700);
      ok(succeeded(await run(lake, target, { waitMs: 60_000 })));
      await warehouse.close();
    }),
);

Deno.test("a warehouse that is away is told of, the gold tables are written all the same", () =>
  withLake(async (lake) => {
    seal(lake);
    const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
    const { port } = listener.addr;
    listener.close();
    const summary = await runEtl(lake.folders, {
      warehouse: { url: `postgres://airline:airline@127.0.0.1:${port}/airline_dw`, embedded: true },
    });
    equal(succeeded(summary), false);
    match(summary.loadError!.message, /does not answer/);
    equal(lake.rows("fact_booking").length, 5);
  }));

Deno.test("a run that is told to stop before it writes changes nothing", () =>
  withLake(async (lake) => {
    seal(lake);
    await lake.build();
    const before = lake.gold();
    lake.seal("bookings", [booking("B9")], { from: 4 });
    await rejects(
      runEtl(lake.folders, { signal: AbortSignal.abort() }),
      /Stopped before the tables were written/,
    );
    deepEqual(lake.gold(), before);
    const summary = await runEtl(lake.folders);
    equal(summary.tables.find(({ table }) => table === "fact_booking")!.newRows, 1);
    equal(lake.rows("fact_booking").filter((row) => row._log === LOG_ID8).length, 6);
  }));
