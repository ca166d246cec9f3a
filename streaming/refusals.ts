/** Records that the inventory engine gives up on, and what is said of them. */

import type { RefusedRecord } from "../events/dead_letters.ts";
import type { EventErrorReason } from "../events/event_error.ts";
import { formatInstant } from "../events/instant.ts";
import type { FlightState } from "./flight_state.ts";

const HOUR_MS = 60 * 60 * 1000;

/** A record that the engine gave up on. */
export interface Refusal {
  record: RefusedRecord;
  reason: EventErrorReason;
  message: string;
}

/** A sale that was made after the flight was over. */
export function flightIsOver(flight: FlightState, record: RefusedRecord): Refusal {
  const { phase, overMs } = flight.facts;
  return {
    record,
    reason: "flight_departed",
    message: `Flight ${flight.flightId} was ${phase} at ${
      formatInstant(overMs!)
    }: nothing can be booked or cancelled later`,
  };
}

/** An event of an unknown flight that finds no room to wait. */
export function noRoomToWait(flightId: string, record: RefusedRecord, waitingMax: number): Refusal {
  const message = `Flight ${flightId} is not known, and ${waitingMax} events wait for theirs already`;
  return { record, reason: "unknown_flight", message };
}

/** An event of an unknown flight that the log could not take back. */
export function tooLargeToWait(flightId: string, record: RefusedRecord): Refusal {
  const message = `Flight ${flightId} is not known, and the record is too large to wait for it`;
  return { record, reason: "too_large", message };
}

/** An event whose flight did not come. */
export function waitedInVain(flightId: string, record: RefusedRecord, waitMs: number): Refusal {
  const message = `Flight ${flightId} did not become known within ${waitMs / HOUR_MS} hours`;
  return { record, reason: "unknown_flight", message };
}
