/**
 * Takes records of many partitions by event time, where the order in which the consumer took them is not known. Within a
 * partition offsets keep their order, as in the consumer's own merge, which never has to wait here.
 *
 * @module
 */

import { EventError } from "../events/event_error.ts";
import type { EventErrorReason } from "../events/event_error.ts";
import { parseEvent } from "../events/parse_event.ts";
import type { ParsedEvent } from "../events/parse_event.ts";
import type { LogRecord } from "../event_log/event_log.ts";
import { LEFT_OUT_MS } from "./lake_scan.ts";
import type { RecordScan } from "./record_scan.ts";

export interface MergedFoldOptions {
  /** In the order in which records of the same time are taken. Each is read from where it stands. */
  scans: readonly RecordScan[];
  /** Where a scan ends; its own end where this says nothing. */
  until?: (scan: RecordScan) => number;
  eventLeadMsMax: number;
  take: (parsed: ParsedEvent, record: LogRecord) => void;
  refuse: (reason: EventErrorReason | "left_out_by_lake") => void;
  /** Told how many records were taken, refused ones included, from time to time. */
  onRecords?: (records: number) => void;
  signal: AbortSignal;
}

const TOLD_EVERY = 4096;

/** The next record of a scan. */
interface Head {
  record: LogRecord;
  /** `-Infinity` for one that is refused. */
  timeMs: number;
  parsed: ParsedEvent | EventErrorReason | "left_out_by_lake";
}

/** Folds until all scans are at their ends; returns how many records there were. */
export async function foldByEventTime(options: MergedFoldOptions): Promise<number> {
  const { scans, until = ({ end }) => end, take, refuse, onRecords = () => {}, signal } = options;
  const lanes = scans.map((scan) => ({
    scan,
    end: until(scan),
    head: undefined as Head | undefined,
    done: false,
  }));
  let records = 0;
  for (;;) {
    let best: typeof lanes[number] | undefined;
    for (const lane of lanes) {
      if (lane.head === undefined) {
        if (lane.done) continue;
        const { scan } = lane;
        if ((scan.head === undefined && !await scan.fill()) || scan.head!.offset >= lane.end) {
          lane.done = true;
          continue;
        }
        lane.head = headOf(scan.next()!, options.eventLeadMsMax);
      }
      if (best === undefined || lane.head.timeMs < best.head!.timeMs) best = lane;
    }
    if (best === undefined) break;
    const { record, parsed } = best.head!;
    best.head = undefined;
    if (typeof parsed === "string") refuse(parsed);
    else take(parsed, record);
    if (++records % TOLD_EVERY === 0) {
      signal.throwIfAborted();
      onRecords(TOLD_EVERY);
    }
  }
  return records;
}

function headOf(record: LogRecord, eventLeadMsMax: number): Head {
  if (record.timestampMs === LEFT_OUT_MS && record.value === null) {
    return { record, timeMs: -Infinity, parsed: "left_out_by_lake" };
  }
  try {
    const parsed = parseEvent(record, { eventLeadMsMax });
    return { record, timeMs: parsed.eventTimeMs, parsed };
  } catch (error) {
    if (!(error instanceof EventError)) throw error;
    return { record, timeMs: -Infinity, parsed: error.reason };
  }
}
