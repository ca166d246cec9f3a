/** A flight of a date, as the schedule gives it. */

/** How the day went. Delays are in minutes; negative is early. */
export type FlightOutcome =
  | { kind: "flown"; departureDelayMinutes: number; arrivalDelayMinutes: number }
  | { kind: "cancelled" };

/** One flight on one date. */
export interface Flight {
  /** `<carrier><number>_<departure date at the origin>`, with `-2` for the second of a date. */
  flightId: string;
  airlineCode: string;
  originAirport: string;
  destinationAirport: string;
  /** Milliseconds since 1970. */
  scheduledDepartureMs: number;
  /** Milliseconds since 1970. */
  scheduledArrivalMs: number;
  aircraftType: string;
  totalSeats: number;
  /** Great-circle distance. */
  distanceMiles: number;
  outcome: FlightOutcome;
}
