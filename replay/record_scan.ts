/** Records of one partition in offset order, wherever they come from: the log, the lake. */

import type { LogRecord } from "../event_log/event_log.ts";

/** `event_log/partition_scan.ts` reads the log so, `lake_scan.ts` the lake. */
export interface RecordScan {
  readonly topic: string;
  readonly partition: number;
  /** The offset after the last that the source holds; on Kafka markers of transactions count. */
  readonly end: number;
  /** The next record, after {@link RecordScan.fill} said that there is one. */
  readonly head: LogRecord | undefined;
  /** Takes the next record out of the buffer. */
  next(): LogRecord | undefined;
  /** Whether there is a next record; reads where none is buffered. */
  fill(): Promise<boolean>;
  /** Goes on at another offset. */
  seek(offset: number): void;
  close(): Promise<void>;
}
