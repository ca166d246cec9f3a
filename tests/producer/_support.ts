/** Flights for tests: the built-in week, and small sources. */

import { partitionOf } from "../../event_log/partitioner.ts";
import { aircraftRegister } from "../../producer/aircraft.ts";
import { airportTimeZones } from "../../producer/airport_time_zones.ts";
import type { Promotion } from "../../producer/fares.ts";
import type { Flight } from "../../producer/flight.ts";
import { FlightSchedule } from "../../producer/flight_schedule.ts";
import { parseScheduleFile } from "../../producer/flight_schedule_file.ts";
import type { EventRecord } from "../../producer/flight_simulation.ts";
import type { SimulatedFlight } from "../../producer/flight_source.ts";
import { NetworkFlights } from "../../producer/network_simulation.ts";

export const HOUR_MS = 3_600_000;
export const DAY_MS = 24 * HOUR_MS;
/** A Monday. */
export const START_MS = Date.UTC(2025, 10, 24);

const data = (name: string) => Deno.readTextFileSync(new URL(`../../producer/data/${name}`, import.meta.url));

export const timeZones = airportTimeZones(data("airports.csv"));
export const aircraft = aircraftRegister(data("planes.csv"));
export const flightsCsv = data("flights.csv");
export const builtInWeek = parseScheduleFile(flightsCsv, "flights.csv", timeZones);

/** The built-in week as a schedule. */
export function builtInSchedule(options: { flightsPerDay?: number; seed?: number } = {}): FlightSchedule {
  const { seed = 1, ...rest } = options;
  return new FlightSchedule({ week: builtInWeek, timeZones, aircraft, seed, ...rest });
}

/** The network as it stands at {@link START_MS} with three days of sale and two days of the past. */
export function smallNetwork(options: { flightsPerDay?: number; seed?: number } = {}) {
  const { flightsPerDay = 8, seed = 1 } = options;
  const bookingHorizonMs = 3 * DAY_MS;
  const backfillMs = 2 * DAY_MS;
  const source = new NetworkFlights({
    seed,
    schedule: builtInSchedule({ flightsPerDay, seed }),
    bookingHorizonMs,
    firstDepartureMs: START_MS - backfillMs,
    lookToBook: 10,
  });
  return {
    source,
    startMs: START_MS,
    historyFromMs: START_MS - backfillMs - bookingHorizonMs,
    groups: 3,
    groupOf: (flightId: string) => partitionOf(flightId, 3),
  };
}

/** Every flight of the built-in week once, 14 days on sale. */
export function wholeWeek(options: { flightsPerDay?: number; seed?: number } = {}): SimulatedFlight[] {
  const source = new NetworkFlights({
    seed: options.seed ?? 1,
    schedule: builtInSchedule(options),
    bookingHorizonMs: 14 * DAY_MS,
    firstDepartureMs: 0,
    lookToBook: 10,
  });
  return source.openingBetween(START_MS, START_MS + 7 * DAY_MS);
}

/** All events of a flight. */
export function eventsOf(flight: SimulatedFlight, promotions: readonly Promotion[] = []): EventRecord[] {
  const simulation = flight.simulate(promotions);
  const records: EventRecord[] = [];
  while (simulation.nextMs < Infinity) records.push(simulation.take());
  return records;
}

/** A flight with 180 seats, New York to London. */
export function flightOf(changes: Partial<Flight> = {}): Flight {
  return {
    flightId: "BA178_2025-12-01",
    airlineCode: "BA",
    originAirport: "JFK",
    destinationAirport: "LHR",
    scheduledDepartureMs: Date.UTC(2025, 11, 1, 13),
    scheduledArrivalMs: Date.UTC(2025, 11, 1, 20),
    aircraftType: "A320",
    totalSeats: 180,
    distanceMiles: 3451,
    outcome: { kind: "flown", departureDelayMinutes: 0, arrivalDelayMinutes: 0 },
    ...changes,
  };
}
