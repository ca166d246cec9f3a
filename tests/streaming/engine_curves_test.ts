/** The engine and the booking curves: what it forecasts with them, and that they are part of its state and its order. */

import { deepStrictEqual, strictEqual } from "node:assert/strict";
import fc from "fast-check";
import type { BookingCurvesPublished, PublishedCurve } from "../../events/booking_curves.ts";
import { bidPricePolicy } from "../../streaming/policies/bid_price.ts";
import { CurveLibrary } from "../../streaming/curve_library.ts";
import type { StateChange } from "../../streaming/state_change.ts";
import { booked, newEngine, run, scheduled, snapshot } from "./_engine_driver.ts";
import type { Input, Run } from "./_engine_driver.ts";

const FLIGHT = "BA210_2025-11-28";
const DEPARTURE = "2025-11-28T14:00:00.000Z";

/** Mean load 0.2 and pickup 0.6 ten days before, both straight to departure; the pickup's variance from 0.01. */
function curve(parts: Partial<PublishedCurve> = {}, pickup = 0.6): PublishedCurve {
  const point = (days_before: number, mean_load: number, mean_pickup: number) => ({
    days_before,
    flights: 31,
    mean_load,
    mean_pickup,
    variance_pickup: days_before === 0 ? 0 : 0.01,
    ratio: null,
    variance_ratio: 0,
  });
  return {
    weekday: null,
    daypart: null,
    flights: 31,
    points: [point(10, 0.2, pickup), point(0, 0.2 + pickup, 0)],
    buckets: [],
    ...parts,
  };
}

function curves(
  version: string,
  route: string,
  list: PublishedCurve[],
  at = "2025-11-20T00:00:00.000Z",
): Input {
  const event: BookingCurvesPublished = {
    event_type: "BookingCurvesPublished",
    event_time: at,
    version,
    route,
    curves: list,
  };
  return { topic: "booking_curves", event: event as unknown as Record<string, unknown> };
}

const forecasts = (result: Run) =>
  result.outputs.filter(({ topic }) => topic === "inventory_metrics").map(({ event }) => [
    event.forecast_load_factor,
    event.forecast_load_factor_low,
    event.forecast_load_factor_high,
    event.intervention_expected_at,
    event.curve_version,
  ]);

Deno.test("metrics forecast the final load factor from the booking curve of the route", () => {
  const result = run([
    scheduled(FLIGHT, DEPARTURE, 100),
    snapshot(FLIGHT, "2025-11-23T14:00:00.000Z"),
    curves("2025-11-22", "LHR-BOS", [curve()]),
    snapshot(FLIGHT, "2025-11-23T14:00:00.000Z"),
    booked(FLIGHT, "b1", "2025-11-23T14:00:00.000Z", 60),
  ]);
  // Five days before: nothing booked and 0.3 to come; the interval is
  // 1.310 × sqrt(1 + 1/31) × sqrt(0.005) to each side. It is
  // below the target of 0.8 now. With 60 of 100 seats booked, 0.9: at a pace of 61 seats a day where 7 are usual it
  // stays above.
  deepStrictEqual(forecasts(result), [
    [undefined, undefined, undefined, undefined, undefined],
    [0.3, 0.206, 0.394, "2025-11-23T14:00:00.000Z", "2025-11-22"],
    [0.9, 0.806, 0.994, null, "2025-11-22"],
  ]);
});

Deno.test("a flight that sells slower than usual is expected below its target some time", () => {
  const result = run([
    curves("2025-11-22", "LHR-BOS", [curve()]),
    scheduled(FLIGHT, DEPARTURE, 100),
    booked(FLIGHT, "b1", "2025-11-20T14:00:00.000Z", 60),
    snapshot(FLIGHT, "2025-11-23T14:00:00.000Z"),
  ]);
  // Pace (0 + 1) / (6 + 1): 0.6 + (0.3 − p) / 7 + p = 0.8 where p = (0.2 − 0.3 / 7) × 7 / 6, 0.06 a day before departure.
  const days = (0.2 - 0.3 / 7) * 7 / 6 / 0.06;
  const expected = new Date(Math.round(Date.parse(DEPARTURE) - days * 86_400_000)).toISOString();
  strictEqual(forecasts(result)[1]![3], expected);
});

Deno.test("there is no forecast earlier than the curve, and curves move no clock", () => {
  const result = run([
    curves("2025-11-22", "*", [curve()], "2025-12-20T00:00:00.000Z"),
    booked(FLIGHT, "b1", "2025-11-18T10:00:00.000Z"),
    scheduled(FLIGHT, DEPARTURE),
  ]);
  deepStrictEqual(forecasts(result), [[undefined, undefined, undefined, undefined, undefined]]);
  deepStrictEqual(result.refusals, []);
});

Deno.test("CurveLibrary.find() takes the closest kind of flights that there are enough of", () => {
  const library = new CurveLibrary();
  const friday = Date.parse("2025-11-28T14:00:00Z");
  const versionOf = (route: string, departureMs: number) => {
    const found = library.find(route, departureMs);
    return found === undefined ? undefined : [found.version, found.curve.points[0]!.meanPickup];
  };
  const take = (version: string, route: string, list: PublishedCurve[]) =>
    library.take(curves(version, route, list).event as unknown as BookingCurvesPublished);
  strictEqual(versionOf("LHR-BOS", friday), undefined);
  take("2025-11-01", "*", [curve({}, 0.1)]);
  deepStrictEqual(versionOf("LHR-BOS", friday), ["2025-11-01", 0.1]);
  take("2025-11-02", "LHR-BOS", [
    curve({ weekday: 5, daypart: "afternoon", flights: 4 }, 0.2),
    curve({ daypart: "afternoon" }, 0.3),
    curve({}, 0.4),
  ]);
  deepStrictEqual(versionOf("LHR-BOS", friday), ["2025-11-02", 0.3]);
  deepStrictEqual(versionOf("LHR-BOS", friday - 6 * 3_600_000), ["2025-11-02", 0.4]);
  deepStrictEqual(versionOf("LHR-JFK", friday), ["2025-11-01", 0.1]);
  const { generation } = library;
  strictEqual(take("2025-11-01", "LHR-BOS", [curve({}, 0.9)]), false);
  strictEqual(library.generation, generation);
  take("2025-11-03", "LHR-BOS", [curve({ weekday: 5, daypart: "afternoon" }, 0.5)]);
  deepStrictEqual(versionOf("LHR-BOS", friday), ["2025-11-03", 0.5]);
});

/** A snapshot with two buckets on sale. */
function offered(at: string, price: number): Input {
  const input = snapshot(FLIGHT, at);
  const bucket = (bucket: string, price: number) => ({ bucket, available_seats: 9, price });
  input.event.cabins = [{ cabin_code: "Y", fare_buckets: [bucket("K", price), bucket("Y", 2 * price)] }];
  return input;
}

const DEMAND = {
  buckets: ["K", "Y"].map((bucket) => ({
    bucket,
    points: [{ days_before: 10, mean: 0.3, variance: 0.01 }, { days_before: 0, mean: 0, variance: 0 }],
  })),
};

Deno.test("an engine that is restored anywhere goes on with the curves and the fares that it knew", () => {
  const inputs = fc.array(
    fc.record({
      kind: fc.constantFrom("curves", "booked", "booked", "snapshot"),
      route: fc.constantFrom("LHR-BOS", "*"),
      hour: fc.integer({ min: 0, max: 24 * 8 }),
      pickup: fc.double({ min: 0, max: 1, noNaN: true }),
      day: fc.integer({ min: 10, max: 20 }),
    }),
    { maxLength: 30 },
  ).map((rows) => [
    scheduled(FLIGHT, DEPARTURE, 100),
    ...rows.map(({ kind, route, hour, pickup, day }, n) => {
      const at = new Date(Date.parse(DEPARTURE) - (24 * 8 - hour) * 3_600_000).toISOString();
      if (kind === "curves") return curves(`2025-11-${day}`, route, [curve(DEMAND, pickup)], at);
      return kind === "booked" ? booked(FLIGHT, `b${n}`, at, 3) : offered(at, 40 + 5 * day);
    }),
  ]);
  fc.assert(
    fc.property(inputs, fc.integer({ min: 0, max: 31 }), (inputs, cut) => {
      const commitAfter = () => true;
      const bidding = () => newEngine({ policy: bidPricePolicy() });
      const whole = run(inputs, { engine: bidding(), commitAfter });
      const before = run(inputs.slice(0, cut), { engine: bidding(), commitAfter });
      const engine = bidding();
      engine.restore(Array.from(before.state, ([key, value]): StateChange => ({ key, value })));
      const after = run(inputs.slice(cut), {
        engine,
        state: before.state,
        firstOffset: Math.min(cut, inputs.length),
      });
      deepStrictEqual([...before.outputs, ...after.outputs], whole.outputs);
    }),
    { numRuns: 200 },
  );
});

Deno.test("the state of a former version, without routes and curves, is restored", () => {
  const facts = {
    phase: "scheduled",
    overMs: null,
    totalSeats: 100,
    departureMs: Date.parse(DEPARTURE),
    bookedSeats: 0,
    clockMs: Date.parse("2025-11-01T00:00:00.000Z"),
    lastVelocity: null,
    promotions: 0,
    lastPromotionMs: null,
    bookingEntries: 0,
    touchedMs: Date.parse("2025-11-01T00:00:00.000Z"),
  };
  const engine = newEngine();
  engine.restore([{ key: `flight/${FLIGHT}`, value: JSON.stringify(facts) }, { key: "format", value: "1" }]);
  const result = run([
    curves("2025-11-22", "*", [curve()]),
    snapshot(FLIGHT, "2025-11-23T14:00:00.000Z"),
  ], { engine });
  strictEqual(forecasts(result)[0]![0], 0.3);
});
