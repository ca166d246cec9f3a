/** The letters of topic `dead_letters`, in the order in which they were stored. */

import type { DeadLetter } from "../events/dead_letters.ts";
import type { EventLog, LogRecord } from "../event_log/event_log.ts";
import { PartitionScan } from "../event_log/partition_scan.ts";

/** A letter, and where it stands itself. */
export interface StoredLetter {
  letter: DeadLetter;
  /** Place in topic `dead_letters`. */
  partition: number;
  offset: number;
  /** When it was stored, milliseconds since 1970. */
  storedMs: number;
}

export interface StoredLettersOptions {
  signal?: AbortSignal;
  /** Told how many records of the topic were read since the last call. */
  onRecords?: (records: number) => void;
  /** Told of records of the topic that are no letters of ours. */
  onForeign?: (record: LogRecord) => void;
}

/**
 * The letters that the topic holds now. Letters stored in the same moment come in the order of their records, so that
 * those of one partition that were refused together come in its order.
 *
 * @throws {UnknownTopicError} where the log has no such topic.
 */
export async function* storedLetters(
  log: EventLog,
  options: StoredLettersOptions = {},
): AsyncGenerator<StoredLetter> {
  const { signal, onRecords = () => {}, onForeign = () => {} } = options;
  const ranges = await log.ranges(["dead_letters"]);
  const scans = await Promise.all(
    ranges.map((range) => PartitionScan.open(log, range, signal === undefined ? {} : { signal })),
  );
  try {
    for (;;) {
      let oldestMs = Infinity;
      for (const scan of scans) if (await scan.fill()) oldestMs = Math.min(oldestMs, scan.head!.timestampMs);
      if (oldestMs === Infinity) return;
      const together: StoredLetter[] = [];
      let records = 0;
      for (const scan of scans) {
        while (await scan.fill() && scan.head!.timestampMs <= oldestMs) {
          const record = scan.next()!;
          records++;
          const letter = letterOf(record);
          if (letter === undefined) onForeign(record);
          else {
            const { partition, offset, timestampMs: storedMs } = record;
            together.push({ letter, partition, offset, storedMs });
          }
        }
      }
      onRecords(records);
      yield* together.sort(byRecord);
    }
  } finally {
    await Promise.all(scans.map((scan) => scan.close()));
  }
}

function byRecord(a: StoredLetter, b: StoredLetter): number {
  const [x, y] = [a.letter, b.letter];
  if (x.topic !== y.topic) return x.topic < y.topic ? -1 : 1;
  return x.partition - y.partition || x.offset - y.offset;
}

/** Records that the topic holds, for a progress bar. On Kafka markers of transactions are counted too. */
export async function storedRecords(log: EventLog): Promise<number> {
  return (await log.ranges(["dead_letters"])).reduce((sum, { start, end }) => sum + end - start, 0);
}

/** A record's letter; `undefined` where it is none that one could go by. */
export function letterOf({ value }: Pick<LogRecord, "value">): DeadLetter | undefined {
  let parsed: Partial<DeadLetter> | null;
  try {
    parsed = JSON.parse(value ?? "");
  } catch {
    return undefined;
  }
  if (typeof parsed !== "object" || parsed === null) return undefined;
  const { event_type, dead_letter_id, group, reason, topic, partition, offset, log_id, key } = parsed;
  const texts = [dead_letter_id, group, reason, topic, log_id];
  const whole = event_type === "DeadLetter" && texts.every((text) => typeof text === "string") &&
    Number.isSafeInteger(partition) && Number.isSafeInteger(offset) &&
    (key === null || typeof key === "string") &&
    (parsed.value === null || typeof parsed.value === "string");
  return whole ? parsed as DeadLetter : undefined;
}
