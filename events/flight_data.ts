/**
 * Topic `flight-data-events`: a flight as somebody fetched it, keyed by `fa_flight_id`. The value has no `event_type`
 * and no time of its own; what is read here is what a summary can tell of, so position and speed are passed over.
 *
 * @module
 */

import { checkInstant, checkText } from "./_check.ts";
import type { JsonObject } from "./_check.ts";
import { readObject, refuseNul } from "./_json_record.ts";
import { EventError } from "./event_error.ts";
import { formatInstant } from "./instant.ts";

/** The part of a flight that does not change with each position. Times are ISO 8601 UTC. */
export interface FlightData {
  /** As it came, in capitals: `UAL1545`. */
  ident: string;
  /** Names the leg, for ever. */
  fa_flight_id: string;
  /** The sender's words, such as `En Route / On Time`. */
  status: string;
  /** Airport codes. */
  origin: string | null;
  destination: string | null;
  scheduled_out: string | null;
  actual_out: string | null;
  scheduled_in: string | null;
  actual_in: string | null;
}

const IDENT = /^[A-Z0-9-]{2,12}$/;
/** Anything that is seen: it is shown in logs. */
const ID = /^[!-~]+$/;
const AIRPORT = /^[A-Za-z0-9]{2,8}$/;
const STATUS_LENGTH_MAX = 100;

/**
 * Parses and checks one record. Fields that nobody reads pass through untouched.
 *
 * @throws {EventError} with the reason and a message that names field and value.
 */
export function parseFlightData(record: { value: string | null; bytes?: Uint8Array }): FlightData {
  const flight = readObject(record);
  refuseNul(flight, record.value!);
  const ident = checkText(flight, "ident", 12).toUpperCase();
  if (!IDENT.test(ident)) {
    throw new EventError("out_of_range", `Field "ident" is "${ident}", expected letters and digits`);
  }
  const id = checkText(flight, "fa_flight_id");
  if (!ID.test(id)) {
    throw new EventError(
      "out_of_range",
      `Field "fa_flight_id" is ${JSON.stringify(id.slice(0, 80))}, expected letters, digits and signs`,
    );
  }
  return {
    ident,
    fa_flight_id: id,
    status: statusOf(flight),
    origin: airportOf(flight, "origin"),
    destination: airportOf(flight, "destination"),
    scheduled_out: timeOf(flight, "scheduled_out"),
    actual_out: timeOf(flight, "actual_out"),
    scheduled_in: timeOf(flight, "scheduled_in"),
    actual_in: timeOf(flight, "actual_in"),
  };
}

/** One line: control characters are nobody's status, and trouble in every log and terminal. */
function statusOf(flight: JsonObject): string {
  const status = checkText(flight, "status", STATUS_LENGTH_MAX).replaceAll(/\p{C}+/gu, " ").trim();
  return status === "" ? "Unknown" : status;
}

function airportOf(flight: JsonObject, field: string): string | null {
  if (isAbsent(flight, field)) return null;
  const code = checkText(flight, field, 8);
  if (AIRPORT.test(code)) return code.toUpperCase();
  throw new EventError(
    "out_of_range",
    `Field "${field}" is ${JSON.stringify(code)}, expected an airport's code`,
  );
}

function timeOf(flight: JsonObject, field: string): string | null {
  return isAbsent(flight, field) ? null : formatInstant(checkInstant(flight, field));
}

function isAbsent(flight: JsonObject, field: string): boolean {
  return flight[field] === undefined || flight[field] === null;
}
