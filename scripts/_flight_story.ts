/** The story of a flight in plain words: how it filled, what was decided and why, and why not. Pure. */

import type { FlightLifecycleEvent, FlightScheduled } from "../events/flight_lifecycle.ts";
import { parseInstant } from "../events/instant.ts";
import type { CabinInventoryMetrics } from "../events/inventory_metrics.ts";
import type { PromotionHeldBack } from "../events/policy_evaluations.ts";
import type { PromotionTriggered } from "../events/promo_decisions.ts";
import { READING_DAYS } from "../forecast/booking_curve.ts";
import { shownLine, shownTime } from "./_shown_text.ts";
import { alignedTable } from "./_table.ts";

/** What the log says of one flight. */
export interface FlightRecords {
  flightId: string;
  /** The newest schedule that is there. */
  schedule: FlightScheduled | undefined;
  /** What else became of it, in order. */
  lifecycle: FlightLifecycleEvent[];
  /** Of its metrics: the last by each reading day, then the newest. */
  course: CabinInventoryMetrics[];
  /** Metrics in all. */
  evaluations: number;
  decisions: PromotionTriggered[];
  heldBack: PromotionHeldBack[];
}

const DAY_MINUTES = 24 * 60;

/** Keeps of a flight's metrics what {@link FlightRecords.course} is made of. */
export class CourseSampler {
  readonly #byDay = new Map<number, CabinInventoryMetrics>();
  #newest: CabinInventoryMetrics | undefined;
  #count = 0;

  /** Takes metrics in the order in which they were made. */
  take(metrics: CabinInventoryMetrics): void {
    this.#count++;
    this.#newest = metrics;
    // Of those up to a reading day the last: how the flight stood when it came.
    const day = READING_DAYS.find((day) => metrics.minutes_to_departure >= day * DAY_MINUTES);
    if (day !== undefined) this.#byDay.set(day, metrics);
  }

  get count(): number {
    return this.#count;
  }

  course(): CabinInventoryMetrics[] {
    const sampled = [...this.#byDay.values()];
    if (this.#newest !== undefined && sampled.at(-1) !== this.#newest) sampled.push(this.#newest);
    return sampled;
  }
}

function percent(share: number | undefined): string {
  return share === undefined ? "" : `${Number((share * 100).toFixed(1))} %`;
}

function minute(time: string): string {
  return shownTime(parseInstant(time)).slice(0, 16);
}

/** The story as lines for a terminal. */
export function flightStory(records: FlightRecords): string {
  const blocks = [heading(records), filled(records), forecast(records), decided(records), closing(records)];
  return blocks.filter((block) => block !== "").join("\n\n");
}

function heading({ flightId, schedule, lifecycle }: FlightRecords): string {
  const name = shownLine(flightId, 80);
  const what = schedule === undefined
    ? `${name}: its schedule is not in the log any more`
    : `${name}: ${shownLine(schedule.origin_airport, 8)} to ${
      shownLine(schedule.destination_airport, 8)
    }, leaves ${minute(schedule.scheduled_departure_time)} UTC, ${schedule.total_seats} seats`;
  const became = lifecycle.filter(({ event_type }) => event_type !== "FlightScheduled").map((event) =>
    `  ${minute(event.event_time)}  ${WORDS[event.event_type] ?? event.event_type}`
  );
  return [what, ...became].join("\n");
}

const WORDS: Record<string, string> = {
  FlightDelayed: "delayed",
  FlightDeparted: "departed",
  FlightArrived: "arrived",
  FlightCancelled: "cancelled",
};

function filled({ course, evaluations }: FlightRecords): string {
  if (course.length === 0) return "Nothing was sold or offered that the consumer has seen.";
  const numbers = ["days before", "booked", "of", "load factor", "sold in 24 h", "expected", "80 % within"];
  const table = alignedTable(
    ["time", ...numbers],
    course.map((metrics) => {
      const { forecast_load_factor_low: low, forecast_load_factor_high: high } = metrics;
      const perHour = metrics.booking_velocity_24h_per_hour;
      return [
        minute(metrics.event_time),
        (metrics.minutes_to_departure / DAY_MINUTES).toFixed(2),
        String(metrics.booked_seats),
        String(metrics.total_seats),
        percent(metrics.load_factor),
        perHour === undefined ? "" : String(Math.round(perHour * 24)),
        percent(metrics.forecast_load_factor),
        low === undefined ? "" : `${percent(low)} to ${percent(high)}`,
      ];
    }),
    numbers,
  );
  return `How it filled (${evaluations.toLocaleString("en")} evaluations)\n${table}`;
}

function forecast({ course }: FlightRecords): string {
  const newest = course.at(-1);
  if (newest === undefined) return "";
  if (newest.forecast_load_factor === undefined) {
    return "There is no forecast: the history of such flights is not known yet, or does not reach back so far.";
  }
  const expected = newest.intervention_expected_at;
  const below = expected === null || expected === undefined
    ? "It is not expected to fall below its target."
    : parseInstant(expected) <= parseInstant(newest.event_time)
    ? "It is below its target."
    : `It is expected to fall below its target at ${minute(expected)} UTC.`;
  return `By the booking curves of ${newest.curve_version} it is expected to leave with ${
    percent(newest.forecast_load_factor)
  } of its seats. ${below}`;
}

function decided({ decisions, heldBack }: FlightRecords): string {
  const entries = [
    ...decisions.map((decision) => ({
      time: decision.event_time,
      what: `promoted: ${decision.discount_percentage} % off, by ${
        shownLine(decision.policy ?? decision.decision_source, 60)
      }`,
      why: decision.reason ?? "the program that decided gives no reason",
      propensity: decision.propensity ?? 1,
    })),
    ...heldBack.map((evaluation) => ({
      time: evaluation.event_time,
      what: `not promoted: ${evaluation.discount_percentage} % were wanted by ${
        shownLine(evaluation.policy, 60)
      }, held back by ${GUARDS[evaluation.guard] ?? shownLine(evaluation.guard, 40)}`,
      why: evaluation.reason,
      propensity: evaluation.propensity,
    })),
  ].sort((a, b) => parseInstant(a.time) - parseInstant(b.time));
  if (entries.length === 0) return "";
  const lines = entries.flatMap(({ time, what, why, propensity }) => [
    `  ${minute(time)}  ${what}`,
    `                    ${shownLine(why, 400)}${
      propensity === 1 ? "" : ` (done with a probability of ${percent(propensity)})`
    }`,
  ]);
  return ["What was decided", ...lines].join("\n");
}

const GUARDS: Record<string, string> = {
  cooldown: "the cooldown",
  maximum_per_flight: "the maximum per flight",
  minimum_fare: "the minimum fare",
  dilution: "dilution",
  ahead_of_curve: "its being ahead of its curve",
  does_not_pay: "its not paying",
  below_bid_price: "the bid price",
  exploration: "chance, to learn",
};

function closing({ decisions, heldBack, course }: FlightRecords): string {
  if (decisions.length === 0 && heldBack.length === 0) {
    const last = course.at(-1);
    const stood = last === undefined
      ? ""
      : ` It stands at ${percent(last.load_factor)}, ${
        (last.minutes_to_departure / DAY_MINUTES).toFixed(2)
      } days before departure, with ${last.booking_velocity_per_hour} bookings in the last hour.`;
    return `No policy came near a promotion.${stood}`;
  }
  const promotions = `${decisions.length} promotion${decisions.length === 1 ? "" : "s"}`;
  const guards = [...Map.groupBy(heldBack, ({ guard }) => guard)]
    .map(([guard, times]) => `${times.length} × ${shownLine(guard, 40)}`);
  return guards.length === 0
    ? `${promotions}, and none was held back.`
    : `${promotions}; held back: ${guards.join(", ")}.`;
}
