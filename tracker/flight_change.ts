/** What of a flight's news is worth a new summary. A pure step: the same records give the same changes, however read. */

import type { FlightData } from "../events/flight_data.ts";

/** Why a summary is written. */
export type ChangeReason = "first" | "status" | "left" | "arrived" | "time" | "route";

/** A flight as its last summary tells of it. */
export interface SummarizedFlight {
  /** What the summary was written from; undefined for a row that another program wrote. */
  told: FlightData | undefined;
  /** How many changes were told of so far, each once. */
  changes: number;
}

const TIMES = ["scheduled_out", "actual_out", "scheduled_in", "actual_in"] as const;

/**
 * Steps one record: the flight as it is now, where that is worth telling, with the reasons; else why it is not.
 *
 * @param leastShiftMs A time that moved by less since the last summary is not worth a new one.
 */
export function stepFlight(
  told: FlightData | undefined,
  news: FlightData,
  leastShiftMs: number,
): { flight: FlightData; reasons: ChangeReason[] } | "unchanged" | "older" {
  if (told === undefined) return { flight: news, reasons: ["first"] };
  // Who fetched first may be heard last. A flight that has left its gate does not stand there again.
  const isOlder = (field: "actual_out" | "actual_in") => told[field] !== null && news[field] === null;
  if (isOlder("actual_out") || isOlder("actual_in")) return "older";
  // What a sender leaves out is not unsaid.
  const flight: FlightData = {
    ...news,
    origin: news.origin ?? told.origin,
    destination: news.destination ?? told.destination,
    scheduled_out: news.scheduled_out ?? told.scheduled_out,
    scheduled_in: news.scheduled_in ?? told.scheduled_in,
  };
  const reasons: ChangeReason[] = [];
  if (flight.status.toLowerCase() !== told.status.toLowerCase()) reasons.push("status");
  if (flight.actual_out !== null && told.actual_out === null) reasons.push("left");
  if (flight.actual_in !== null && told.actual_in === null) reasons.push("arrived");
  if (TIMES.some((field) => hasMoved(field, told, flight, leastShiftMs))) reasons.push("time");
  if (flight.origin !== told.origin || flight.destination !== told.destination) reasons.push("route");
  return reasons.length === 0 ? "unchanged" : { flight, reasons };
}

/** A scheduled time that was not known before has moved, too; an actual one is told of by its own reason. */
function hasMoved(
  field: typeof TIMES[number],
  told: FlightData,
  flight: FlightData,
  leastShiftMs: number,
): boolean {
  const [before, now] = [told[field], flight[field]];
  if (now === null) return false;
  if (before === null) return field.startsWith("scheduled");
  return Math.abs(Date.parse(now) - Date.parse(before)) >= leastShiftMs;
}
