/** Where a simulation's flights come from: one source a profile. */

import type { Promotion } from "./fares.ts";
import type { FlightSimulation } from "./flight_simulation.ts";
import type { FlightTimes } from "./lifecycle.ts";

/** A flight that can be simulated, before that is done. */
export interface SimulatedFlight {
  flightId: string;
  times: FlightTimes;
  /** Its sequence from the beginning. */
  simulate(promotions: readonly Promotion[]): FlightSimulation;
}

/** The flights of a profile. The same calls give the same flights. */
export interface FlightSource {
  /** Flights whose sale opens in `[fromMs, toMs)`. */
  openingBetween(fromMs: number, toMs: number): SimulatedFlight[];
  /** The flight of an id, if the simulation has it at some time. */
  find(flightId: string): SimulatedFlight | undefined;
  /** The longest time from the opening of a sale to the flight's last event. */
  readonly lifeMsMax: number;
}
