import { deepEqual, equal, match, ok } from "node:assert/strict";
import { unusableTables } from "../../verification/warehouse_snapshot.ts";
import { onEachWarehouse } from "../warehouse/_warehouse_support.ts";
import { booking, FLIGHTS, withPipeline } from "./_small_pipeline.ts";

/** A statement that damages the warehouse, and what must be said about it. */
const DAMAGES: { statement: string; found: Record<string, RegExp> }[] = [
  {
    statement:
      "delete from fact_inventory_metrics where event_id = (select min(event_id) from fact_inventory_metrics)",
    found: { "warehouse fact_inventory_metrics: missing": /event_id bookings-\d/ },
  },
  {
    statement: "update fact_booking set passenger_price = passenger_price + 0.01 where booking_id = 'b1-1'",
    found: {
      "warehouse fact_booking: changed":
        /booking_id b1-1, .*: passenger_price is 50\.01, the lake says 50\.00/,
      "warehouse fact_booking: revenue": /passengers' prices sum to 2000\.02, bookings' to 2000\.00/,
    },
  },
  {
    statement: "insert into dim_flight (flight_id) values ('GHOST_2025-11-28')",
    found: { "warehouse dim_flight: unexpected": /flight_id GHOST_2025-11-28/ },
  },
  {
    statement:
      "update dim_flight set scheduled_departure_time = scheduled_departure_time + interval '1 minute'",
    found: {
      "warehouse dim_flight: changed": /scheduled_departure_time is .*:\d\d:\d\d\.000Z, the lake says/,
    },
  },
  {
    statement: "update fact_promotions set inputs = jsonb_set(inputs, '{load_factor}', '0.9')",
    found: { "warehouse fact_promotions: changed": /inputs is …?.*"load_factor":0\.9/ },
  },
  {
    statement: "delete from fact_booking_cancellation",
    found: { "warehouse fact_booking_cancellation: missing": /booking_id b0-1/ },
  },
];

onEachWarehouse(
  "a warehouse is compared as far as its watermark, and each damage to it is named",
  (target) =>
    withPipeline(async (pipeline) => {
      await pipeline.runEtl(target);
      const verify = async () => {
        const warehouse = await target.open(1);
        try {
          return await pipeline.verify({ warehouse });
        } finally {
          await warehouse.close();
        }
      };
      const first = await verify();
      ok(first.agrees, JSON.stringify(first.differences, null, 1));
      deepEqual(
        first.tables.map(({ table, gold, warehouse }) => `${table} ${gold!.rows === warehouse!.rows}`),
        first.tables.map(({ table }) => `${table} true`),
      );
      equal(first.revenue.length, 4);

      // The gold tables are ahead of the warehouse: each agrees with its own part of the lake.
      await pipeline.append([booking("late", FLIGHTS[1]!, 2)]);
      await pipeline.consume();
      await pipeline.writeLake();
      await pipeline.runEtl();
      const behind = await verify();
      ok(behind.agrees, JSON.stringify(behind.differences, null, 1));
      const table = behind.tables.find(({ table }) => table === "fact_booking")!;
      equal(table.gold!.rows - table.warehouse!.rows, 2);
      equal(table.warehouse!.not_yet_written, 1);

      await pipeline.runEtl(target);
      const warehouse = await target.open(1);
      for (const { statement } of DAMAGES) await warehouse.sql.unsafe(statement);
      await warehouse.close();
      const { differences } = await verify();
      const found: Record<string, RegExp> = Object.assign({}, ...DAMAGES.map(({ found }) => found));
      deepEqual(differences.map(({ where, kind }) => `${where}: ${kind}`).sort(), Object.keys(found).sort());
      for (const { where, kind, examples } of differences) {
        match(examples.join("\n"), found[`${where}: ${kind}`]!);
      }
    }),
);

onEachWarehouse("tables that are missing or of another program are named", async (target) => {
  const warehouse = await target.open(1);
  try {
    await warehouse.sql.unsafe("create table fact_booking (booking_id text)");
    const unusable = await unusableTables(warehouse);
    deepEqual(unusable.find(({ table }) => table === "etl_watermark"), {
      table: "etl_watermark",
      reason: "it is missing",
    });
    match(
      unusable.find(({ table }) => table === "fact_booking")!.reason,
      /column passenger_number is missing/,
    );
  } finally {
    await warehouse.close();
  }
});
