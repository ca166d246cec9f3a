import { deepEqual, equal } from "node:assert/strict";
import fc from "fast-check";
import { foldFlight, unknownFlight } from "../../etl/flight_fold.ts";
import type { Flight, LifecycleEvent } from "../../etl/flight_fold.ts";

const event = (event_type: string, minute: number, fields: Partial<LifecycleEvent> = {}): LifecycleEvent => ({
  event_type,
  event_time: `2025-11-28T14:${String(minute).padStart(2, "0")}:00.000Z`,
  flight_id: "BA210_2025-11-28",
  airline_code: null,
  origin_airport: null,
  destination_airport: null,
  scheduled_departure_time: null,
  scheduled_arrival_time: null,
  aircraft_type: null,
  total_seats: null,
  delay_minutes: null,
  actual_departure_time: null,
  actual_arrival_time: null,
  _log: "1f3a9c2e",
  _partition: 0,
  _offset: minute,
  ...fields,
});

const scheduled = (minute: number, seats = 180) =>
  event("FlightScheduled", minute, { airline_code: "BA", total_seats: seats });
const delayed = (minute: number, delay_minutes: number) => event("FlightDelayed", minute, { delay_minutes });
const departed = event("FlightDeparted", 30, {
  delay_minutes: 30,
  actual_departure_time: "2025-11-28T14:30:00.000Z",
});
const arrived = event("FlightArrived", 50, {
  delay_minutes: 12,
  actual_arrival_time: "2025-11-28T21:52:00.000Z",
});
const cancelled = event("FlightCancelled", 40);

const fold = (events: LifecycleEvent[]): Flight =>
  events.reduce(foldFlight, unknownFlight("BA210_2025-11-28"));

const CASES: [string, LifecycleEvent[], Partial<Flight>][] = [
  ["a schedule alone", [scheduled(0)], { status: "scheduled", airline_code: "BA", delay_minutes: null }],
  ["the newest delay counts", [scheduled(0), delayed(9, 20), delayed(5, 45)], {
    status: "delayed",
    delay_minutes: 20,
  }],
  ["a departure after a delay", [scheduled(0), delayed(5, 45), departed], {
    status: "departed",
    delay_minutes: 30,
    actual_departure_time: "2025-11-28T14:30:00.000Z",
  }],
  ["an arrival keeps the departure", [scheduled(0), arrived, departed], {
    status: "arrived",
    delay_minutes: 12,
    actual_departure_time: "2025-11-28T14:30:00.000Z",
    actual_arrival_time: "2025-11-28T21:52:00.000Z",
  }],
  ["a cancellation keeps the delay told before", [scheduled(0), delayed(5, 45), cancelled], {
    status: "cancelled",
    cancelled: true,
    delay_minutes: 45,
  }],
  ["a repeated schedule changes seats, not the status", [scheduled(0), delayed(5, 45), scheduled(9, 200)], {
    status: "delayed",
    total_seats: 200,
  }],
  ["an event before its schedule", [departed, scheduled(0)], { status: "departed", airline_code: "BA" }],
  ["no schedule at all", [departed], { status: "departed", airline_code: null, total_seats: null }],
];

for (const [name, events, expected] of CASES) {
  Deno.test(`foldFlight(): ${name}`, () => {
    const flight = fold(events);
    for (const [field, value] of Object.entries(expected)) equal(flight[field as keyof Flight], value, field);
  });
}

Deno.test("foldFlight() gives the same flight for every order of its events, however often they come", () => {
  const events = [
    scheduled(0),
    scheduled(9, 200),
    delayed(5, 45),
    delayed(9, 20),
    departed,
    arrived,
    cancelled,
  ];
  const expected = fold(events);
  fc.assert(fc.property(
    fc.shuffledSubarray([...events, ...events], { minLength: 14 }),
    (shuffled) => deepEqual(fold(shuffled), expected),
  ));
});

Deno.test("foldFlight() lets the later record count between equal event times", () => {
  const first = scheduled(3, 100);
  const second = { ...scheduled(3, 200), _offset: 4 };
  equal(fold([first, second]).total_seats, 200);
  equal(fold([second, first]).total_seats, 200);
});
