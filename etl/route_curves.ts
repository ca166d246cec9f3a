/** The booking curves of all routes, from flights that have left: what the ETL stores and publishes. Pure. */

import type { BookingCurvesPublished, PublishedCurve } from "../events/booking_curves.ts";
import { READING_DAYS } from "../forecast/booking_curve.ts";
import type { BookingCurve } from "../forecast/booking_curve.ts";
import { buildCurve } from "../forecast/build_curve.ts";
import type { FlightHistory } from "../forecast/build_curve.ts";
import { forecastErrors } from "../forecast/error_report.ts";
import type { ForecastError } from "../forecast/error_report.ts";
import { ALL_ROUTES, kindsOf } from "../forecast/flight_kind.ts";
import type { FlightKind } from "../forecast/flight_kind.ts";

/** A flight that has left, with its kind. */
export interface RouteFlight extends FlightHistory {
  route: string;
  /** Scheduled departure, milliseconds since 1970. */
  departureMs: number;
}

/** Flights that a curve must be of to be published. */
const CURVE_FLIGHTS_MIN = 5;
/** The share of flights, the last to leave, that the error is measured on. */
const HELD_OUT_SHARE = 0.2;

/** Flights of one route and kind. */
interface Group {
  route: string;
  kind: FlightKind;
  flights: RouteFlight[];
}

function groupsOf(flights: readonly RouteFlight[]): Group[] {
  const groups = new Map<string, Group>();
  for (const flight of flights) {
    for (const route of [flight.route, ALL_ROUTES]) {
      for (const kind of kindsOf(flight.departureMs)) {
        const name = nameOf(route, kind);
        const group = groups.get(name);
        if (group === undefined) groups.set(name, { route, kind, flights: [flight] });
        else group.flights.push(flight);
      }
    }
  }
  return [...groups.values()].filter(({ flights }) => flights.length >= CURVE_FLIGHTS_MIN);
}

function nameOf(route: string, { weekday, daypart }: FlightKind): string {
  return `${route}/${weekday}/${daypart}`;
}

/** The curves of each route, `*` first, at the end of the UTC day `version`. */
export function routeCurves(flights: readonly RouteFlight[], version: string): BookingCurvesPublished[] {
  const byRoute = Map.groupBy(groupsOf(flights), ({ route }) => route);
  const eventTime = new Date(Date.parse(version) + 24 * 60 * 60 * 1000).toISOString();
  return [...byRoute].sort(([a], [b]) => a < b ? -1 : 1).map(([route, groups]) => ({
    event_type: "BookingCurvesPublished",
    event_time: eventTime,
    version,
    route,
    curves: groups.map(({ kind, flights }) => published(kind, buildCurve(flights))),
  }));
}

function published(
  { weekday, daypart }: FlightKind,
  { flights, points, buckets }: BookingCurve,
): PublishedCurve {
  return {
    weekday,
    daypart,
    flights,
    points: points.map((point) => ({
      days_before: point.daysBefore,
      flights: point.flights,
      mean_load: rounded(point.meanLoad),
      mean_pickup: rounded(point.meanPickup),
      variance_pickup: rounded(point.variancePickup),
      ratio: point.ratio === null ? null : rounded(point.ratio),
      variance_ratio: rounded(point.varianceRatio),
    })),
    buckets: buckets.map(({ bucket, points }) => ({
      bucket,
      points: points.map(({ daysBefore, mean, variance }) => ({
        days_before: daysBefore,
        mean: rounded(mean),
        variance: rounded(variance),
      })),
    })),
  };
}

function rounded(value: number): number {
  return Math.round(value * 1e6) / 1e6;
}

/**
 * How far forecasts are off: curves of the flights that left first, measured on those that left last. Empty where there are
 * too few flights.
 */
export function heldOutErrors(flights: readonly RouteFlight[]): ForecastError[] {
  const sorted = flights.toSorted((a, b) =>
    a.departureMs - b.departureMs || (a.flightId < b.flightId ? -1 : 1)
  );
  const known = sorted.slice(0, Math.floor(sorted.length * (1 - HELD_OUT_SHARE)));
  if (known.length < CURVE_FLIGHTS_MIN) return [];
  const curves = new Map(
    groupsOf(known).map(({ route, kind, flights }) => [nameOf(route, kind), buildCurve(flights)]),
  );
  const routeByFlight = new Map(sorted.map((flight) => [flight.flightId, flight]));
  const curveOf = ({ flightId }: FlightHistory) => {
    const { route, departureMs } = routeByFlight.get(flightId)!;
    for (const name of [route, ALL_ROUTES]) {
      for (const kind of kindsOf(departureMs)) {
        const curve = curves.get(nameOf(name, kind));
        if (curve !== undefined) return curve;
      }
    }
    return undefined;
  };
  return forecastErrors(sorted.slice(known.length), curveOf, READING_DAYS.slice(0, -1))
    .filter((error) => error.flights > 0);
}
