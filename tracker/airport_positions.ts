/** Where airports are. */

import { readCsvTable } from "../producer/csv_table.ts";
import type { Position } from "./great_circle.ts";

/**
 * Positions by airport code.
 *
 * @param airportsCsv The text of `producer/data/airports.csv`.
 * @throws {ScheduleError} where it is no such table.
 */
export function airportPositions(airportsCsv: string): ReadonlyMap<string, Position> {
  return new Map(
    readCsvTable(airportsCsv, "airports.csv", ["faa", "lat", "lon"]).map((row) => [
      row.get("faa"),
      { latitude: Number(row.get("lat")), longitude: Number(row.get("lon")) },
    ]),
  );
}
