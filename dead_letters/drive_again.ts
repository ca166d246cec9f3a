/**
 * Drives refused records again into their topics, each exactly once, however often it is asked for, by however many at
 * once, and wherever it is killed.
 *
 * The order:
 *  1. Open the transactor `dead-letter-replay`: fences whoever drove again before.
 *  2. Append a marker to `dead-letter-replays` and read the notes up to it: what was driven again so far.
 *  3. Leave out the records that have a note.
 *  4. Commit records and their notes as one, some at a time.
 *  5. Fenced by another who does the same: begin again at 1 after a pause.
 *
 * @module
 */

import { deadLetterSource } from "../events/dead_letters.ts";
import type { DeadLetter } from "../events/dead_letters.ts";
import { ALL_TOPICS } from "../events/topics.ts";
import { FencedError } from "../event_log/event_log.ts";
import type { EventLog, NewRecord, Transactor } from "../event_log/event_log.ts";
import { noteRecord, readNotesAsOwner, REPLAYS_TOPIC } from "./replay_notes.ts";
import type { ReplayNote, ReplayNotes } from "./replay_notes.ts";
import { replayedRecord, sha256 } from "./replayed_record.ts";
import type { Replacement } from "./replayed_record.ts";
import type { StoredLetter } from "./stored_letters.ts";

const TRANSACTOR_ID = "dead-letter-replay";
const COMMIT_RECORDS_MAX = 100;
const COMMIT_UNITS_MAX = 1024 * 1024;
/** Two that drive again at once fence each other; each goes on where the other was. */
const ATTEMPTS_MAX = 20;
const PAUSE_MS_MAX = 1500;

export interface DriveAgainOptions {
  /** The letters to be driven again; called once for each attempt. Their records must be replayable. */
  letters: () => AsyncIterable<StoredLetter>;
  /** Takes the place of each value. */
  replacement?: Replacement;
  signal: AbortSignal;
  /** Told after each commit, and of records that had been driven again before; once more after each attempt. */
  onDriven?: (letter: DeadLetter, note: ReplayNote, driven: "now" | "before") => void;
  /** Told when another one drives again at the same time. */
  onFenced?: () => void;
}

/** How it went, in records. */
export interface DrivenAgain {
  driven: number;
  /** Had been driven again before. */
  before: number;
}

/**
 * Appends the records of letters again. What is done stays done when it throws.
 *
 * @throws {FencedError} when others drove again at the same time, again and again.
 * @throws {DOMException} `AbortError` when the signal aborts, between two commits.
 */
export async function driveAgain(log: EventLog, options: DriveAgainOptions): Promise<DrivenAgain> {
  const { signal } = options;
  await log.createTopics(ALL_TOPICS.filter(({ name }) => name === REPLAYS_TOPIC));
  const partitions = new Map((await log.listTopics()).map(({ name, partitions }) => [name, partitions]));
  const runId = crypto.randomUUID();
  for (let attempt = 1;; attempt++) {
    // Step 1
    const transactor = await log.transactor(TRANSACTOR_ID);
    try {
      // Step 2
      const notes = await readNotesAsOwner(log, transactor, signal);
      return await new Attempt(transactor, notes, partitions, options, runId).run();
    } catch (error) {
      if (!(error instanceof FencedError) || attempt === ATTEMPTS_MAX) throw error;
      options.onFenced?.();
    } finally {
      await transactor.close();
    }
    // Step 5
    await new Promise((resolve) => setTimeout(resolve, Math.random() * PAUSE_MS_MAX));
    signal.throwIfAborted();
  }
}

class Attempt {
  readonly #transactor: Transactor;
  readonly #notes: ReplayNotes;
  readonly #partitions: ReadonlyMap<string, number>;
  readonly #options: DriveAgainOptions;
  readonly #runId: string;
  #waiting: { letter: DeadLetter; note: ReplayNote; record: NewRecord }[] = [];
  #units = 0;
  #before = 0;
  #driven = 0;

  constructor(
    transactor: Transactor,
    notes: ReplayNotes,
    partitions: ReadonlyMap<string, number>,
    options: DriveAgainOptions,
    runId: string,
  ) {
    this.#transactor = transactor;
    this.#notes = notes;
    this.#partitions = partitions;
    this.#options = options;
    this.#runId = runId;
  }

  async run(): Promise<DrivenAgain> {
    const { letters, signal, onDriven = () => {} } = this.#options;
    const seen = new Set<string>();
    for await (const { letter } of letters()) {
      signal.throwIfAborted();
      const source = deadLetterSource(letter);
      // Two groups, or one that was killed, may have left several letters of one record.
      if (seen.has(source)) continue;
      seen.add(source);
      // Step 3
      const note = this.#notes.get(source);
      if (note !== undefined) {
        // Of this run, where an earlier attempt stored it.
        const now = note.run_id === this.#runId;
        if (now) this.#driven++;
        else this.#before++;
        onDriven(letter, note, now ? "now" : "before");
        continue;
      }
      this.#add(letter);
      if (this.#waiting.length >= COMMIT_RECORDS_MAX || this.#units >= COMMIT_UNITS_MAX) await this.#commit();
    }
    await this.#commit();
    return { driven: this.#driven, before: this.#before };
  }

  #add(letter: DeadLetter): void {
    const { replacement } = this.#options;
    const record = replayedRecord(letter, this.#partitions, replacement);
    const { dead_letter_id, reason, log_id, topic, partition, offset } = letter;
    const note: ReplayNote = {
      event_type: "DeadLetterReplayed",
      dead_letter_id,
      reason,
      log_id,
      topic,
      partition,
      offset,
      replayed_at: new Date().toISOString(),
      run_id: this.#runId,
      to_partition: record.partition,
      ...(replacement === undefined ? {} : {
        replaced: {
          file: replacement.file,
          bytes: new TextEncoder().encode(replacement.value).length,
          sha256: sha256(replacement.value),
          refused_sha256: letter.truncated?.sha256 ??
            (letter.value === null ? null : sha256(letter.value)),
        },
      }),
    };
    this.#waiting.push({ letter, note, record });
    this.#units += record.value?.length ?? 0;
  }

  /** Step 4. */
  async #commit(): Promise<void> {
    const driven = this.#waiting;
    if (driven.length === 0) return;
    this.#waiting = [];
    this.#units = 0;
    await this.#transactor.commit({
      records: driven.flatMap(({ record, note }) => [record, noteRecord(note)]),
    });
    for (const { letter, note } of driven) {
      this.#driven++;
      this.#options.onDriven?.(letter, note, "now");
    }
  }
}
