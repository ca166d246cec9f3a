/** What all replications of a lab share: its flights, and what is known of those before. */

import { routeCurves } from "../etl/route_curves.ts";
import type { BookingCurvesPublished } from "../events/booking_curves.ts";
import { loadSchedule } from "../producer/load_flights.ts";
import type { Flight } from "../producer/flight.ts";
import { sellPast } from "./history.ts";
import type { LabChoices } from "./lab_choices.ts";
import { labFlights } from "./lab_flights.ts";
import { flightSeedOf } from "./replication.ts";

const DAY_MS = 24 * 60 * 60 * 1000;
const HISTORY = -1;

export interface LabWorld {
  choices: LabChoices;
  /** Flights that are judged, by departure. */
  flights: Flight[];
  curves: BookingCurvesPublished[];
}

/**
 * Makes the world of the choices: the same each time.
 *
 * @throws {OperatorError} when the schedule cannot be read.
 */
export async function labWorld(choices: LabChoices): Promise<LabWorld> {
  const { seed, flightsPerDay, horizonDays, lookToBook, startDate } = choices;
  const { schedule } = await loadSchedule({ flightsFile: undefined, flightsPerDay, seed });
  const { judged, history } = labFlights(schedule, choices);
  const sale = {
    seed,
    flightSeed: flightSeedOf(seed, HISTORY),
    bookingHorizonMs: horizonDays * DAY_MS,
    lookToBook,
  };
  const past = history.map((flight) => sellPast(flight, sale));
  const lastDayMs = Date.parse(`${startDate}T00:00:00Z`) - (horizonDays + 1) * DAY_MS;
  return {
    choices,
    flights: judged,
    curves: routeCurves(past, new Date(lastDayMs).toISOString().slice(0, 10)),
  };
}
