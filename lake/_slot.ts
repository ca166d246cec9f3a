/** A partition, and the range of it that is being written. */

import type { PartitionOffset, TopicPartition } from "../event_log/event_log.ts";
import type { SegmentWriter } from "./segment_writer.ts";

export interface Slot extends TopicPartition {
  /** Where the next range begins. */
  from: number;
  /** The next offset to be read. */
  position: number;
  segment: SegmentWriter | undefined;
  /** Hours since 1970 of the segment's first record. */
  hour: number;
  /** When the segment took its first record, by the session's clock. */
  openedMs: number;
}

/** A partition before anything is read. */
export function slotAt({ topic, partition, offset }: PartitionOffset): Slot {
  return { topic, partition, from: offset, position: offset, segment: undefined, hour: 0, openedMs: 0 };
}

/** A partition's name, for maps. */
export function placeName({ topic, partition }: TopicPartition): string {
  return `${topic}/${partition}`;
}
