/** Reads the schedule's files and makes the flights of a profile. */

import { OperatorError } from "../process/run_process.ts";
import { aircraftRegister } from "./aircraft.ts";
import { airportTimeZones } from "./airport_time_zones.ts";
import { ScheduleError } from "./csv_table.ts";
import { LOOK_TO_BOOK_DEFAULT } from "./demand_parameters.ts";
import { FlightSchedule } from "./flight_schedule.ts";
import { parseScheduleFile } from "./flight_schedule_file.ts";
import type { FlightSource } from "./flight_source.ts";
import { NetworkFlights } from "./network_simulation.ts";
import type { SimulationChoices } from "./producer_options.ts";
import { PublishedFlights } from "./published_simulation.ts";

/** Who looked at a flight is history for so long: viewers are counted by the minute, and would be the most of it. */
const SHOPPERS_HISTORY_MS = 24 * 60 * 60 * 1000;

/** What a profile's flights are made from, read once. */
export interface LoadedFlights {
  /** SHA-256 of the schedule, `""` for the published profiles. */
  scheduleDigest: string;
  /** The flights of a simulation that began at `startMs`. */
  sourceFrom(startMs: number): FlightSource;
}

/**
 * Reads what the choices name.
 *
 * @throws {OperatorError} when a file cannot be read or its content cannot be used.
 */
export async function loadFlights(choices: SimulationChoices): Promise<LoadedFlights> {
  const { profile, seed } = choices;
  if (profile !== "network") {
    return {
      scheduleDigest: "",
      sourceFrom: (startMs) => new PublishedFlights({ seed, profile, startMs }),
    };
  }
  const { bookingHorizonMs, backfillMs, lookToBook } = choices;
  const { schedule, scheduleDigest } = await loadSchedule(choices);
  return {
    scheduleDigest,
    sourceFrom: (startMs) =>
      new NetworkFlights({
        seed,
        schedule,
        bookingHorizonMs,
        firstDepartureMs: startMs - backfillMs,
        lookToBook: lookToBook ?? LOOK_TO_BOOK_DEFAULT,
        sessions: lookToBook === undefined ? undefined : { fromMs: startMs - SHOPPERS_HISTORY_MS },
      }),
  };
}

/**
 * Reads a week's schedule, the built-in one where no file is named.
 *
 * @throws {OperatorError} when a file cannot be read or its content cannot be used.
 */
export async function loadSchedule(
  choices: Pick<SimulationChoices, "flightsFile" | "flightsPerDay" | "seed">,
): Promise<{ schedule: FlightSchedule; scheduleDigest: string }> {
  const { flightsFile, flightsPerDay, seed } = choices;
  const file = flightsFile ?? "flights.csv";
  const [flightsCsv, airportsCsv, planesCsv] = await Promise.all([
    readText(flightsFile ?? dataFile("flights.csv")),
    readText(dataFile("airports.csv")),
    readText(dataFile("planes.csv")),
  ]);
  try {
    const timeZones = airportTimeZones(airportsCsv);
    const schedule = new FlightSchedule({
      week: parseScheduleFile(flightsCsv, file, timeZones),
      timeZones,
      aircraft: aircraftRegister(planesCsv),
      seed,
      ...(flightsPerDay === undefined ? {} : { flightsPerDay }),
    });
    const digest = await crypto.subtle.digest("SHA-256", new TextEncoder().encode(flightsCsv));
    return { schedule, scheduleDigest: new Uint8Array(digest).toHex() };
  } catch (error) {
    if (error instanceof ScheduleError) throw new OperatorError(error.message);
    throw error;
  }
}

function dataFile(name: string): URL {
  return new URL(`data/${name}`, import.meta.url);
}

async function readText(file: string | URL): Promise<string> {
  try {
    return await Deno.readTextFile(file);
  } catch (error) {
    if (error instanceof Deno.errors.NotCapable) throw error;
    const why = error instanceof Deno.errors.NotFound ? "there is no such file" : (error as Error).message;
    throw new OperatorError(`Cannot read the flight schedule "${file}": ${why}`);
  }
}
