/** Our own network as a source of flights: the producer's schedule with the producer's chances. */

import { aircraftRegister } from "../producer/aircraft.ts";
import { airportTimeZones } from "../producer/airport_time_zones.ts";
import { FlightSchedule } from "../producer/flight_schedule.ts";
import { parseScheduleFile } from "../producer/flight_schedule_file.ts";
import { airportPositions } from "./airport_positions.ts";
import { SimulatedSource } from "./simulated_source.ts";

/** How long before its departure a flight of the producer's goes on sale by default. */
const BOOKING_HORIZON_MS = 14 * 24 * 60 * 60 * 1000;

export interface SimulatedNetworkOptions {
  /** The producer's `--seed`. */
  seed: number;
  /** The producer's `--flights-per-day`; undefined: all. */
  flightsPerDay: number | undefined;
  now?: () => number;
}

/**
 * Reads the schedule.
 *
 * @throws {ScheduleError} where its files cannot be used.
 */
export async function simulatedNetwork(options: SimulatedNetworkOptions): Promise<SimulatedSource> {
  const [flightsCsv, airportsCsv, planesCsv] = await Promise.all(
    ["flights.csv", "airports.csv", "planes.csv"].map((name) =>
      Deno.readTextFile(new URL(`../producer/data/${name}`, import.meta.url))
    ),
  ) as [string, string, string];
  const { seed, flightsPerDay, now } = options;
  const timeZones = airportTimeZones(airportsCsv);
  return new SimulatedSource({
    schedule: new FlightSchedule({
      week: parseScheduleFile(flightsCsv, "flights.csv", timeZones),
      timeZones,
      aircraft: aircraftRegister(planesCsv),
      seed,
      ...(flightsPerDay === undefined ? {} : { flightsPerDay }),
    }),
    seed,
    bookingHorizonMs: BOOKING_HORIZON_MS,
    airports: airportPositions(airportsCsv),
    ...(now === undefined ? {} : { now }),
  });
}
