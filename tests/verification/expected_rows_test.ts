import { deepEqual } from "node:assert/strict";
import { bookingExample } from "../../events/bookings.ts";
import type { FlightLifecycleEvent } from "../../events/flight_lifecycle.ts";
import { flightLifecycleExample } from "../../events/flight_lifecycle.ts";
import { inventoryMetricsExample } from "../../events/inventory_metrics.ts";
import type { LakePlace } from "../../verification/cut.ts";
import { ExpectedFlights } from "../../verification/expected_flights.ts";
import { FACT_RULES } from "../../verification/expected_rows.ts";
import { columnIndex } from "../../verification/table_rows.ts";
import { DIM_FLIGHT } from "../../warehouse/gold_tables.ts";

const PLACE: LakePlace = { log: "1f3a9c2e", partition: 2, offset: 17 };
const ruleOf = (table: string) => FACT_RULES.find((rule) => rule.table.name === table)!;

/** Price, passengers, and each one's share in cents. */
const SHARES: [number, number, number[]][] = [
  [100, 3, [3334, 3333, 3333]],
  [140, 1, [14000]],
  [0, 2, [0, 0]],
  [0.01, 2, [1, 0]],
  [0.05, 3, [2, 2, 1]],
  [19.99, 4, [500, 500, 500, 499]],
];

for (const [price, passengers, shares] of SHARES) {
  Deno.test(`${price} is split among ${passengers} passengers to the cent`, () => {
    const { table, rows } = ruleOf("fact_booking");
    const split = rows({
      ...bookingExample,
      total_price: price,
      passengers: Array.from({ length: passengers }, (_, at) => ({ passenger_id: `P${at}` })),
    }, PLACE);
    deepEqual(split.map((row) => row[columnIndex(table, "passenger_price")]), shares);
    deepEqual(split.map((row) => row[columnIndex(table, "passenger_number")]), shares.map((_, at) => at + 1));
  });
}

Deno.test("an output without an id has one by its place", () => {
  const rule = ruleOf("fact_inventory_metrics");
  for (const event_id of [undefined, ""]) {
    const event = { ...inventoryMetricsExample, event_id } as typeof inventoryMetricsExample;
    deepEqual(rule.eventKey(event, PLACE), "inventory_metrics-2-17@1f3a9c2e");
  }
});

const event = (event_type: string, event_time: string, fields = {}) =>
  ({
    ...(event_type === "FlightScheduled" ? flightLifecycleExample : {}),
    event_type,
    event_time,
    flight_id: "BA210_2025-11-28",
    ...fields,
  }) as FlightLifecycleEvent;

Deno.test("of each part of a flight the latest event counts, in whatever order they come", () => {
  const early = "2025-11-20T10:00:00.000Z";
  const late = "2025-11-28T10:00:00.000Z";
  const events: [FlightLifecycleEvent, LakePlace][] = [
    [event("FlightScheduled", early, { total_seats: 100 }), PLACE],
    [event("FlightScheduled", late, { total_seats: 200 }), PLACE],
    [event("FlightDelayed", early, { delay_minutes: 20, estimated_departure_time: late }), PLACE],
    // At the same time the one that stands later in the log counts.
    [event("FlightDeparted", late, { delay_minutes: 31, actual_departure_time: early }), PLACE],
    [event("FlightDeparted", late, { delay_minutes: 30, actual_departure_time: late }), {
      ...PLACE,
      offset: 18,
    }],
  ];
  for (const order of [events, events.toReversed()]) {
    const flights = new ExpectedFlights();
    for (const [lifecycle, place] of order) flights.take(lifecycle, place);
    const [row] = [...flights.rows()];
    const cell = (name: string) => row![columnIndex(DIM_FLIGHT, name)];
    deepEqual(
      ["total_seats", "status", "delay_minutes", "actual_departure_time", "actual_arrival_time", "cancelled"]
        .map(cell),
      [200, "departed", 30, Date.parse(late), null, false],
    );
  }
});
