import { deepEqual, equal } from "node:assert/strict";
import { bookingExample } from "../../events/bookings.ts";
import type { BookingCancelled, BookingCreated } from "../../events/bookings.ts";
import { flightLifecycleExample } from "../../events/flight_lifecycle.ts";
import type { FlightScheduled } from "../../events/flight_lifecycle.ts";
import { inventoryMetricsExample } from "../../events/inventory_metrics.ts";
import { BookingBook } from "../../verification/booking_book.ts";
import { EngineOutputs } from "../../verification/engine_outputs.ts";
import { Findings } from "../../verification/findings.ts";

const LOG = "1f3a9c2e";
const FLIGHT = bookingExample.flight_id;

function book() {
  const findings = new Findings();
  const outputs = new EngineOutputs(findings);
  return { findings, outputs, bookings: new BookingBook(findings, outputs) };
}

const scheduled = (total_seats: number, event_time: string): FlightScheduled => ({
  ...(flightLifecycleExample as FlightScheduled),
  flight_id: FLIGHT,
  total_seats,
  event_time,
});

const created = (booking_id: string, passengers: number): BookingCreated => ({
  ...bookingExample,
  booking_id,
  passengers: Array.from({ length: passengers }, () => ({ passenger_id: "P" })),
});

const cancelled = (booking_id: string): BookingCancelled => ({
  event_type: "BookingCancelled",
  event_time: bookingExample.event_time,
  booking_id,
  flight_id: FLIGHT,
});

Deno.test("seats of a booking count once, and not when it is given back, whichever comes first", () => {
  const { bookings, findings } = book();
  bookings.takeFlight(scheduled(6, "2025-11-20T10:00:00.000Z"));
  for (
    const event of [
      created("a", 2),
      created("a", 2),
      created("b", 3),
      cancelled("b"),
      cancelled("b"),
      cancelled("c"),
      created("c", 4),
      created("d", 1),
    ]
  ) bookings.take(event);
  // a and d are left.
  equal(bookings.checkSeats().soldSeats, 3);
  deepEqual(findings.differences(), []);
});

Deno.test("a flight's newest schedule says how many seats it has", () => {
  for (const [first, second, oversold] of [[180, 2, 1], [2, 180, 0]] as const) {
    const { bookings, findings } = book();
    bookings.takeFlight(scheduled(second, "2025-11-21T10:00:00.000Z"));
    bookings.takeFlight(scheduled(first, "2025-11-20T10:00:00.000Z"));
    bookings.take(created("a", 3));
    bookings.checkSeats();
    equal(findings.countOf("seats", "flights oversold by their bookings"), oversold);
  }
});

Deno.test("a booking is evaluated once; what came twice or after its cancellation is a duplicate", () => {
  const { bookings, outputs, findings } = book();
  const evaluate = (offset: number) =>
    outputs.take(
      { ...inventoryMetricsExample, event_id: `bookings-0-${offset}-0@${LOG}` },
      LOG,
      () => "here",
    );
  const take = (event: BookingCreated | BookingCancelled, offset: number, isProcessed = true) => {
    bookings.take(event);
    bookings.takeRecord(event, LOG, { partition: 0, offset }, isProcessed);
  };
  for (const offset of [0, 3, 6, 7]) evaluate(offset);
  take(created("a", 1), 0);
  take(created("a", 1), 1);
  // The cancellation overtook its booking.
  take(created("b", 1), 2);
  take(cancelled("b"), 3);
  take(created("refused", 1), 4);
  take(created("new", 1), 5, false);
  // Evaluated twice.
  take(created("c", 1), 6);
  take(created("c", 1), 7);
  take(created("lost", 1), 8);
  const counts = bookings.conclude(LOG, ({ offset }) => offset === 4 ? "dead letter" : undefined);
  deepEqual(counts, {
    evaluated: 4,
    duplicates: 2,
    dead_letters: 1,
    waiting: 0,
    not_yet_processed: 1,
    missing: 1,
  });
  equal(findings.countOf("engine", "booking evaluated twice"), 1);
  equal(findings.countOf("engine", "booking not evaluated"), 1);
});

Deno.test("a booking that came before the metrics that are left explains its repetition", () => {
  const { bookings, findings } = book();
  for (const event of [created("a", 2), created("b", 1)]) bookings.take(event);
  bookings.takeUnjudged(created("a", 2));
  bookings.takeRecord(created("a", 2), LOG, { partition: 0, offset: 7 }, true);
  bookings.takeRecord(created("b", 1), LOG, { partition: 0, offset: 8 }, true);
  const counts = bookings.conclude(LOG, () => undefined);
  deepEqual([counts.duplicates, counts.missing], [1, 1]);
  deepEqual(findings.differences().map(({ examples }) => examples), [[
    "bookings-0-8 led to no metrics and is no dead letter",
  ]]);
});
