/** Flights of our own simulated network: the real week's times and delays, positions on the great circle. */

import type { Flight } from "../producer/flight.ts";
import type { FlightSchedule } from "../producer/flight_schedule.ts";
import { timesOf } from "../producer/lifecycle.ts";
import { randomKey } from "../producer/random.ts";
import type { FlightIdent } from "./flight_ident.ts";
import { parseIdent } from "./flight_ident.ts";
import { flightProfile } from "./flight_profile.ts";
import type { FlightSource } from "./flight_source.ts";
import { alongGreatCircle, distanceNm } from "./great_circle.ts";
import type { Position } from "./great_circle.ts";
import type { TrackedFlight } from "./tracked_flight.ts";

const MINUTE_MS = 60_000;
const DAY_MS = 24 * 60 * MINUTE_MS;
/** Between leaving the gate and the runway, and back; typical of US airports (Bureau of Transportation Statistics). */
const TAXI_OUT_MS = 16 * MINUTE_MS;
const TAXI_IN_MS = 7 * MINUTE_MS;
/** From this delay on a flight is announced as late. */
const DELAYED_MINUTES_MIN = 15;

export interface SimulatedSourceOptions {
  schedule: FlightSchedule;
  /** Of the simulation, so that cancellations come when the producer sends them. */
  seed: number;
  /** When a flight's sale opens, milliseconds before its departure: no cancellation comes earlier. */
  bookingHorizonMs: number;
  airports: ReadonlyMap<string, Position>;
  /** Milliseconds since 1970. */
  now?: () => number;
}

/** See the module. */
export class SimulatedSource implements FlightSource {
  readonly name = "simulated";
  readonly #options: SimulatedSourceOptions;
  readonly #now: () => number;

  constructor(options: SimulatedSourceOptions) {
    this.#options = options;
    this.#now = options.now ?? Date.now;
  }

  legs(ident: FlightIdent, _signal: AbortSignal): Promise<TrackedFlight[]> {
    const nowMs = this.#now();
    // By name, of five thousand flights: each taken apart would hold up everybody else for milliseconds.
    const names = new Set([ident.ident, `${ident.iataDesignator ?? ""}${ident.number}`]);
    const flights = this.#options.schedule.departingBetween(nowMs - 2 * DAY_MS, nowMs + 2 * DAY_MS)
      .filter((flight) => names.has(numberOf(flight)));
    return Promise.resolve(flights.map((flight) => this.#at(flight, nowMs)));
  }

  #at(flight: Flight, nowMs: number): TrackedFlight {
    const { seed, bookingHorizonMs, airports } = this.#options;
    const key = randomKey(seed, flight.flightId);
    const times = timesOf(flight, key, flight.scheduledDepartureMs - bookingHorizonMs);
    const cancelled = flight.outcome.kind === "cancelled";
    const left = !cancelled && nowMs >= times.departsMs;
    const arrived = !cancelled && nowMs >= times.endsMs;
    const told: TrackedFlight = {
      ident: parseIdent(numberOf(flight))?.ident ?? numberOf(flight),
      fa_flight_id: flight.flightId,
      status: statusOf(flight, { nowMs, ...times }),
      aircraft_type: flight.aircraftType,
      origin: flight.originAirport,
      destination: flight.destinationAirport,
      scheduled_out: iso(flight.scheduledDepartureMs),
      actual_out: left ? iso(times.departsMs) : null,
      scheduled_in: iso(flight.scheduledArrivalMs),
      actual_in: arrived ? iso(times.endsMs) : null,
      latitude: null,
      longitude: null,
      altitude: null,
      groundspeed: null,
    };
    const from = airports.get(flight.originAirport);
    const to = airports.get(flight.destinationAirport);
    if (!left || arrived || from === undefined || to === undefined) return told;
    const offMs = Math.min(times.departsMs + TAXI_OUT_MS, (times.departsMs + times.endsMs) / 2);
    const onMs = Math.max(times.endsMs - TAXI_IN_MS, offMs + MINUTE_MS);
    const flying = flightProfile({
      distanceNm: distanceNm(from, to),
      minutes: (onMs - offMs) / MINUTE_MS,
      elapsedMinutes: (nowMs - offMs) / MINUTE_MS,
    });
    const position = alongGreatCircle(from, to, flying.share);
    const taxiing = nowMs < offMs || nowMs > onMs;
    return {
      ...told,
      latitude: rounded(position.latitude),
      longitude: rounded(position.longitude),
      altitude: taxiing ? 0 : flying.altitude,
      groundspeed: taxiing ? 10 : flying.groundspeed,
    };
  }
}

/** AeroAPI's own words. */
function statusOf(
  flight: Flight,
  { nowMs, departsMs, endsMs }: { nowMs: number; departsMs: number; endsMs: number },
): string {
  if (flight.outcome.kind === "cancelled") return nowMs >= endsMs ? "Cancelled" : "Scheduled";
  const { departureDelayMinutes, arrivalDelayMinutes } = flight.outcome;
  const late = (minutes: number) => minutes >= DELAYED_MINUTES_MIN;
  if (nowMs < departsMs) {
    // Nobody knows of a delay long before.
    const announced = nowMs >= flight.scheduledDepartureMs - 2 * 60 * MINUTE_MS;
    return announced && late(departureDelayMinutes) ? "Scheduled / Delayed" : "Scheduled";
  }
  if (nowMs < endsMs - TAXI_IN_MS) {
    return late(arrivalDelayMinutes) ? "En Route / Delayed" : "En Route / On Time";
  }
  if (nowMs < endsMs) return "Landed / Taxiing";
  return late(arrivalDelayMinutes) ? "Arrived / Delayed" : "Arrived / Gate Arrival";
}

function numberOf(flight: Flight): string {
  return flight.flightId.slice(0, flight.flightId.lastIndexOf("_"));
}

function iso(ms: number): string {
  return new Date(ms).toISOString();
}

function rounded(degrees: number): number {
  return Math.round(degrees * 10_000) / 10_000;
}
