/** A verification for a person at the terminal. */

import { alignedTable } from "../scripts/_table.ts";
import { PART_NAMES } from "./report.ts";
import type { SinkReport, VerificationReport } from "./report.ts";

const [GOOD, BAD] = ["✓", "✖"];
const EXAMPLE_LENGTH = 160;

function count(value: number | null): string {
  return value === null ? "-" : value.toLocaleString("en");
}

/** Numbers of which most are zero: shown only where there is something to say. */
function unlessZero(value: number | null): string {
  return value === 0 || value === null ? "" : count(value);
}

function mark(agrees: boolean): string {
  return agrees ? GOOD : BAD;
}

/** The report as lines; `colors` paints the marks. */
export function reportText(report: VerificationReport, options: { colors: boolean }): string {
  const blocks = [
    partsBlock(report),
    topicsBlock(report),
    tablesBlock(report),
    revenueBlock(report),
    engineBlock(report),
    deadLettersBlock(report),
    differencesBlock(report),
    report.notes.length === 0 ? "" : ["Notes", ...report.notes.map((note) => `  ${note}`)].join("\n"),
    closingLine(report),
  ].filter((block) => block !== "");
  const text = blocks.join("\n\n");
  if (!options.colors) return text;
  return text.replaceAll(GOOD, `\x1b[32m${GOOD}\x1b[0m`).replaceAll(BAD, `\x1b[31m${BAD}\x1b[0m`);
}

function partsBlock({ parts }: VerificationReport): string {
  const shown = { read: GOOD, skipped: "-", absent: BAD };
  return alignedTable(
    ["part", "", "where"],
    PART_NAMES.map((name) => [name, shown[parts[name].state], parts[name].detail]),
  );
}

function topicsBlock({ topics }: VerificationReport): string {
  const numbers = ["in the log", "in the lake", "files", "ids", "refused", "aged out", "not yet", "foreign"];
  const rows = topics.map((topic) => [
    topic.topic,
    count(topic.log_records),
    count(topic.lake_lines),
    count(topic.lake_files),
    count(topic.distinct_ids),
    unlessZero(topic.dead_letters),
    unlessZero(topic.aged_out),
    unlessZero(topic.not_yet_written),
    unlessZero(topic.foreign_lines),
    mark(topic.agrees),
  ]);
  return withoutEmpty(["topic", ...numbers, ""], rows, numbers);
}

function tablesBlock({ tables, parts }: VerificationReport): string {
  if (parts.gold.state !== "read" && parts.warehouse.state !== "read") return "";
  const numbers = ["lake→gold", "gold", "not yet", "lake→warehouse", "warehouse", "not yet there"];
  const cells = (sink: SinkReport | null) =>
    sink === null
      ? ["-", "-", "", ""]
      : [count(sink.expected_rows), count(sink.rows), unlessZero(sink.not_yet_written), mark(sink.agrees)];
  const rows = tables.map(({ table, gold, warehouse }) => [table, ...cells(gold), ...cells(warehouse)]);
  const headings = ["table", ...numbers.slice(0, 3), "", ...numbers.slice(3), ""];
  return withoutEmpty(headings, rows, numbers);
}

/** As {@link alignedTable}, without columns that have a heading and nothing else. */
function withoutEmpty(headings: string[], rows: string[][], right: string[]): string {
  const used = headings.map((_, at) => at === 0 || rows.some((row) => row[at] !== "" && row[at] !== "-"));
  const kept = (cells: string[]) => cells.filter((_, at) => used[at]);
  return alignedTable(kept(headings), rows.map(kept), right);
}

function revenueBlock({ revenue }: VerificationReport): string {
  if (revenue.length === 0) return "";
  const numbers = ["passengers' prices", "bookings' prices", "by the lake"];
  return alignedTable(
    ["revenue", "", ...numbers, " "],
    revenue.map((row) => [
      row.sink,
      row.currency,
      row.passenger_prices,
      row.booking_prices,
      row.expected,
      mark(row.agrees),
    ]),
    numbers,
  );
}

function engineBlock({ engine, seats, differences }: VerificationReport): string {
  const bad = new Set(differences.map(({ where }) => where));
  const { bookings } = engine;
  const lines = [
    [
      "seats",
      `${count(seats.sold)} sold on ${count(seats.flights)} flights`,
      mark(!bad.has("seats")),
    ],
    [
      "promotions",
      `${count(engine.promotions)} on ${
        count(engine.flights_with_promotions)
      } flights, at most ${engine.max_promotions_per_flight} each`,
      mark(!bad.has("promotions")),
    ],
    [
      "engine",
      [
        `${count(engine.outputs)} outputs`,
        ...(engine.outputs_of_other_programs === 0
          ? []
          : [`${count(engine.outputs_of_other_programs)} of other programs`]),
        ...(bookings === null ? [] : [
          `${count(bookings.evaluated)} bookings and cancellations evaluated`,
          ...Object.entries({
            duplicates: bookings.duplicates,
            "dead letters": bookings.dead_letters,
            "waiting for their flight": bookings.waiting,
            "not yet processed": bookings.not_yet_processed,
            "without a trace": bookings.missing,
          }).flatMap(([what, number]) => number === 0 ? [] : [`${what} ${count(number)}`]),
        ]),
      ].join(", "),
      mark(!bad.has("engine")),
    ],
  ];
  return alignedTable(["events", "what", ""], lines);
}

function deadLettersBlock({ dead_letters }: VerificationReport): string {
  if (dead_letters.length === 0) return "";
  const numbers = ["letters", "records", "driven again"];
  return withoutEmpty(
    ["dead letters of", "reason", ...numbers],
    dead_letters.map((
      { group, reason, letters, sources, driven_again },
    ) => [group, reason, count(letters), count(sources), unlessZero(driven_again)]),
    numbers,
  );
}

function differencesBlock({ differences }: VerificationReport): string {
  const lines = differences.flatMap(({ where, kind, count: number, examples }) => [
    `${BAD} ${where}: ${kind === "absent" ? "absent" : `${count(number)} × ${kind}`}`,
    ...examples.map((example) => `    ${shortened(example)}`),
    ...(number > examples.length && examples.length > 0
      ? [`    … and ${count(number - examples.length)} more`]
      : []),
  ]);
  return lines.join("\n");
}

function shortened(text: string): string {
  return text.length > EXAMPLE_LENGTH ? `${text.slice(0, EXAMPLE_LENGTH - 1)}…` : text;
}

function closingLine({ agrees, differences, topics, seconds }: VerificationReport): string {
  const lines = topics.reduce((sum, { lake_lines, foreign_lines }) => sum + lake_lines + foreign_lines, 0);
  const looked = `${count(lines)} lines of the lake looked at in ${seconds.toFixed(1)} s`;
  if (agrees) return `${GOOD} All agree: ${looked}`;
  const kinds = differences.length === 1
    ? "1 kind of difference"
    : `${differences.length} kinds of difference`;
  return `${BAD} ${kinds}: ${looked}. The RUNBOOK says what each means and how to mend it`;
}
