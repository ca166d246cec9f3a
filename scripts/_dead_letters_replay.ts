/** `deno task dead-letters replay`. */

import { driveAgain } from "../dead_letters/drive_again.ts";
import { FILTER_OPTIONS, isFiltering, letterFilter } from "../dead_letters/letter_filter.ts";
import type { Replacement } from "../dead_letters/replayed_record.ts";
import { refusedAgain } from "../dead_letters/replayed_record.ts";
import { storedLetters } from "../dead_letters/stored_letters.ts";
import type { StoredLetter } from "../dead_letters/stored_letters.ts";
import { FencedError } from "../event_log/event_log.ts";
import type { EventLog } from "../event_log/event_log.ts";
import { parseCommandLine, UsageError } from "../process/command_line.ts";
import type { CommandLineSpec } from "../process/command_line.ts";
import { logger } from "../process/logger.ts";
import { ProgressBar } from "../process/progress_bar.ts";
import { OperatorError } from "../process/run_process.ts";
import { maxEventLeadMs } from "../process/settings.ts";
import { OffsetSet } from "../verification/offset_sets.ts";
import { planReplay } from "./_dead_letters_plan.ts";
import type { ReplayPlan } from "./_dead_letters_plan.ts";
import { shownLine } from "./_shown_text.ts";

const COMMAND_LINE = {
  usage: "deno task dead-letters replay",
  description:
    "Appends refused records again to their topics, each exactly once, however often and by however many it is called.",
  positionals: { usage: "[ID …]", min: 0, max: 1000 },
  options: {
    ...FILTER_OPTIONS,
    all: { type: "flag", description: "All that there are" },
    "refused-again": {
      type: "flag",
      description:
        "Also records that were driven again before and refused again; without it only by their ids",
    },
    "value-file": {
      type: "text",
      value: "FILE",
      description:
        "With one ID: appends the file's content in place of the refused value, and keeps a note of it",
    },
    "dry-run": { type: "flag", description: "Only say what would be done" },
    yes: { type: "flag", short: "y", description: "Do not ask" },
  },
  notes: [
    "A record that is refused again becomes a new dead letter, which names the old one (replay_of).",
    "Exit code 1: a record that was named cannot be driven again.",
    "Example: deno task dead-letters replay --reason unknown_flight --since 7d --dry-run",
  ],
} as const satisfies CommandLineSpec;

/** So many records are told one by one. */
const LINES_MAX = 20;
const VALUE_BYTES_MAX = 1024 * 1024 - 4096;

/** Drives records again. */
export async function replayDeadLetters(
  args: readonly string[],
  openLog: () => Promise<EventLog>,
  signal: AbortSignal,
): Promise<number> {
  const { values, positionals } = parseCommandLine(COMMAND_LINE, args);
  const ids = new Set(positionals);
  const filtering = isFiltering(values) || values.all;
  if (ids.size > 0 === filtering) {
    throw new UsageError(
      "Give ids, or --all, or filters such as --reason (deno task dead-letters replay --help)",
    );
  }
  const file = values["value-file"];
  if (file !== undefined && ids.size !== 1) throw new UsageError("--value-file goes with one id");
  const ask = !values.yes && !values["dry-run"];
  if (ask && !Deno.stdin.isTerminal()) {
    throw new UsageError(
      "Without a terminal nobody can be asked: give --yes, or --dry-run to see what would be done",
    );
  }
  const filter = letterFilter(values, Date.now());
  const replacement = file === undefined ? undefined : await readReplacement(file);
  const log = await openLog();
  const plan = await planReplay(log, {
    isMeant: (stored) => ids.size > 0 ? ids.has(stored.letter.dead_letter_id) : filter(stored),
    byId: ids.size > 0,
    refusedAgain: values["refused-again"],
    eventLeadMsMax: maxEventLeadMs(),
    signal,
    ...(replacement === undefined ? {} : { replacement }),
  });
  for (const id of ids) {
    if (plan.idsFound.has(id)) continue;
    throw new OperatorError(
      `There is no dead letter "${shownLine(id, 200)}". List them: deno task dead-letters list`,
    );
  }
  if (replacement !== undefined) checkReplacement(plan, replacement);
  for (const line of plan.lines()) logger.info(line);
  const failed = ids.size > 0 && plan.cannot.length > 0 ? 1 : 0;
  if (plan.records === 0 || values["dry-run"]) return failed;
  if (ask && !await confirmed(`Drive ${plan.recordsText} again? [y/N] `, signal)) {
    logger.info("Nothing was driven again");
    return signal.aborted ? 1 : failed;
  }
  await drive(log, plan, replacement, signal);
  return failed;
}

async function drive(
  log: EventLog,
  plan: ReplayPlan,
  replacement: Replacement | undefined,
  signal: AbortSignal,
): Promise<void> {
  const bar = new ProgressBar("driven again", plan.records, "records");
  let done = 0;
  const stopped = () =>
    `${
      done.toLocaleString("en")
    } of ${plan.recordsText} were driven again. What is left is driven again by the same command; nothing is driven twice`;
  try {
    const result = await driveAgain(log, {
      letters: () => chosen(log, plan.chosen, signal),
      signal,
      ...(replacement === undefined ? {} : { replacement }),
      onDriven(letter, note, driven) {
        bar.update(++done);
        if (plan.records > LINES_MAX) return;
        const id = shownLine(letter.dead_letter_id, 200);
        logger.info(
          driven === "now"
            ? `${id} into ${note.topic}, partition ${note.to_partition}`
            : `${id} was driven again before, at ${note.replayed_at}`,
        );
      },
      onFenced() {
        bar.close();
        done = 0;
        logger.warn("Somebody else drives dead letters again at the same time; going on with what is left");
      },
    });
    bar.close();
    const before = result.before === 0 ? "" : `, ${result.before.toLocaleString("en")} had been before`;
    logger.info(
      `${
        result.driven.toLocaleString("en")
      } driven again${before}. Whether any is refused again: deno task dead-letters list`,
    );
  } catch (error) {
    bar.close();
    if (signal.aborted) throw new OperatorError(`Stopped: ${stopped()}`, { cause: error });
    if (!(error instanceof FencedError)) {
      logger.error(stopped());
      throw error;
    }
    throw new OperatorError(`Others drive dead letters again all the time: ${stopped()}`, { cause: error });
  }
}

/** The chosen letters, read anew: their values need not be kept meanwhile. */
async function* chosen(
  log: EventLog,
  places: ReadonlyMap<number, OffsetSet>,
  signal: AbortSignal,
): AsyncGenerator<StoredLetter> {
  let left = 0;
  for (const offsets of places.values()) left += offsets.size;
  for await (const stored of storedLetters(log, { signal })) {
    if (places.get(stored.partition)?.has(stored.offset) !== true) continue;
    yield stored;
    if (--left === 0) return;
  }
}

async function readReplacement(file: string): Promise<Replacement> {
  let bytes: Uint8Array;
  try {
    bytes = await Deno.readFile(file);
  } catch (error) {
    throw new UsageError(`Cannot read --value-file "${file}": ${(error as Error).message}`);
  }
  if (bytes.length > VALUE_BYTES_MAX) {
    throw new UsageError(
      `--value-file "${file}" has ${bytes.length.toLocaleString("en")} bytes, a record takes ${
        VALUE_BYTES_MAX.toLocaleString("en")
      }`,
    );
  }
  try {
    // Editors end a file with a line break.
    return { file, value: new TextDecoder("utf-8", { fatal: true }).decode(bytes).replace(/\r?\n$/, "") };
  } catch {
    throw new UsageError(`--value-file "${file}" is no UTF-8 text`);
  }
}

function checkReplacement({ topics, records }: ReplayPlan, { file, value }: Replacement): void {
  if (records > 1) {
    throw new UsageError(
      "--value-file goes with one record, and there are letters of this id of several logs",
    );
  }
  for (const topic of topics.keys()) {
    const refusal = refusedAgain(topic, value, { nowMs: Date.now(), eventLeadMsMax: maxEventLeadMs() });
    if (refusal === undefined) continue;
    throw new OperatorError(
      `The value in "${file}" would be refused too (${refusal.reason}): ${refusal.message}`,
    );
  }
}

/** Asks; anything but yes is no. Ctrl+C is no, too. */
async function confirmed(question: string, signal: AbortSignal): Promise<boolean> {
  Deno.stderr.writeSync(new TextEncoder().encode(question));
  const buffer = new Uint8Array(256);
  const stopped = new Promise<null>((resolve) =>
    signal.addEventListener("abort", () => resolve(null), { once: true })
  );
  const read = await Promise.race([Deno.stdin.read(buffer), stopped]);
  if (read === null) return false;
  return /^\s*(y|yes)\s*$/i.test(new TextDecoder().decode(buffer.subarray(0, read)));
}
