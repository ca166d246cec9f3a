/** AeroAPI v4's answer about an ident, as flights. Nothing of it is taken on trust. */

import { UpstreamError } from "./flight_source.ts";
import type { TrackedFlight } from "./tracked_flight.ts";

const TEXT_MAX = 100;
/** A result set holds 15; nobody needs more to find the one at hand. */
const LEGS_MAX = 100;

type Fields = Record<string, unknown>;

/**
 * The flights of `GET /flights/{ident}`; those without an id are left out.
 *
 * @throws {UpstreamError} where the text is no such answer.
 */
export function flightsOf(text: string): TrackedFlight[] {
  let answer: unknown;
  try {
    answer = JSON.parse(text);
  } catch {
    throw new UpstreamError("AeroAPI's answer is not JSON");
  }
  const flights = isFields(answer) ? answer.flights : undefined;
  if (!Array.isArray(flights)) throw new UpstreamError('AeroAPI\'s answer has no list "flights"');
  return flights.slice(0, LEGS_MAX).filter(isFields).map(flightOf).filter((flight) => flight !== undefined);
}

function flightOf(leg: Fields): TrackedFlight | undefined {
  const id = textOf(leg.fa_flight_id);
  const ident = textOf(leg.ident_icao) ?? textOf(leg.ident);
  if (id === null || ident === null) return undefined;
  const position = isFields(leg.last_position) ? leg.last_position : {};
  return {
    ident,
    fa_flight_id: id,
    status: statusOf(leg),
    aircraft_type: textOf(leg.aircraft_type),
    origin: airportOf(leg.origin),
    destination: airportOf(leg.destination),
    // General aviation has no gate times: the runway's stand in.
    scheduled_out: timeOf(leg.scheduled_out) ?? timeOf(leg.scheduled_off),
    actual_out: timeOf(leg.actual_out) ?? timeOf(leg.actual_off),
    scheduled_in: timeOf(leg.scheduled_in) ?? timeOf(leg.scheduled_on),
    actual_in: timeOf(leg.actual_in) ?? timeOf(leg.actual_on),
    latitude: numberOf(position.latitude, -90, 90),
    longitude: numberOf(position.longitude, -180, 180),
    altitude: numberOf(position.altitude, -20, 2000),
    groundspeed: numberOf(position.groundspeed, 0, 5000),
  };
}

function statusOf(leg: Fields): string {
  const status = textOf(leg.status) ?? "Unknown";
  if (leg.cancelled === true && !/cancel/i.test(status)) return "Cancelled";
  return leg.diverted === true && !/divert/i.test(status) ? "Diverted" : status;
}

/** The code that passengers know, else the one there is. */
function airportOf(airport: unknown): string | null {
  if (!isFields(airport)) return null;
  return textOf(airport.code_iata) ?? textOf(airport.code_icao) ?? textOf(airport.code);
}

function timeOf(value: unknown): string | null {
  const text = textOf(value);
  const ms = text === null ? NaN : Date.parse(text);
  return Number.isNaN(ms) ? null : new Date(ms).toISOString();
}

function numberOf(value: unknown, min: number, max: number): number | null {
  return typeof value === "number" && value >= min && value <= max ? value : null;
}

function textOf(value: unknown): string | null {
  if (typeof value !== "string") return null;
  // Control characters are nobody's status, and trouble in every log and terminal.
  // deno-lint-ignore no-control-regex
  const text = value.replaceAll(/[\u0000-\u001f\u007f-\u009f]/g, " ").trim().slice(0, TEXT_MAX);
  return text === "" ? null : text;
}

function isFields(value: unknown): value is Fields {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
