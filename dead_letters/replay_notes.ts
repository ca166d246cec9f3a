/**
 * Topic `dead-letter-replays`: which records were driven again. A note is stored in the transaction that appends the
 * record again, under the refused record's place, so that it says exactly what was done.
 *
 * @module
 */

import { deadLetterSource } from "../events/dead_letters.ts";
import type { DeadLetter } from "../events/dead_letters.ts";
import type { EventLog, NewRecord, Transactor } from "../event_log/event_log.ts";
import { PartitionScan } from "../event_log/partition_scan.ts";

export const REPLAYS_TOPIC = "dead-letter-replays";
const MARKER_KEY = "marker";
const MARKER_WAIT_MS = 30_000;

/** One record that was driven again. */
export interface ReplayNote {
  event_type: "DeadLetterReplayed";
  /** The letter that was chosen; another group may have a letter of the same record. */
  dead_letter_id: string;
  reason: string;
  /** Where the refused record stood. */
  log_id: string;
  topic: string;
  partition: number;
  offset: number;
  replayed_at: string;
  /** The run that did it. */
  run_id: string;
  /** The partition of `topic` that the record was appended to. */
  to_partition: number;
  /** Set where another value took the place of the refused one. */
  replaced?: { file: string; bytes: number; sha256: string; refused_sha256: string | null };
}

/** Notes by {@link deadLetterSource}. */
export type ReplayNotes = Map<string, ReplayNote>;

/** The note as a record. */
export function noteRecord(note: ReplayNote): NewRecord {
  return { topic: REPLAYS_TOPIC, partition: 0, key: deadLetterSource(note), value: JSON.stringify(note) };
}

/** The note of a letter's record, whichever group refused it. */
export function noteOf(notes: ReplayNotes, letter: DeadLetter): ReplayNote | undefined {
  return notes.get(deadLetterSource(letter));
}

/** The notes as they are; none where nothing was ever driven again. */
export async function readReplayNotes(log: EventLog, signal?: AbortSignal): Promise<ReplayNotes> {
  const notes: ReplayNotes = new Map();
  if (!(await log.listTopics()).some(({ name }) => name === REPLAYS_TOPIC)) return notes;
  for (const range of await log.ranges([REPLAYS_TOPIC])) {
    const scan = await PartitionScan.open(log, range, signal === undefined ? {} : { signal });
    try {
      while (await scan.fill()) take(notes, scan.next()!);
    } finally {
      await scan.close();
    }
  }
  return notes;
}

/**
 * All notes there are, for the owner of `transactor`: a marker of its own says where they end, and nobody who was
 * fenced can add one behind it.
 */
export async function readNotesAsOwner(
  log: EventLog,
  transactor: Transactor,
  signal: AbortSignal,
): Promise<ReplayNotes> {
  const marker = crypto.randomUUID();
  await transactor.commit({
    records: [{ topic: REPLAYS_TOPIC, partition: 0, key: MARKER_KEY, value: marker }],
  });
  const notes: ReplayNotes = new Map();
  const [range] = await log.ranges([REPLAYS_TOPIC]);
  const reader = await log.reader({
    positions: [{ topic: REPLAYS_TOPIC, partition: 0, offset: range!.start }],
  });
  try {
    let heardMs = performance.now();
    for (;;) {
      signal.throwIfAborted();
      const batches = await reader.poll({ maxWaitMs: 200, signal });
      if (batches.length > 0) heardMs = performance.now();
      else if (performance.now() - heardMs > MARKER_WAIT_MS) {
        throw new Error(
          `Cannot read "${REPLAYS_TOPIC}": no record for ${
            MARKER_WAIT_MS / 1000
          } s, and the marker that ends it was not seen`,
        );
      }
      for (const record of batches.flatMap(({ records }) => records)) {
        if (record.key === MARKER_KEY && record.value === marker) return notes;
        take(notes, record);
      }
    }
  } finally {
    await reader.close();
  }
}

function take(notes: ReplayNotes, { key, value }: { key: string | null; value: string | null }): void {
  if (key === null || key === MARKER_KEY) return;
  if (value === null) {
    notes.delete(key);
    return;
  }
  notes.set(key, JSON.parse(value) as ReplayNote);
}
