import assert from "node:assert/strict";
import { BookingCurve, UsualCurve } from "../../api/booking_curve.ts";
import { FlightBoard } from "../../api/flight_board.ts";
import { flightLifecycleExample } from "../../events/flight_lifecycle.ts";
import type { FlightLifecycleEvent } from "../../events/flight_lifecycle.ts";
import { parseInstant } from "../../events/instant.ts";
import { inventoryMetricsExample } from "../../events/inventory_metrics.ts";
import type { AirlineEvent } from "../../events/parse_event.ts";
import { promotionHeldBackExample } from "../../events/policy_evaluations.ts";
import { promoDecisionExample } from "../../events/promo_decisions.ts";
import { seatInventoryExample } from "../../events/seat_inventory.ts";

const FLIGHT = flightLifecycleExample.flight_id;

function boardOf(...events: AirlineEvent[]): FlightBoard {
  const board = new FlightBoard();
  for (const event of events) board.apply(event, parseInstant(event.event_time));
  return board;
}

const metricsAt = (time: string, booked: number): AirlineEvent => ({
  ...inventoryMetricsExample,
  event_time: time,
  booked_seats: booked,
  load_factor: booked / 100,
});

Deno.test("a flight on the board has its schedule, its newest metrics, its lowest open fare and its newest promotion", () => {
  const board = boardOf(
    flightLifecycleExample,
    inventoryMetricsExample,
    seatInventoryExample,
    promoDecisionExample,
  );
  const flight = board.flight(FLIGHT)!;
  assert.equal(flight.origin_airport, flightLifecycleExample.origin_airport);
  assert.equal(flight.booked_seats, inventoryMetricsExample.booked_seats);
  assert.equal(flight.metric_time, inventoryMetricsExample.event_time);
  const open = seatInventoryExample.cabins.flatMap(({ fare_buckets }) => fare_buckets)
    .filter(({ available_seats }) => available_seats > 0);
  assert.equal(flight.lowest_fare?.price, Math.min(...open.map(({ price }) => price)));
  assert.deepEqual(flight.promotion, {
    discount_percentage: 25,
    promo_time: promoDecisionExample.event_time,
    reason: promoDecisionExample.reason,
  });
});

Deno.test("older metrics that are read later change nothing", () => {
  const board = boardOf(
    flightLifecycleExample,
    metricsAt("2025-11-24T10:00:00.000Z", 20),
    metricsAt("2025-11-24T09:00:00.000Z", 19),
  );
  assert.equal(board.flight(FLIGHT)!.booked_seats, 20);
});

Deno.test("what is read before its flight is taken when the flight comes", () => {
  const board = boardOf(
    metricsAt("2025-11-24T10:00:00.000Z", 20),
    promoDecisionExample,
    flightLifecycleExample,
  );
  assert.equal(board.flight(FLIGHT)!.booked_seats, 20);
  assert.equal(board.flight(FLIGHT)!.promotion?.discount_percentage, 25);
  assert.equal(board.details(FLIGHT)!.promotions.length, 1);
  assert.equal(board.decisionsTotal, 1);
});

Deno.test("a decision that is read twice counts once", () => {
  const board = boardOf(flightLifecycleExample, promoDecisionExample, promoDecisionExample);
  assert.equal(board.decisionsTotal, 1);
  assert.equal(board.details(FLIGHT)!.promotions.length, 1);
});

Deno.test("what held promotions back is kept with the flight, in order, also when it comes before it", () => {
  const later = { ...promotionHeldBackExample, guard: "cooldown", event_time: "2025-11-24T12:00:00.000Z" };
  const board = boardOf(promotionHeldBackExample, flightLifecycleExample, later);
  assert.deepEqual(board.details(FLIGHT)!.heldBack.map(({ guard }) => guard), [
    "maximum_per_flight",
    "cooldown",
  ]);
});

Deno.test("a delay that is read after the departure does not bring the flight back", () => {
  const at = (event_time: string) => ({ event_time, flight_id: FLIGHT });
  const departed: FlightLifecycleEvent = {
    ...at("2025-11-28T14:10:00.000Z"),
    event_type: "FlightDeparted",
    actual_departure_time: "2025-11-28T14:10:00.000Z",
    delay_minutes: 10,
  };
  const delayed: FlightLifecycleEvent = {
    ...at("2025-11-28T13:00:00.000Z"),
    event_type: "FlightDelayed",
    estimated_departure_time: "2025-11-28T14:10:00.000Z",
    delay_minutes: 10,
  };
  assert.equal(boardOf(flightLifecycleExample, departed, delayed).flight(FLIGHT)!.phase, "departed");
});

Deno.test("a flight leaves the board a day after its departure, and that is told as a change", () => {
  const board = boardOf(flightLifecycleExample);
  board.takeChanges();
  const later = {
    ...flightLifecycleExample,
    flight_id: "BA1_2025-12-05",
    event_time: "2025-11-29T15:00:00.000Z",
  };
  board.apply(later, parseInstant(later.event_time));
  assert.equal(board.flight(FLIGHT), undefined);
  assert.deepEqual([...board.takeChanges().flights].sort(), ["BA1_2025-12-05", FLIGHT].sort());
});

Deno.test("changes are told once", () => {
  const board = boardOf(flightLifecycleExample, promoDecisionExample);
  assert.deepEqual([...board.takeChanges().flights], [FLIGHT]);
  const next = board.takeChanges();
  assert.equal(next.flights.size, 0);
  assert.equal(next.decisions.length, 0);
});

Deno.test("the course of a flight stays below 242 points, evenly spaced, with its newest point", () => {
  const curve = new BookingCurve();
  for (let at = 0; at < 100_000; at++) {
    curve.add({
      timeMs: at * 1000,
      minutesToDeparture: 0,
      bookedSeats: at,
      loadFactor: 0,
      velocityPerHour: 0,
    });
  }
  const points = curve.points();
  assert.ok(points.length >= 100 && points.length <= 242, `${points.length} points`);
  assert.equal(points[0]!.bookedSeats, 0);
  assert.equal(points.at(-1)!.bookedSeats, 99_999);
  const distances = points.slice(1, -1).map((point, at) => point.timeMs - points[at]!.timeMs);
  assert.ok(Math.max(...distances) <= 4 * Math.min(...distances), `${distances}`);
});

Deno.test("the usual load factor needs five flights and is their mean", () => {
  const usual = new UsualCurve();
  for (const loadFactor of [0.1, 0.2, 0.3, 0.4]) usual.add(3, loadFactor);
  assert.equal(usual.loadFactorAt(3 * 1440), null);
  usual.add(3, 0.5);
  // (0.1 + 0.2 + 0.3 + 0.4 + 0.5) / 5, anywhere within that day.
  assert.equal(Math.round(usual.loadFactorAt(3 * 1440 + 1439)! * 1000), 300);
});

Deno.test("a flight has the forecast of its newest metrics, and none where they carry none", () => {
  const board = boardOf(flightLifecycleExample, {
    ...inventoryMetricsExample,
    forecast_load_factor: 0.6,
    forecast_load_factor_low: 0.5,
    forecast_load_factor_high: 0.7,
  });
  assert.deepEqual(board.flight(FLIGHT)!.forecast, {
    load_factor: 0.6,
    load_factor_low: 0.5,
    load_factor_high: 0.7,
  });
  const { forecast_load_factor: _, ...without } = inventoryMetricsExample;
  const later = "2025-11-24T12:00:00.000Z";
  board.apply({ ...without, event_time: later }, parseInstant(later));
  assert.equal(board.flight(FLIGHT)!.forecast, null);
});
