/** Where the lake writer goes on: the lake itself is asked, not the consumer group. */

import type { EventLog, PartitionOffset, PartitionRange } from "../event_log/event_log.ts";
import { listRawFiles, logId8Of } from "./raw_files.ts";
import { placeName } from "./_slot.ts";

/** Why a partition starts where it does. */
export type PositionSource = "lake" | "group" | "log start";

/** Where reading a partition goes on. */
export interface StartPosition extends PartitionOffset {
  source: PositionSource;
  /** Records between the lake's end and the log's start: retention removed them before the lake had them. */
  lostRecords: number;
}

export interface StartOptions {
  rawFolder: string;
  topics: readonly string[];
  /** The consumer group whose offsets count where the lake has no file of this log. */
  group: string;
  /** Leave the group's offsets out: start at the log's beginning where the lake has no file of this log. */
  fromBeginning?: boolean;
}

/** The lake holds offsets that the log does not have: the log was restored from an older copy under the same id. */
export class LakeAheadError extends Error {
  override name = "LakeAheadError";
}

/**
 * The position of each partition: the end of its last finished file of this log; else what the group has
 * committed (another lake writer worked before us); else the partition's start.
 *
 * @throws {LakeAheadError}
 * @throws {UnknownTopicError} when a topic is missing in the log.
 */
export async function startPositions(log: EventLog, options: StartOptions): Promise<StartPosition[]> {
  const { rawFolder, topics, group, fromBeginning = false } = options;
  const ranges = await log.ranges([...topics]);
  const ends = new Map<string, number>();
  const logId8 = logId8Of(log.logId);
  for (const topic of topics) {
    for (const file of (await listRawFiles(rawFolder, topic)).sealed) {
      if (file.logId8 === logId8) {
        ends.set(placeName(file), Math.max(ends.get(placeName(file)) ?? 0, file.to));
      }
    }
  }
  const committed = new Map<string, number>();
  if (!fromBeginning && ranges.some((range) => !ends.has(placeName(range)))) {
    for (const position of await log.committedOffsets(group, [...topics])) {
      committed.set(placeName(position), position.offset);
    }
  }
  return ranges.map((range) => {
    const { topic, partition } = range;
    const place = { topic, partition };
    const end = ends.get(placeName(range));
    if (end !== undefined) return inRange({ ...place, offset: end, source: "lake", lostRecords: 0 }, range);
    const offset = committed.get(placeName(range));
    // A group's offset that the log does not hold is one of an earlier log: it says nothing about this one.
    if (offset !== undefined && offset >= range.start && offset <= range.end) {
      return { ...place, offset, source: "group", lostRecords: 0 };
    }
    return { ...place, offset: range.start, source: "log start", lostRecords: 0 };
  });
}

function inRange(position: StartPosition, range: PartitionRange): StartPosition {
  if (position.offset > range.end) {
    throw new LakeAheadError(
      `The lake holds ${position.topic}/${position.partition} up to offset ${position.offset}, but the log ends at ${range.end}: ` +
        `it was restored from an older copy, and what is appended now would be taken for known. Move lake/raw aside to build it anew from the log, then run: deno task etl --full`,
    );
  }
  if (position.offset >= range.start) return position;
  return { ...position, offset: range.start, lostRecords: range.start - position.offset };
}
