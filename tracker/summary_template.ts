/** The summary that needs no model: one or two plain sentences. */

import type { FlightFacts } from "./flight_facts.ts";

/** What `model_used` says of a summary that was written here. */
export const TEMPLATE_NAME = "template";

const MONTHS = [
  "January",
  "February",
  "March",
  "April",
  "May",
  "June",
  "July",
  "August",
  "September",
  "October",
  "November",
  "December",
];
/** Others are left out: who hands a status on may have it from anywhere. */
const PLAIN_WORDS = /^[A-Za-z][A-Za-z0-9 /'-]{0,59}$/;
/** Statuses that the sentences say already. */
const SAID = /^(scheduled|en route|landed|taxiing|arrived|cancel+ed|diverted)\b/i;

/** Writes the summary. The same facts give the same text. */
export function templateSummary(facts: FlightFacts): string {
  const { flight, names } = facts;
  const [first, second] = names;
  const name = second === undefined ? `Flight ${first}` : `Flight ${first} (${second})`;
  const sentences = [`${name} ${predicateOf(facts)}.`];
  if (facts.diverted) {
    sentences.push(
      flight.destination === null
        ? "It is diverted."
        : `It is diverted; its destination is given as ${flight.destination}.`,
    );
  }
  if (PLAIN_WORDS.test(flight.status) && !SAID.test(flight.status)) {
    sentences.push(`Its status is given as "${flight.status}".`);
  }
  return sentences.join(" ");
}

function predicateOf(facts: FlightFacts): string {
  const { flight, phase } = facts;
  const { origin, destination, scheduled_out, actual_out, scheduled_in, actual_in } = flight;
  const from = origin === null ? "" : ` from ${origin}`;
  const to = destination === null ? "" : ` to ${destination}`;
  const dueAt = scheduled_in === null ? "" : ` at ${timeOf(scheduled_in, scheduled_out)}`;
  switch (phase) {
    case "cancelled":
      return `${from}${to} is cancelled${
        scheduled_out === null ? "" : `; it was to leave at ${timeOf(scheduled_out)}`
      }`.trim();
    case "scheduled": {
      const leaves = scheduled_out === null ? "" : ` to leave at ${timeOf(scheduled_out)}`;
      const arrives = scheduled_in === null ? "" : `${leaves === "" ? "" : " and"} to arrive${dueAt}`;
      const when = leaves + arrives;
      if (facts.calledDelayed) {
        return `${from}${to} is delayed${when === "" ? "" : `; it was scheduled${when}`}`.trim();
      }
      return `${from}${to} is scheduled${when}`.trim();
    }
    case "arrived": {
      const at = destination === null ? "" : ` at ${destination}`;
      return `${from} arrived${at} at ${timeOf(actual_in!)}${latenessOf(facts.arrivalDelayMinutes)}`.trim();
    }
    case "landed":
    case "under_way": {
      const left = `left${origin === null ? "" : ` ${origin}`} at ${timeOf(actual_out!)}${
        latenessOf(facts.departureDelayMinutes)
      }`;
      if (phase === "landed") {
        return `${left}, landed${
          destination === null ? "" : ` at ${destination}`
        } and is taxiing to its gate`;
      }
      const due = dueAt === "" ? "" : `, where it is scheduled to arrive${dueAt}`;
      const way = destination === null ? ", and is under way" : `, and is on its way to ${destination}${due}`;
      return `${left}${way}${facts.calledDelayed ? "; it is expected late" : ""}`;
    }
  }
}

/** `, 25 minutes late`. */
function latenessOf(minutes: number | undefined): string {
  if (minutes === undefined) return "";
  if (minutes === 0) return ", on time";
  return `, ${durationText(Math.abs(minutes))} ${minutes > 0 ? "late" : "early"}`;
}

function durationText(minutes: number): string {
  const count = (value: number, unit: string) => `${value} ${unit}${value === 1 ? "" : "s"}`;
  const [hours, rest] = [Math.floor(minutes / 60), minutes % 60];
  if (hours === 0) return count(rest, "minute");
  return rest === 0 ? count(hours, "hour") : `${count(hours, "hour")} ${count(rest, "minute")}`;
}

/** `12:00 UTC on 28 November 2025`, or without the day where it is the one that was just named. */
function timeOf(instant: string, after?: string | null): string {
  const clock = `${instant.slice(11, 16)} UTC`;
  if (after !== undefined && after !== null && after.slice(0, 10) === instant.slice(0, 10)) return clock;
  return `${clock} on ${Number(instant.slice(8, 10))} ${MONTHS[Number(instant.slice(5, 7)) - 1]} ${
    instant.slice(0, 4)
  }`;
}
