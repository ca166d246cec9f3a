/** Appends many records in requests of bounded size. */

import type { Appender, NewRecord } from "../event_log/event_log.ts";

const REQUEST_RECORDS_MAX = 1000;
const REQUEST_UNITS_MAX = 512 * 1024;

/** Appends in the order given; every record has a value. Resolves when the log has them all. */
export async function appendInOrder(appender: Appender, records: readonly NewRecord[]): Promise<void> {
  for (let at = 0; at < records.length;) {
    const start = at;
    for (let units = 0; at < records.length && at - start < REQUEST_RECORDS_MAX; at++) {
      units += records[at]!.value!.length;
      if (units > REQUEST_UNITS_MAX && at > start) break;
    }
    await appender.append(records.slice(start, at));
  }
}
