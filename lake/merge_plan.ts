/**
 * Which finished files are merged: at a low rate each partition makes a small file per seal age, thousands a day.
 * Those of an hour that is over become one, and once the day is over those of the day.
 *
 * @module
 */

import type { RawFile } from "./raw_files.ts";

/** When files are merged, and into how large ones. */
export interface MergeLimits {
  /** Files of at least this size stay as they are. */
  belowBytes: number;
  /** A merged file has at most this size. */
  bytesMax: number;
  /** How long after its end an hour or a day counts as over: what was read in it is finished by then. */
  afterMs: number;
}

/** Finished files that adjoin, in order: they become one. */
export type MergeGroup = RawFile[];

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;

/** `2025-11-28_14` → milliseconds since 1970. */
function startOf(hour: string): number {
  return Date.parse(`${hour.slice(0, 10)}T${hour.slice(11)}:00:00Z`);
}

/** What files are merged within: the day when it is over, else the hour when that is over, else nothing. */
function periodOf({ hour }: RawFile, overBeforeMs: number): string | undefined {
  const startMs = startOf(hour);
  const dayEndMs = startMs - startMs % DAY_MS + DAY_MS;
  if (dayEndMs <= overBeforeMs) return hour.slice(0, 10);
  return startMs + HOUR_MS <= overBeforeMs ? hour : undefined;
}

/**
 * Groups of two or more files of one partition that adjoin and lie in one period.
 *
 * @param files Of one topic, as listed: sorted by log, partition and offset.
 * @param sizeOf Bytes of a file; asked only where it has a neighbour to be merged with.
 * @param nowMs Milliseconds since 1970.
 */
export function planMerges(
  files: readonly RawFile[],
  sizeOf: (file: RawFile) => number,
  limits: MergeLimits,
  nowMs: number,
): MergeGroup[] {
  const groups: MergeGroup[] = [];
  for (const neighbours of neighboursOf(files, nowMs - limits.afterMs)) {
    let group: MergeGroup = [];
    let groupBytes = 0;
    const close = () => {
      if (group.length > 1) groups.push(group);
      group = [];
      groupBytes = 0;
    };
    for (const file of neighbours) {
      const bytes = sizeOf(file);
      if (bytes >= limits.belowBytes) close();
      else {
        if (groupBytes + bytes > limits.bytesMax) close();
        group.push(file);
        groupBytes += bytes;
      }
    }
    close();
  }
  return groups;
}

/** Runs of two or more files that adjoin within one period, whatever their size. */
function* neighboursOf(files: readonly RawFile[], overBeforeMs: number): Generator<RawFile[]> {
  let run: RawFile[] = [];
  let period: string | undefined;
  for (const file of files) {
    const last = run.at(-1);
    const own = periodOf(file, overBeforeMs);
    const joins = last !== undefined && own !== undefined && own === period && last.to === file.from &&
      last.logId8 === file.logId8 && last.partition === file.partition;
    if (!joins) {
      if (run.length > 1) yield run;
      run = [];
    }
    if (own !== undefined) run.push(file);
    period = own;
  }
  if (run.length > 1) yield run;
}
