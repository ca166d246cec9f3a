/** What driving dead letters again would do: read before anything is done, and told. */

import { noteOf, readReplayNotes } from "../dead_letters/replay_notes.ts";
import { notReplayable, refusedAgain } from "../dead_letters/replayed_record.ts";
import type { Replacement } from "../dead_letters/replayed_record.ts";
import { RefusedRecords } from "../dead_letters/refused_records.ts";
import { storedLetters, storedRecords } from "../dead_letters/stored_letters.ts";
import type { StoredLetter } from "../dead_letters/stored_letters.ts";
import type { DeadLetter } from "../events/dead_letters.ts";
import { GROUPS } from "../events/topics.ts";
import type { EventLog } from "../event_log/event_log.ts";
import { ProgressBar } from "../process/progress_bar.ts";
import { OffsetSet } from "../verification/offset_sets.ts";
import { shownLine } from "./_shown_text.ts";

export interface PlanOptions {
  /** Which letters are meant. */
  isMeant: (stored: StoredLetter) => boolean;
  /** They were named: also those that were refused again before. */
  byId: boolean;
  refusedAgain: boolean;
  eventLeadMsMax: number;
  replacement?: Replacement;
  signal: AbortSignal;
}

const EXAMPLES_MAX = 5;

/** Records, counted once whoever refused them. */
export class ReplayPlan {
  /** Places of the letters in `dead_letters`, by partition. */
  readonly chosen = new Map<number, OffsetSet>();
  readonly idsFound = new Set<string>();
  /** Records by topic. */
  readonly topics = new Map<string, number>();
  /** Letters whose record cannot be driven again, and why; some of them. */
  readonly cannot: string[] = [];
  records = 0;
  cannotRecords = 0;
  before = 0;
  beforeExample: string | undefined;
  leftOut = 0;
  /** Of the records: those that would be refused again as they are. */
  certain = new Map<string, number>();
  /** The lake holds the one record as it came: another value would stand beside it. */
  alsoInLake = false;

  get recordsText(): string {
    return this.records === 1 ? "1 record" : `${this.records.toLocaleString("en")} records`;
  }

  /** What would be done, for a person. */
  lines(): string[] {
    const count = (value: number) => value.toLocaleString("en");
    const into = Array.from(this.topics, ([topic, records]) => `${count(records)} into ${topic}`).join(", ");
    const certain = Array.from(this.certain, ([reason, records]) => `${count(records)} ${reason}`).join(", ");
    return [
      this.records === 0 ? "Nothing to drive again" : `To drive again: ${this.recordsText} (${into})`,
      ...(certain === "" ? [] : [`  of these would be refused again as they are: ${certain}`]),
      ...(this.alsoInLake
        ? [
          "  Lake and warehouse hold this record as it was: only the consumer refused it. Of two bookings with one booking_id the first counts there, so give a changed one an id of its own",
        ]
        : []),
      ...(this.before === 0
        ? []
        : [`Driven again before, and left out: ${count(this.before)}, such as ${this.beforeExample}`]),
      ...(this.leftOut === 0 ? [] : [
        `Refused again after they were driven again, and left out: ${
          count(this.leftOut)
        } (--refused-again takes them, or name them)`,
      ]),
      ...(this.cannotRecords === 0 ? [] : [
        `Cannot be driven again: ${count(this.cannotRecords)}`,
        ...this.cannot.map((line) => `  ${line}`),
      ]),
    ];
  }
}

/** Reads all letters and sorts out what is to be done. */
export async function planReplay(log: EventLog, options: PlanOptions): Promise<ReplayPlan> {
  const { signal, replacement } = options;
  const plan = new ReplayPlan();
  const partitions = new Map((await log.listTopics()).map(({ name, partitions }) => [name, partitions]));
  const notes = await readReplayNotes(log, signal);
  const known = new RefusedRecords();
  const meant = new RefusedRecords();
  const bar = new ProgressBar("dead letters", await storedRecords(log), "records");
  let read = 0;
  let replaced: DeadLetter | undefined;
  for await (const stored of storedLetters(log, { signal, onRecords: (n) => bar.update(read += n) })) {
    const { letter } = stored;
    known.take(letter, false);
    if (!options.isMeant(stored)) continue;
    plan.idsFound.add(letter.dead_letter_id);
    const recordsBefore = meant.records;
    meant.take(letter, false);
    if (meant.records === recordsBefore) continue;
    const note = noteOf(notes, letter);
    if (note !== undefined) {
      plan.before++;
      plan.beforeExample = `${shownLine(letter.dead_letter_id, 200)} at ${note.replayed_at}`;
      continue;
    }
    if (letter.replay_of !== undefined && !options.byId && !options.refusedAgain) {
      plan.leftOut++;
      continue;
    }
    const why = notReplayable(letter, partitions, replacement);
    if (why !== undefined) {
      plan.cannotRecords++;
      if (plan.cannot.length < EXAMPLES_MAX) {
        plan.cannot.push(`${shownLine(letter.dead_letter_id, 200)}: ${why}`);
      }
      continue;
    }
    choose(plan, stored, options);
    if (replacement !== undefined) replaced = letter;
  }
  bar.close();
  plan.alsoInLake = replaced !== undefined && replaced.topic === "bookings" &&
    !known.has(GROUPS.lake, replaced);
  return plan;
}

function choose(plan: ReplayPlan, { letter, partition, offset }: StoredLetter, options: PlanOptions): void {
  let offsets = plan.chosen.get(partition);
  if (offsets === undefined) plan.chosen.set(partition, offsets = new OffsetSet());
  offsets.add(offset);
  plan.records++;
  plan.topics.set(letter.topic, (plan.topics.get(letter.topic) ?? 0) + 1);
  if (options.replacement !== undefined) return;
  const { eventLeadMsMax } = options;
  const reason = refusedAgain(letter.topic, letter.value, { nowMs: Date.now(), eventLeadMsMax })?.reason;
  if (reason !== undefined) plan.certain.set(reason, (plan.certain.get(reason) ?? 0) + 1);
}
