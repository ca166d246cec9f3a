/** Booking curves: how one flight filled, and how full flights usually are so long before departure. */

/** A flight at one moment of event time. */
export interface CurvePoint {
  /** Event time, milliseconds since 1970. */
  timeMs: number;
  minutesToDeparture: number;
  bookedSeats: number;
  /** 0 to 1. */
  loadFactor: number;
  /** Bookings an hour. */
  velocityPerHour: number;
}

const POINTS_MAX = 240;

/**
 * The course of one flight in at most 240 points. When they are full, every other one is let go and the least
 * distance doubles, so that the whole course stays, evenly spaced; the newest point is always there.
 */
export class BookingCurve {
  readonly #points: CurvePoint[] = [];
  #distanceMs = 0;
  #newest: CurvePoint | undefined;

  /** Takes a point; one that is older than the newest is left out. */
  add(point: CurvePoint): void {
    if (this.#newest !== undefined && point.timeMs < this.#newest.timeMs) return;
    this.#newest = point;
    const last = this.#points.at(-1);
    if (last !== undefined && point.timeMs - last.timeMs < this.#distanceMs) return;
    this.#points.push(point);
    if (this.#points.length <= POINTS_MAX) return;
    const kept = this.#points.filter((_, at) => at % 2 === 0);
    const spanMs = kept.at(-1)!.timeMs - kept[0]!.timeMs;
    this.#points.splice(0, this.#points.length, ...kept);
    this.#distanceMs = Math.max(1, this.#distanceMs * 2, Math.floor(spanMs / POINTS_MAX));
  }

  /** The points in order of time. */
  points(): CurvePoint[] {
    const newest = this.#newest;
    const last = this.#points.at(-1);
    return newest === undefined || newest === last ? [...this.#points] : [...this.#points, newest];
  }
}

/** Days before departure that the usual curve tells apart; flights further away share the last. */
const DAYS_MAX = 60;

/**
 * How full flights usually are: the mean load factor of all flights as each of them began a day before departure.
 * A first answer that needs no history but what the log holds.
 */
export class UsualCurve {
  readonly #sums = new Float64Array(DAYS_MAX + 1);
  readonly #flights = new Uint32Array(DAYS_MAX + 1);

  /** A flight has reached `days` whole days before departure with this load factor. Once a flight and day. */
  add(days: number, loadFactor: number): void {
    const day = Math.min(DAYS_MAX, days);
    this.#sums[day]! += loadFactor;
    this.#flights[day]! += 1;
  }

  /** The usual load factor so long before departure, or `null` before five flights were there. */
  loadFactorAt(minutesToDeparture: number): number | null {
    const day = Math.min(DAYS_MAX, Math.floor(minutesToDeparture / (24 * 60)));
    const flights = this.#flights[day]!;
    return flights < 5 ? null : this.#sums[day]! / flights;
  }
}
