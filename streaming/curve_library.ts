/** The booking curves that an engine knows, by route: the newest version of each. */

import type { BookingCurvesPublished, PublishedCurve } from "../events/booking_curves.ts";
import type { BookingCurve } from "../forecast/booking_curve.ts";
import { ALL_ROUTES, kindsOf } from "../forecast/flight_kind.ts";

/** A curve and where it is from. */
export interface KnownCurve {
  /** The version that it came in. */
  version: string;
  curve: BookingCurve;
}

/** Flights that a curve must be of; where there are fewer, one of more flights is looked for. */
export const CURVE_FLIGHTS_MIN = 5;

interface Route {
  version: string;
  /** By kind. */
  curves: Map<string, KnownCurve>;
}

export class CurveLibrary {
  readonly #routes = new Map<string, Route>();
  #generation = 0;

  /** Raised whenever something changes, so that what was found can be kept until then. */
  get generation(): number {
    return this.#generation;
  }

  /** Takes a version in; `false` where a newer one of the route is known. */
  take({ route, version, curves }: BookingCurvesPublished): boolean {
    const known = this.#routes.get(route);
    if (known !== undefined && known.version > version) return false;
    this.#routes.set(route, {
      version,
      curves: new Map(
        curves.filter(({ flights }) => flights >= CURVE_FLIGHTS_MIN)
          .map((curve) => [nameOf(curve), { version, curve: bookingCurve(curve) }]),
      ),
    });
    this.#generation++;
    return true;
  }

  /**
   * The curve for a flight: of its route, by weekday and time of day, by time of day, of any; then the same of all routes.
   * `undefined` where there is no history at all.
   *
   * @param departureMs Scheduled departure, milliseconds since 1970.
   */
  find(route: string | undefined, departureMs: number): KnownCurve | undefined {
    const kinds = kindsOf(departureMs);
    for (const name of [route, ALL_ROUTES]) {
      const known = name === undefined ? undefined : this.#routes.get(name);
      if (known === undefined) continue;
      for (const kind of kinds) {
        const curve = known.curves.get(nameOf(kind));
        if (curve !== undefined) return curve;
      }
    }
    return undefined;
  }
}

function nameOf({ weekday, daypart }: { weekday: number | null; daypart: string | null }): string {
  return `${weekday ?? "any"}/${daypart ?? "any"}`;
}

function bookingCurve({ flights, points, buckets }: PublishedCurve): BookingCurve {
  return {
    flights,
    points: points.map((point) => ({
      daysBefore: point.days_before,
      flights: point.flights,
      meanLoad: point.mean_load,
      meanPickup: point.mean_pickup,
      variancePickup: point.variance_pickup,
      ratio: point.ratio,
      varianceRatio: point.variance_ratio,
    })),
    buckets: buckets.map(({ bucket, points }) => ({
      bucket,
      points: points.map(({ days_before, mean, variance }) => ({ daysBefore: days_before, mean, variance })),
    })),
  };
}
