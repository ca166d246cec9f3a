/** The lab's command line, checked and with its defaults. */

import { type CommandLineSpec, parseCommandLine, UsageError } from "../process/command_line.ts";
import { LOOK_TO_BOOK_DEFAULT, LOOK_TO_BOOK_MAX, LOOK_TO_BOOK_MIN } from "../producer/demand_parameters.ts";
import { POLICIES } from "../streaming/policies/policies.ts";
import type { LabChoices } from "./lab_choices.ts";

/** The policy that all others are held against. */
export const BASELINE = "none";

const NAMES = POLICIES.map(({ name }) => name);

const COMMAND_LINE = {
  usage: "deno task lab",
  description:
    "Sells the same flights to the same shoppers under each policy and reports what each one earns.",
  options: {
    policies: {
      type: "text",
      value: "NAMES",
      default: NAMES.join(","),
      description: "Policies by name, with commas; none is always among them",
    },
    days: {
      type: "number",
      default: 28,
      min: 1,
      max: 366,
      integer: true,
      description: "Days of departures",
    },
    replications: {
      type: "number",
      default: 200,
      min: 2,
      max: 100_000,
      integer: true,
      description: "How often all is sold anew, to other shoppers",
    },
    seed: {
      type: "number",
      default: 1,
      min: 0,
      max: Number.MAX_SAFE_INTEGER,
      integer: true,
      description: "Decides everything that is left to chance",
    },
    "flights-per-day": {
      type: "number",
      default: 10,
      min: 0,
      max: 10_000,
      integer: true,
      description: "Departures a day, by carrier as in the schedule; 0: all",
    },
    "start-date": {
      type: "text",
      value: "DATE",
      default: "2025-11-24",
      description: "First day of departures, UTC",
    },
    "booking-horizon": {
      type: "number",
      value: "DAYS",
      default: 14,
      min: 1,
      max: 366,
      integer: true,
      description: "How long before departure a flight goes on sale, in days",
    },
    history: {
      type: "number",
      value: "DAYS",
      default: 56,
      min: 0,
      max: 366,
      integer: true,
      description: "Days of departures before, sold without promotions, that policies with a forecast know",
    },
    "target-load-factor": {
      type: "number",
      value: "SHARE",
      default: 0.8,
      min: 0,
      max: 1,
      description: "Load factor that flights are to leave with; policies with a forecast look at it",
    },
    "look-to-book": {
      type: "number",
      default: LOOK_TO_BOOK_DEFAULT,
      min: LOOK_TO_BOOK_MIN,
      max: LOOK_TO_BOOK_MAX,
      description: "Shoppers beside each who books at the lowest fare, himself included",
    },
    workers: {
      type: "number",
      min: 1,
      max: 256,
      integer: true,
      description: "Replications at a time (default: one for each processor)",
    },
    out: {
      type: "text",
      value: "FOLDER",
      default: "data/lab",
      description: "Where results and reports go, each run into a folder of its own",
    },
    model: {
      type: "text",
      value: "FILE",
      description: "Judges LEARNED with this pickup model instead of its own",
    },
    train: {
      type: "text",
      value: "FILE",
      description:
        "Trains a pickup model on flights of these choices that have left, writes it there, and ends",
    },
    "from-live": {
      type: "flag",
      description:
        "Judges the running policy by its decisions in the event log instead, where chance had a say in them",
    },
    fresh: {
      type: "flag",
      description: "Forgets the results of an earlier run of the same choices",
    },
  },
  notes: [
    "A run that was stopped goes on when it is called again the same way; more replications are added to those that are there.",
    "The same choices give the same report, whatever the number of workers.",
    "policy_lab/README.md tells how to read it.",
    "With --from-live: KAFKA_BROKERS chooses Kafka; without it the embedded log (EVENT_LOG_FILE) is read.",
  ],
} as const satisfies CommandLineSpec;

/** How a run goes. */
export interface LabOptions {
  choices: LabChoices;
  /** `undefined`: one for each processor. */
  workers: number | undefined;
  outDir: string;
  fresh: boolean;
  /** A pickup model to judge `LEARNED` with. */
  modelFile: string | undefined;
  /** Judges decisions of the event log; nothing is simulated. */
  fromLive: boolean;
  /** Where a model that is trained goes. */
  trainFile: string | undefined;
}

/**
 * Reads the command line.
 *
 * @throws {UsageError} for an unknown policy, and whatever else cannot be.
 * @throws {HelpRequested}
 */
export function parseLabOptions(args: readonly string[]): LabOptions {
  const { values } = parseCommandLine(COMMAND_LINE, args);
  return {
    choices: {
      policies: policiesOf(values.policies),
      days: values.days,
      replications: values.replications,
      seed: values.seed,
      flightsPerDay: values["flights-per-day"] === 0 ? undefined : values["flights-per-day"],
      horizonDays: values["booking-horizon"],
      historyDays: values.history,
      lookToBook: values["look-to-book"],
      targetLoadFactor: values["target-load-factor"],
      startDate: dateOf(values["start-date"]),
      model: undefined,
    },
    workers: values.workers,
    outDir: values.out,
    fresh: values.fresh,
    modelFile: values.model,
    trainFile: values.train,
    fromLive: values["from-live"],
  };
}

/** The policies of a list, `none` first, each once. */
function policiesOf(text: string): string[] {
  const named = text.split(",").map((name) => name.trim()).filter((name) => name !== "");
  for (const name of named) {
    if (!NAMES.includes(name)) {
      throw new UsageError(`--policies names "${name}", expected some of ${NAMES.join(", ")}`);
    }
  }
  return [...new Set([BASELINE, ...named])];
}

function dateOf(text: string): string {
  const ms = /^\d{4}-\d\d-\d\d$/.test(text) ? Date.parse(`${text}T00:00:00Z`) : NaN;
  if (Number.isNaN(ms) || new Date(ms).toISOString().slice(0, 10) !== text) {
    throw new UsageError(`--start-date is "${text}", expected a date such as 2025-11-24`);
  }
  if (ms < Date.UTC(2000, 0, 1) || ms >= Date.UTC(2100, 0, 1)) {
    throw new UsageError(`--start-date is "${text}", expected a date from 2000 to 2099`);
  }
  return text;
}
