import { deepEqual, equal, ok } from "node:assert/strict";
import type { BookingCancelled, BookingCreated } from "../../events/bookings.ts";
import { EVENT_LEAD_MS_MAX, parseEvent } from "../../events/parse_event.ts";
import type { FlightDeparted } from "../../events/flight_lifecycle.ts";
import type { CabinInventorySnapshot } from "../../events/seat_inventory.ts";
import type { SeatMapSnapshot } from "../../events/seat_map.ts";
import type { EventRecord } from "../../producer/flight_simulation.ts";
import type { Promotion } from "../../producer/fares.ts";
import type { SimulatedFlight } from "../../producer/flight_source.ts";
import { NetworkFlights } from "../../producer/network_simulation.ts";
import { PublishedFlights } from "../../producer/published_simulation.ts";
import { seatIds } from "../../producer/seat_map.ts";
import { builtInSchedule, DAY_MS, eventsOf, HOUR_MS, START_MS, wholeWeek } from "./_support.ts";

const WEEK = wholeWeek({ flightsPerDay: 60 });

function parsed(record: EventRecord) {
  const { event_time } = JSON.parse(record.value) as { event_time: string };
  // A producer appends an event when its time has come.
  return parseEvent({ ...record, timestampMs: Date.parse(event_time) }, {
    eventLeadMsMax: EVENT_LEAD_MS_MAX,
  });
}

function eventsOfType<T>(records: EventRecord[], type: string): T[] {
  return records.filter(({ value }) => value.startsWith(`{"event_type":"${type}"`))
    .map(({ value }) => JSON.parse(value) as T);
}

function bookingsOf(records: EventRecord[]): BookingCreated[] {
  return eventsOfType(records, "BookingCreated");
}

/** Seats that are taken at the end. */
function seatsSold(records: EventRecord[]): number {
  const seats = new Map(
    bookingsOf(records).map(({ booking_id, passengers }) => [booking_id, passengers.length]),
  );
  for (const { booking_id } of eventsOfType<BookingCancelled>(records, "BookingCancelled")) {
    seats.delete(booking_id);
  }
  return seats.values().reduce((sum, count) => sum + count, 0);
}

Deno.test("every event of a week passes its checks, carries its flight's key and comes in event-time order", () => {
  for (const flight of WEEK) {
    let lastMs = 0;
    for (const record of eventsOf(flight)) {
      const { event, eventTimeMs } = parsed(record);
      ok(eventTimeMs >= lastMs, `${flight.flightId}: ${record.value} is older than the event before`);
      lastMs = eventTimeMs;
      equal((event as { flight_id: string }).flight_id, flight.flightId);
      equal(record.key, flight.flightId);
    }
    equal(lastMs, flight.times.endsMs);
  }
});

Deno.test("a flight begins with FlightScheduled and ends with its arrival or cancellation; nothing is sold after the close", () => {
  let cancelled = 0;
  for (const flight of WEEK) {
    const records = eventsOf(flight);
    ok(records[0]!.value.startsWith('{"event_type":"FlightScheduled"'));
    const { outcome } = flight.simulate([]).plan.flight;
    const last = outcome.kind === "cancelled" ? "FlightCancelled" : "FlightArrived";
    ok(records.at(-1)!.value.startsWith(`{"event_type":"${last}"`));
    if (outcome.kind === "cancelled") cancelled++;
    const lifecycle = records.filter(({ topic }) => topic === "flight_lifecycle");
    equal(lifecycle.some(({ value }) => value.includes('"FlightDeparted"')), outcome.kind === "flown");
    for (const { topic, value } of records) {
      if (topic === "flight_lifecycle") continue;
      const timeMs = Date.parse((JSON.parse(value) as { event_time: string }).event_time);
      ok(timeMs > flight.times.opensMs && timeMs < flight.times.closesMs, value);
    }
  }
  ok(cancelled > 5, `${cancelled} cancelled flights`);
});

Deno.test("no seat is sold to two, seats given back are on sale again, snapshots agree, prices add up", () => {
  let soldAgain = 0;
  for (const flight of WEEK) {
    const { totalSeats } = flight.simulate([]).plan.flight;
    const seats = new Set(seatIds(totalSeats));
    const sold = new Set<string>();
    const freed = new Set<string>();
    const bookings = new Map<string, BookingCreated>();
    const ids = new Set<string>();
    let prices = new Map<string, number>();
    for (const { topic, value } of eventsOf(flight)) {
      if (value.startsWith('{"event_type":"BookingCancelled"')) {
        const { booking_id } = JSON.parse(value) as BookingCancelled;
        for (const { seat_id } of bookings.get(booking_id)!.passengers) {
          ok(sold.delete(seat_id!));
          freed.add(seat_id!);
        }
        bookings.delete(booking_id);
      } else if (topic === "bookings") {
        const booking = JSON.parse(value) as BookingCreated;
        ok(!ids.has(booking.booking_id));
        ids.add(booking.booking_id);
        bookings.set(booking.booking_id, booking);
        for (const { seat_id } of booking.passengers) {
          ok(seats.has(seat_id!) && !sold.has(seat_id!), `${flight.flightId}: ${seat_id}`);
          sold.add(seat_id!);
          if (freed.delete(seat_id!)) soldAgain++;
        }
        const price = prices.get(booking.fare_bucket);
        if (price !== undefined) equal(booking.total_price, price * booking.passengers.length);
      } else if (topic === "seat_inventory") {
        const { cabins } = JSON.parse(value) as CabinInventorySnapshot;
        const buckets = cabins[0]!.fare_buckets;
        equal(buckets.reduce((sum, bucket) => sum + bucket.available_seats, 0), totalSeats - sold.size);
        ok(buckets.every(({ available_seats }) => available_seats >= 0));
        prices = new Map(buckets.map(({ bucket, price }) => [bucket, price]));
      } else if (topic === "seat_map") {
        deepEqual(new Set((JSON.parse(value) as SeatMapSnapshot).occupied_seats), sold);
      }
    }
  }
  ok(soldAgain > 100, `${soldAgain} seats were sold again`);
});

Deno.test("a departure counts those with a seat who do not come", () => {
  let missing = 0;
  let seats = 0;
  for (const flight of WEEK) {
    const records = eventsOf(flight);
    const [departed] = eventsOfType<FlightDeparted>(records, "FlightDeparted");
    if (departed === undefined) continue;
    const aboard = seatsSold(records);
    ok(departed.no_shows! >= 0 && departed.no_shows! <= aboard);
    missing += departed.no_shows!;
    seats += aboard;
  }
  // 2 % of leisure and 6 % of business.
  ok(missing / seats > 0.02 && missing / seats < 0.06, `${missing} of ${seats}`);
});

Deno.test("some flights sell out, some stay half empty, under seeds 1 to 3", () => {
  for (const seed of [1, 2, 3]) {
    const loadFactors = wholeWeek({ flightsPerDay: 60, seed }).map((flight) =>
      seatsSold(eventsOf(flight)) / flight.simulate([]).plan.flight.totalSeats
    );
    const share = (test: (loadFactor: number) => boolean) =>
      loadFactors.filter(test).length / loadFactors.length;
    ok(share((loadFactor) => loadFactor < 0.5) > 0.05);
    ok(share((loadFactor) => loadFactor > 0.97) > 0.08);
    equal(share((loadFactor) => loadFactor > 1), 0);
    const mean = loadFactors.reduce((sum, loadFactor) => sum + loadFactor, 0) / loadFactors.length;
    ok(mean > 0.7 && mean < 0.85, `${mean}`);
  }
});

Deno.test("a flight that nobody books is still shown in its last 90 and 45 minutes", () => {
  for (const flight of WEEK) {
    const minutes = eventsOf(flight).filter(({ topic }) => topic === "seat_inventory")
      .map(({ value }) => (JSON.parse(value) as CabinInventorySnapshot).time_to_departure_minutes);
    if (flight.times.closesMs < flight.simulate([]).plan.flight.scheduledDepartureMs - 20 * 60_000) continue;
    ok(minutes.some((left) => left >= 45 && left < 90), `${flight.flightId}: ${minutes}`);
    ok(minutes.some((left) => left < 45), `${flight.flightId}: ${minutes}`);
  }
});

Deno.test("a promotion changes nothing before it, and sells more by behaviour", () => {
  let plain = 0;
  let promoted = 0;
  const cheap = { plain: 0, promoted: 0 };
  for (const flight of WEEK.slice(0, 200)) {
    const { fares, flight: { totalSeats } } = flight.simulate([]).plan;
    const fromMs = flight.times.closesMs - 5 * DAY_MS;
    const promotion: Promotion = { fromMs, discountPercentage: 25, targetFareBucket: "K" };
    const without = eventsOf(flight);
    const withIt = eventsOf(flight, [promotion]);
    const before = (records: EventRecord[]) =>
      records.filter(({ value }) => Date.parse(JSON.parse(value).event_time) < fromMs);
    deepEqual(before(withIt), before(without));
    plain += seatsSold(without);
    promoted += seatsSold(withIt);
    const soldAt = (records: EventRecord[]) =>
      bookingsOf(records).filter(({ event_time }) => Date.parse(event_time) >= fromMs).length;
    if (seatsSold(withIt) < 0.6 * totalSeats) {
      // The lowest fare is never sold out: all who book at the full price book at the lower one, at the same time.
      const later = new Map(bookingsOf(withIt).map((booking) => [booking.booking_id, booking]));
      for (const booking of bookingsOf(without)) {
        const same = later.get(booking.booking_id);
        equal(same?.event_time, booking.event_time);
        equal(same?.passengers.length, booking.passengers.length);
      }
      cheap.plain += soldAt(without);
      cheap.promoted += soldAt(withIt);
    }
    for (const booking of bookingsOf(withIt)) {
      const fare = fares.find(({ bucket }) => bucket === booking.fare_bucket)!;
      const discounted = booking.fare_bucket === "K" && Date.parse(booking.event_time) >= fromMs;
      const price = discounted ? fare.price * 0.75 : fare.price;
      equal(booking.total_price, Math.round(price * booking.passengers.length * 100) / 100);
    }
  }
  ok(promoted > plain * 1.02 && promoted < plain * 1.35, `${plain} seats without, ${promoted} with`);
  // exp(1.5 × 0.25) = 1.45 times leisure, exp(0.7 × 0.25) = 1.19 times business, of which more is left then.
  const factor = cheap.promoted / cheap.plain;
  ok(factor > 1.2 && factor < 1.4, `${cheap.promoted} / ${cheap.plain} = ${factor}`);
});

Deno.test("under two policies the same shoppers decide at the same times", () => {
  const source = new NetworkFlights({
    seed: 1,
    schedule: builtInSchedule({ flightsPerDay: 5 }),
    bookingHorizonMs: 14 * DAY_MS,
    firstDepartureMs: 0,
    lookToBook: 10,
    sessions: { fromMs: 0 },
  });
  for (const flight of source.openingBetween(START_MS, START_MS + DAY_MS)) {
    const fromMs = flight.times.opensMs + DAY_MS;
    const cut = { fromMs, discountPercentage: 25, targetFareBucket: "K" };
    const sessions = (promotions: Promotion[]) =>
      eventsOf(flight, promotions).filter(({ topic }) => topic === "stream.events");
    deepEqual(sessions([cut]), sessions([]));
    ok(sessions([]).length > 100);
  }
});

Deno.test("the newest promotion counts", () => {
  const flight = WEEK[0]!;
  const at = (hours: number, discountPercentage: number): Promotion => ({
    fromMs: flight.times.closesMs - hours * HOUR_MS,
    discountPercentage,
    targetFareBucket: "K",
  });
  const simulation = flight.simulate([at(100, 10), at(50, 25)]);
  const running = (hours: number) =>
    simulation.promotionAt(flight.times.closesMs - hours * HOUR_MS)?.discountPercentage;
  deepEqual([running(101), running(100), running(51), running(50), running(1)], [undefined, 10, 10, 25, 25]);
});

Deno.test("take() after skip() goes on with the same bytes, from every place", () => {
  for (const flight of WEEK.slice(0, 5)) {
    const records = eventsOf(flight);
    for (let skipped = 0; skipped < records.length; skipped += 7) {
      const simulation = flight.simulate([]);
      for (let n = 0; n < skipped; n++) simulation.skip();
      const rest: EventRecord[] = [];
      while (simulation.nextMs < Infinity) rest.push(simulation.take());
      deepEqual(rest, records.slice(skipped));
    }
  }
});

function published(profile: "iteration-1" | "iteration-2"): SimulatedFlight[] {
  return new PublishedFlights({ seed: 1, profile, startMs: START_MS }).openingBetween(START_MS, START_MS + 1);
}

Deno.test("the published profiles sell 40 flights of 180 seats that leave in 2 to 7 days", () => {
  const flights = published("iteration-2");
  equal(flights.length, 40);
  for (const [number, flight] of flights.entries()) {
    const { plan } = flight.simulate([]);
    const days = (plan.flight.scheduledDepartureMs - START_MS) / DAY_MS;
    ok(days > 1.99 && days <= 7, `${days} days`);
    equal(plan.flight.totalSeats, 180);
    const date = new Date(plan.flight.scheduledDepartureMs).toISOString().slice(0, 10);
    equal(flight.flightId, `BA2${String(number).padStart(2, "0")}_${date}`);
    for (const booking of bookingsOf(eventsOf(flight))) {
      equal(booking.passengers.length, 1);
      equal(booking.total_price, { Y: 220, M: 180, K: 140 }[booking.fare_bucket]);
    }
  }
});

Deno.test("the published bookings come at the published rate: 0.02 a second in iteration 1", () => {
  let bookings = 0;
  for (const flight of published("iteration-1")) {
    bookings += bookingsOf(eventsOf(flight))
      .filter(({ event_time }) => Date.parse(event_time) < START_MS + HOUR_MS).length;
  }
  // 40 flights × 3,600 s × 0.02 = 2,880, standard deviation 53.
  ok(Math.abs(bookings - 2880) < 240, `${bookings} bookings in an hour`);
});

Deno.test("in the published profiles the next flight of a designator goes on sale when one has left", () => {
  const source = new PublishedFlights({ seed: 1, profile: "iteration-2", startMs: START_MS });
  const chain = source.openingBetween(START_MS, START_MS + 30 * DAY_MS)
    .filter(({ flightId }) => flightId.startsWith("BA207_"));
  ok(chain.length >= 4);
  for (const [n, flight] of chain.entries()) {
    if (n > 0) equal(flight.times.opensMs, chain[n - 1]!.times.closesMs);
    equal(source.find(flight.flightId)?.times.opensMs, flight.times.opensMs);
  }
  equal(source.find("BA207_2025-11-24"), undefined);
  equal(source.find("BA299_2025-11-28"), undefined);
  equal(source.find("BA207_9999-99-99"), undefined);
});
