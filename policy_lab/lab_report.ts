/** The report as data: what `report.json` holds, and what page and Markdown are made of. */

import type { LabChoices } from "./lab_choices.ts";
import { curveDays, type PolicyResult, type ReplicationResult } from "./replication.ts";
import { type Estimate, estimate, meanOf, ratioEstimate } from "./statistics.ts";

/** One policy's figures; money is in pounds, per replication. */
export interface PolicyReport {
  name: string;
  version: number;
  revenue: Estimate;
  /** Revenue less that under `none`, pairwise; null for `none`. */
  incremental: Estimate | null;
  /** (revenue − none) / (perfect information − none). */
  shareOfPerfect: Estimate | null;
  /** The same against the dynamic program, which foresees nothing. */
  shareOfDynamic: number | null;
  loadFactor: Estimate;
  /** Seats asked for at the lowest published fare or more when none were left, per seat on sale. */
  spill: number;
  /** Of the seats sold at a discount, the share of buyers who would have paid the full price; null without any. */
  dilution: number | null;
  /** Seats sold at a discount, per seat sold. */
  discounted: number;
  /** Promotions per flight. */
  promotions: number;
  /** Bookings given back, per booking. */
  cancelled: number;
  /** Mean load factor at each of {@link LabReport.curveDays}. */
  curve: number[];
  /** Share of flights by load factor at departure, in steps of 5 %. */
  histogram: number[];
}

/** Whether a policy that learns earns more than the best of the others. */
export interface Verdict {
  policy: string;
  against: string;
  difference: Estimate;
  /** Only where the whole interval lies above 0. */
  earnsItsPlace: boolean;
}

export interface LabReport {
  choices: LabChoices;
  digest: string;
  flights: number;
  seats: number;
  /** Shoppers of one replication on average. */
  shoppers: number;
  bounds: {
    dynamic: { mean: number; replications: number };
    perfect: Estimate;
    linear: Estimate;
  };
  curveDays: number[];
  policies: PolicyReport[];
  /** Where a learned policy is among them. */
  verdict: Verdict | null;
}

/** The policy that learns; the others are simple. */
export const LEARNED = "LEARNED";

/** Makes the report of all replications, in their order. */
export function labReport(
  results: readonly ReplicationResult[],
  about: {
    choices: LabChoices;
    digest: string;
    flights: number;
    seats: number;
    versions: readonly number[];
  },
): LabReport {
  const { choices, digest, flights, seats, versions } = about;
  const withDynamic = results.filter(({ dynamic }) => dynamic !== null);
  const linear = results.map((result) => result.linear);
  // The program's share of the linear bound varies little from replication to replication.
  const dynamicShare = meanOf(withDynamic.map(({ dynamic }) => dynamic!)) /
    meanOf(withDynamic.map((result) => result.linear));
  const dynamic = dynamicShare * meanOf(linear);
  const perfect = results.map((result) => result.perfect);
  const none = revenuesOf(results, 0);
  const possible = perfect.map((revenue, at) => revenue - none[at]!);
  const policies = choices.policies.map((name, at): PolicyReport => {
    const sums = results.map((result) => result.policies[at]!);
    const revenues = revenuesOf(results, at);
    const gains = revenues.map((revenue, replication) => revenue - none[replication]!);
    const seatsSold = total(sums, "seatsSold");
    const discountedSeats = total(sums, "discountedSeats");
    return {
      name,
      version: versions[at]!,
      revenue: estimate(revenues),
      incremental: at === 0 ? null : estimate(gains),
      shareOfPerfect: at === 0 ? null : ratioEstimate(gains, possible),
      shareOfDynamic: at === 0 ? null : meanOf(gains) / (dynamic - meanOf(none)),
      loadFactor: estimate(sums.map((sum) => sum.seatsSold / seats)),
      spill: total(sums, "spilledSeats") / (seats * results.length),
      dilution: discountedSeats === 0 ? null : total(sums, "dilutedSeats") / discountedSeats,
      discounted: discountedSeats / seatsSold,
      promotions: total(sums, "promotions") / (flights * results.length),
      cancelled: total(sums, "cancellations") / total(sums, "bookings"),
      curve: columns(sums.map(({ curve }) => curve)).map((booked) => meanOf(booked) / seats),
      histogram: columns(sums.map(({ histogram }) => histogram)).map((counts) => meanOf(counts) / flights),
    };
  });
  return {
    choices,
    digest,
    flights,
    seats,
    shoppers: meanOf(results.map(({ shoppers }) => shoppers)),
    bounds: {
      dynamic: { mean: dynamic, replications: withDynamic.length },
      perfect: estimate(perfect),
      linear: estimate(linear),
    },
    curveDays: curveDays(choices.horizonDays),
    policies,
    verdict: verdictOf(results, policies),
  };
}

function verdictOf(results: readonly ReplicationResult[], policies: readonly PolicyReport[]): Verdict | null {
  const learned = policies.findIndex(({ name }) => name === LEARNED);
  if (learned < 0) return null;
  const best = policies.keys().filter((at) => at !== learned).reduce((a, b) =>
    policies[b]!.revenue.mean > policies[a]!.revenue.mean ? b : a
  );
  const others = revenuesOf(results, best);
  const difference = estimate(revenuesOf(results, learned).map((revenue, at) => revenue - others[at]!));
  return { policy: LEARNED, against: policies[best]!.name, difference, earnsItsPlace: difference.low > 0 };
}

function revenuesOf(results: readonly ReplicationResult[], policy: number): number[] {
  return results.map(({ policies }) => policies[policy]!.revenue);
}

type Sum = Exclude<keyof PolicyResult, "curve" | "histogram">;

function total(sums: readonly PolicyResult[], name: Sum): number {
  return sums.reduce((sum, result) => sum + result[name], 0);
}

function columns(rows: readonly number[][]): number[][] {
  return rows[0]!.map((_, at) => rows.map((row) => row[at]!));
}
