/**
 * The flights of the profiles `iteration-1` and `iteration-2`, as published: 40 flights `BA200` to `BA239` of 180
 * seats that leave 2 to 7 days after their sale opened. When one has left, the next of its designator goes on
 * sale. The published programs name no route and no times of arrival: London to Boston in 7 h 40 min, an A320,
 * always on time.
 *
 * @module
 */

import { fareBuckets, type Promotion } from "./fares.ts";
import type { Flight } from "./flight.ts";
import { FlightSimulation } from "./flight_simulation.ts";
import type { FlightSource, SimulatedFlight } from "./flight_source.ts";
import { lifecycleOf, timesOf } from "./lifecycle.ts";
import { PublishedDemand, type PublishedProfile } from "./published_demand.ts";
import { PURPOSE, randomKey, randomUnit } from "./random.ts";
import { PUBLISHED_SNAPSHOTS, SnapshotClock } from "./snapshot_plan.ts";

const MINUTE_MS = 60_000;
const DAY_MS = 24 * 60 * MINUTE_MS;
const DESIGNATORS = 40;
const SEATS = 180;
const LEAD_DAYS_MIN = 2;
const LEAD_DAYS_MAX = 7;
const FLIGHT_MINUTES = 7 * 60 + 40;
const MINUTES_AFTER_DEPARTURE_MS = (FLIGHT_MINUTES + 1) * MINUTE_MS;
const ORIGIN_TIME_ZONE = "Europe/London";

/** The departures of one designator: the next is drawn from the one before. */
interface Chain {
  name: string;
  /** When the sale of flight `n` opens; that of flight `n + 1` is the departure of flight `n`. */
  opensMs: number[];
}

export interface PublishedOptions {
  seed: number;
  profile: PublishedProfile;
  /** When the first flights go on sale. */
  startMs: number;
}

/** The published flights. */
export class PublishedFlights implements FlightSource {
  readonly lifeMsMax = LEAD_DAYS_MAX * DAY_MS + MINUTES_AFTER_DEPARTURE_MS;
  readonly #options: PublishedOptions;
  readonly #chains: Chain[];

  constructor(options: PublishedOptions) {
    this.#options = options;
    this.#chains = Array.from({ length: DESIGNATORS }, (_, number) => ({
      name: `BA2${String(number).padStart(2, "0")}`,
      opensMs: [options.startMs],
    }));
  }

  openingBetween(fromMs: number, toMs: number): SimulatedFlight[] {
    const flights: SimulatedFlight[] = [];
    for (const chain of this.#chains) {
      for (let n = 0; this.#opensMs(chain, n) < toMs; n++) {
        if (chain.opensMs[n]! >= fromMs) flights.push(this.#simulated(chain, n));
      }
    }
    return flights;
  }

  find(flightId: string): SimulatedFlight | undefined {
    const match = /^(BA2\d\d)_(\d{4}-\d\d-\d\d)$/.exec(flightId);
    const chain = match === null ? undefined : this.#chains.find(({ name }) => name === match[1]);
    const dateMs = match === null ? NaN : Date.parse(`${match[2]}T00:00:00Z`);
    if (chain === undefined || !(dateMs < this.#options.startMs + 100 * 366 * DAY_MS)) return undefined;
    for (let n = 0; this.#opensMs(chain, n) < dateMs + 2 * DAY_MS; n++) {
      const flight = this.#simulated(chain, n);
      if (flight.flightId === flightId) return flight;
    }
    return undefined;
  }

  #opensMs(chain: Chain, n: number): number {
    const key = randomKey(this.#options.seed, chain.name);
    while (chain.opensMs.length <= n) {
      const index = chain.opensMs.length;
      const days = LEAD_DAYS_MIN +
        (LEAD_DAYS_MAX - LEAD_DAYS_MIN) * randomUnit(key, PURPOSE.departure, index);
      const departsMs = chain.opensMs[index - 1]! + days * DAY_MS;
      chain.opensMs.push(Math.floor(departsMs / MINUTE_MS) * MINUTE_MS);
    }
    return chain.opensMs[n]!;
  }

  #simulated(chain: Chain, n: number): SimulatedFlight {
    const { seed, profile } = this.#options;
    const opensMs = this.#opensMs(chain, n);
    const departsMs = this.#opensMs(chain, n + 1);
    const flight = flightOf(chain.name, departsMs);
    const key = randomKey(seed, flight.flightId);
    const times = timesOf(flight, key, opensMs);
    const simulate = (promotions: readonly Promotion[]) => {
      const phaseMs = Math.floor(randomUnit(key, PURPOSE.snapshotPhase) * MINUTE_MS);
      const fares = fareBuckets(SEATS);
      return new FlightSimulation({
        flight,
        key,
        times,
        milestones: lifecycleOf(flight, times, key),
        fares,
        demand: new PublishedDemand(key, profile, fares, opensMs, departsMs),
        snapshots: new SnapshotClock(PUBLISHED_SNAPSHOTS, opensMs, times.closesMs, departsMs - phaseMs),
      }, promotions);
    };
    return { flightId: flight.flightId, times, simulate };
  }
}

function flightOf(name: string, departsMs: number): Flight {
  const date = Temporal.Instant.fromEpochMilliseconds(departsMs).toZonedDateTimeISO(ORIGIN_TIME_ZONE)
    .toPlainDate();
  return {
    flightId: `${name}_${date}`,
    airlineCode: "BA",
    originAirport: "LHR",
    destinationAirport: "BOS",
    scheduledDepartureMs: departsMs,
    scheduledArrivalMs: departsMs + FLIGHT_MINUTES * MINUTE_MS,
    aircraftType: "A320",
    totalSeats: SEATS,
    distanceMiles: 3259,
    outcome: { kind: "flown", departureDelayMinutes: 0, arrivalDelayMinutes: 0 },
  };
}
