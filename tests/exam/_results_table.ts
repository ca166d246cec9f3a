/** The exam's results as a table: aligned for a terminal, or Markdown. */

import { faultsOf, type StoredExperiment } from "./_results.ts";
import { median } from "../../bench/_report.ts";

const COLUMNS = [
  "#",
  "experiment",
  "engine",
  "rounds",
  "faults",
  "checked",
  "lost",
  "doubled",
  "violations",
  "recovery median",
  "recovery max",
  "controls noticed",
  "figures",
] as const;

/** Columns that are read as words, from the left. */
const WORDS = new Set(["experiment", "engine", "figures"]);

/** The summary of all experiments that ran. */
export function resultsTable(entries: readonly StoredExperiment[], form: "plain" | "markdown"): string {
  const rows = entries.filter(({ notRun }) => notRun === undefined).map(rowOf);
  return form === "markdown" ? markdown(rows) : plain(rows);
}

function rowOf(entry: StoredExperiment): string[] {
  const sum = (value: (round: StoredExperiment["rounds"][number]) => number) =>
    entry.rounds.reduce((total, round) => total + value(round), 0);
  const recoveryMs = entry.rounds.flatMap((round) => round.recoveryMs);
  const seconds = (ms: number) => `${(ms / 1000).toFixed(1)} s`;
  const faults = faultsOf(entry);
  return [
    String(entry.number),
    entry.name,
    entry.engine,
    String(entry.rounds.length),
    faults < entry.faultsAsked ? `${faults} of ${entry.faultsAsked}` : String(faults),
    sum(({ checked }) => checked).toLocaleString("en"),
    String(sum(({ lost }) => lost)),
    String(sum(({ doubled }) => doubled)),
    String(sum(({ violations }) => violations.length)),
    recoveryMs.length === 0 ? "–" : seconds(median(recoveryMs)),
    recoveryMs.length === 0 ? "–" : seconds(Math.max(...recoveryMs)),
    entry.controls.length === 0
      ? "–"
      : `${entry.controls.filter(({ noticed }) => noticed).length} of ${entry.controls.length}`,
    figuresOf(entry),
  ];
}

/** A figure with one of these in its name is a size or a time: the largest counts, while numbers of things add up. */
const SIZES = /[KMG]iB|Bytes|Ms|Seconds|Max|peak|Share/;

/** Each figure, over the rounds. */
function figuresOf({ rounds }: StoredExperiment): string {
  const all = new Map<string, number>();
  for (const { figures } of rounds) {
    for (const [name, value] of Object.entries(figures ?? {})) {
      const before = all.get(name);
      const together = before === undefined
        ? value
        : SIZES.test(name)
        ? Math.max(before, value)
        : before + value;
      all.set(name, together);
    }
  }
  return [...all].map(([name, value]) => `${name} ${Number(value.toFixed(1)).toLocaleString("en")}`).join(
    ", ",
  );
}

function markdown(rows: string[][]): string {
  const line = (cells: readonly string[]) => `| ${cells.join(" | ")} |`;
  const rule = `|${COLUMNS.map((name) => WORDS.has(name) ? "---" : "--:").join("|")}|`;
  return [line(COLUMNS), rule, ...rows.map(line)].join("\n");
}

function plain(rows: string[][]): string {
  const widths = COLUMNS.map((name, at) => Math.max(name.length, ...rows.map((row) => row[at]!.length)));
  const line = (cells: readonly string[]) =>
    cells.map((cell, at) => WORDS.has(COLUMNS[at]!) ? cell.padEnd(widths[at]!) : cell.padStart(widths[at]!))
      .join("  ").trimEnd();
  return [line(COLUMNS), ...rows.map(line)].join("\n");
}
