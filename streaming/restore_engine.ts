/** Brings an engine back to the state that its changelog holds. */

import type { AssignedPartition, Transactor } from "../event_log/event_log.ts";
import type { InventoryEngine } from "./inventory_engine.ts";
import type { PartitionTaskOptions } from "./partition_task_options.ts";
import type { StateChange } from "./state_change.ts";

const RESTORE_SILENCE_MS_MAX = 30_000;
const MARKER_KEY = "marker";

/**
 * Appends a marker to the changelog and reads the changelog up to it: the state as of the last commit. The marker
 * tells the end, which the high watermark cannot: transaction markers take offsets too. `undefined` where `signal`
 * aborted first.
 */
export async function restoreEngine(
  assigned: AssignedPartition,
  transactor: Transactor,
  signal: AbortSignal,
  options: PartitionTaskOptions,
): Promise<InventoryEngine | undefined> {
  const { changelogTopic: topic, newEngine, observer } = options;
  const { partition, reader } = assigned;
  const startedMs = performance.now();
  const marker = crypto.randomUUID();
  await transactor.commit({ records: [{ topic, partition, key: MARKER_KEY, value: marker }] });
  const start = (await options.log.ranges([topic])).find((range) => range.partition === partition)!.start;
  reader.seek({ topic, partition, offset: start });
  reader.resume([topic]);
  // Deleted and set again, so that the order is that of the last writes.
  const entries = new Map<string, string>();
  let complete = false;
  let heardMs = performance.now();
  while (!complete) {
    if (signal.aborted) return undefined;
    const batches = await reader.poll({ maxWaitMs: 200, signal });
    if (batches.length > 0) heardMs = performance.now();
    else if (performance.now() - heardMs > RESTORE_SILENCE_MS_MAX) {
      throw new Error(
        `Cannot restore partition ${partition} from "${topic}": no record for ${
          RESTORE_SILENCE_MS_MAX / 1000
        } s and the end marker was not seen`,
      );
    }
    for (const { key, value } of batches.flatMap((batch) => batch.records)) {
      if (key === null) continue;
      if (key === MARKER_KEY) complete ||= value === marker;
      else {
        entries.delete(key);
        if (value !== null) entries.set(key, value);
      }
    }
  }
  reader.pause([topic]);
  const engine = newEngine();
  engine.restore(Array.from(entries, ([key, value]): StateChange => ({ key, value })));
  observer?.restored?.({
    partition,
    entries: entries.size,
    durationMs: performance.now() - startedMs,
    engine,
  });
  return engine;
}
