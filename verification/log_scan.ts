/** One topic of the log, read whole and held against the lake. */

import type { EventLog, LogRecord } from "../event_log/event_log.ts";
import { logId8Of } from "../lake/raw_files.ts";
import type { Findings } from "./findings.ts";
import { rangeKey } from "./lake_scan.ts";
import type { LakeTopic } from "./lake_scan.ts";
import { hashOfValue } from "./line_text.ts";
import { OffsetSet } from "./offset_sets.ts";

/** What the log holds of a topic, and how much of it is in the lake. */
export interface LogTopic {
  topic: string;
  /** Records within retention. */
  records: number;
  /** Records behind the lake's last file. */
  notYetWritten: number;
  /** By partition: records that the lake should hold and does not. Dead letters are among them. */
  lacking: Map<number, OffsetSet>;
  /** Lines of the lake whose records have aged out of the log. */
  agedOut: number;
  /** By partition: where to go on reading. */
  next: Map<number, number>;
}

export interface LogScanOptions {
  log: EventLog;
  lake: LakeTopic;
  findings: Findings;
  /** By partition: where the lake writer said that it was, before the lake was read. */
  lakeCommitted: ReadonlyMap<number, number>;
  /** Told each record; `inLake` says whether the lake has it. */
  take: (record: LogRecord, inLake: boolean) => void;
  onRecords?: (records: number) => void;
  signal: AbortSignal;
}

/** On Kafka an empty poll may only mean that the broker took its time. */
const SILENCE_MS = { sqlite: 0, kafka: 1000 };
/** How long records are waited for that the lake has and the log must have too. */
const PATIENCE_MS = 15_000;

/** Reads the topic up to its present end. The lake must have been read before: it is never ahead then. */
export async function scanLogTopic(options: LogScanOptions): Promise<LogTopic> {
  const { log, lake, findings, lakeCommitted, take } = options;
  const { topic } = lake;
  const logId8 = logId8Of(log.logId);
  const where = `lake ${topic}`;
  const result: LogTopic = {
    topic,
    records: 0,
    notYetWritten: 0,
    lacking: new Map(),
    agedOut: 0,
    next: new Map(),
  };
  const hashes = (partition: number) => lake.hashes.at(logId8, topic, partition);
  const lakeRange = (partition: number) => lake.ranges.get(rangeKey(logId8, partition));
  const takeRecord = (record: LogRecord) => {
    const { partition, offset, value } = record;
    result.records++;
    const own = hashes(partition);
    const inLake = own.get(offset);
    if (inLake !== 0) {
      if (inLake !== hashOfValue(value ?? "")) {
        findings.add(where, "changed", `partition ${partition} offset ${offset} is not what the log holds`);
      }
      // Taken off, so that what is left in the end has no record.
      own.set(offset, 0);
    } else {
      const writtenTo = Math.max(lakeRange(partition)?.to ?? 0, lakeCommitted.get(partition) ?? 0);
      if (offset >= writtenTo) result.notYetWritten++;
      else {
        let lacking = result.lacking.get(partition);
        if (lacking === undefined) result.lacking.set(partition, lacking = new OffsetSet());
        lacking.add(offset);
      }
    }
    take(record, inLake !== 0);
  };
  const ranges = await log.ranges([topic]);
  result.next = await readToEnd(
    log,
    ranges.map(({ partition, start }) => ({ topic, partition, offset: start })),
    {
      take: takeRecord,
      // A record that is in the lake must come; markers of transactions never do.
      complete: () => ranges.every(({ partition, start }) => !holdsAny(hashes(partition), start)),
      signal: options.signal,
      ...(options.onRecords === undefined ? {} : { onRecords: options.onRecords }),
    },
  );
  for (const { partition, start, end } of await log.ranges([topic])) {
    for (const offset of hashes(partition)) {
      if (offset < start) result.agedOut++;
      else {
        findings.add(
          where,
          "unexpected",
          `partition ${partition} offset ${offset} is not in the log${
            offset >= end ? `, which ends at ${end}` : ""
          }`,
        );
      }
    }
  }
  return result;
}

function holdsAny(offsets: Iterable<number>, from: number): boolean {
  for (const offset of offsets) if (offset >= from) return true;
  return false;
}

/** Reads from given positions until nothing more comes; returns where it stopped, by partition. */
export async function readToEnd(
  log: EventLog,
  positions: { topic: string; partition: number; offset: number }[],
  options: {
    take: (record: LogRecord) => void;
    /** Whether all has come that is known to be there; until then silence is waited out for a while. */
    complete?: () => boolean;
    onRecords?: (records: number) => void;
    signal: AbortSignal;
  },
): Promise<Map<number, number>> {
  const { take, complete = () => true, onRecords, signal } = options;
  const next = new Map(positions.map(({ partition, offset }) => [partition, offset]));
  if (positions.length === 0) return next;
  const ends = await log.ranges([positions[0]!.topic]);
  const reader = await log.reader({ positions });
  let heardMs = performance.now();
  try {
    for (;;) {
      signal.throwIfAborted();
      if (ends.every(({ partition, end }) => (next.get(partition) ?? end) >= end)) break;
      const batches = await reader.poll({ maxWaitMs: SILENCE_MS[log.engine], signal });
      if (batches.length === 0) {
        if (complete() || performance.now() - heardMs > PATIENCE_MS || log.engine === "sqlite") break;
        continue;
      }
      heardMs = performance.now();
      let records = 0;
      for (const batch of batches) {
        for (const record of batch.records) take(record);
        records += batch.records.length;
        next.set(batch.partition, batch.nextOffset);
      }
      onRecords?.(records);
    }
  } finally {
    await reader.close();
  }
  return next;
}
