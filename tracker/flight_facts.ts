/** What a flight's fields come to: its phase, its names, how late it is. Template, prompt and check go by the same. */

import type { FlightData } from "../events/flight_data.ts";
import { parseIdent } from "./flight_ident.ts";

export type FlightPhase = "scheduled" | "cancelled" | "under_way" | "landed" | "arrived";

/** See the module. */
export interface FlightFacts {
  flight: FlightData;
  phase: FlightPhase;
  /** Its sender says that it goes elsewhere, in whatever phase. */
  diverted: boolean;
  /** Its sender calls it late, in whatever phase. */
  calledDelayed: boolean;
  /** With the ICAO designator first, then the IATA one where it is known: `UAL1545`, `UA1545`. */
  names: string[];
  /** Minutes behind schedule, negative when early; undefined where it is not known yet. */
  departureDelayMinutes: number | undefined;
  arrivalDelayMinutes: number | undefined;
}

const MINUTE_MS = 60_000;

export function factsOf(flight: FlightData): FlightFacts {
  return {
    flight,
    phase: phaseOf(flight),
    diverted: /\bdivert/i.test(flight.status),
    calledDelayed: /\bdelay/i.test(flight.status),
    names: namesOf(flight.ident),
    departureDelayMinutes: minutesBetween(flight.scheduled_out, flight.actual_out),
    arrivalDelayMinutes: minutesBetween(flight.scheduled_in, flight.actual_in),
  };
}

function phaseOf(flight: FlightData): FlightPhase {
  // At the beginning only: a status that speaks of cancelling somewhere is no cancellation.
  if (/^cancel+ed\b/i.test(flight.status)) return "cancelled";
  if (flight.actual_in !== null) return "arrived";
  if (flight.actual_out === null) return "scheduled";
  return /^(landed|taxiing)\b/i.test(flight.status) ? "landed" : "under_way";
}

/** The ident that summaries are kept and asked for by: as the flight data service writes it, where it is a flight number. */
export function summaryIdent(ident: string): string {
  return parseIdent(ident)?.ident ?? ident;
}

function namesOf(ident: string): string[] {
  const parsed = parseIdent(ident);
  if (parsed === undefined) return [ident];
  const { iataDesignator, number } = parsed;
  const iata = iataDesignator === undefined ? parsed.ident : `${iataDesignator}${number}`;
  return [...new Set([parsed.ident, iata])];
}

function minutesBetween(scheduled: string | null, actual: string | null): number | undefined {
  if (scheduled === null || actual === null) return undefined;
  return Math.round((Date.parse(actual) - Date.parse(scheduled)) / MINUTE_MS);
}
