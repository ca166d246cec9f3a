/**
 * Dead letters that were driven again: each note of one must have exactly one record, and each such record a note.
 *
 * Notes are read before the topics and again after them, so that each record that is seen has its note, and each early
 * note its record.
 *
 * @module
 */

import { readReplayNotes } from "../dead_letters/replay_notes.ts";
import type { ReplayNote, ReplayNotes } from "../dead_letters/replay_notes.ts";
import { deadLetterSource, REPLAY_HEADERS, replayHeaders } from "../events/dead_letters.ts";
import type { DeadLetter } from "../events/dead_letters.ts";
import { parseInstant } from "../events/instant.ts";
import type { EventLog, LogRecord } from "../event_log/event_log.ts";
import { logId8Of } from "../lake/raw_files.ts";
import type { Findings } from "./findings.ts";

const WHERE = "dead letters";

export class ReplayBook {
  readonly #findings: Findings;
  readonly #notes: ReplayNotes;
  /** Places of the records that were refused and driven again: `<log>/<topic>-<partition>-<offset>`. */
  readonly #superseded = new Set<string>();
  /** By the id of the letter: records that were appended for it. */
  readonly #appended = new Map<string, number>();
  /** By topic and partition: the oldest record that is left. */
  readonly #oldest = new Map<string, { offset: number; timestampMs: number }>();

  private constructor(findings: Findings, notes: ReplayNotes) {
    this.#findings = findings;
    this.#notes = notes;
    for (const { log_id, topic, partition, offset } of notes.values()) {
      this.#superseded.add(placeKey(logId8Of(log_id), topic, partition, offset));
    }
  }

  /** Reads the notes that there are before the topics are read; without a log there are none. */
  static async begin(findings: Findings, log: EventLog | undefined): Promise<ReplayBook> {
    return new ReplayBook(findings, log === undefined ? new Map() : await readReplayNotes(log));
  }

  /** Takes each record of the log once. */
  take({ topic, partition, offset, timestampMs, headers }: LogRecord): void {
    if (this.#notes.size > 0) {
      const key = `${topic}/${partition}`;
      const known = this.#oldest.get(key);
      if (known === undefined || offset < known.offset) this.#oldest.set(key, { offset, timestampMs });
    }
    const of = replayHeaders(headers)?.[REPLAY_HEADERS.of];
    if (of !== undefined) this.#appended.set(of, (this.#appended.get(of) ?? 0) + 1);
  }

  /** Whether the record was refused by some group and driven again: the new record stands for it. */
  isSuperseded(log: string, topic: string, partition: number, offset: number): boolean {
    return this.#superseded.size > 0 && this.#superseded.has(placeKey(log, topic, partition, offset));
  }

  /** Whether a letter's record was driven again. */
  wasDrivenAgain(letter: DeadLetter): boolean {
    return this.#notes.size > 0 && this.#notes.has(deadLetterSource(letter));
  }

  /** Judges what was taken. */
  async conclude(log: EventLog, signal: AbortSignal): Promise<void> {
    if (this.#notes.size === 0 && this.#appended.size === 0) return;
    const later = countById(await readReplayNotes(log, signal));
    for (const [id, records] of this.#appended) {
      const notes = later.get(id) ?? 0;
      if (records > notes) {
        this.#findings.add(WHERE, "driven again twice", `${id}: ${records} records for ${notes} notes`);
      }
    }
    for (const [id, notes] of countById(this.#notes, (note) => this.#mustBeThere(note))) {
      const records = this.#appended.get(id) ?? 0;
      if (records < notes) {
        this.#findings.add(
          WHERE,
          "driven again and not there",
          `${id}: ${records} records for ${notes} notes`,
        );
      }
    }
  }

  /** Whether the partition still has records that are as old as the replay. */
  #mustBeThere({ topic, to_partition, replayed_at }: ReplayNote): boolean {
    const oldest = this.#oldest.get(`${topic}/${to_partition}`);
    return oldest !== undefined && (oldest.offset === 0 || oldest.timestampMs < parseInstant(replayed_at));
  }
}

function placeKey(log: string, topic: string, partition: number, offset: number): string {
  return `${log}/${topic}-${partition}-${offset}`;
}

function countById(
  notes: ReplayNotes,
  counts: (note: ReplayNote) => boolean = () => true,
): Map<string, number> {
  const byId = new Map<string, number>();
  for (const note of notes.values()) {
    if (counts(note)) byId.set(note.dead_letter_id, (byId.get(note.dead_letter_id) ?? 0) + 1);
  }
  return byId;
}
