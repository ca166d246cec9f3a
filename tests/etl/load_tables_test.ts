import { deepEqual, equal, match, ok, rejects } from "node:assert/strict";
import { acquireLease } from "../../warehouse/lease.ts";
import type { Lease } from "../../warehouse/lease.ts";
import { FACT_BOOKING_CANCELLATION } from "../../warehouse/gold_tables.ts";
import { LoadFailedError, loadTables, readWatermark } from "../../warehouse/load_tables.ts";
import type { LoadOptions, TableRows } from "../../warehouse/load_tables.ts";
import { prepareWarehouse } from "../../warehouse/migrate.ts";
import { onEachWarehouse } from "../warehouse/_warehouse_support.ts";
import type { TestWarehouse } from "../warehouse/_warehouse_support.ts";

type Row = [booking_id: string, cancellation_time: string, flight_id: string];

async function rowsOf(rows: Row[], folder: string): Promise<TableRows> {
  const csv = `${folder}/${crypto.randomUUID()}.csv`;
  await Deno.writeTextFile(csv, rows.map((row) => `${row.join(",")}\n`).join(""));
  return {
    table: FACT_BOOKING_CANCELLATION,
    rows: rows.length,
    csvFile: () => Promise.resolve(csv),
    jsonSlices: async function* () {
      for (const [booking_id, cancellation_time, flight_id] of rows) {
        yield await Promise.resolve(JSON.stringify([{ booking_id, cancellation_time, flight_id }]));
      }
    },
  };
}

const row = (id: string, time = "2025-11-24T10:15:30Z"): Row => [id, time, "BA210_2025-11-28"];

/** Loads rows under a lease of its own. */
async function load(
  target: TestWarehouse,
  rows: Row[],
  options: Partial<LoadOptions> & { lose?: boolean } = {},
): Promise<Record<string, number>> {
  const folder = await Deno.makeTempDir();
  const admin = await target.open(1);
  const warehouse = await target.open(1);
  let lease: Lease | undefined;
  try {
    await prepareWarehouse(admin.sql);
    const attempt = await acquireLease(admin.sql, "etl", { ttlMs: 60_000, holder: "test" });
    ok(attempt.acquired);
    lease = attempt.lease;
    if (options.lose === true) await lease.release();
    return await loadTables(warehouse, {
      lease,
      tables: [await rowsOf(rows, folder)],
      watermark: [{ log_id: "1f3a9c2e", topic: "bookings", partition: 0, next_offset: rows.length }],
      full: false,
      run: { runId: crypto.randomUUID(), startedAt: new Date(), rowsRead: rows.length, rowsRejected: 0 },
      ...options,
    });
  } finally {
    await lease?.release();
    await admin.close();
    await warehouse.close();
    await Deno.remove(folder, { recursive: true });
  }
}

async function stored(target: TestWarehouse): Promise<{ ids: string[]; watermark: number[] }> {
  const warehouse = await target.open(1);
  try {
    const ids = await warehouse.sql`select booking_id from fact_booking_cancellation order by 1`;
    const watermark = await readWatermark(warehouse);
    return {
      ids: ids.map((found) => found.booking_id),
      watermark: watermark.map((entry) => entry.next_offset),
    };
  } finally {
    await warehouse.close();
  }
}

onEachWarehouse("loadTables() stores all of a load or nothing", async (target) => {
  deepEqual(await load(target, [row("B1"), row("B2")]), { fact_booking_cancellation: 2 });
  const before = await stored(target);
  deepEqual(before, { ids: ["B1", "B2"], watermark: [2] });
  // The server refuses a row in the middle; the driver alone would wait for ever here on a real Postgres.
  await rejects(load(target, [row("B3"), row("B4", "no time"), row("B5")]), (error: Error) => {
    match(error.message, /no time/);
    equal(error instanceof LoadFailedError, !target.embedded);
    return true;
  });
  deepEqual(await stored(target), before);
  await rejects(load(target, [row("B3")], { lose: true }), /taken over/);
  deepEqual(await stored(target), before);
  // Rows that are there already change nothing, rows that differ do, and the watermark never goes back.
  deepEqual(await load(target, [row("B1")]), { fact_booking_cancellation: 0 });
  deepEqual(await load(target, [row("B1", "2025-11-25T00:00:00Z")]), { fact_booking_cancellation: 1 });
  deepEqual(await stored(target), before);
});

onEachWarehouse(
  "loadTables() keeps keys and indexes of a table that it fills at once, and leaves statistics",
  async (target) => {
    const many = Array.from({ length: 60_000 }, (_, at) => row(`B${at}`));
    const warehouse = await target.open(1);
    await prepareWarehouse(warehouse.sql);
    await warehouse.sql`create index further on fact_booking_cancellation (flight_id)`;
    const definitions = () =>
      warehouse.sql`select indexdef from pg_indexes where tablename = 'fact_booking_cancellation' order by 1`;
    const before = [...await definitions()];
    const folder = await Deno.makeTempDir();
    const inOne = await rowsOf(many, folder);
    const slices: TableRows = {
      ...inOne,
      jsonSlices: async function* () {
        const records = many.map(([booking_id, cancellation_time, flight_id]) => ({
          booking_id,
          cancellation_time,
          flight_id,
        }));
        yield await Promise.resolve(JSON.stringify(records));
      },
    };
    deepEqual(await load(target, [], { tables: [slices] }), { fact_booking_cancellation: 60_000 });
    deepEqual([...await definitions()], before);
    const [statistics] = await warehouse.sql`
    select count(*)::integer as columns from pg_stats where tablename = 'fact_booking_cancellation'`;
    equal(statistics!.columns, 3);
    await rejects(
      load(target, [], { tables: [slices], full: false }).then(async () => {
        await warehouse
          .sql`insert into fact_booking_cancellation select * from fact_booking_cancellation limit 1`;
      }),
      /duplicate key/,
    );
    deepEqual(await load(target, [row("B1")], { full: true }), { fact_booking_cancellation: 1 });
    deepEqual((await stored(target)).ids, ["B1"]);
    await warehouse.close();
    await Deno.remove(folder, { recursive: true });
  },
);

onEachWarehouse("a load that gets fewer rows than there are stores nothing", async (target) => {
  await load(target, [row("B1")]);
  const folder = await Deno.makeTempDir();
  // As a file whose end found no room on the disk.
  const cut = { ...await rowsOf([row("B2"), row("B3")], folder), rows: 3 };
  await rejects(
    load(target, [], { tables: [cut] }),
    /2 of 3 rows of fact_booking_cancellation came to the warehouse/,
  );
  await Deno.remove(folder, { recursive: true });
  deepEqual(await stored(target), { ids: ["B1"], watermark: [1] });
});
