import { deepStrictEqual, strictEqual, throws } from "node:assert/strict";
import fc from "fast-check";
import {
  booked,
  cancelledBooking,
  fold,
  lifecycle,
  newEngine,
  recordOf,
  run,
  scheduled,
  snapshot,
} from "./_engine_driver.ts";
import type { Input, Run } from "./_engine_driver.ts";
import type { StateChange } from "../../streaming/state_change.ts";
import { ruleEngine } from "../../streaming/policies/rule_engine.ts";

const FLIGHT = "BA210_2025-11-28";
const DEPARTURE = "2025-11-28T14:00:00.000Z";

const metrics = (result: Run) =>
  result.outputs.filter(({ topic }) => topic === "inventory_metrics").map((o) => o.event);
const heldBack = (result: Run) =>
  result.outputs.filter(({ topic }) => topic === "policy_evaluations").map((o) => o.event);
const promos = (result: Run) =>
  result.outputs.filter(({ topic }) => topic === "promo_decisions").map((o) => o.event);

Deno.test("a booking gives one metrics event with the published fields", () => {
  const result = run([scheduled(FLIGHT, DEPARTURE), booked(FLIGHT, "b1", "2025-11-25T10:29:30.500Z", 2)]);
  // 28th 14:00 less 25th 10:29:30.5 is 3 days 3 h 30 min 29.5 s = 4530.49 minutes = 3.1462 days; 2 of 180 seats.
  deepStrictEqual(metrics(result), [{
    event_type: "CabinInventoryMetrics",
    event_time: "2025-11-25T10:29:30.500Z",
    flight_id: FLIGHT,
    booked_seats: 2,
    total_seats: 180,
    load_factor: 0.011,
    minutes_to_departure: 4530,
    days_to_departure: 3.15,
    booking_velocity_per_hour: 1,
    // 1 in 6 hours, 1 in 24.
    booking_velocity_6h_per_hour: 0.167,
    booking_velocity_24h_per_hour: 0.042,
    event_id: "bookings-0-1-0@1f3a9c2e",
  }]);
});

Deno.test("a decision carries its inputs, thresholds and source", () => {
  const [decision] = promos(
    run([scheduled(FLIGHT, DEPARTURE), booked(FLIGHT, "b1", "2025-11-25T14:00:00.000Z")]),
  );
  deepStrictEqual(decision, {
    event_type: "PromotionTriggered",
    event_time: "2025-11-25T14:00:00.000Z",
    flight_id: FLIGHT,
    decision_source: "RULE_ENGINE_ITERATION_2",
    current_load_factor: 0.006,
    minutes_to_departure: 4320,
    days_to_departure: 3,
    booking_velocity_per_hour: 1,
    booking_velocity_6h_per_hour: 0.167,
    booking_velocity_24h_per_hour: 0.042,
    target_fare_bucket: "K",
    discount_percentage: 25,
    event_id: "bookings-0-1-1@1f3a9c2e",
    policy: "RULE_ENGINE_ITERATION_2/1",
    inputs: {
      load_factor: 0.006,
      minutes_to_departure: 4320,
      days_to_departure: 3,
      booking_velocity_per_hour: 1,
      previous_velocity_per_hour: null,
    },
    thresholds: {
      days_to_departure_min: 2,
      days_to_departure_max: 7,
      load_factor_below: 0.6,
      deep_discount_load_factor_below: 0.3,
      booking_velocity_below: 5,
      previous_velocity_ratio_max: 0.8,
    },
    reason: "3 days to departure (2 to 7), load factor 0.6 % (below 30 %), 1 booking per hour (below 5)",
    propensity: 1,
    source: { log_id: "1f3a9c2e-5b1d-4d36-8f0e-2f6f0d9f4c11", topic: "bookings", partition: 0, offset: 1 },
  });
});

Deno.test("a flight that nobody books is evaluated by its snapshots", () => {
  const result = run([scheduled(FLIGHT, DEPARTURE), snapshot(FLIGHT, "2025-11-24T14:00:00Z")]);
  strictEqual(metrics(result)[0]!.booked_seats, 0);
  strictEqual(promos(result).length, 1);
});

Deno.test("the velocity counts the bookings of the last 60 minutes of event time, the 60th excluded", () => {
  const result = run([
    scheduled(FLIGHT, DEPARTURE),
    booked(FLIGHT, "b1", "2025-11-20T10:00:00.000Z"),
    booked(FLIGHT, "b2", "2025-11-20T10:30:00.000Z"),
    booked(FLIGHT, "b3", "2025-11-20T10:59:59.999Z"),
    booked(FLIGHT, "b4", "2025-11-20T11:00:00.000Z"),
    booked(FLIGHT, "b5", "2025-11-20T13:00:00.000Z"),
  ]);
  deepStrictEqual(metrics(result).map((m) => m.booking_velocity_per_hour), [1, 2, 3, 3, 1]);
});

Deno.test("a repeated booking does not count twice", () => {
  const booking = booked(FLIGHT, "b1", "2025-11-20T10:00:00.000Z", 3);
  const result = run([
    scheduled(FLIGHT, DEPARTURE),
    booking,
    booking,
    booked(FLIGHT, "b2", "2025-11-20T10:01:00.000Z"),
  ]);
  deepStrictEqual(metrics(result).map((m) => m.booked_seats), [3, 4]);
});

Deno.test("a cancellation gives the seats back, once, and also when it overtakes its booking", () => {
  const result = run([
    scheduled(FLIGHT, DEPARTURE),
    booked(FLIGHT, "b1", "2025-11-20T10:00:00.000Z", 3),
    cancelledBooking(FLIGHT, "b1", "2025-11-20T10:01:00.000Z"),
    cancelledBooking(FLIGHT, "b1", "2025-11-20T10:02:00.000Z"),
    cancelledBooking(FLIGHT, "b2", "2025-11-20T10:03:00.000Z"),
    booked(FLIGHT, "b2", "2025-11-20T10:00:30.000Z", 2),
  ]);
  deepStrictEqual(metrics(result).map((m) => m.booked_seats), [3, 0, 0]);
});

Deno.test("a booking that comes before its flight waits and is then counted under its own id", () => {
  const result = run([
    booked(FLIGHT, "b1", "2025-11-20T10:00:00.000Z"),
    snapshot(FLIGHT, "2025-11-20T10:00:10.000Z"),
    scheduled(FLIGHT, DEPARTURE),
  ]);
  deepStrictEqual(metrics(result).map((m) => m.event_id), [
    "bookings-0-0-0@1f3a9c2e",
    "seat_inventory-0-1-0@1f3a9c2e",
  ]);
});

Deno.test("an event waits 24 hours of event time for its flight, then is refused", () => {
  const inputs = (hours: string) => [
    booked("XX1_2025-11-28", "b1", "2025-11-20T10:00:00.000Z"),
    scheduled(FLIGHT, DEPARTURE, 180, hours),
  ];
  deepStrictEqual(run(inputs("2025-11-21T10:00:00.000Z")).refusals, []);
  deepStrictEqual(run(inputs("2025-11-21T10:00:00.001Z")).refusals, [{
    reason: "unknown_flight",
    offset: 0,
  }]);
});

Deno.test("only so many events wait for unknown flights", () => {
  const engine = newEngine({ unknownFlightWaitingMax: 2 });
  const inputs = [1, 2, 3].map((n) => booked("XX1_2025-11-28", `b${n}`, "2025-11-20T10:00:00.000Z"));
  deepStrictEqual(run(inputs, { engine }).refusals, [{ reason: "unknown_flight", offset: 2 }]);
});

Deno.test("a booking on a departed or cancelled flight is refused, and a cancelled one can be put back on sale", () => {
  const result = run([
    scheduled(FLIGHT, DEPARTURE),
    lifecycle("FlightCancelled", FLIGHT, "2025-11-20T10:00:00.000Z"),
    booked(FLIGHT, "b1", "2025-11-20T10:01:00.000Z"),
    scheduled(FLIGHT, DEPARTURE),
    booked(FLIGHT, "b2", "2025-11-20T10:02:00.000Z"),
    lifecycle("FlightDeparted", FLIGHT, "2025-11-28T14:05:00.000Z"),
    booked(FLIGHT, "b3", "2025-11-28T14:05:00.001Z"),
  ]);
  deepStrictEqual(result.refusals, [{ reason: "flight_departed", offset: 2 }, {
    reason: "flight_departed",
    offset: 6,
  }]);
});

Deno.test("a booking from before the departure that comes after it counts, and decides nothing", () => {
  const result = run([
    scheduled(FLIGHT, DEPARTURE),
    lifecycle("FlightDeparted", FLIGHT, "2025-11-25T14:05:00.000Z"),
    booked(FLIGHT, "b1", "2025-11-25T14:05:00.000Z"),
    booked(FLIGHT, "b1", "2025-11-25T14:05:00.000Z"),
    booked(FLIGHT, "b2", "2025-11-25T14:05:00.001Z"),
  ]);
  deepStrictEqual(metrics(result).map((m) => m.booked_seats), [1]);
  deepStrictEqual(promos(result), []);
  deepStrictEqual(result.refusals, [{ reason: "flight_departed", offset: 4 }]);
});

Deno.test("departed flights leave the state", () => {
  const engine = newEngine();
  const state = new Map<string, string>();
  run([
    scheduled(FLIGHT, DEPARTURE),
    booked(FLIGHT, "b1", "2025-11-20T10:00:00.000Z"),
    booked(FLIGHT, "b2", "2025-11-20T10:00:00.000Z"),
  ], { engine, state, commitAfter: () => true });
  strictEqual(engine.flightsTracked, 1);
  run([lifecycle("FlightDeparted", FLIGHT, "2025-11-28T14:05:00.000Z")], { engine, state, firstOffset: 3 });
  strictEqual(engine.flightsTracked, 0);
  run([scheduled("BA2_2025-12-09", "2025-12-09T14:00:00Z", 180, "2025-12-01T00:00:00Z")], {
    engine,
    state,
    firstOffset: 4,
  });
  deepStrictEqual([...state.keys()].filter((key) => key.includes(FLIGHT)), []);
});

Deno.test("history that is filled in behind the partition's clock is treated like everything else", () => {
  const result = run([
    scheduled("NEW_2025-12-20", "2025-12-20T10:00:00Z", 100, "2025-12-10T00:00:00Z"),
    scheduled(FLIGHT, DEPARTURE),
    booked(FLIGHT, "b1", "2025-11-25T14:00:00.000Z"),
    lifecycle("FlightDeparted", FLIGHT, "2025-11-28T14:05:00.000Z"),
    lifecycle("FlightArrived", FLIGHT, "2025-11-28T21:05:00.000Z"),
  ]);
  deepStrictEqual(result.refusals, []);
  deepStrictEqual(metrics(result).map((m) => [m.event_time, m.days_to_departure]), [[
    "2025-11-25T14:00:00.000Z",
    3,
  ]]);
});

Deno.test("a late booking moves no clock", () => {
  const result = run([
    scheduled(FLIGHT, DEPARTURE),
    booked(FLIGHT, "b1", "2025-11-20T10:00:00.000Z"),
    booked(FLIGHT, "b2", "2025-11-20T09:30:00.000Z"),
    booked(FLIGHT, "b3", "2025-11-20T08:00:00.000Z"),
  ]);
  deepStrictEqual(metrics(result).map((m) => [m.event_time, m.booked_seats, m.booking_velocity_per_hour]), [
    ["2025-11-20T10:00:00.000Z", 1, 1],
    ["2025-11-20T10:00:00.000Z", 2, 2],
    ["2025-11-20T10:00:00.000Z", 3, 2],
  ]);
});

Deno.test("promotions keep to the maximum per flight and the cooldown", () => {
  const inputs = [
    scheduled(FLIGHT, DEPARTURE),
    snapshot(FLIGHT, "2025-11-24T14:00:00Z"),
    snapshot(FLIGHT, "2025-11-24T14:59:59Z"),
    snapshot(FLIGHT, "2025-11-24T15:00:00Z"),
  ];
  const promoted = (max: number) =>
    promos(run(inputs, { engine: newEngine({ maxPromotionsPerFlight: max }) })).length;
  deepStrictEqual([promoted(0), promoted(1), promoted(2), promoted(9)], [0, 1, 2, 2]);
});

Deno.test("velocities count the last 6 and 24 hours, late bookings included", () => {
  const times = [
    "19T11:00:00.000Z",
    "20T06:00:00.000Z",
    "20T10:00:00.000Z",
    "20T12:00:00.000Z",
    "20T07:00:00.000Z",
  ];
  const result = run([
    scheduled(FLIGHT, DEPARTURE),
    ...times.map((time, n) => booked(FLIGHT, `b${n}`, `2025-11-${time}`)),
  ]);
  // Up to 20th 12:00: the one of the 19th is 25 hours old, that of 6:00 exactly 6 hours; then one of 7:00 comes late.
  deepStrictEqual(
    metrics(result).slice(3).map((m) => [
      m.booking_velocity_per_hour,
      m.booking_velocity_6h_per_hour,
      m.booking_velocity_24h_per_hour,
    ]),
    [[1, 0.333, 0.125], [1, 0.5, 0.167]],
  );
});

Deno.test("a promotion that is held back is told once, until another guard does", () => {
  const inputs = [
    scheduled(FLIGHT, DEPARTURE),
    snapshot(FLIGHT, "2025-11-24T14:00:00Z"),
    snapshot(FLIGHT, "2025-11-24T14:10:00Z"),
    snapshot(FLIGHT, "2025-11-24T14:20:00Z"),
    snapshot(FLIGHT, "2025-11-24T15:00:00Z"),
    snapshot(FLIGHT, "2025-11-24T15:01:00Z"),
    snapshot(FLIGHT, "2025-11-24T15:02:00Z"),
  ];
  const result = run(inputs, { engine: newEngine({ maxPromotionsPerFlight: 2 }) });
  deepStrictEqual(promos(result).map((p) => p.event_time), [
    "2025-11-24T14:00:00.000Z",
    "2025-11-24T15:00:00.000Z",
  ]);
  deepStrictEqual(heldBack(result).map((e) => [e.event_id, e.guard, e.discount_percentage, e.reason]), [
    [
      "seat_inventory-0-2-2@1f3a9c2e",
      "cooldown",
      25,
      "The last promotion was 10 minutes ago, the next may come after 60. Wanted because: 3.99 days to departure " +
      "(2 to 7), load factor 0 % (below 30 %), 0 bookings per hour (below 5)",
    ],
    [
      "seat_inventory-0-5-2@1f3a9c2e",
      "maximum_per_flight",
      25,
      "The flight has had 2 of at most 2 promotions. Wanted because: 3.96 days to departure (2 to 7), load factor 0 % " +
      "(below 30 %), 0 bookings per hour (below 5)",
    ],
  ]);
});

Deno.test("RULE_ENGINE decides by minutes to departure", () => {
  const result = run([scheduled(FLIGHT, DEPARTURE), snapshot(FLIGHT, "2025-11-28T12:31:00Z")], {
    engine: newEngine({ policy: ruleEngine }),
  });
  deepStrictEqual(
    promos(result).map((p) => [p.decision_source, p.minutes_to_departure, p.discount_percentage]),
    [
      ["RULE_ENGINE", 89, 10],
    ],
  );
});

/** Random but valid histories of three flights, in any order, with duplicates, strays and late events. */
const histories = fc.array(
  fc.record({
    kind: fc.constantFrom(
      "scheduled",
      "booked",
      "booked",
      "booked",
      "cancelled",
      "snapshot",
      "departed",
      "dropped",
    ),
    flight: fc.constantFrom("A_2025-11-28", "B_2025-11-28", "C_2025-11-30"),
    minute: fc.integer({ min: 0, max: 60 * 24 * 12 }),
    booking: fc.integer({ min: 0, max: 12 }),
    seats: fc.integer({ min: 1, max: 4 }),
  }),
  { maxLength: 60 },
).map((rows) =>
  rows.map(({ kind, flight, minute, booking, seats }): Input => {
    const at = new Date(Date.UTC(2025, 10, 19) + minute * 60_000).toISOString();
    switch (kind) {
      case "scheduled":
        return scheduled(flight, `${flight.slice(2)}T12:00:00Z`, 20, at);
      case "booked":
        return booked(flight, `${flight}-${booking}`, at, seats);
      case "cancelled":
        return cancelledBooking(flight, `${flight}-${booking}`, at);
      case "snapshot":
        return snapshot(flight, at);
      case "departed":
        return lifecycle("FlightDeparted", flight, at);
      default:
        return lifecycle("FlightCancelled", flight, at);
    }
  })
);

Deno.test("an engine that is restored anywhere goes on exactly as if it had never stopped", () => {
  fc.assert(
    fc.property(
      histories,
      fc.integer({ min: 0, max: 60 }),
      fc.integer({ min: 1, max: 7 }),
      (inputs, cut, every) => {
        const commitAfter = (index: number) => index % every === 0;
        const whole = run(inputs, { commitAfter });
        const before = run(inputs.slice(0, cut), { commitAfter });
        const engine = newEngine();
        engine.restore(Array.from(before.state, ([key, value]): StateChange => ({ key, value })));
        const after = run(inputs.slice(cut), {
          engine,
          state: before.state,
          firstOffset: Math.min(cut, inputs.length),
        });
        deepStrictEqual([...before.outputs, ...after.outputs], whole.outputs);
        deepStrictEqual([...before.refusals, ...after.refusals], whole.refusals);
      },
    ),
    { numRuns: 300 },
  );
});

Deno.test("counted seats never exceed what was booked, whatever comes in whatever order", () => {
  fc.assert(
    fc.property(histories, (inputs) => {
      // A slow reference: seats of the distinct bookings seen so far that were not cancelled, by flight.
      const result = run(inputs);
      const outputs = new Map(metrics(result).map((m) => [m.event_id, m.booked_seats as number]));
      for (const [id, seats] of outputs) {
        const offset = Number(/-0-(\d+)-0@/.exec(String(id))![1]);
        const flight = inputs[offset]!.event.flight_id;
        const seen = inputs.filter(({ event }) =>
          event.flight_id === flight && event.event_type === "BookingCreated"
        );
        const most = new Map(seen.map(({ event }) => [event.booking_id, 0]));
        for (const { event } of seen) {
          most.set(
            event.booking_id,
            Math.max(most.get(event.booking_id)!, (event.passengers as unknown[]).length),
          );
        }
        const limit = most.values().reduce((sum, n) => sum + n, 0);
        if (seats < 0 || seats > limit) {
          throw new Error(`${id} says ${seats} seats, at most ${limit} were booked`);
        }
      }
    }),
    { numRuns: 200 },
  );
});

Deno.test("a state of another format is refused", () => {
  throws(() => newEngine().restore([{ key: "format", value: "2" }]), /format 2, this consumer knows 1/);
});

Deno.test("the state of an engine folds to the same whatever the commits", () => {
  const inputs = [scheduled(FLIGHT, DEPARTURE), booked(FLIGHT, "b1", "2025-11-20T10:00:00.000Z")];
  const engine = newEngine();
  for (const [index, input] of inputs.entries()) {
    const record = recordOf(input, index);
    engine.apply(
      { event: input.event as never, eventTimeMs: Date.parse(String(input.event.event_time)) },
      record,
    );
  }
  const state = new Map<string, string>();
  fold(state, engine.take().changes);
  deepStrictEqual([...state.keys()], [`bookings/${FLIGHT}/0`, `flight/${FLIGHT}`, "clock", "format"]);
});
