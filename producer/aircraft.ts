/** What flies a flight: type and seats by tail number, from `data/planes.csv`, with stated defaults. */

import { readCsvTable, ScheduleError } from "./csv_table.ts";

/** An aircraft as far as selling seats goes. */
export interface Aircraft {
  aircraftType: string;
  seats: number;
}

/**
 * American (AA) and Envoy (MQ) report fleet numbers instead of tail numbers (documentation of nycflights13,
 * table `planes`), so that most of their aircraft cannot be looked up: they get the type that these carriers flew
 * most in 2013. So does any other carrier's unknown aircraft, with a common one.
 */
const DEFAULTS_BY_CARRIER: Record<string, Aircraft> = {
  AA: { aircraftType: "737-823", seats: 150 },
  MQ: { aircraftType: "EMB-145LR", seats: 50 },
};
const DEFAULT_AIRCRAFT: Aircraft = { aircraftType: "A320-232", seats: 150 };

/**
 * The register holds slips: 20 seats for an Embraer 190 that has 100, and light aircraft of 2 to 22 seats where a
 * fleet number met a foreign tail number. Below this, a row is not believed.
 */
const AIRLINER_SEATS_MIN = 30;
const SEATS_BY_MODEL: Record<string, number> = { "ERJ 190-100 IGW": 100 };

/** Looks aircraft up; see {@link aircraftRegister}. */
export type AircraftRegister = (tailNumber: string, carrierCode: string) => Aircraft;

/** The register of the text of `planes.csv`. */
export function aircraftRegister(planesCsv: string): AircraftRegister {
  const byTailNumber = new Map<string, Aircraft>();
  for (const row of readCsvTable(planesCsv, "planes.csv", ["tailnum", "model", "seats"])) {
    const aircraftType = row.get("model");
    const registered = Number(row.get("seats"));
    if (!Number.isInteger(registered) || registered < 0) {
      throw new ScheduleError(
        `Cannot read "planes.csv": line ${row.line}: seats is "${row.get("seats")}", expected a whole number`,
      );
    }
    const seats = registered >= AIRLINER_SEATS_MIN ? registered : SEATS_BY_MODEL[aircraftType];
    if (seats !== undefined) byTailNumber.set(row.get("tailnum"), { aircraftType, seats });
  }
  return (tailNumber, carrierCode) =>
    byTailNumber.get(tailNumber) ?? DEFAULTS_BY_CARRIER[carrierCode] ?? DEFAULT_AIRCRAFT;
}
