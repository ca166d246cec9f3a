/** The forecast of one flight at its clock, as it goes on the wire and to the policies. */

import { bucketAt, curveAt } from "../forecast/booking_curve.ts";
import type { BookingCurve } from "../forecast/booking_curve.ts";
import { FLIGHTS_MIN } from "../forecast/pickup_forecast.ts";
import { halfWidth80 } from "../forecast/student_t.ts";
import { daysBelowTarget, paceOf } from "../forecast/time_below_target.ts";
import type { KnownCurve } from "./curve_library.ts";
import type { FlightState } from "./flight_state.ts";
import type { BucketDemand, FlightForecast } from "./policies/policy.ts";

const DAY_MS = 24 * 60 * 60 * 1000;

function round(value: number, scale: number): number {
  return Math.round(value * scale) / scale;
}

function share(value: number): number {
  return Math.round(Math.min(1, Math.max(0, value)) * 1000) / 1000;
}

/**
 * Additive pickup from the flight's reading day, and when it is expected to fall below `target` at its pace of the last
 * 24 hours. `null` where the curve does not reach back so far, or is of too few flights there.
 */
export function forecastOf(
  flight: FlightState,
  { curve, version }: KnownCurve,
  target: number,
): FlightForecast | null {
  const { bookedSeats, totalSeats, departureMs, clockMs } = flight.facts;
  const daysBefore = Math.max(0, departureMs - clockMs) / DAY_MS;
  const point = curveAt(curve, daysBefore);
  if (point === undefined || point.flights < FLIGHTS_MIN) return null;
  const load = bookedSeats / totalSeats;
  const demand = load + point.meanPickup;
  const half = halfWidth80(point.flights) * Math.sqrt(point.variancePickup);
  const dayEarlier = curveAt(curve, daysBefore + 1)?.meanPickup;
  const usualSeats = dayEarlier === undefined
    ? undefined
    : Math.max(0, dayEarlier - point.meanPickup) * totalSeats;
  const pace = usualSeats === undefined ? 1 : paceOf(flight.seatsOfLastDay(), usualSeats);
  const daysBelow = daysBelowTarget(curve, { load, daysBefore, pace }, target, point.meanPickup);
  return new Forecast(
    version,
    point.flights,
    share(demand),
    share(demand - half),
    share(demand + half),
    target,
    round(point.meanLoad * totalSeats, 10),
    round(point.meanPickup * totalSeats, 10),
    daysBelow === undefined ? null : Math.round(departureMs - daysBelow * DAY_MS),
    curve,
    daysBefore,
    totalSeats,
  );
}

/** Demand by bucket is worked out where somebody asks. */
class Forecast implements FlightForecast {
  readonly #curve: BookingCurve;
  readonly #daysBefore: number;
  readonly #totalSeats: number;

  constructor(
    readonly version: string,
    readonly flights: number,
    readonly final_load_factor: number,
    readonly low: number,
    readonly high: number,
    readonly target_load_factor: number,
    readonly usual_booked_seats: number,
    readonly expected_pickup_seats: number,
    readonly intervention_expected_ms: number | null,
    curve: BookingCurve,
    daysBefore: number,
    totalSeats: number,
  ) {
    this.#curve = curve;
    this.#daysBefore = daysBefore;
    this.#totalSeats = totalSeats;
  }

  get demand(): readonly BucketDemand[] {
    return this.#curve.buckets.map(({ bucket, points }) => {
      const { mean, variance } = bucketAt(points, this.#daysBefore);
      return {
        bucket,
        mean: round(mean * this.#totalSeats, 1000),
        variance: round(variance * this.#totalSeats * this.#totalSeats, 1000),
      };
    });
  }
}
