import { deepEqual, equal, match, ok, rejects } from "node:assert/strict";
import pl from "nodejs-polars";
import { DERIVED_TABLES } from "../../etl/derived_tables.ts";
import {
  booking,
  cancellation,
  GOLD,
  LOG_ID8,
  metrics,
  promotion,
  scheduled,
  withLake,
} from "./_etl_support.ts";
import type { Fields } from "./_etl_support.ts";

const passengers = (count: number): Fields[] =>
  Array.from({ length: count }, (_, at) => ({ passenger_id: `P${at + 1}` }));

// 100.00 / 3 = 33.33 with one cent left over; 0.02 / 3 leaves two; 0.285 is 28.5 cents, in floating point a little less.
const PRICES: [number, number, number, number[]][] = [
  [140, 1, 140, [140]],
  [100, 3, 100, [33.34, 33.33, 33.33]],
  [0.02, 3, 0.02, [0.01, 0.01, 0]],
  [0, 2, 0, [0, 0]],
  [0.285, 1, 0.28, [0.28]],
  [199.99, 2, 199.99, [100, 99.99]],
  [10_000_000, 7, 10_000_000, [
    1428571.43,
    1428571.43,
    1428571.43,
    1428571.43,
    1428571.43,
    1428571.43,
    1428571.42,
  ]],
];

for (const [price, count, total, shares] of PRICES) {
  Deno.test(`fact_booking splits ${price} among ${count} so that the shares are the whole`, () =>
    withLake(async (lake) => {
      lake.seal("bookings", [booking("B1", { total_price: price, passengers: passengers(count) })]);
      await lake.build();
      const rows = lake.rows("fact_booking").sort((a, b) =>
        (a.passenger_number as number) - (b.passenger_number as number)
      );
      deepEqual(rows.map((row) => row.passenger_price), shares);
      deepEqual(rows.map((row) => row.passenger_number), shares.map((_, at) => at + 1));
      deepEqual(new Set(rows.map((row) => row.total_price)), new Set([total]));
    }));
}

Deno.test("each table holds its topic's events with types", () =>
  withLake(async (lake) => {
    lake.seal("flight_lifecycle", [scheduled()]);
    lake.seal("bookings", [booking("B1"), cancellation("B1")]);
    lake.seal("inventory_metrics", [metrics()]);
    lake.seal("promo_decisions", [promotion()]);
    const { tables, lines } = await lake.build();
    equal(lines, 5);
    deepEqual(tables.map(({ table, newRows, rows }) => [table, newRows, rows]), [
      ["dim_flight", 1, 1],
      ["fact_booking", 1, 1],
      ["fact_booking_cancellation", 1, 1],
      ["fact_inventory_metrics", 1, 1],
      ["fact_promotions", 1, 1],
    ]);
    const place = { _log: LOG_ID8, _partition: 0, _offset: 0 };
    deepEqual(lake.rows("fact_booking"), [{
      booking_time: "2025-11-24T10:15:30.000Z",
      booking_id: "B1",
      flight_id: "BA210_2025-11-28",
      passenger_number: 1,
      passenger_id: "P1",
      seat_id: "12A",
      cabin_code: "Y",
      fare_bucket: "K",
      channel: "WEB",
      currency: "GBP",
      total_price: 140,
      passenger_price: 140,
      ...place,
    }]);
    deepEqual(lake.rows("fact_booking_cancellation"), [{
      cancellation_time: "2025-11-24T10:15:30.000Z",
      booking_id: "B1",
      flight_id: "BA210_2025-11-28",
      ...place,
      _offset: 1,
    }]);
    deepEqual(lake.rows("fact_inventory_metrics"), [{
      metric_time: "2025-11-24T10:15:30.000Z",
      event_id: "bookings-2-17-0@1f3a9c2e",
      flight_id: "BA210_2025-11-28",
      booked_seats: 1,
      total_seats: 180,
      load_factor: 0.006,
      minutes_to_departure: 5984,
      days_to_departure: 4.16,
      booking_velocity_per_hour: 1,
      booking_velocity_6h_per_hour: 0.167,
      booking_velocity_24h_per_hour: 0.042,
      forecast_load_factor: 0.612,
      forecast_load_factor_low: 0.504,
      forecast_load_factor_high: 0.72,
      intervention_expected_at: "2025-11-24T10:15:30.000Z",
      curve_version: "2025-11-23",
      ...place,
    }]);
    const [decision] = lake.rows("fact_promotions");
    equal(decision!.discount_percentage, 25);
    equal(decision!.reason, promotion().reason);
    equal(decision!.propensity, 1);
    equal(decision!.forecast_load_factor, 0.612);
    deepEqual(JSON.parse(decision!.inputs as string), promotion().inputs);
    deepEqual(JSON.parse(decision!.thresholds as string), promotion().thresholds);
    const [flight] = lake.rows("dim_flight");
    equal(flight!.scheduled_departure_time, "2025-11-28T14:00:00.000Z");
    equal(flight!.status, "scheduled");
    const { schema } = pl.readParquet(`${lake.folders.gold}/fact_booking.parquet`);
    equal(String(schema.booking_time), String(pl.Datetime("ms", "UTC")));
    equal(String(schema.passenger_number), String(pl.Int32));
  }));

Deno.test("what a Python producer leaves out gets its default, and times in all written forms are taken", () =>
  withLake(async (lake) => {
    const sparse = (id: string, event_time: string) => ({
      event_type: "BookingCreated",
      event_time,
      booking_id: id,
      flight_id: "BA210_2025-11-28",
      fare_bucket: "K",
      total_price: 140,
      passengers: [{ passenger_id: "P1" }],
    });
    lake.seal("bookings", [
      sparse("a", "2025-11-24T10:15:30Z"),
      sparse("b", "2025-11-24T10:15:30.123456Z"),
      sparse("c", "2025-11-24T10:15:30.123456+00:00"),
      sparse("d", "2025-11-24T10:15:30+00:00"),
    ]);
    const { event_id: _without, ...anonymous } = metrics();
    lake.seal("inventory_metrics", [anonymous, anonymous], { partition: 2, from: 7 });
    await lake.build();
    deepEqual(lake.rows("fact_booking").map((row) => [row.booking_id, row.booking_time]).sort(), [
      ["a", "2025-11-24T10:15:30.000Z"],
      ["b", "2025-11-24T10:15:30.123Z"],
      ["c", "2025-11-24T10:15:30.123Z"],
      ["d", "2025-11-24T10:15:30.000Z"],
    ]);
    const [first] = lake.rows("fact_booking");
    deepEqual([first!.currency, first!.channel, first!.seat_id, first!.cabin_code], [
      "GBP",
      null,
      null,
      null,
    ]);
    deepEqual(lake.rows("fact_inventory_metrics").map((row) => row.event_id), [
      "inventory_metrics-2-7@1f3a9c2e",
      "inventory_metrics-2-8@1f3a9c2e",
    ]);
  }));

Deno.test("a second run on the same lake reads nothing and writes nothing", () =>
  withLake(async (lake) => {
    lake.seal("bookings", [booking("B1"), booking("B2")]);
    await lake.build();
    const before = GOLD.map((table) =>
      Deno.statSync(`${lake.folders.gold}/${table}.parquet`).mtime!.getTime()
    );
    const written: string[] = [];
    const { files, lines, tables } = await lake.build({ onWrite: (table) => written.push(table) });
    deepEqual([files, lines, written], [0, 0, []]);
    ok(tables.every(({ newRows }) => newRows === 0));
    const after = GOLD.map((table) =>
      Deno.statSync(`${lake.folders.gold}/${table}.parquet`).mtime!.getTime()
    );
    deepEqual(after, before);
  }));

Deno.test("an event that comes twice counts once: the first by partition and offset, whichever run reads it", () =>
  withLake(async (lake) => {
    const two = (seat: string) => ({
      passengers: [{ passenger_id: "P1", seat_id: seat }, { passenger_id: "P2" }],
    });
    lake.seal("bookings", [booking("B1", two("9Z")), booking("B2"), booking("B1", { fare_bucket: "Y" })], {
      partition: 1,
    });
    await lake.build();
    equal(lake.rows("fact_booking").length, 3);
    equal(lake.rows("fact_booking").find((row) => row.booking_id === "B1")!.fare_bucket, "K");
    // Partition 0 comes before partition 1, though a later run reads it.
    lake.seal("bookings", [booking("B1", { channel: "APP" })], { partition: 0, from: 50 });
    const { tables } = await lake.build();
    equal(tables.find(({ table }) => table === "fact_booking")!.newRows, 1);
    deepEqual(lake.rows("fact_booking").map((row) => [row.booking_id, row.channel, row._partition]), [
      ["B1", "APP", 0],
      ["B2", "WEB", 1],
    ]);
    // And what comes after it does not count.
    lake.seal("bookings", [booking("B1", { channel: "PHONE" })], { partition: 2 });
    await lake.build();
    equal(lake.rows("fact_booking").find((row) => row.booking_id === "B1")!.channel, "APP");
  }));

Deno.test("a gap between raw files is told, and the run goes on behind it", () =>
  withLake(async (lake) => {
    lake.seal("bookings", [booking("B1")]);
    await lake.build();
    lake.seal("bookings", [booking("B3")], { from: 5 });
    lake.seal("bookings", [booking("B9")], { from: 8 });
    const { warnings, partial } = await lake.build();
    equal(partial, false);
    equal(warnings.length, 2);
    ok(warnings.some((text) => /bookings holds offsets 1 to 4 of partition 0/.test(text)), warnings.join());
    ok(warnings.some((text) => /bookings holds offsets 6 to 7 of partition 0/.test(text)), warnings.join());
    equal(lake.rows("fact_booking").length, 3);
  }));

Deno.test("ranges without lines (all dead letters) move on without a warning", () =>
  withLake(async (lake) => {
    lake.seal("bookings", [booking("B1")]);
    lake.sealText("bookings", "", { partition: 0, from: 1, to: 9 });
    lake.seal("bookings", [booking("B2")], { from: 9 });
    const { warnings, state } = await lake.build();
    deepEqual(warnings, []);
    deepEqual(state.topics.bookings!.positions, { [LOG_ID8]: { "0": 10 } });
  }));

Deno.test("a log that was reset starts again at offset 0 and is not mistaken for the old one", () =>
  withLake(async (lake) => {
    const { event_id: _without, ...anonymous } = metrics();
    lake.seal("inventory_metrics", [anonymous]);
    await lake.build();
    lake.seal("inventory_metrics", [anonymous], { logId8: "ffffffff" });
    await lake.build();
    equal(lake.rows("fact_inventory_metrics").length, 2);
  }));

Deno.test("a raw file that cannot be read holds up its partition only; once readable it is taken", () =>
  withLake(async (lake) => {
    const broken = lake.seal("bookings", [booking("B1")]);
    lake.seal("bookings", [booking("B2")], { from: 1 });
    lake.seal("bookings", [booking("B3")], { partition: 1 });
    // As on a broken disk.
    const openSync = Deno.openSync;
    Deno.openSync = (path, options) => {
      if (path === broken) throw Object.assign(new Error("Input/output error (os error 5)"), { code: "EIO" });
      return openSync(path, options);
    };
    const first = await lake.build().finally(() => Deno.openSync = openSync);
    equal(first.partial, true);
    match(first.warnings.join(), /Cannot read raw file ".*": Input\/output error/);
    deepEqual(lake.rows("fact_booking").map((row) => row.booking_id), ["B3"]);
    const second = await lake.build();
    equal(second.partial, false);
    deepEqual(lake.rows("fact_booking").map((row) => row.booking_id), ["B1", "B2", "B3"]);
  }));

Deno.test("gold tables that another program has written are built anew from the lake", () =>
  withLake(async (lake) => {
    lake.seal("bookings", [booking("B1")]);
    await lake.build();
    const expected = lake.gold();
    pl.DataFrame({ booking_id: ["X"] }).writeParquet(`${lake.folders.gold}/fact_booking.parquet`);
    const { rebuilt, warnings } = await lake.build();
    equal(rebuilt, true);
    match(warnings.join(), /fact_booking.parquet" is missing or has other columns/);
    deepEqual(lake.gold(), expected);
  }));

Deno.test("--full builds the same tables, without what the lake does not hold any more", () =>
  withLake(async (lake) => {
    const gone = lake.seal("bookings", [booking("B1")]);
    lake.seal("bookings", [booking("B2"), "not an event"], { from: 1 });
    await lake.build();
    equal(lake.rows("fact_booking").length, 2);
    Deno.removeSync(gone);
    const { rebuilt } = await lake.build({ full: true });
    equal(rebuilt, true);
    deepEqual(lake.rows("fact_booking").map((row) => row.booking_id), ["B2"]);
    equal(lake.rejected("bookings").length, 1);
  }));

Deno.test("the gold folder holds the tables, those derived from them and the state, nothing else", () =>
  withLake(async (lake) => {
    lake.seal("bookings", [booking("B1"), "broken"]);
    await lake.build();
    deepEqual(
      [...Deno.readDirSync(lake.folders.gold)].map(({ name }) => name).sort(),
      [
        "_etl_state.json",
        ...[...GOLD, ...DERIVED_TABLES.map(({ name }) => name)].map((table) => `${table}.parquet`).sort(),
      ],
    );
  }));

Deno.test("a lake without raw files makes empty tables, and none are built anew of nothing", () =>
  withLake(async (lake) => {
    const { warnings } = await lake.build();
    match(
      warnings.join(),
      /There are no raw files in ".*raw" yet, so the tables are empty: start the lake writer/,
    );
    deepEqual((await lake.build()).warnings, []);
    const path = lake.seal("bookings", [booking("B1")]);
    await lake.build();
    Deno.removeSync(path);
    await rejects(lake.build({ full: true }), /there are no raw files in ".*raw"\. Nothing is changed/);
    equal(lake.rows("fact_booking").length, 1);
  }));
