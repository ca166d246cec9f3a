import { deepEqual, equal, throws } from "node:assert/strict";
import { parseProducerOptions } from "../../producer/producer_options.ts";

const DAY_MS = 86_400_000;

Deno.test("without arguments the network runs in real time with 60 flights a day and 14 days of history", () => {
  deepEqual(parseProducerOptions([]), {
    choices: {
      profile: "network",
      seed: 1,
      startDateMs: undefined,
      flightsFile: undefined,
      flightsPerDay: 60,
      bookingHorizonMs: 14 * DAY_MS,
      backfillMs: 14 * DAY_MS,
      lookToBook: 10,
    },
    speed: 1,
    rate: undefined,
    limit: undefined,
    resetState: false,
    metricsPort: 8001,
  });
});

Deno.test("--flights-per-day 0 and all are all flights", () => {
  for (const value of ["0", "all"]) {
    equal(parseProducerOptions(["--flights-per-day", value]).choices.flightsPerDay, undefined);
  }
});

Deno.test("--start-date takes a date or an instant, UTC", () => {
  const start = (text: string) => parseProducerOptions(["--start-date", text]).choices.startDateMs;
  equal(start("2025-11-24"), Date.UTC(2025, 10, 24));
  equal(start("2025-11-24T08:30:00Z"), Date.UTC(2025, 10, 24, 8, 30));
});

const WRONG: [args: string, message: RegExp][] = [
  ["--start-date 2025-02-31", /--start-date is "2025-02-31", expected a UTC date/],
  ["--start-date tomorrow", /--start-date is "tomorrow"/],
  ["--start-date 1999-01-01", /expected a date from 2000 to 2099/],
  ["--flights-per-day many", /--flights-per-day is "many", expected a whole number, or all/],
  ["--flights-per-day=-3", /--flights-per-day is "-3"/],
  ["--flights-per-day 1.5", /--flights-per-day is "1\.5"/],
  ["--speed 0", /--speed is "0", expected a number from 0\.001/],
  ["--speed 2 --rate 100", /--speed and --rate do not go together/],
  ["--limit 0", /--limit is "0"/],
  ["--backfill 400d", /--backfill is 400d, expected at most 366d/],
  ["--booking-horizon 5m", /--booking-horizon is 5m, expected at least 3600s/],
  ["--profile iteration-2 --backfill 1d", /--backfill goes with --profile network only/],
  ["--look-to-book 1", /--look-to-book is "1", expected a number from 4.5 to 100, or none/],
  ["--look-to-book many", /--look-to-book is "many"/],
  ["--profile iteration-1 --look-to-book 12", /--look-to-book goes with --profile network only/],
  ["--profile iteration-3", /expected one of network, iteration-2, iteration-1/],
];
for (const [args, message] of WRONG) {
  Deno.test(`parseProducerOptions() refuses ${args}`, () => {
    throws(() => parseProducerOptions(args.split(" ")), message);
  });
}
