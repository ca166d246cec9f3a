/** The engine's outputs as the lake and the log hold them: from the lake as far as it comes, then from the log. */

import type { EventLog } from "../event_log/event_log.ts";
import { PartitionScan } from "../event_log/partition_scan.ts";
import { listRawFiles, logId8Of } from "../lake/raw_files.ts";
import { OUTPUT_TOPICS } from "./comparison_report.ts";
import type { OutputTopic } from "./comparison_report.ts";
import { LakeScan } from "./lake_scan.ts";
import type { RecordScan } from "./record_scan.ts";

export interface RecordedOutputsOptions {
  rawFolder: string;
  logId: string;
  /** The log of `logId`, where it is there. */
  log?: EventLog | undefined;
  take: (
    topic: OutputTopic,
    record: { partition: number; timestampMs: number; value: string | null },
  ) => void;
  /** Told how many records of how many were read, from time to time. */
  onRecords?: (done: number, total: number) => void;
  signal: AbortSignal;
}

const TOLD_EVERY = 4096;

/** A partition of the lake or the log, before it is read. */
interface Part {
  topic: OutputTopic;
  /** At the most. */
  records: number;
  open: () => Promise<RecordScan>;
}

/** What reading all said. */
export interface RecordedOutputs {
  /** Topics of which the first records are gone. */
  beginningGone: Set<OutputTopic>;
  /** Lines of the lake that are no records. */
  brokenLines: number;
}

/** Reads all. */
export async function readRecordedOutputs(options: RecordedOutputsOptions): Promise<RecordedOutputs> {
  const { rawFolder, log, signal, onRecords = () => {} } = options;
  const logId8 = logId8Of(options.logId);
  const beginningGone = new Set<OutputTopic>();
  const lake: LakeScan[] = [];
  const parts: Part[] = [];
  for (const topic of OUTPUT_TOPICS) {
    const { sealed } = await listRawFiles(rawFolder, topic);
    const lakeTo = new Map<number, number>();
    for (
      const [partition, files] of Map.groupBy(sealed.filter((f) => f.logId8 === logId8), (f) => f.partition)
    ) {
      const scan = new LakeScan({ rawFolder, topic, partition, logId8, files, signal });
      lakeTo.set(partition, scan.end);
      if (scan.start > 0) beginningGone.add(topic);
      lake.push(scan);
      parts.push({ topic, records: scan.end - scan.start, open: () => Promise.resolve(scan) });
    }
    if (log === undefined) continue;
    for (const range of await log.ranges([topic])) {
      const to = lakeTo.get(range.partition);
      if (to === undefined && range.start > 0) beginningGone.add(topic);
      const start = Math.max(range.start, to ?? 0);
      parts.push({
        topic,
        records: Math.max(0, range.end - start),
        open: () => PartitionScan.open(log, { ...range, start }, { signal }),
      });
    }
  }
  const total = parts.reduce((sum, { records }) => sum + records, 0);
  let done = 0;
  for (const { topic, open } of parts) {
    await readAll(await open(), topic, options, (records) => onRecords(done += records, total));
  }
  return { beginningGone, brokenLines: lake.reduce((sum, { brokenLines }) => sum + brokenLines, 0) };
}

async function readAll(
  scan: RecordScan,
  topic: OutputTopic,
  { take }: RecordedOutputsOptions,
  onRecords: (records: number) => void,
): Promise<void> {
  let records = 0;
  try {
    while (scan.head !== undefined || await scan.fill()) {
      take(topic, scan.next()!);
      if (++records % TOLD_EVERY === 0) onRecords(TOLD_EVERY);
    }
  } finally {
    await scan.close();
  }
  onRecords(records % TOLD_EVERY);
}
