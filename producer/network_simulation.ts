/** The flights of the `network` profile: a real week's schedule, sold over days. */

import type { Demand } from "./demand.ts";
import { fareBuckets, type Promotion } from "./fares.ts";
import type { Flight } from "./flight.ts";
import type { FlightSchedule } from "./flight_schedule.ts";
import { FlightSimulation } from "./flight_simulation.ts";
import type { FlightSource, SimulatedFlight } from "./flight_source.ts";
import { lifecycleOf, timesOf } from "./lifecycle.ts";
import { flightDemand } from "./flight_demand.ts";
import { NetworkDemand } from "./network_demand.ts";
import { PURPOSE, randomKey, randomUnit } from "./random.ts";
import { Shoppers } from "./shoppers.ts";
import { NETWORK_SNAPSHOTS, SnapshotClock } from "./snapshot_plan.ts";

const DAY_MS = 24 * 60 * 60 * 1000;
/** A flight of a day, the longest delay a schedule may hold, and some. */
const AFTER_DEPARTURE_MS = 5 * DAY_MS;
/** The snapshots of a flight are shifted by up to so much, so that flights of one departure time take turns. */
const SNAPSHOT_PHASE_MS = 10 * 60 * 1000;

export interface NetworkOptions {
  seed: number;
  schedule: FlightSchedule;
  /** The sale opens so long before the scheduled departure. */
  bookingHorizonMs: number;
  /** Flights that depart before are not simulated at all. */
  firstDepartureMs: number;
  /** Shoppers beside each who would book at the lowest fare, himself included. */
  lookToBook: number;
  /** Shoppers are seen on the stream whose sessions begin at `fromMs` or later; without it none. */
  sessions?: { fromMs: number } | undefined;
}

/** A schedule's flights on sale. */
export class NetworkFlights implements FlightSource {
  readonly lifeMsMax: number;
  readonly #options: NetworkOptions;

  constructor(options: NetworkOptions) {
    this.#options = options;
    this.lifeMsMax = options.bookingHorizonMs + AFTER_DEPARTURE_MS;
  }

  openingBetween(fromMs: number, toMs: number): SimulatedFlight[] {
    const { schedule, bookingHorizonMs, firstDepartureMs } = this.#options;
    return schedule
      .departingBetween(Math.max(fromMs + bookingHorizonMs, firstDepartureMs), toMs + bookingHorizonMs)
      .map((flight) => this.#simulated(flight));
  }

  find(flightId: string): SimulatedFlight | undefined {
    const flight = this.#options.schedule.find(flightId);
    if (flight === undefined || flight.scheduledDepartureMs < this.#options.firstDepartureMs) {
      return undefined;
    }
    return this.#simulated(flight);
  }

  #simulated(flight: Flight): SimulatedFlight {
    const { seed, bookingHorizonMs, lookToBook, sessions } = this.#options;
    return networkFlight(flight, { seed, bookingHorizonMs, lookToBook, sessions });
  }
}

/** What a flight's sale follows from beside the flight. */
export interface NetworkFlightOptions {
  seed: number;
  /** Decides what differs from flight to flight and all shoppers; routes stay those of `seed`. Default: `seed`. */
  flightSeed?: number;
  bookingHorizonMs: number;
  lookToBook: number;
  /** Shoppers are seen on the stream whose sessions begin at `fromMs` or later; without it none. */
  sessions?: { fromMs: number } | undefined;
  /** What stands between the shoppers and the sale, to look at what they do. */
  watch?: (demand: NetworkDemand) => Demand;
}

/** A flight of the network as it is sold. */
export function networkFlight(flight: Flight, options: NetworkFlightOptions): SimulatedFlight {
  const { seed, flightSeed = seed, bookingHorizonMs, lookToBook, sessions } = options;
  const { watch = (demand) => demand } = options;
  const { flightId, scheduledDepartureMs, totalSeats, distanceMiles } = flight;
  const key = randomKey(flightSeed, flightId);
  const times = timesOf(flight, key, scheduledDepartureMs - bookingHorizonMs);
  const { opensMs, closesMs, endsMs } = times;
  const fares = fareBuckets(totalSeats, distanceMiles);
  const lowestFare = Math.min(...fares.map(({ price }) => price));
  const demandOf = flightDemand(flight, { seed, key, lowestFare, lookToBook });
  const demand = () => new NetworkDemand({ key, demand: demandOf, fares, opensMs, scheduledDepartureMs });
  const simulate = (promotions: readonly Promotion[]) => {
    const phaseMs = Math.floor(randomUnit(key, PURPOSE.snapshotPhase) * SNAPSHOT_PHASE_MS);
    return new FlightSimulation({
      flight,
      key,
      times,
      milestones: lifecycleOf(flight, times, key),
      fares,
      demand: watch(demand()),
      snapshots: new SnapshotClock(NETWORK_SNAPSHOTS, opensMs, closesMs, scheduledDepartureMs - phaseMs),
      ...(sessions === undefined ? {} : {
        shoppers: new Shoppers({ flightId, key, demand: demand(), opensMs, closesMs, endsMs, ...sessions }),
      }),
    }, promotions);
  };
  return { flightId, times, simulate };
}
