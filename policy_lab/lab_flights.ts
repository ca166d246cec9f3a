/** The flights that a lab sells: the producer's schedule, every flight as planned. */

import type { Flight } from "../producer/flight.ts";
import type { FlightSchedule } from "../producer/flight_schedule.ts";
import type { LabChoices } from "./lab_choices.ts";

const DAY_MS = 24 * 60 * 60 * 1000;
const AS_PLANNED = { kind: "flown", departureDelayMinutes: 0, arrivalDelayMinutes: 0 } as const;

/** Flights by departure: those that are judged, and those before, which are only known. */
export interface LabFlights {
  judged: Flight[];
  history: Flight[];
}

/** The schedule's flights; none is late or cancelled, so that chance of that kind blurs no comparison. */
export function labFlights(schedule: FlightSchedule, choices: LabChoices): LabFlights {
  const startMs = Date.parse(`${choices.startDate}T00:00:00Z`);
  // All history has left before the first sale that is judged opens.
  const historyEndMs = startMs - choices.horizonDays * DAY_MS;
  const between = (fromMs: number, toMs: number) =>
    schedule.departingBetween(fromMs, toMs).map((flight): Flight => ({ ...flight, outcome: AS_PLANNED }));
  return {
    judged: between(startMs, startMs + choices.days * DAY_MS),
    history: between(historyEndMs - choices.historyDays * DAY_MS, historyEndMs),
  };
}
