/** Shoppers of flights: a session around every booking and every other decision, the same again from the same seed. */

import { deepEqual, equal, ok } from "node:assert/strict";
import { parseStreamEvent } from "../../events/stream_events.ts";
import type { EventRecord } from "../../producer/flight_simulation.ts";
import { NetworkFlights } from "../../producer/network_simulation.ts";
import { upTo } from "../../producer/flight_simulation.ts";
import { builtInSchedule, DAY_MS, START_MS } from "./_support.ts";

const PROMOTED = [{ fromMs: START_MS - 3 * DAY_MS, discountPercentage: 25, targetFareBucket: "K" }];

/** Flights of a day, 14 days on sale. */
function flights(lookToBook: number | undefined, fromMs = 0) {
  return new NetworkFlights({
    seed: 1,
    schedule: builtInSchedule({ flightsPerDay: 30 }),
    bookingHorizonMs: 14 * DAY_MS,
    firstDepartureMs: 0,
    lookToBook: lookToBook ?? 10,
    sessions: lookToBook === undefined ? undefined : { fromMs },
  }).openingBetween(START_MS - 14 * DAY_MS, START_MS - 13 * DAY_MS);
}

function recordsOf(flight: ReturnType<typeof flights>[number], promotions: typeof PROMOTED = []) {
  const simulation = flight.simulate(promotions);
  const records: EventRecord[] = [];
  while (simulation.nextMs < Infinity) records.push(simulation.take());
  return records;
}

const timeOf = ({ value }: EventRecord) => {
  const event = JSON.parse(value);
  return Date.parse(event.event_time ?? event.ts);
};

/** Sessions of a flight by user: from, to. */
function sessionsOf(records: EventRecord[]): Map<string, [number, number]> {
  const sessions = new Map<string, [number, number]>();
  for (const record of records.filter(({ topic }) => topic === "stream.events")) {
    const event = parseStreamEvent({ ...record, timestampMs: Infinity });
    equal(event.streamId, record.key);
    if (event.type === "viewer_join") {
      ok(!sessions.has(event.userId));
      sessions.set(event.userId, [event.eventTimeMs, Infinity]);
    } else {
      equal(event.type, "viewer_leave");
      sessions.get(event.userId)![1] = event.eventTimeMs;
    }
  }
  return sessions;
}

for (const [what, promotions] of [["", []], [" under a promotion", PROMOTED]] as const) {
  Deno.test(`every booking lies within a session of its own, and every session ends${what}`, () => {
    for (const flight of flights(5)) {
      const records = recordsOf(flight, [...promotions]);
      const sessions = [...sessionsOf(records).values()];
      ok(sessions.every(([from, to]) => from < to && to < Infinity));
      const free = new Set(sessions);
      for (
        const booking of records.filter(({ value }) => value.startsWith('{"event_type":"BookingCreated"'))
      ) {
        const at = timeOf(booking);
        // A party looks one to ten minutes before it books and at most a minute after.
        const own = [...free].filter(([from, to]) => from <= at && at <= to && to - at <= 60_000)
          .sort((a, b) => a[1] - b[1])[0];
        ok(own !== undefined, `${flight.flightId} ${booking.value}`);
        free.delete(own);
      }
    }
  });
}

Deno.test("about as many shoppers as asked for come for each who books", () => {
  for (const lookToBook of [5, 12]) {
    let bookings = 0;
    let sessions = 0;
    for (const flight of flights(lookToBook)) {
      const records = recordsOf(flight);
      bookings += records.filter(({ value }) => value.startsWith('{"event_type":"BookingCreated"')).length;
      sessions += sessionsOf(records).size;
    }
    // Fewer book where the lowest fare is sold out, and flights that are full are still looked at.
    const ratio = sessions / bookings;
    ok(ratio > lookToBook && ratio < 1.35 * lookToBook, `${ratio}`);
  }
});

Deno.test("shoppers change nothing else of a flight, and its events stay in the order of time", () => {
  const [without, withShoppers] = [flights(undefined), flights(10)];
  without.forEach((flight, at) => {
    const records = recordsOf(withShoppers[at]!);
    deepEqual(records.filter(({ topic }) => topic !== "stream.events"), recordsOf(flight));
    const times = records.map(timeOf);
    ok(times.every((time, index) => index === 0 || time >= times[index - 1]!));
    const { opensMs, endsMs } = flight.times;
    equal(times[0], opensMs);
    equal(times.at(-1), endsMs);
  });
});

Deno.test("sessions that began before the shoppers' history are left out, all others stay", () => {
  const fromMs = START_MS - 5 * DAY_MS;
  const [all, later] = [flights(5), flights(5, fromMs)];
  all.forEach((flight, at) => {
    const expected = [...sessionsOf(recordsOf(flight))].filter(([, [from]]) => from >= fromMs);
    deepEqual([...sessionsOf(recordsOf(later[at]!))], expected);
  });
});

Deno.test("a promotion changes no shopper, and a flight taken up anywhere goes on with the same ones", () => {
  const flight = flights(10)[0]!;
  const shoppers = (records: EventRecord[]) => records.filter(({ topic }) => topic === "stream.events");
  const all = shoppers(recordsOf(flight));
  deepEqual(shoppers(recordsOf(flight, PROMOTED)), all);
  const middleMs = timeOf(all[Math.floor(all.length / 2)]!);
  const simulation = upTo(flight.simulate([]), middleMs);
  const rest: EventRecord[] = [];
  while (simulation.nextMs < Infinity) rest.push(simulation.take());
  deepEqual(shoppers(rest), all.filter((record) => timeOf(record) >= middleMs));
});
