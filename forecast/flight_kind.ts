/** Which flights are of a kind: same route, weekday and time of day. All in UTC, as times travel. */

/** Six hours of the day. */
export type Daypart = "night" | "morning" | "afternoon" | "evening";

const DAYPARTS: readonly Daypart[] = ["night", "morning", "afternoon", "evening"];

/** What flights have in common. A part that is null is left open: flights of any weekday, any time of day. */
export interface FlightKind {
  /** ISO weekday of the scheduled departure, 1 is Monday. */
  weekday: number | null;
  daypart: Daypart | null;
}

/** The route that stands for all routes together. */
export const ALL_ROUTES = "*";

/** A route's name: `LHR-BOS`. */
export function routeOf(origin: string, destination: string): string {
  return `${origin}-${destination}`;
}

/** The kind of a flight by its scheduled departure, milliseconds since 1970. */
export function kindOf(departureMs: number): { weekday: number; daypart: Daypart } {
  const departure = new Date(departureMs);
  return {
    weekday: departure.getUTCDay() === 0 ? 7 : departure.getUTCDay(),
    daypart: DAYPARTS[Math.floor(departure.getUTCHours() / 6)]!,
  };
}

/** The kinds that a flight belongs to, the closest first. */
export function kindsOf(departureMs: number): FlightKind[] {
  const { weekday, daypart } = kindOf(departureMs);
  return [{ weekday, daypart }, { weekday: null, daypart }, { weekday: null, daypart: null }];
}
