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
  /** Told how many records were read since the last call. */
  onRecords?: (records: number) => void;
  signal: AbortSignal;
}

const TOLD_EVERY = 4096;

/** Reads all; returns the topics of which the first records are gone. */
export async function readRecordedOutputs(options: RecordedOutputsOptions): Promise<Set<OutputTopic>> {
  const { rawFolder, log, signal } = options;
  const logId8 = logId8Of(options.logId);
  const beginningGone = new Set<OutputTopic>();
  for (const topic of OUTPUT_TOPICS) {
    const { sealed } = await listRawFiles(rawFolder, topic);
    const lakeTo = new Map<number, number>();
    for (
      const [partition, files] of Map.groupBy(sealed.filter((f) => f.logId8 === logId8), (f) => f.partition)
    ) {
      const scan = new LakeScan({ rawFolder, topic, partition, logId8, files, signal });
      lakeTo.set(partition, scan.end);
      if (scan.start > 0) beginningGone.add(topic);
      await readAll(scan, topic, options);
    }
    if (log === undefined) continue;
    for (const range of await log.ranges([topic])) {
      const to = lakeTo.get(range.partition);
      if (to === undefined && range.start > 0) beginningGone.add(topic);
      const start = Math.max(range.start, to ?? 0);
      await readAll(await PartitionScan.open(log, { ...range, start }, { signal }), topic, options);
    }
  }
  return beginningGone;
}

async function readAll(scan: RecordScan, topic: OutputTopic, options: RecordedOutputsOptions): Promise<void> {
  let records = 0;
  try {
    while (scan.head !== undefined || await scan.fill()) {
      options.take(topic, scan.next()!);
      if (++records % TOLD_EVERY === 0) options.onRecords?.(TOLD_EVERY);
    }
  } finally {
    await scan.close();
  }
  options.onRecords?.(records % TOLD_EVERY);
}
