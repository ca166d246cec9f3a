import { deepEqual } from "node:assert/strict";
import { prepareWarehouse } from "../../warehouse/migrate.ts";
import { onEachWarehouse } from "./_warehouse_support.ts";

onEachWarehouse("the views show the published charts and net revenue", async (test) => {
  const { sql, close } = await test.open();
  await prepareWarehouse(sql);
  await sql`
    insert into fact_inventory_metrics
      (event_id, metric_time, flight_id, booked_seats, total_seats, load_factor, minutes_to_departure)
    values
      ('m1', '2025-11-28T10:00:00Z', 'BA1', 20, 180, 0.111, 90),
      ('m2', '2025-11-28T10:10:00Z', 'BA1', 21, 180, 0.117, 80),
      ('m3', '2025-11-28T10:20:00Z', 'BA1', 25, 180, 0.139, 70),
      ('m4', '2025-11-28T10:00:00Z', 'BA2', 1, 100, 0.01, 500)`;
  await sql`
    insert into fact_promotions
      (event_id, promo_time, flight_id, discount_percentage, current_load_factor, minutes_to_departure)
    values
      ('p0', '2025-11-28T09:00:00Z', 'BA2', 10, 0.01, 560),
      ('p1', '2025-11-28T10:10:00Z', 'BA1', 25, 0.117, 80),
      ('p2', '2025-11-28T10:19:59Z', 'BA1', 10, 0.117, 71)`;

  // BA1: both promotions lie between the second metric (included) and the third; the higher one is shown.
  // BA2: its promotion comes before its first metric and is shown there.
  const trend = await sql<Record<string, unknown>[]>`
    select metric_time, flight_id, seats_remaining, discount_percentage from inventory_trend order by 2, 1`;
  deepEqual(
    trend.map((row) => [
      row.flight_id,
      (row.metric_time as Date).toISOString().slice(11, 16),
      row.seats_remaining,
      row.discount_percentage,
    ]),
    [
      ["BA1", "10:00", 160, null],
      ["BA1", "10:10", 159, "25.00"],
      ["BA1", "10:20", 155, null],
      ["BA2", "10:00", 99, "10.00"],
    ],
  );

  const pressure = await sql`
    select flight_id, minutes_to_departure, load_factor from booking_pressure where flight_id = 'BA1' order by 2`;
  deepEqual([...pressure], [
    { flight_id: "BA1", minutes_to_departure: 70, load_factor: 0.139 },
    { flight_id: "BA1", minutes_to_departure: 80, load_factor: 0.117 },
    { flight_id: "BA1", minutes_to_departure: 90, load_factor: 0.111 },
  ]);

  await sql`
    insert into fact_booking
      (booking_id, passenger_number, booking_time, flight_id, total_price, passenger_price, currency)
    values
      ('b1', 1, '2025-11-28T10:00:00Z', 'BA1', 100.01, 50.01, 'GBP'),
      ('b1', 2, '2025-11-28T10:00:00Z', 'BA1', 100.01, 50.00, 'GBP'),
      ('b2', 1, '2025-11-28T10:00:00Z', 'BA1', 140, 140, 'GBP'),
      ('b3', 1, '2025-11-28T10:00:00Z', 'BA1', 99.99, 99.99, 'EUR')`;
  await sql`insert into fact_booking_cancellation values ('b1', '2025-11-28T11:00:00Z', 'BA1')`;
  deepEqual([...await sql`select * from net_revenue order by currency`], [
    {
      flight_id: "BA1",
      currency: "EUR",
      passengers: 1,
      gross_revenue: "99.99",
      cancelled_passengers: 0,
      cancelled_revenue: "0",
      net_revenue: "99.99",
    },
    {
      flight_id: "BA1",
      currency: "GBP",
      passengers: 3,
      gross_revenue: "240.01",
      cancelled_passengers: 2,
      cancelled_revenue: "100.01",
      net_revenue: "140.00",
    },
  ]);
  await close();
});
