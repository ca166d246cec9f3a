/** Booking curves, forecast errors and what followed promotions: from raw lines to gold, warehouse and log. */

import { deepEqual, equal, match, ok } from "node:assert/strict";
import type { BookingCurvesPublished } from "../../events/booking_curves.ts";
import { parseEvent } from "../../events/parse_event.ts";
import { BOOKING_CURVES_TOPIC } from "../../events/topics.ts";
import { openSqliteEventLog } from "../../event_log/sqlite_event_log.ts";
import { flightHistories, lastWholeDay } from "../../etl/flight_histories.ts";
import { runEtl, succeeded } from "../../etl/etl_run.ts";
import { onEachWarehouse } from "../warehouse/_warehouse_support.ts";
import { booking, cancellation, promotion, scheduled, withLake } from "./_etl_support.ts";
import type { Fields, TestLake } from "./_etl_support.ts";

const EARLY = { event_time: "2025-11-01T00:00:00.000Z" };
const flightOf = (day: number) => `BA210_2025-11-${day}`;

function flight(day: number, fields: Fields = {}): Fields {
  return scheduled({
    ...EARLY,
    flight_id: flightOf(day),
    origin_airport: "LHR",
    destination_airport: "BOS",
    scheduled_departure_time: `2025-11-${day}T14:00:00.000Z`,
    scheduled_arrival_time: `2025-11-${day}T21:00:00.000Z`,
    total_seats: 10,
    ...fields,
  });
}

/** A booking of one seat, so many days before 14:00 of the day. */
function sold(day: number, daysBefore: number, bucket: string, id: string): Fields {
  const time = new Date(Date.parse(`2025-11-${day}T14:00:00.000Z`) - daysBefore * 86_400_000);
  return booking(id, {
    flight_id: flightOf(day),
    event_time: time.toISOString(),
    fare_bucket: bucket,
    total_price: 100,
    passengers: [{ passenger_id: id }],
  });
}

/**
 * Six flights of 10 seats, on the 11th to 16th, each with a K seat 5 days and a Y seat 0.4 days before; the flight of the
 * 12th has a further K seat 3.5 days before, the one of the 13th one that is given back 2.5 days before. A flight of the
 * 17th was cancelled, one of the 19th leaves later; a booking of the 18th says that the 17th is over.
 */
function fill(lake: TestLake): void {
  const days = [11, 12, 13, 14, 15, 16];
  lake.seal("flight_lifecycle", [
    ...days.map((day) => flight(day)),
    flight(17),
    {
      ...EARLY,
      event_type: "FlightCancelled",
      flight_id: flightOf(17),
      event_time: "2025-11-17T00:00:00.000Z",
    },
    flight(19),
  ]);
  lake.seal("bookings", [
    ...days.flatMap((day) => [sold(day, 5, "K", `k${day}`), sold(day, 0.4, "Y", `y${day}`)]),
    sold(12, 3.5, "K", "k12b"),
    sold(13, 3.5, "K", "k13b"),
    cancellation("k13b", { flight_id: flightOf(13), event_time: "2025-11-11T02:00:00.000Z" }),
    sold(17, 3, "K", "k17"),
    sold(19, 1.2, "K", "k19"),
  ]);
  lake.seal("promo_decisions", [
    promotion({
      event_id: "p12",
      flight_id: flightOf(12),
      event_time: "2025-11-08T00:00:00.000Z",
      current_load_factor: 0.1,
      forecast_load_factor: 0.25,
      discount_percentage: 10,
    }),
    promotion({ event_id: "p19", flight_id: flightOf(19), event_time: "2025-11-17T00:00:00.000Z" }),
  ]);
}

Deno.test("flightHistories() tells what flights sold by reading day, until the last day that is over", () =>
  withLake(async (lake) => {
    fill(lake);
    await lake.build();
    equal(await lastWholeDay(lake.folders.gold), "2025-11-17");
    const histories = await flightHistories(lake.folders.gold, "2025-11-17");
    deepEqual(histories.map(({ flightId }) => flightId).sort(), [11, 12, 13, 14, 15, 16].map(flightOf));
    const of13 = histories.find(({ flightId }) => flightId === flightOf(13))!;
    deepEqual([of13.route, of13.totalSeats, of13.departureMs, Math.floor(of13.knownFromDays)], [
      "LHR-BOS",
      10,
      Date.parse("2025-11-13T14:00:00.000Z"),
      12,
    ]);
    // 0.4 days before is by the reading day of 0.25, 3.5 by that of 3 and 2.5 by that of 2.
    deepEqual(of13.sales.map((sale) => [sale.daysBefore, sale.seats, sale.bucket]).sort(), [
      [0.25, 1, "Y"],
      [2, -1, "K"],
      [3, 1, "K"],
      [5, 1, "K"],
    ]);
    equal((await flightHistories(lake.folders.gold, "2025-11-13")).length, 3);
  }));

Deno.test("the derived tables are made once a day is over, and a rebuild gives the same", () =>
  withLake(async (lake) => {
    fill(lake);
    const summary = await lake.build();
    equal(summary.state.derived_day, "2025-11-17");
    const curve = (bucket: string, days: number, daypart = "any", route = "LHR-BOS") =>
      lake.rows("agg_booking_curve").filter((row) =>
        row.route === route && row.weekday === 0 && row.daypart === daypart && row.fare_bucket === bucket &&
        row.days_before === days
      ).map(({ flights, mean_load, mean_pickup }) => [flights, mean_load, mean_pickup]);
    // Of 60 seats 6 were sold by 5 days before, 8 by 3; in the end 13: 6 K, 1 K more, 6 Y.
    deepEqual(curve("*", 5), [[6, 0.1, 0.116667]]);
    deepEqual(curve("*", 3), [[6, 0.133333, 0.083333]]);
    deepEqual(curve("*", 0, "afternoon"), [[6, 0.216667, 0]]);
    deepEqual(curve("Y", 1, "any", "*"), [[6, null, 0.1]]);
    deepEqual(curve("*", 0, "morning"), []);
    deepEqual(lake.rows("fact_promotion_outcome"), [{
      event_id: "p12",
      promo_time: "2025-11-08T00:00:00.000Z",
      flight_id: flightOf(12),
      policy: promotion().policy,
      discount_percentage: 10,
      load_factor_before: 0.1,
      bookings_after: 2,
      seats_after: 2,
      revenue_after: 200,
      final_load_factor: 0.3,
      forecast_load_factor: 0.25,
      forecast_load_factor_low: 0.504,
      forecast_load_factor_high: 0.72,
      above_forecast: 0.05,
      evidence: "observational",
    }]);
    // Four of six flights are too few to learn from.
    deepEqual(lake.rows("agg_forecast_error"), []);
    const before = lake.rows("agg_booking_curve");
    // Nothing is made anew while the day is not over.
    lake.seal("bookings", [sold(19, 1.1, "K", "k19b")], { from: 100 });
    await lake.build();
    deepEqual(lake.rows("agg_booking_curve"), before);
    await lake.build({ full: true });
    deepEqual(lake.rows("agg_booking_curve"), before);
  }));

Deno.test("a run publishes a day's curves once, to every partition, and the engine's checks take them", () =>
  withLake(async (lake) => {
    fill(lake);
    const log = await openSqliteEventLog({ file: `${lake.root}/log.sqlite` });
    const read = async () => {
      const ranges = await log.ranges([BOOKING_CURVES_TOPIC]);
      const reader = await log.reader({
        positions: ranges.map(({ topic, partition, start }) => ({ topic, partition, offset: start })),
      });
      reader.resume([BOOKING_CURVES_TOPIC]);
      const records = [];
      for (let batches; (batches = await reader.poll({ maxWaitMs: 50 })).length > 0;) {
        records.push(...batches.flatMap(({ records }) => records));
      }
      await reader.close();
      return records;
    };
    try {
      const warnings: string[] = [];
      const run = (full = false) =>
        runEtl(lake.folders, {
          full,
          warn: (text) => warnings.push(text),
          openLog: () => openSqliteEventLog({ file: `${lake.root}/log.sqlite` }),
        });
      ok(succeeded(await run()));
      match(warnings.at(-1)!, /^The booking curves of 2025-11-17 are not published, .*deno task topics/);
      await log.createTopics([
        { name: BOOKING_CURVES_TOPIC, partitions: 3, cleanup: "compact", retentionMs: -1 },
      ]);
      await run();
      await run();
      await run(true);
      // A run that was killed before it noted what it had published.
      const state = JSON.parse(Deno.readTextFileSync(`${lake.folders.gold}/_etl_state.json`));
      delete state.published;
      Deno.writeTextFileSync(`${lake.folders.gold}/_etl_state.json`, JSON.stringify(state));
      await run();
      const records = await read();
      // The 17th is day 20,409 since 1970, which is 25 more than a multiple of 32.
      deepEqual(records.map(({ partition, key }) => `${partition} ${key}`).sort(), [
        "0 */25",
        "0 LHR-BOS/25",
        "1 */25",
        "1 LHR-BOS/25",
        "2 */25",
        "2 LHR-BOS/25",
      ]);
      for (const record of records) {
        const { event, eventTimeMs } = parseEvent(record, { eventLeadMsMax: 0 });
        equal(eventTimeMs, Date.parse("2025-11-18T00:00:00.000Z"));
        equal((event as BookingCurvesPublished).version, "2025-11-17");
      }
      equal(warnings.length, 1);
    } finally {
      await log.close();
    }
  }));

onEachWarehouse("the warehouse has the derived tables of the gold folder", async (test) => {
  await withLake(async (lake) => {
    fill(lake);
    const warehouse = { url: test.url, embedded: test.embedded };
    for (let run = 0; run < 2; run++) {
      const summary = await runEtl(lake.folders, { warehouse });
      equal(summary.loadError, undefined);
    }
    const { sql, close } = await test.open(1);
    const [curve] = await sql`
      select to_char(version, 'YYYY-MM-DD') as version, flights, mean_load from public.agg_booking_curve
      where route = 'LHR-BOS' and weekday = 0 and daypart = 'any' and fare_bucket = '*' and days_before = 5`;
    deepEqual({ ...curve }, { version: "2025-11-17", flights: 6, mean_load: 0.1 });
    const rows = await sql`
      select event_id, promo_time, revenue_after::text as revenue_after, evidence from public.fact_promotion_outcome`;
    deepEqual(rows.map((row) => ({ ...row })), [{
      event_id: "p12",
      promo_time: new Date("2025-11-08T00:00:00.000Z"),
      revenue_after: "200.00",
      evidence: "observational",
    }]);
    const [count] = await sql`select count(*)::integer as rows from public.agg_booking_curve`;
    equal(count!.rows, lake.rows("agg_booking_curve").length);
    await close();
  });
});
