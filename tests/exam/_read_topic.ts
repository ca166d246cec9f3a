/** Reads a whole topic back. */

import type { EventLog, LogRecord } from "../../event_log/event_log.ts";

const SILENCE_MS_MAX = 60_000;

/**
 * Every committed record of a topic, by partition and offset, up to an end that was seen after the call. Waits for
 * transactions that are still open.
 *
 * @throws {Error} Where the end was not seen for a minute without a record.
 */
export async function readTopic(log: EventLog, topic: string): Promise<LogRecord[]> {
  const ranges = await log.ranges([topic]);
  const reader = await log.reader({
    positions: ranges.map(({ partition, start }) => ({ topic, partition, offset: start })),
  });
  const records: LogRecord[] = [];
  try {
    reader.resume([topic]);
    const startedMs = performance.now();
    let heardMs = startedMs;
    for (;;) {
      const batches = await reader.poll({ maxWaitMs: 200 });
      for (const batch of batches) for (const record of batch.records) records.push(record);
      if (batches.length > 0) {
        heardMs = performance.now();
        continue;
      }
      if ((reader.endSeenMs(topic) ?? -Infinity) >= startedMs) break;
      if (performance.now() - heardMs > SILENCE_MS_MAX) {
        throw new Error(`The end of "${topic}" was not seen for ${SILENCE_MS_MAX / 1000} s`);
      }
    }
  } finally {
    await reader.close();
  }
  return records.sort((a, b) => a.partition - b.partition || a.offset - b.offset);
}
