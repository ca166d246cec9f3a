import { deepEqual, equal, ok } from "node:assert/strict";
import type { Flight, FlightOutcome } from "../../producer/flight.ts";
import { lifecycleOf, timesOf } from "../../producer/lifecycle.ts";
import { randomKey } from "../../producer/random.ts";
import { flightOf, HOUR_MS } from "./_support.ts";

const KEY = randomKey(1, "BA178_2025-12-01");
const OPENS_MS = Date.UTC(2025, 10, 17, 13);

function eventsOf(outcome: FlightOutcome, changes: Partial<Flight> = {}) {
  const flight = flightOf({ outcome, ...changes });
  const milestones = lifecycleOf(flight, timesOf(flight, KEY, OPENS_MS), KEY);
  const times = milestones.map(({ timeMs }) => timeMs);
  deepEqual(times, times.toSorted((a, b) => a - b));
  for (const { timeMs, event } of milestones) equal(event.event_time, new Date(timeMs).toISOString());
  return milestones.map(({ event }) => event);
}

Deno.test("a flight on time is scheduled when its sale opens, departs and arrives", () => {
  deepEqual(eventsOf({ kind: "flown", departureDelayMinutes: -4, arrivalDelayMinutes: -10 }), [
    {
      event_type: "FlightScheduled",
      event_time: "2025-11-17T13:00:00.000Z",
      flight_id: "BA178_2025-12-01",
      airline_code: "BA",
      origin_airport: "JFK",
      destination_airport: "LHR",
      scheduled_departure_time: "2025-12-01T13:00:00.000Z",
      scheduled_arrival_time: "2025-12-01T20:00:00.000Z",
      aircraft_type: "A320",
      total_seats: 180,
      cabins: [{ cabin_code: "Y", seat_count: 180 }],
    },
    {
      event_type: "FlightDeparted",
      event_time: "2025-12-01T12:56:00.000Z",
      flight_id: "BA178_2025-12-01",
      actual_departure_time: "2025-12-01T12:56:00.000Z",
      delay_minutes: -4,
    },
    {
      event_type: "FlightArrived",
      event_time: "2025-12-01T19:50:00.000Z",
      flight_id: "BA178_2025-12-01",
      actual_arrival_time: "2025-12-01T19:50:00.000Z",
      delay_minutes: -10,
    },
  ]);
});

Deno.test("a delay of 15 minutes is announced, one of 14 is not", () => {
  const types = (minutes: number) =>
    eventsOf({ kind: "flown", departureDelayMinutes: minutes, arrivalDelayMinutes: 0 })
      .map(({ event_type }) => event_type);
  deepEqual(types(14), ["FlightScheduled", "FlightDeparted", "FlightArrived"]);
  deepEqual(types(15), ["FlightScheduled", "FlightDelayed", "FlightDeparted", "FlightArrived"]);
});

Deno.test("a delay of an hour or more is first put too low, then right", () => {
  const [, first, second, departed] = eventsOf({
    kind: "flown",
    departureDelayMinutes: 167,
    arrivalDelayMinutes: 137,
  });
  ok(first?.event_type === "FlightDelayed" && second?.event_type === "FlightDelayed");
  ok(departed?.event_type === "FlightDeparted");
  // Half of 167 minutes, in steps of five.
  deepEqual([first.delay_minutes, second.delay_minutes, departed.delay_minutes], [80, 167, 167]);
  equal(first.estimated_departure_time, "2025-12-01T14:20:00.000Z");
  equal(second.estimated_departure_time, "2025-12-01T15:47:00.000Z");
  equal(departed.actual_departure_time, "2025-12-01T15:47:00.000Z");
});

Deno.test("a cancelled flight is cancelled 1 to 12 hours ahead, and neither departs nor arrives", () => {
  for (let seed = 0; seed < 50; seed++) {
    const key = randomKey(seed, "BA178_2025-12-01");
    const flight = flightOf({ outcome: { kind: "cancelled" } });
    const times = timesOf(flight, key, OPENS_MS);
    const milestones = lifecycleOf(flight, times, key);
    deepEqual(milestones.map(({ event }) => event.event_type), ["FlightScheduled", "FlightCancelled"]);
    const hours = (flight.scheduledDepartureMs - milestones[1]!.timeMs) / HOUR_MS;
    ok(hours >= 1 && hours <= 12, `${hours} hours ahead`);
    equal(times.closesMs, milestones[1]!.timeMs);
    equal(times.endsMs, times.closesMs);
  }
});

Deno.test("the sale closes at the scheduled departure, or at an earlier actual one", () => {
  const closes = (departureDelayMinutes: number) => {
    const flight = flightOf({ outcome: { kind: "flown", departureDelayMinutes, arrivalDelayMinutes: 0 } });
    return new Date(timesOf(flight, KEY, OPENS_MS).closesMs).toISOString();
  };
  equal(closes(90), "2025-12-01T13:00:00.000Z");
  equal(closes(-20), "2025-12-01T12:40:00.000Z");
});

Deno.test("a flight never arrives before it departs, whatever the data say", () => {
  const [, , , departed, arrived] = eventsOf({
    kind: "flown",
    departureDelayMinutes: 600,
    arrivalDelayMinutes: -60,
  });
  ok(departed?.event_type === "FlightDeparted" && arrived?.event_type === "FlightArrived");
  ok(arrived.actual_arrival_time > departed.actual_departure_time);
});
