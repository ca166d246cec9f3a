/**
 * Whether a model's answer may be shown as a flight's summary. It was written by a machine that was shown other people's
 * words: it is taken as plain text of the expected length that speaks of this flight, names no other, and holds no
 * figure that the flight's data does not.
 *
 * @module
 */

import type { FlightFacts } from "./flight_facts.ts";
import { parseIdent } from "./flight_ident.ts";

const LENGTH_MIN = 20;
const LENGTH_MAX = 600;
const MARKUP = /[<>`*_#[\]{}|\\~^=]/;
/** Something with a scheme, a user at a host, or a name with a domain. */
const LINK = /:\/\/|\bwww\.|@|\b[a-z0-9-]+\.[a-z]{2,}\b/i;
/** Three letters, or two characters of which not both are digits; perhaps a space; a number of up to four digits. */
const IDENTS = /\b([A-Z]{3}|[A-Z][A-Z0-9]|[0-9][A-Z])([ -]?)(\d{1,4})\b(?!:)/g;
const IDENT_ANY_CASE = /\b(?=\d?[a-z])[a-z0-9]{2,3}\d{1,4}\b/i;

/** The text to be stored, or why it is none. */
export type CheckedText = { text: string } | { refused: string };

/** Checks an answer against the flight it is about. */
export function checkSummary(answer: string, facts: FlightFacts): CheckedText {
  if (!answer.isWellFormed()) return { refused: "it holds half a character" };
  // Lines are joined; anything else that cannot be seen is refused below.
  const text = answer.trim().replaceAll(/\s*[\r\n]\s*/g, " ");
  if (text.length < LENGTH_MIN || text.length > LENGTH_MAX) {
    return { refused: `it has ${text.length} characters, expected ${LENGTH_MIN} to ${LENGTH_MAX}` };
  }
  if (/\p{C}/u.test(text)) return { refused: "it holds control or invisible characters" };
  if (MARKUP.test(text)) return { refused: "it holds markup" };
  if (LINK.test(text)) return { refused: "it holds a link" };
  const names = ownNames(facts);
  if (!names.test(text)) return { refused: "it does not name the flight" };
  const rest = text.replaceAll(new RegExp(names, "gi"), " ");
  const other = otherIdent(rest, facts);
  if (other !== undefined) return { refused: `it names another flight, ${other}` };
  const figure = foreignFigure(rest, facts);
  if (figure !== undefined) {
    return { refused: `it holds the figure ${figure}, which is not in the flight's data` };
  }
  const claim = wrongClaim(text, facts);
  return claim === undefined ? { text } : { refused: claim };
}

/** The flight by any of its names: `UAL1545`, `UA 1545`, `UA-01545`. */
function ownNames({ names }: FlightFacts): RegExp {
  const forms = names.map((name) => {
    const designator = /^([A-Z]{3}|[A-Z0-9]{2})(\d{1,4})$/.exec(name);
    return designator === null ? name : `${designator[1]}[ -]?0*${designator[2]}`;
  });
  return new RegExp(`(?<![A-Za-z0-9])(?:${forms.join("|")})(?![A-Za-z0-9])`, "i");
}

function otherIdent(text: string, { flight }: FlightFacts): string | undefined {
  // "EWR 12 minutes late" names no flight.
  const words = new Set(["UTC", flight.origin, flight.destination]);
  for (const [whole, designator, gap, number] of text.matchAll(IDENTS)) {
    if (gap !== "" && words.has(designator!)) continue;
    if (parseIdent(`${designator}${number}`) !== undefined) return whole;
  }
  return IDENT_ANY_CASE.exec(text)?.[0];
}

/** The first figure that is neither a time nor a part of a date of the flight, nor one of its delays. */
function foreignFigure(text: string, facts: FlightFacts): string | undefined {
  const { flight, departureDelayMinutes, arrivalDelayMinutes } = facts;
  const instants = [flight.scheduled_out, flight.actual_out, flight.scheduled_in, flight.actual_in]
    .filter((instant) => instant !== null);
  const clocks = new Set(instants.map((instant) => instant.slice(11, 16)));
  const figures = new Set<number>();
  for (const instant of instants) {
    for (const part of [instant.slice(0, 4), instant.slice(5, 7), instant.slice(8, 10)]) {
      figures.add(Number(part));
    }
  }
  for (const delay of [departureDelayMinutes, arrivalDelayMinutes]) {
    if (delay === undefined) continue;
    const minutes = Math.abs(delay);
    for (const value of [minutes, Math.floor(minutes / 60), minutes % 60]) figures.add(value);
  }
  const airports = [flight.origin, flight.destination].filter((code) => code !== null);
  const withoutCodes = airports.reduce((left, code) => left.replaceAll(code, " "), text);
  for (const [figure] of withoutCodes.matchAll(/\p{N}+(?:[:.,]\p{N}+)*/gu)) {
    const isClock = clocks.has(figure.length === 4 ? `0${figure}` : figure);
    if (!isClock && !(/^[0-9]+$/.test(figure) && figures.has(Number(figure)))) return figure;
  }
  return undefined;
}

/** What nobody may read of a flight of which it is not true. */
function wrongClaim(text: string, { phase, diverted }: FlightFacts): string | undefined {
  const says = { cancelled: /\bcancel/i.test(text), diverted: /\bdiver(t|sion)/i.test(text) };
  if (says.cancelled !== (phase === "cancelled")) {
    return says.cancelled ? "it speaks of a cancellation" : "it does not say that the flight is cancelled";
  }
  if (says.diverted !== diverted) {
    return says.diverted ? "it speaks of a diversion" : "it does not say that the flight is diverted";
  }
  return undefined;
}
