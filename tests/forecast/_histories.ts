/** Three flights of 100 seats whose sales can be followed by hand. */

import type { FlightHistory } from "../../forecast/build_curve.ts";

/** Booked seats 7, 3, 1 and 0 days before departure, all in bucket K unless more than one is asked for. */
export const LOADS: readonly (readonly number[])[] = [[10, 30, 60, 80], [20, 40, 60, 70], [30, 35, 55, 90]];
export const DAYS: readonly number[] = [7, 3, 1, 0];

export function historyOf(loads: readonly number[], totalSeats = 100, knownFromDays = 7): FlightHistory {
  return {
    flightId: `F${loads.join("-")}`,
    totalSeats,
    knownFromDays,
    sales: loads.map((load, at) => ({
      daysBefore: DAYS[at]!,
      seats: load - (loads[at - 1] ?? 0),
      bucket: at === 3 ? "Y" : "K",
    })),
  };
}

export const HISTORIES: readonly FlightHistory[] = LOADS.map((loads) => historyOf(loads));

/** Fails unless two numbers differ by at most `within`. */
export function near(found: number | null | undefined, expected: number, within = 1e-9): void {
  if (typeof found === "number" && Math.abs(found - expected) <= within) return;
  throw new Error(`Found ${found}, expected ${expected} within ${within}`);
}
