import { deepEqual, equal, match, ok, rejects } from "node:assert/strict";
import { ensureTables, tablesAreOurs } from "../../warehouse/ensure_tables.ts";
import { migrate, prepareWarehouse } from "../../warehouse/migrate.ts";
import { MIGRATIONS } from "../../warehouse/migrations.ts";
import type { Sql } from "../../warehouse/connect.ts";
import { onEachWarehouse } from "./_warehouse_support.ts";

// The columns that other programs rely on, and the types that BI tools are promised.
const PROMISED: Record<string, Record<string, string>> = {
  dim_flight: {
    flight_id: "text",
    airline_code: "text",
    origin_airport: "text",
    destination_airport: "text",
    scheduled_departure_time: "timestamp with time zone",
    scheduled_arrival_time: "timestamp with time zone",
    aircraft_type: "text",
    total_seats: "integer",
  },
  fact_booking: {
    booking_time: "timestamp with time zone",
    booking_id: "text",
    flight_id: "text",
    fare_bucket: "text",
    seat_id: "text",
    total_price: "numeric",
  },
  fact_inventory_metrics: {
    metric_time: "timestamp with time zone",
    flight_id: "text",
    booked_seats: "integer",
    total_seats: "integer",
    load_factor: "double precision",
    minutes_to_departure: "integer",
  },
  fact_promotions: {
    promo_time: "timestamp with time zone",
    flight_id: "text",
    decision_source: "text",
    discount_percentage: "numeric",
    current_load_factor: "double precision",
    minutes_to_departure: "integer",
  },
};

const GOLD = [
  "dim_flight",
  "fact_booking",
  "fact_booking_cancellation",
  "fact_inventory_metrics",
  "fact_promotions",
];

/** What Python's ETL does to a table at each run. */
async function rewriteAsText(sql: Sql, table: string): Promise<void> {
  const columns = Object.keys(PROMISED[table]!).map((name) => `${name} text`).join(", ");
  await sql.unsafe(`drop table if exists ${table}`);
  await sql.unsafe(`create table ${table} (${columns})`);
}

onEachWarehouse(
  "prepareWarehouse() makes the promised tables, once, when several start together",
  async (test) => {
    const first = await test.open();
    const second = await test.open();
    const both = await Promise.all([prepareWarehouse(first.sql), prepareWarehouse(second.sql)]);
    deepEqual(both.flatMap(({ applied }) => applied).sort(), ["booking_curves", "chart_views", "etl_state"]);
    deepEqual(both.flatMap(({ created }) => created).sort(), GOLD);
    deepEqual(await prepareWarehouse(first.sql), { applied: [], created: [], foreign: [] });
    for (const [table, columns] of Object.entries(PROMISED)) {
      const found = await first.sql<{ name: string; type: string }[]>`
      select column_name as name, data_type as type from information_schema.columns
      where table_schema = 'public' and table_name = ${table}`;
      for (const [name, type] of Object.entries(columns)) {
        equal(found.find((column) => column.name === name)?.type, type, `${table}.${name}`);
      }
    }
    await first.close();
    await second.close();
  },
);

onEachWarehouse("a migration that was changed, or one from the future, is a clear error", async (test) => {
  const { sql, close } = await test.open();
  await migrate(sql);
  const changed = MIGRATIONS.map((migration) => ({ ...migration, statements: `${migration.statements} ` }));
  await rejects(migrate(sql, changed), /Migration 1 \(etl_state\) differs from the one that was applied/);
  const windows = MIGRATIONS.map((migration) => ({
    ...migration,
    statements: migration.statements.replaceAll("\n", "\r\n"),
  }));
  deepEqual(await migrate(sql, windows), []);
  await rejects(
    migrate(sql, MIGRATIONS.slice(0, 1)),
    /schema version 2 \(chart_views\), this program knows up to 1: run the newer version/,
  );
  await close();
});

onEachWarehouse("a migration that fails leaves nothing behind", async (test) => {
  const { sql, close } = await test.open();
  const broken = { version: 4, name: "broken", statements: "create table half (a int); select nonsense" };
  await rejects(migrate(sql, [...MIGRATIONS, broken]), /nonsense/);
  deepEqual([
    ...await sql`select to_regclass('half') as half, max(version) as version from schema_migrations`,
  ], [{
    half: null,
    version: 3,
  }]);
  await close();
});

onEachWarehouse(
  "Python's ETL may drop and rewrite the tables; ours tells, and makes them anew",
  async (test) => {
    const { sql, close } = await test.open();
    await prepareWarehouse(sql);
    deepEqual(await tablesAreOurs(sql), { ours: true, missing: [], foreign: [] });
    for (const table of Object.keys(PROMISED)) await rewriteAsText(sql, table);
    await sql`drop table fact_booking_cancellation`;
    await sql`insert into fact_inventory_metrics values ('2025-11-28T10:00:00Z', 'BA1', '20', '180', '0.111', '90')`;
    // The charts go on with what is there.
    deepEqual(
      [...await sql`select flight_id, minutes_to_departure, load_factor from booking_pressure`],
      [{ flight_id: "BA1", minutes_to_departure: 90, load_factor: 0.111 }],
    );
    deepEqual(
      [...await sql`select seats_remaining, discount_percentage from inventory_trend`],
      [{ seats_remaining: 160, discount_percentage: null }],
    );

    // A start leaves another's data alone, apart from what is missing.
    deepEqual(await prepareWarehouse(sql), {
      applied: [],
      created: ["fact_booking_cancellation"],
      foreign: ["dim_flight", "fact_booking", "fact_inventory_metrics", "fact_promotions"],
    });
    const { ours, foreign } = await tablesAreOurs(sql);
    equal(ours, false);
    equal(
      foreign.find(({ table }) => table === "dim_flight")?.reason,
      "column scheduled_departure_time is text, expected timestamp with time zone",
    );

    await sql`insert into etl_watermark (log_id, topic, partition, next_offset) values ('log', 'bookings', 0, 17)`;
    // Within a transaction that is rolled back, nothing has happened.
    await rejects(
      sql.begin(async (tx) => {
        await ensureTables(tx);
        throw new Error("changed my mind");
      }),
      /changed my mind/,
    );
    equal((await tablesAreOurs(sql)).foreign.length, 4);
    const { rebuilt } = await ensureTables(sql);
    deepEqual(rebuilt.sort(), ["dim_flight", "fact_booking", "fact_inventory_metrics", "fact_promotions"]);
    deepEqual(await tablesAreOurs(sql), { ours: true, missing: [], foreign: [] });
    equal((await sql`select * from etl_watermark`).length, 0, "an empty watermark asks for a full load");
    deepEqual(await ensureTables(sql), { rebuilt: [] });
    await close();
  },
);

const OTHER_SHAPES: [string, string, RegExp][] = [
  ["a key that is gone", "alter table fact_booking drop constraint fact_booking_pkey", /its key is missing/],
  [
    "a further column that must be filled",
    "alter table dim_flight add extra text not null",
    /extra is not ours/,
  ],
  [
    "a column that takes no null",
    "alter table dim_flight alter total_seats set not null",
    /total_seats takes no null/,
  ],
  [
    "a view in its place",
    "drop table dim_flight; create view dim_flight as select 1 as flight_id",
    /no.* plain table/,
  ],
];

onEachWarehouse(
  "tablesAreOurs() sees through further differences, and lets harmless ones be",
  async (test) => {
    const { sql, close } = await test.open();
    await prepareWarehouse(sql);
    await sql`alter table dim_flight add note text`;
    equal((await tablesAreOurs(sql)).ours, true);
    for (const [difference, statements, reason] of OTHER_SHAPES) {
      await sql.unsafe(statements);
      const { foreign } = await tablesAreOurs(sql);
      equal(foreign.length, 1, difference);
      match(foreign[0]!.reason, reason);
      equal((await ensureTables(sql)).rebuilt.length, 1, difference);
    }
    await close();
  },
);

onEachWarehouse("a table that others depend on is not torn from them", async (test) => {
  const { sql, close } = await test.open();
  await prepareWarehouse(sql);
  await sql.unsafe(
    "alter table dim_flight drop total_seats; create view mine as select flight_id from dim_flight",
  );
  await rejects(
    ensureTables(sql),
    /"dim_flight" has to be rebuilt, and other objects depend on it \(view mine/,
  );
  ok(await sql`select * from mine`);
  await close();
});
