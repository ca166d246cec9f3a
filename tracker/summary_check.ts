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
  const rest = withoutAirports(text.replaceAll(new RegExp(names, "gi"), " "), facts);
  const other = otherIdent(rest);
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

/** Codes may look like flight numbers: "1G4", and "EWR 12 minutes late". */
function withoutAirports(text: string, { flight }: FlightFacts): string {
  const codes = [flight.origin, flight.destination].filter((code) => code !== null);
  return codes.reduce((left, code) => left.replaceAll(new RegExp(`\\b${code}\\b`, "g"), " "), text);
}

function otherIdent(text: string): string | undefined {
  for (const [whole, designator, gap, number] of text.matchAll(IDENTS)) {
    // "UTC 28 November" names no flight.
    if (gap !== "" && designator === "UTC") continue;
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
  for (const [figure] of text.matchAll(/\p{N}+(?:[:.,]\p{N}+)*/gu)) {
    const isClock = clocks.has(figure.length === 4 ? `0${figure}` : figure);
    if (!isClock && !(/^[0-9]+$/.test(figure) && figures.has(Number(figure)))) return figure;
  }
  return undefined;
}

/** Said of a flight, by phase: what nobody may read of one of which it is not true. */
const CLAIMS: readonly { word: RegExp; what: string; isTrue: (facts: FlightFacts) => boolean }[] = [
  { word: /\bcancel/i, what: "a cancellation", isTrue: ({ phase }) => phase === "cancelled" },
  { word: /\bdiver(t|sion)/i, what: "a diversion", isTrue: ({ diverted }) => diverted },
  {
    word: /\b(left|departed|airborne|took off)\b/i,
    what: "a departure",
    isTrue: ({ flight }) => flight.actual_out !== null,
  },
  {
    word: /\b(landed|arrived|touched down)\b/i,
    what: "an arrival",
    isTrue: ({ phase }) => phase === "landed" || phase === "arrived",
  },
];

/** In doubt, such as "has not left yet", a text is refused: the template says it as well. */
function wrongClaim(text: string, facts: FlightFacts): string | undefined {
  if (facts.phase === "cancelled" && !/\bcancel/i.test(text)) {
    return "it does not say that the flight is cancelled";
  }
  if (facts.diverted && !/\bdiver(t|sion)/i.test(text)) return "it does not say that the flight is diverted";
  const wrong = CLAIMS.find(({ word, isTrue }) => word.test(text) && !isTrue(facts));
  return wrong === undefined ? undefined : `it speaks of ${wrong.what}`;
}
