/** The producer's command line, checked and with its defaults. */

import { type CommandLineSpec, parseCommandLine, UsageError } from "../process/command_line.ts";
import { LOOK_TO_BOOK_DEFAULT, LOOK_TO_BOOK_MAX, LOOK_TO_BOOK_MIN } from "./demand_parameters.ts";

const DAY_MS = 24 * 60 * 60 * 1000;

const COMMAND_LINE = {
  usage: "deno task producer",
  description:
    "Produces flights, bookings, inventory and seat maps, and raises a flight's demand where a promotion runs.",
  options: {
    profile: {
      type: "text",
      default: "network",
      choices: ["network", "iteration-2", "iteration-1"],
      description: "A real week of flights sold over days, or one of the published demand models",
    },
    seed: {
      type: "number",
      default: 1,
      min: 0,
      max: Number.MAX_SAFE_INTEGER,
      integer: true,
      description: "Decides everything that is left to chance",
    },
    "start-date": {
      type: "text",
      value: "DATE",
      description:
        "When simulated time begins, UTC: 2025-11-24 or 2025-11-24T08:00:00Z; it then runs at --speed while the producer does (default: now, and it goes on while the producer is away; with --rate: a year ago)",
    },
    "flights-per-day": {
      type: "text",
      value: "NUMBER",
      description: "Departures a day, by carrier as in the schedule; 0 or all: all (network; default 60)",
    },
    flights: {
      type: "text",
      value: "FILE",
      description: "A week's schedule in the form of producer/data/flights.csv (network; default that one)",
    },
    "booking-horizon": {
      type: "duration",
      minMs: 60 * 60 * 1000,
      description: "How long before departure a flight goes on sale (network; default 14d)",
    },
    backfill: {
      type: "duration",
      minMs: 0,
      description:
        "Flights that left so long ago are produced with their whole history; flights still on sale always are (network; default 14d)",
    },
    "look-to-book": {
      type: "text",
      value: "NUMBER",
      description:
        `Shoppers on stream.events beside each who books at the lowest fare, himself included; none: nobody is seen to look (network; default ${LOOK_TO_BOOK_DEFAULT})`,
    },
    speed: {
      type: "number",
      min: 0.001,
      max: 10_000_000,
      description: "Simulated seconds per second (default 1)",
    },
    rate: {
      type: "number",
      value: "EVENTS",
      min: 0,
      max: 10_000_000,
      description:
        "Events per second, for load: simulated time runs as fast as that takes; 0: as fast as possible",
    },
    limit: {
      type: "number",
      value: "EVENTS",
      min: 1,
      max: Number.MAX_SAFE_INTEGER,
      integer: true,
      description: "Ends after so many events of this run",
    },
    "reset-state": {
      type: "flag",
      description: "Begins a new simulation; events of the one before stay in the log",
    },
    "metrics-port": {
      type: "number",
      default: 8001,
      min: 0,
      max: 65535,
      integer: true,
      description: "Port of /metrics, /healthz and /readyz; 0 picks a free one",
    },
  },
  notes: [
    "A restart goes on where the last run stopped: the simulation's place is stored with the events.",
    "Only --speed, --rate, --limit and --metrics-port may change between runs of one simulation.",
  ],
} as const satisfies CommandLineSpec;

/** What decides a simulation's events; none of it may change while it goes on. */
export interface SimulationChoices {
  profile: "network" | "iteration-1" | "iteration-2";
  seed: number;
  /** Milliseconds since 1970; `undefined` begins now. */
  startDateMs: number | undefined;
  /** `undefined`: the built-in week. */
  flightsFile: string | undefined;
  /** `undefined`: all. */
  flightsPerDay: number | undefined;
  bookingHorizonMs: number;
  backfillMs: number;
  /** Shoppers beside each who books at the lowest fare, himself included; `undefined`: none is seen. */
  lookToBook: number | undefined;
}

/** How a run goes. */
export interface ProducerOptions {
  choices: SimulationChoices;
  /** Simulated seconds per second. */
  speed: number;
  /** Events per second; 0 is as fast as possible; `undefined` follows the clock. */
  rate: number | undefined;
  /** Events of this run. */
  limit: number | undefined;
  resetState: boolean;
  metricsPort: number;
}

/**
 * Reads the command line.
 *
 * @throws {UsageError} also for options that do not go together.
 * @throws {HelpRequested}
 */
export function parseProducerOptions(args: readonly string[]): ProducerOptions {
  const { values } = parseCommandLine(COMMAND_LINE, args);
  const profile = values.profile as SimulationChoices["profile"];
  if (profile !== "network") {
    const ownOptions = [
      "flights-per-day",
      "flights",
      "booking-horizon",
      "backfill",
      "look-to-book",
    ] as const;
    for (const name of ownOptions) {
      if (values[name] !== undefined) {
        throw new UsageError(`--${name} goes with --profile network only, the profile is ${profile}`);
      }
    }
  }
  if (values.speed !== undefined && values.rate !== undefined) {
    throw new UsageError(
      "--speed and --rate do not go together: with --rate simulated time follows the events",
    );
  }
  const horizonMs = values["booking-horizon"] ?? 14 * DAY_MS;
  const backfillMs = values.backfill ?? 14 * DAY_MS;
  for (const [name, ms] of [["booking-horizon", horizonMs], ["backfill", backfillMs]] as const) {
    if (ms > 366 * DAY_MS) throw new UsageError(`--${name} is ${ms / DAY_MS}d, expected at most 366d`);
  }
  const network = profile === "network";
  return {
    choices: {
      profile,
      seed: values.seed,
      startDateMs: startDateMs(values["start-date"]),
      flightsFile: values.flights,
      flightsPerDay: network ? flightsPerDay(values["flights-per-day"] ?? "60") : undefined,
      bookingHorizonMs: network ? horizonMs : 0,
      backfillMs: network ? backfillMs : 0,
      lookToBook: network ? lookToBook(values["look-to-book"] ?? String(LOOK_TO_BOOK_DEFAULT)) : undefined,
    },
    speed: values.speed ?? 1,
    rate: values.rate,
    limit: values.limit,
    resetState: values["reset-state"],
    metricsPort: values["metrics-port"],
  };
}

function flightsPerDay(text: string): number | undefined {
  if (text === "all" || text === "0") return undefined;
  const number = Number(text);
  if (text.trim() === "" || !Number.isInteger(number) || number < 1) {
    throw new UsageError(`--flights-per-day is "${text}", expected a whole number, or all`);
  }
  return number;
}

function lookToBook(text: string): number | undefined {
  if (text === "none") return undefined;
  const number = Number(text);
  if (text.trim() === "" || !(number >= LOOK_TO_BOOK_MIN && number <= LOOK_TO_BOOK_MAX)) {
    throw new UsageError(
      `--look-to-book is "${text}", expected a number from ${LOOK_TO_BOOK_MIN} to ${LOOK_TO_BOOK_MAX}, or none`,
    );
  }
  return number;
}

function startDateMs(text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  const shape = /^\d{4}-\d\d-\d\d(T\d\d:\d\d(:\d\d(\.\d{1,3})?)?Z)?$/;
  const ms = shape.test(text) ? Date.parse(text) : NaN;
  // Date.parse takes 31 February as 3 March.
  if (Number.isNaN(ms) || !new Date(ms).toISOString().startsWith(text.slice(0, 10))) {
    throw new UsageError(
      `--start-date is "${text}", expected a UTC date such as 2025-11-24 or 2025-11-24T08:00:00Z`,
    );
  }
  if (ms < Date.UTC(2000, 0, 1) || ms >= Date.UTC(2100, 0, 1)) {
    throw new UsageError(`--start-date is "${text}", expected a date from 2000 to 2099`);
  }
  return ms;
}
