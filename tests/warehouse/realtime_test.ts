/** The schema of the minute windows, on each kind of database. */

import { deepEqual, equal } from "node:assert/strict";
import { migrate } from "../../warehouse/migrate.ts";
import { prepareRealtime } from "../../warehouse/realtime.ts";
import { onEachWarehouse } from "./_warehouse_support.ts";

onEachWarehouse("the minute windows have a schema of their own beside the warehouse", async (database) => {
  const warehouse = await database.open();
  try {
    const { sql } = warehouse;
    await migrate(sql);
    deepEqual(await prepareRealtime(sql, "realtime"), ["minute_windows"]);
    deepEqual(await prepareRealtime(sql, "realtime"), []);
    deepEqual(await migrate(sql), []);
    const [row] = await sql`select count(*) as rows from realtime.stream_metrics_minute`;
    equal(row!.rows, 0);
  } finally {
    await warehouse.close();
  }
});

onEachWarehouse("tables of the published programs are taken over with their rows", async (database) => {
  const warehouse = await database.open();
  try {
    const { sql } = warehouse;
    await sql.unsafe(`
      create table stream_metrics_minute (
        window_start timestamptz not null, window_end timestamptz not null, stream_id text not null,
        active_viewers integer not null default 0, chat_messages integer not null default 0,
        donations_usd double precision not null default 0, primary key (window_start, stream_id));
      create table stream_state (
        stream_id text primary key, active_viewers integer not null default 0,
        updated_at timestamptz not null default now());
      insert into stream_metrics_minute values
        ('2025-12-20T18:34:00Z', '2025-12-20T18:35:00Z', 'stream_1001', 3, 2, 12.5)`);
    deepEqual(await prepareRealtime(sql, "public"), ["minute_windows"]);
    const [row] = await sql`select stream_id, donations_usd, complete from stream_metrics_minute`;
    deepEqual({ ...row }, { stream_id: "stream_1001", donations_usd: 12.5, complete: true });
  } finally {
    await warehouse.close();
  }
});

onEachWarehouse("several processes may prepare the schema at once", async (database) => {
  const warehouses = await Promise.all([1, 2, 3].map(() => database.open(1)));
  try {
    const applied = await Promise.all(warehouses.map(({ sql }) => prepareRealtime(sql, "realtime")));
    deepEqual(applied.flat(), ["minute_windows"]);
  } finally {
    await Promise.all(warehouses.map((warehouse) => warehouse.close()));
  }
});
