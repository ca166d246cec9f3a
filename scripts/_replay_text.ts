/** A replay's summary for a person at the terminal. */

import { OUTPUT_TOPICS } from "../replay/comparison_report.ts";
import type { ComparisonReport } from "../replay/comparison_report.ts";
import type { ReplayReport } from "../replay/replay_report.ts";
import { alignedTable } from "./_table.ts";

const [GOOD, BAD] = ["✓", "✖"];

function count(value: number): string {
  return value.toLocaleString("en");
}

/** The report as lines; `colors` paints the marks. */
export function replayText(
  report: ReplayReport,
  options: { colors: boolean; out?: string | undefined },
): string {
  const { comparison, notes } = report;
  const blocks = [
    summary(report, options.out),
    comparison === null ? "" : comparisonBlock(comparison),
    notes.length === 0 ? "" : ["Notes", ...notes.map((note) => `  ${note}`)].join("\n"),
    comparison === null ? "" : closingLine(comparison),
  ].filter((block) => block !== "");
  const text = blocks.join("\n\n");
  if (!options.colors) return text;
  return text.replaceAll(GOOD, `\x1b[32m${GOOD}\x1b[0m`).replaceAll(BAD, `\x1b[31m${BAD}\x1b[0m`);
}

function summary(report: ReplayReport, out: string | undefined): string {
  const { source, from, to, records, seconds, commits, refused } = report;
  const order = report.order === "as taken"
    ? `in the order in which the consumer took them (${count(commits)} commits)`
    : "by event time";
  const rate = seconds === 0 ? "" : `, ${count(Math.round(records / seconds))} a second`;
  const discounts = Object.entries(report.decisions_by_discount)
    .map(([percent, decisions]) => `${count(decisions)} of ${percent} %`).join(", ");
  const refusals = Object.entries(refused).map(([reason, number]) => `${count(number)} ${reason}`).join(", ");
  const rows = [
    ["policy", report.policy],
    [
      "records",
      `${count(records)} of the ${source}, log ${
        report.log_id.slice(0, 8)
      }, ${order}, in ${seconds} s${rate}`,
    ],
    ...(refusals === "" ? [] : [["refused", refusals]]),
    [
      "event time",
      from === null && to === null ? "all" : `from ${from ?? "the beginning"} to ${to ?? "the end"}`,
    ],
    [
      "decisions",
      `${count(report.decisions)} on ${count(report.flights_with_decisions)} flights${
        discounts === "" ? "" : `: ${discounts}`
      }`,
    ],
    ["metrics", count(report.metrics)],
    ...(out === undefined ? [] : [["written to", out]]),
  ];
  const width = Math.max(...rows.map(([name]) => name!.length));
  return rows.map(([name, text]) => `${name!.padEnd(width)}  ${text}`).join("\n");
}

function comparisonBlock(comparison: ComparisonReport): string {
  const numbers = ["the same", "different", "only recorded", "only replayed", "not comparable"];
  const table = alignedTable(
    ["compared with what was recorded", ...numbers],
    OUTPUT_TOPICS.map((topic) => {
      const { equal, different, only_recorded, only_replayed, not_comparable } = comparison[topic];
      return [topic, ...[equal, different, only_recorded, only_replayed, not_comparable].map(count)];
    }),
    numbers,
  );
  const reasons = Object.entries(comparison.reasons).map(([why, number]) => `  ${count(number)} ×  ${why}`);
  const examples = comparison.differences.map(({ topic, kind, event_id }) =>
    `  ${kind}: ${topic} ${event_id}`
  );
  return [table, ...(reasons.length === 0 ? [] : ["", "Why", ...reasons, "", "Such as", ...examples])].join(
    "\n",
  );
}

function closingLine(comparison: ComparisonReport): string {
  const compared = OUTPUT_TOPICS.reduce((sum, topic) => {
    const { equal, different, only_recorded, only_replayed } = comparison[topic];
    return sum + equal + different + only_recorded + only_replayed;
  }, 0);
  if (compared === 0) return `${BAD} Nothing was recorded that this could be compared with`;
  if (!comparison.agrees) return `${BAD} Not the same as recorded`;
  return `${GOOD} ${count(compared)} decisions and metrics are the same as recorded, byte for byte`;
}
