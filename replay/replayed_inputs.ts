/** Which input records a replay in the consumer's order came to. */

import type { EventLog } from "../event_log/event_log.ts";
import { PartitionScan } from "../event_log/partition_scan.ts";
import type { OutputPlace } from "./comparison.ts";
import type { OrderedFold } from "./ordered_fold.ts";
import { originPlace, REPARTITION_TOPIC } from "./replay_source.ts";

/** Answers for a record by its place; for one that was passed on, by the place of what passed it on. */
export async function replayedInOrder(
  log: EventLog,
  folds: ReadonlyMap<number, OrderedFold>,
  signal: AbortSignal,
): Promise<(place: OutputPlace) => boolean> {
  const pending = new Set<string>();
  for (const range of await log.ranges([REPARTITION_TOPIC])) {
    const position = folds.get(range.partition)?.positions.get(REPARTITION_TOPIC) ?? 0;
    const scan = await PartitionScan.open(log, { ...range, start: Math.max(range.start, position) }, {
      signal,
    });
    try {
      while (scan.head !== undefined || await scan.fill()) {
        const origin = originPlace(scan.next()!.headers);
        if (origin !== undefined) pending.add(nameOf(origin));
      }
    } finally {
      await scan.close();
    }
  }
  return (place) => {
    if (pending.has(nameOf(place))) return false;
    const position = folds.get(place.partition)?.positions.get(place.topic);
    // A topic that is passed on whole has no place in the order: what it holds came by way of the other one.
    return position === undefined ? folds.size > 0 : place.offset < position;
  };
}

/** A place as text. */
export function nameOf({ topic, partition, offset }: OutputPlace): string {
  return `${topic}-${partition}-${offset}`;
}
