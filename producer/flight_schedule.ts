/** One real week of flights, rolled onto any date by its weekday. */

import type { Aircraft, AircraftRegister } from "./aircraft.ts";
import { localInstantMs } from "./airport_time_zones.ts";
import type { Flight } from "./flight.ts";
import { sampleWeek } from "./flight_sample.ts";
import type { WeeklyDeparture } from "./flight_schedule_file.ts";

const DAY_MS = 24 * 60 * 60 * 1000;

/** A week of departures and what is needed to place it on the calendar. */
export interface FlightScheduleOptions {
  week: readonly WeeklyDeparture[];
  timeZones: ReadonlyMap<string, string>;
  aircraft: AircraftRegister;
  /** How many flights leave a day; `undefined` is all of them. */
  flightsPerDay?: number;
  /** Decides which flights a smaller day keeps. */
  seed: number;
}

/** Days that are kept once they were rolled: asked for again at each opening of sales and each promotion. */
const DAYS_KEPT = 40;

/** A schedule for every date. */
export class FlightSchedule {
  readonly #options: FlightScheduleOptions;
  readonly #byWeekday: WeeklyDeparture[][];
  readonly #days = new Map<string, Flight[]>();

  constructor(options: FlightScheduleOptions) {
    this.#options = options;
    this.#byWeekday = sampleWeek(options.week, options.flightsPerDay, options.seed);
  }

  /** The flights that leave on a date (local at their origin), by departure. */
  flightsOn(date: Temporal.PlainDate): readonly Flight[] {
    const name = date.toString();
    let flights = this.#days.get(name);
    if (flights === undefined) {
      flights = this.#byWeekday[date.dayOfWeek]!.map((departure) => this.#roll(departure, date));
      flights.sort((a, b) => a.scheduledDepartureMs - b.scheduledDepartureMs);
      if (this.#days.size >= DAYS_KEPT) this.#days.delete(this.#days.keys().next().value!);
      this.#days.set(name, flights);
    }
    return flights;
  }

  /** The flights with a scheduled departure in `[fromMs, toMs)`, by departure. */
  departingBetween(fromMs: number, toMs: number): Flight[] {
    const flights: Flight[] = [];
    // A local date differs from the UTC date by at most one day.
    const last = utcDate(toMs).add({ days: 1 });
    for (
      let date = utcDate(fromMs).subtract({ days: 1 });
      Temporal.PlainDate.compare(date, last) <= 0;
      date = date.add({ days: 1 })
    ) {
      for (const flight of this.flightsOn(date)) {
        if (flight.scheduledDepartureMs >= fromMs && flight.scheduledDepartureMs < toMs) flights.push(flight);
      }
    }
    return flights.sort((a, b) => a.scheduledDepartureMs - b.scheduledDepartureMs);
  }

  /** The flight of an id, if the schedule has it. */
  find(flightId: string): Flight | undefined {
    const match = /_(\d{4}-\d\d-\d\d)(?:-\d+)?$/.exec(flightId);
    if (match === null) return undefined;
    let date;
    try {
      date = Temporal.PlainDate.from(match[1]!);
    } catch {
      return undefined;
    }
    return this.flightsOn(date).find((flight) => flight.flightId === flightId);
  }

  #roll(departure: WeeklyDeparture, date: Temporal.PlainDate): Flight {
    const { timeZones, aircraft } = this.#options;
    const originZone = timeZones.get(departure.originAirport)!;
    const destinationZone = timeZones.get(departure.destinationAirport)!;
    const scheduledDepartureMs = localInstantMs(date, departure.departureMinute, originZone);
    // The arrival's date is not in the data: the first such local time after the departure is meant. It may lie
    // on the day before (over the date line) as well as on the day after.
    let scheduledArrivalMs = 0;
    for (let days = -1; scheduledArrivalMs <= scheduledDepartureMs; days++) {
      scheduledArrivalMs = localInstantMs(date.add({ days }), departure.arrivalMinute, destinationZone);
    }
    const { aircraftType, seats }: Aircraft = aircraft(departure.tailNumber, departure.airlineCode);
    const suffix = departure.occurrence === 1 ? "" : `-${departure.occurrence}`;
    return {
      flightId: `${departure.airlineCode}${departure.flightNumber}_${date}${suffix}`,
      airlineCode: departure.airlineCode,
      originAirport: departure.originAirport,
      destinationAirport: departure.destinationAirport,
      scheduledDepartureMs,
      scheduledArrivalMs,
      aircraftType,
      totalSeats: seats,
      distanceMiles: departure.distanceMiles,
      outcome: departure.outcome,
    };
  }
}

function utcDate(ms: number): Temporal.PlainDate {
  return Temporal.PlainDate.from(new Date(Math.floor(ms / DAY_MS) * DAY_MS).toISOString().slice(0, 10));
}
