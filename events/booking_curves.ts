/**
 * Topic `booking_curves`: how flights of a route used to fill, made by the ETL of flights that have left. Every version
 * goes to every partition, so that each engine reads all of it among its other input, in an order that is recorded.
 *
 * @module
 */

import { checkInteger, checkNumber, checkObjects, checkText } from "./_check.ts";
import type { JsonObject } from "./_check.ts";
import { EventError } from "./event_error.ts";

/** A curve at a reading day; loads are shares of the seats. Field by field as `CurvePoint` in `forecast/booking_curve.ts`. */
export interface PublishedCurvePoint {
  days_before: number;
  flights: number;
  mean_load: number;
  mean_pickup: number;
  variance_pickup: number;
  ratio: number | null;
  variance_ratio: number;
}

/** Demand for a fare bucket from a reading day on. */
export interface PublishedBucketPoint {
  days_before: number;
  mean: number;
  variance: number;
}

/** Flights of one kind. */
export interface PublishedCurve {
  /** ISO weekday of the departure in UTC, 1 is Monday; null for any. */
  weekday: number | null;
  /** `night`, `morning`, `afternoon`, `evening`: six hours each of the UTC day; null for any. */
  daypart: string | null;
  flights: number;
  points: PublishedCurvePoint[];
  buckets: { bucket: string; points: PublishedBucketPoint[] }[];
}

/** The curves of one route in one version. */
export interface BookingCurvesPublished {
  event_type: "BookingCurvesPublished";
  /** Up to when bookings are counted in. */
  event_time: string;
  /** The UTC day up to whose end flights that left are counted in, `2025-11-28`. */
  version: string;
  /** `LHR-BOS`; `*` for all routes together. */
  route: string;
  curves: PublishedCurve[];
}

/** Versions that the compacted topic keeps of each route: one a day, as far back as the inputs reach. */
const VERSIONS_KEPT = 32;
const DAY_MS = 24 * 60 * 60 * 1000;

/** The key of a version in the compacted topic: a version that is {@link VERSIONS_KEPT} days old gives way. */
export function bookingCurvesKey({ route, version }: { route: string; version: string }): string {
  return `${route}/${Math.floor(Date.parse(version) / DAY_MS) % VERSIONS_KEPT}`;
}

const DAYS_MAX = 3660;
const POINTS_MAX = 200;
const CURVES_MAX = 100;
const SHARE_MAX = 1000;

function checkFalling(points: JsonObject[], field: string): void {
  let before = Infinity;
  for (const point of points) {
    const days = checkNumber(point, "days_before", 0, DAYS_MAX);
    if (days >= before) {
      throw new EventError("out_of_range", `Field "${field}" has days_before ${days} after ${before}`);
    }
    before = days;
  }
}

/** Field checks by event type; see `parse_event.ts`. */
export const bookingCurvesChecks = {
  BookingCurvesPublished(event: JsonObject): void {
    checkText(event, "route");
    const version = checkText(event, "version");
    if (!/^\d{4}-\d\d-\d\d$/.test(version) || Number.isNaN(Date.parse(version))) {
      throw new EventError("invalid_time", `Field "version" is "${version}", expected a day as 2025-11-28`);
    }
    for (const curve of checkObjects(event, "curves", 0, CURVES_MAX)) {
      if (curve.weekday !== null) checkInteger(curve, "weekday", 1, 7);
      if (curve.daypart !== null) checkText(curve, "daypart");
      checkInteger(curve, "flights", 0, 100_000_000);
      const points = checkObjects(curve, "points", 0, POINTS_MAX);
      checkFalling(points, "points");
      for (const point of points) {
        checkInteger(point, "flights", 0, 100_000_000);
        checkNumber(point, "mean_load", -SHARE_MAX, SHARE_MAX);
        checkNumber(point, "mean_pickup", -SHARE_MAX, SHARE_MAX);
        checkNumber(point, "variance_pickup", 0, SHARE_MAX);
        if (point.ratio !== null) checkNumber(point, "ratio", -1e9, 1e9);
        checkNumber(point, "variance_ratio", 0, 1e9);
      }
      for (const bucket of checkObjects(curve, "buckets", 0, 50)) {
        checkText(bucket, "bucket");
        const demand = checkObjects(bucket, "points", 1, POINTS_MAX);
        checkFalling(demand, "buckets.points");
        for (const point of demand) {
          checkNumber(point, "mean", 0, SHARE_MAX);
          checkNumber(point, "variance", 0, SHARE_MAX);
        }
      }
    }
  },
};

/** One event of the topic as it travels. */
export const bookingCurvesExample: BookingCurvesPublished = {
  event_type: "BookingCurvesPublished",
  event_time: "2025-11-24T23:59:30.000Z",
  version: "2025-11-24",
  route: "LHR-BOS",
  curves: [{
    weekday: null,
    daypart: "morning",
    flights: 12,
    points: [
      {
        days_before: 7,
        flights: 12,
        mean_load: 0.3,
        mean_pickup: 0.45,
        variance_pickup: 0.01,
        ratio: 2.5,
        variance_ratio: 0.02,
      },
      {
        days_before: 0,
        flights: 12,
        mean_load: 0.75,
        mean_pickup: 0,
        variance_pickup: 0,
        ratio: 1,
        variance_ratio: 0,
      },
    ],
    buckets: [{
      bucket: "K",
      points: [{ days_before: 7, mean: 0.3, variance: 0.01 }, { days_before: 0, mean: 0, variance: 0 }],
    }],
  }],
};
