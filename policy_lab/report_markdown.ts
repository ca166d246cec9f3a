/** The report as Markdown. */

import { conclusionOf } from "./conclusion.ts";
import type { LabReport, PolicyReport } from "./lab_report.ts";
import { counted, intervalOf, money, percentOf, signedMoney, signedPercent } from "./shown_figures.ts";

/** The report as Markdown. */
export function markdownReport(report: LabReport): string {
  const { bounds, policies } = report;
  const none = policies[0]!;
  const bound = (name: string, mean: number, more = "") =>
    `| ${name} | ${money(mean)} | ${signedMoney(mean - none.revenue.mean)} | ${more} |`;
  return [
    "# Policy lab",
    "",
    ...conclusionOf(report).map((line) => `- ${line}`),
    "",
    setUpOf(report),
    "",
    "## Revenue",
    "",
    "Per replication. The intervals are 95 % confidence intervals, of differences to `none` pair by pair.",
    "",
    "| policy | revenue | against none | 95 % interval | change | share of perfect information | share of the dynamic program |",
    "|---|--:|--:|--:|--:|--:|--:|",
    ...policies.map((policy) => revenueRow(policy, none)),
    "",
    "| bound | revenue | above none | |",
    "|---|--:|--:|---|",
    bound(
      "dynamic program",
      bounds.dynamic.mean,
      `from ${bounds.dynamic.replications} replications, by their share of the linear program`,
    ),
    bound("perfect information", bounds.perfect.mean),
    bound("linear program", bounds.linear.mean),
    "",
    "## Seats",
    "",
    "| policy | load factor | spill | promotions per flight | sold at a discount | dilution | given back |",
    "|---|--:|--:|--:|--:|--:|--:|",
    ...policies.map(seatRow),
    "",
    "## Booking curves",
    "",
    `| days before departure | ${policies.map(({ name }) => name).join(" | ")} |`,
    `|--:|${policies.map(() => "--:|").join("")}`,
    ...report.curveDays.flatMap((days, at) =>
      Number.isInteger(days)
        ? [`| ${days} | ${policies.map(({ curve }) => percentOf(curve[at]!)).join(" | ")} |`]
        : []
    ),
    "",
    "## Load factors at departure",
    "",
    "Share of flights.",
    "",
    `| load factor | ${policies.map(({ name }) => name).join(" | ")} |`,
    `|--:|${policies.map(() => "--:|").join("")}`,
    ...policies[0]!.histogram.map((_, bin) =>
      `| ${bin * 5}–${bin * 5 + 5} % | ${
        policies.map(({ histogram }) => percentOf(histogram[bin]!)).join(" | ")
      } |`
    ),
    "",
  ].join("\n");
}

/** What was compared, in a sentence. */
export function setUpOf({ choices, flights, seats, shoppers }: LabReport): string {
  const { days, replications, seed, historyDays, horizonDays, startDate, lookToBook, targetLoadFactor } =
    choices;
  const known = historyDays === 0
    ? "no history: policies that go by a forecast fell back to the published rule"
    : `forecasts know ${counted(historyDays, "day")} of departures before`;
  return `${counted(flights, "flight")} with ${counted(seats, "seat")}, departing in ${
    counted(days, "day")
  } from ${startDate}, on sale for ${counted(horizonDays, "day")}; ${
    counted(replications, "replication")
  } of ${
    counted(Math.round(shoppers), "shopper")
  } each (${lookToBook} to one who books), seed ${seed}; ${known}; target load factor ${
    percentOf(targetLoadFactor, 0)
  }.`;
}

function revenueRow(policy: PolicyReport, none: PolicyReport): string {
  const { name, revenue, incremental, shareOfPerfect, shareOfDynamic } = policy;
  return incremental === null
    ? `| ${name} | ${money(revenue.mean)} | | | | | |`
    : `| ${name} | ${money(revenue.mean)} | ${signedMoney(incremental.mean)} | ${
      intervalOf(incremental, signedMoney)
    } | ${signedPercent(incremental.mean / none.revenue.mean)} | ${
      shareOfPerfect === null ? "" : percentOf(shareOfPerfect.mean)
    } | ${shareOfDynamic === null ? "" : percentOf(shareOfDynamic)} |`;
}

function seatRow(
  { name, loadFactor, spill, promotions, discounted, dilution, cancelled }: PolicyReport,
): string {
  return `| ${name} | ${percentOf(loadFactor.mean)} | ${percentOf(spill)} | ${promotions.toFixed(2)} | ${
    percentOf(discounted)
  } | ${dilution === null ? "" : percentOf(dilution)} | ${percentOf(cancelled)} |`;
}
