/** `deno task dead-letters list`. */

import { FILTER_OPTIONS, letterFilter } from "../dead_letters/letter_filter.ts";
import { RefusedRecords } from "../dead_letters/refused_records.ts";
import { noteOf, readReplayNotes } from "../dead_letters/replay_notes.ts";
import type { ReplayNote } from "../dead_letters/replay_notes.ts";
import { storedLetters, storedRecords } from "../dead_letters/stored_letters.ts";
import type { StoredLetter } from "../dead_letters/stored_letters.ts";
import type { EventLog } from "../event_log/event_log.ts";
import { parseCommandLine } from "../process/command_line.ts";
import type { CommandLineSpec } from "../process/command_line.ts";
import { logger } from "../process/logger.ts";
import { ProgressBar } from "../process/progress_bar.ts";
import { shownLine, shownTime } from "./_shown_text.ts";
import { alignedTable } from "./_table.ts";

const COMMAND_LINE = {
  usage: "deno task dead-letters list",
  description: "Lists records that were refused, oldest first, and counts them by reason.",
  options: {
    ...FILTER_OPTIONS,
    max: {
      type: "number",
      integer: true,
      min: 1,
      value: "LETTERS",
      description: "Show at most that many, the newest; at a terminal 50 unless given. All are counted",
    },
    json: { type: "flag", description: "One JSON object a line; so it is also into a pipe or file" },
  },
  notes: [
    "Counts are of distinct records: one that the consumer and the lake writer both refuse has two letters.",
    "The value is not listed: deno task dead-letters show ID",
  ],
} as const satisfies CommandLineSpec;

const TABLE_ROWS_MAX = 50;
const MESSAGE_START = 200;
const SUMMARY_REASONS = ["reason", "records", "letters", "driven again"];

/** What is shown of one letter. */
interface Row {
  stored: Omit<StoredLetter, "letter">;
  line: Record<string, unknown>;
}

/** Lists letters; the rows go to standard output, the counts too at a terminal, else to standard error. */
export async function listDeadLetters(
  args: readonly string[],
  openLog: () => Promise<EventLog>,
  signal: AbortSignal,
): Promise<number> {
  const { values } = parseCommandLine(COMMAND_LINE, args);
  const filter = letterFilter(values, Date.now());
  const asTable = !values.json && Deno.stdout.isTerminal();
  const max = values.max ?? (asTable ? TABLE_ROWS_MAX : Infinity);
  const log = await openLog();
  const notes = await readReplayNotes(log, signal);
  const counted = new RefusedRecords();
  const rows: Row[] = [];
  const bar = new ProgressBar("dead letters", await storedRecords(log), "records");
  let [read, foreign, left] = [0, 0, 0];
  const letters = storedLetters(log, {
    signal,
    onRecords: (records) => bar.update(read += records),
    onForeign: () => foreign++,
  });
  for await (const stored of letters) {
    if (!filter(stored)) continue;
    const note = noteOf(notes, stored.letter);
    if (!counted.take(stored.letter, note !== undefined)) continue;
    const row = rowOf(stored, note);
    if (max === Infinity) {
      if (!logger.info(JSON.stringify(row.line))) return 0;
      continue;
    }
    rows.push(row);
    if (rows.length >= 2 * max) left += rows.splice(0, rows.length - max).length;
  }
  bar.close();
  if (rows.length > max) left += rows.splice(0, rows.length - max).length;
  if (asTable) printTable(rows, left);
  else for (const { line } of rows) if (!logger.info(JSON.stringify(line))) return 0;
  const print = (text: string) => asTable ? void logger.info(text) : note(text);
  print(summary(counted, foreign));
  return 0;
}

function rowOf({ letter, ...stored }: StoredLetter, note: ReplayNote | undefined): Row {
  const { value, value_base64, headers: _headers, message, ...fields } = letter;
  const bytes = letter.truncated?.bytes ??
    (value_base64 === undefined
      ? value === null ? 0 : new TextEncoder().encode(value).length
      : Uint8Array.fromBase64(value_base64).length);
  return {
    stored,
    line: {
      ...fields,
      message,
      value_bytes: bytes,
      value_start: value === null ? null : value.slice(0, MESSAGE_START),
      stored_at: new Date(stored.storedMs).toISOString(),
      driven_again_at: note?.replayed_at ?? null,
    },
  };
}

function printTable(rows: readonly Row[], left: number): void {
  if (rows.length === 0) return;
  const columns = Deno.consoleSize().columns;
  const cells = rows.map(({ stored, line }) => [
    shownTime(stored.storedMs),
    shownLine(String(line.dead_letter_id), 80),
    String(line.reason),
    line.driven_again_at === null
      ? line.replay_of === undefined ? "" : "refused again"
      : shownTime(Date.parse(String(line.driven_again_at))),
    String(line.message),
  ]);
  const headings = ["stored (UTC)", "id", "reason", "driven again", "message"];
  const widths = headings.slice(0, -1).map((heading, at) => {
    const longest = Math.max(...cells.map((row) => row[at]!.length));
    return longest === 0 ? 0 : 2 + Math.max(heading.length, longest);
  });
  const room = Math.max(20, columns - widths.reduce((sum, width) => sum + width, 0));
  for (const row of cells) row[4] = shownLine(row[4]!, room);
  if (cells.every((row) => row[3] === "")) headings[3] = "";
  logger.info(alignedTable(headings, cells));
  if (left > 0) {
    logger.info(`… and ${left.toLocaleString("en")} older ones (--max ${rows.length + left} shows them)`);
  }
  logger.info("");
}

/** The counts by reason, and what to do next. */
function summary(counted: RefusedRecords, foreign: number): string {
  const count = (value: number) => value.toLocaleString("en");
  const lines: string[] = [];
  if (counted.records === 0) lines.push("No dead letters");
  else {
    const rows = counted.counts().map((row) => [
      shownLine(row.reason, 40),
      count(row.records),
      count(row.letters),
      count(row.drivenAgain),
    ]);
    rows.push(["all", count(counted.records), count(counted.letters), count(counted.drivenAgain)]);
    lines.push(alignedTable(SUMMARY_REASONS, rows, SUMMARY_REASONS.slice(1)));
    lines.push("", "What to do about one: deno task dead-letters show ID");
  }
  if (foreign > 0) {
    lines.push(`${count(foreign)} records of the topic are no dead letters of ours and were left out`);
  }
  return lines.join("\n");
}

/** A word to the person, beside the rows. */
function note(text: string): void {
  Deno.stderr.writeSync(new TextEncoder().encode(`${text}\n`));
}
