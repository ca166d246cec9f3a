/**
 * Booking curves: how full flights of a kind were at each reading day, and how much they still took up from there to
 * departure. All loads are shares of the seats, so that flights of different sizes can stand in one curve.
 *
 * @module
 */

/**
 * Reading days: days before departure at which flights are looked at, falling. Denser towards departure, where bookings
 * come faster; the last is the departure itself.
 */
export const READING_DAYS: readonly number[] = [
  90,
  60,
  42,
  28,
  21,
  14,
  10,
  7,
  6,
  5,
  4,
  3,
  2,
  1.5,
  1,
  0.5,
  0.25,
  0.125,
  0,
];

/** A curve at one reading day. */
export interface CurvePoint {
  daysBefore: number;
  /** Flights whose load was known then. */
  flights: number;
  /** Booked share of the seats. */
  meanLoad: number;
  /** Share of the seats taken up from then to departure, less what was given back. */
  meanPickup: number;
  variancePickup: number;
  /** Final load / load then, of the averages; null where nothing was booked then. */
  ratio: number | null;
  /** Of the final load around `ratio` times the load then. */
  varianceRatio: number;
}

/** Demand for a fare bucket from a reading day on, as a share of the seats. */
export interface BucketPoint {
  daysBefore: number;
  mean: number;
  variance: number;
}

/** What is known of flights of a kind. */
export interface BookingCurve {
  flights: number;
  /** Days falling; the last is day 0. */
  points: readonly CurvePoint[];
  buckets: readonly { bucket: string; points: readonly BucketPoint[] }[];
}

/** Where a time lies between two points. */
interface Place {
  /** The later point (fewer days before departure). */
  at: number;
  /** Weight of the earlier one, 0 to 1. */
  weight: number;
}

function placeOf(points: readonly { daysBefore: number }[], daysBefore: number): Place {
  const last = points.length - 1;
  if (daysBefore <= points[last]!.daysBefore) return { at: last, weight: 0 };
  for (let at = last; at > 0; at--) {
    const [later, earlier] = [points[at]!.daysBefore, points[at - 1]!.daysBefore];
    if (daysBefore <= earlier) return { at, weight: (daysBefore - later) / (earlier - later) };
  }
  return { at: 0, weight: 0 };
}

function between(weight: number, later: number, earlier: number): number {
  return later + weight * (earlier - later);
}

/**
 * A curve at any time, on straight lines between its reading days. `undefined` earlier than its first one: nothing is
 * known of that time.
 */
export function curveAt(curve: BookingCurve, daysBefore: number): CurvePoint | undefined {
  const { points } = curve;
  if (points.length === 0 || daysBefore > points[0]!.daysBefore) return undefined;
  const { at, weight } = placeOf(points, daysBefore);
  const later = points[at]!;
  if (weight === 0) return later;
  const earlier = points[at - 1]!;
  return {
    daysBefore,
    flights: Math.min(later.flights, earlier.flights),
    meanLoad: between(weight, later.meanLoad, earlier.meanLoad),
    meanPickup: between(weight, later.meanPickup, earlier.meanPickup),
    variancePickup: between(weight, later.variancePickup, earlier.variancePickup),
    ratio: later.ratio === null || earlier.ratio === null
      ? null
      : between(weight, later.ratio, earlier.ratio),
    varianceRatio: between(weight, later.varianceRatio, earlier.varianceRatio),
  };
}

/** A bucket's demand from any time on, between its reading days. */
export function bucketAt(points: readonly BucketPoint[], daysBefore: number): BucketPoint {
  const { at, weight } = placeOf(points, daysBefore);
  const later = points[at]!;
  if (weight === 0) return later;
  const earlier = points[at - 1]!;
  return {
    daysBefore,
    mean: between(weight, later.mean, earlier.mean),
    variance: between(weight, later.variance, earlier.variance),
  };
}
