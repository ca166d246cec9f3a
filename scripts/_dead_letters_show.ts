/** `deno task dead-letters show`. */

import { adviceFor } from "../dead_letters/advice.ts";
import { noteOf, readReplayNotes } from "../dead_letters/replay_notes.ts";
import type { ReplayNote } from "../dead_letters/replay_notes.ts";
import { notReplayable } from "../dead_letters/replayed_record.ts";
import { storedLetters, storedRecords } from "../dead_letters/stored_letters.ts";
import type { StoredLetter } from "../dead_letters/stored_letters.ts";
import { deadLetterSource } from "../events/dead_letters.ts";
import type { DeadLetter } from "../events/dead_letters.ts";
import type { EventLog } from "../event_log/event_log.ts";
import { parseCommandLine } from "../process/command_line.ts";
import type { CommandLineSpec } from "../process/command_line.ts";
import { logger } from "../process/logger.ts";
import { ProgressBar } from "../process/progress_bar.ts";
import { OperatorError } from "../process/run_process.ts";
import { shownLine, shownText } from "./_shown_text.ts";

const COMMAND_LINE = {
  usage: "deno task dead-letters show",
  description: "Shows a record that was refused as it came, why, and what to do about it.",
  positionals: { usage: "ID", min: 1, max: 1 },
  options: {
    value: { type: "flag", description: "Only the value, byte for byte: to be mended in a file" },
    json: { type: "flag", description: "Print the letter as JSON, with when it was driven again" },
  },
  notes: ["Ids: deno task dead-letters list"],
} as const satisfies CommandLineSpec;

/** What is known of one id. */
interface Found {
  stored: StoredLetter;
  /** Letters of the same record by other groups. */
  others: DeadLetter[];
  /** Letters of the record's replay: refused again. */
  refusedAgain: DeadLetter[];
}

/** Shows one letter. */
export async function showDeadLetter(
  args: readonly string[],
  openLog: () => Promise<EventLog>,
  signal: AbortSignal,
): Promise<number> {
  const { values, positionals } = parseCommandLine(COMMAND_LINE, args);
  const log = await openLog();
  const { stored, others, refusedAgain } = await find(log, positionals[0]!, signal);
  const { letter } = stored;
  if (values.value) {
    writeValue(letter);
    return 0;
  }
  const note = noteOf(await readReplayNotes(log, signal), letter);
  if (values.json) {
    const { partition, offset, storedMs } = stored;
    const stored_at = { time: new Date(storedMs).toISOString(), partition, offset };
    logger.info(JSON.stringify(
      {
        ...letter,
        stored: stored_at,
        driven_again: note ?? null,
        refused_again_as: refusedAgain.map(({ dead_letter_id }) => dead_letter_id),
      },
      null,
      2,
    ));
    return 0;
  }
  const partitions = new Map((await log.listTopics()).map(({ name, partitions }) => [name, partitions]));
  const cannot = notReplayable(letter, partitions);
  logger.info(description(stored, { others, refusedAgain, note, cannot }));
  return 0;
}

/** The newest letter of the id, for an older log may have left one of the same name. */
async function find(log: EventLog, id: string, signal: AbortSignal): Promise<Found> {
  const bar = new ProgressBar("dead letters", await storedRecords(log), "records");
  let read = 0;
  let found: StoredLetter | undefined;
  const bySource = new Map<string, DeadLetter[]>();
  const wanted = placeOf(id);
  const refusedAgain: DeadLetter[] = [];
  for await (const stored of storedLetters(log, { signal, onRecords: (n) => bar.update(read += n) })) {
    const { letter } = stored;
    if (letter.dead_letter_id === id) found = stored;
    else if (letter.replay_of === id) refusedAgain.push(letter);
    else if (letter.dead_letter_id.endsWith(wanted)) {
      const source = deadLetterSource(letter);
      bySource.set(source, [...bySource.get(source) ?? [], letter]);
    }
  }
  bar.close();
  if (found === undefined) {
    throw new OperatorError(
      `There is no dead letter "${shownLine(id, 200)}". List them: deno task dead-letters list`,
    );
  }
  return { stored: found, others: bySource.get(deadLetterSource(found.letter)) ?? [], refusedAgain };
}

/** The end of an id that other groups' letters of the same record share: partition and offset. */
function placeOf(id: string): string {
  return /-\d+-\d+$/.exec(id)?.[0] ?? id;
}

function writeValue({ value, value_base64 }: DeadLetter): void {
  const bytes = value_base64 === undefined
    ? new TextEncoder().encode(value ?? "")
    : Uint8Array.fromBase64(value_base64);
  try {
    for (let at = 0; at < bytes.length;) at += Deno.stdout.writeSync(bytes.subarray(at));
  } catch (error) {
    // A reader that closed its end of the pipe (`| head`) is no fault of ours.
    if (!(error instanceof Deno.errors.BrokenPipe)) throw error;
  }
}

/** All that is known, as lines for a person. */
function description(
  { letter, storedMs }: StoredLetter,
  known: {
    others: DeadLetter[];
    refusedAgain: DeadLetter[];
    note: ReplayNote | undefined;
    cannot: string | undefined;
  },
): string {
  const { note, cannot, refusedAgain, others } = known;
  const { meaning, remedy } = adviceFor(letter.reason);
  const terminal = Deno.stdout.isTerminal();
  const plain = (text: string) => terminal ? shownText(text) : text;
  const fields: [string, string][] = [
    ["id", shownLine(letter.dead_letter_id, 2000)],
    ["refused by", shownLine(letter.group, 500)],
    ["reason", `${shownLine(letter.reason, 100)}: ${meaning}`],
    ["message", shownLine(letter.message, 2000)],
    ["what to do", remedy],
    [
      "place",
      `topic ${letter.topic}, partition ${letter.partition}, offset ${letter.offset}, log ${letter.log_id}`,
    ],
    ["appended", letter.event_time],
    ["stored", new Date(storedMs).toISOString()],
    ["key", letter.key === null ? "none" : shownLine(letter.key, 500)],
    ...Object.entries(letter.headers ?? {}).map(([name, value]): [string, string] => [
      "header",
      shownLine(`${name}: ${value}`, 500),
    ]),
    ...others.map(({ group, reason }): [string, string] => ["also refused by", `${group} (${reason})`]),
    ...(letter.replay_of === undefined ? [] : [
      ["was driven again", `from ${shownLine(letter.replay_of, 500)}, and refused again`] as [
        string,
        string,
      ],
    ]),
    ["driven again", drivenAgain(note, refusedAgain, cannot)],
  ];
  const width = Math.max(...fields.map(([name]) => name.length));
  const lines = fields.map(([name, text]) => `${name.padEnd(width)}  ${text}`);
  return `${lines.join("\n")}\n\n${valueLines(letter, plain)}`;
}

function drivenAgain(
  note: ReplayNote | undefined,
  refusedAgain: DeadLetter[],
  cannot: string | undefined,
): string {
  if (note === undefined) return cannot === undefined ? "no" : `no, and cannot be: ${cannot}`;
  const where = `at ${note.replayed_at} into ${note.topic}, partition ${note.to_partition}`;
  const value = note.replaced === undefined
    ? ""
    : `, with the value of ${shownLine(note.replaced.file, 500)}`;
  const again = refusedAgain.map(({ dead_letter_id }) => shownLine(dead_letter_id, 500));
  return `${where}${value}${again.length === 0 ? "" : `; refused again as ${again.join(", ")}`}`;
}

function valueLines({ value, value_base64, truncated }: DeadLetter, plain: (text: string) => string): string {
  const cut = truncated === undefined
    ? ""
    : `, the first 64 KiB of ${
      truncated.bytes.toLocaleString("en")
    } bytes, SHA-256 of the whole ${truncated.sha256}`;
  if (value_base64 !== undefined) return `Value, bytes as base64${cut}:\n${value_base64}`;
  if (value === null) return "It has no value";
  return `Value${cut}:\n${plain(value)}`;
}
