/** A smaller week: as many flights a day as asked for, each carrier with its share. */

import type { WeeklyDeparture } from "./flight_schedule_file.ts";
import { PURPOSE, randomKey, randomUint32 } from "./random.ts";

/**
 * The departures by weekday (index 1 to 7), cut down to `flightsPerDay` each. A day's places go to the carriers
 * in proportion to their flights (largest remainders, Hamilton's method); within a carrier the designators with
 * the lowest random numbers are kept, so that the same designators fly on every weekday they are scheduled for.
 *
 * @param flightsPerDay `undefined` keeps all; a day with fewer keeps what it has.
 */
export function sampleWeek(
  week: readonly WeeklyDeparture[],
  flightsPerDay: number | undefined,
  seed: number,
): WeeklyDeparture[][] {
  const byWeekday: WeeklyDeparture[][] = Array.from({ length: 8 }, () => []);
  for (const departure of week) byWeekday[departure.weekday]!.push(departure);
  if (flightsPerDay === undefined) return byWeekday;
  return byWeekday.map((day) => day.length <= flightsPerDay ? day : sampleDay(day, flightsPerDay, seed));
}

function sampleDay(day: WeeklyDeparture[], places: number, seed: number): WeeklyDeparture[] {
  const byCarrier = Map.groupBy(day, (departure) => departure.airlineCode);
  const shares = [...byCarrier].map(([carrier, departures]) => {
    const exact = departures.length * places / day.length;
    return { carrier, departures, kept: Math.floor(exact), remainder: exact - Math.floor(exact) };
  });
  let left = places - shares.reduce((sum, share) => sum + share.kept, 0);
  shares.sort((a, b) => b.remainder - a.remainder || (a.carrier < b.carrier ? -1 : 1));
  for (const share of shares) {
    if (left === 0) break;
    share.kept++;
    left--;
  }
  return shares.flatMap(({ departures, kept }) =>
    departures
      .map((departure) => ({ departure, rank: rankOf(departure, seed) }))
      .sort((a, b) => a.rank - b.rank)
      .slice(0, kept)
      .map(({ departure }) => departure)
  );
}

function rankOf(departure: WeeklyDeparture, seed: number): number {
  const { airlineCode, flightNumber, originAirport, destinationAirport, occurrence } = departure;
  const name = `${airlineCode}${flightNumber} ${originAirport}-${destinationAirport} ${occurrence}`;
  return randomUint32(randomKey(seed, name), PURPOSE.scheduleSample);
}
