/** A lake that also holds another log's records: that log was deleted or replaced, and its flights may come again. */

import { listRawFiles, logId8Of } from "./raw_files.ts";

/** The logs whose finished files the lake holds, but for the one that is written now, as their file names call them. */
export async function otherLogs(
  rawFolder: string,
  topics: readonly string[],
  logId: string,
): Promise<string[]> {
  const found = new Set<string>();
  for (const topic of topics) {
    for (const { logId8 } of (await listRawFiles(rawFolder, topic)).sealed) found.add(logId8);
  }
  found.delete(logId8Of(logId));
  return [...found].sort();
}

/** What a person must know of them; `undefined` where there are none. */
export function otherLogsWarning(rawFolder: string, others: readonly string[]): string | undefined {
  if (others.length === 0) return undefined;
  const whose = others.length === 1
    ? `another event log (${others[0]})`
    : `other event logs (${others.join(", ")})`;
  return `"${rawFolder}" also holds the files of ${whose}. If it was deleted or replaced by this one, the same flights ` +
    'have metrics and promotions twice: put it back, or start afresh (RUNBOOK.md, "Stop, go on, start afresh")';
}
