/**
 * A client of the embedded log whose appends are traced: `PROJECT LOG_FILE ACKNOWLEDGEMENTS CALLS`. Appends known
 * records, and writes down the number of each call that the log has acknowledged.
 *
 * @module
 */

import { setTimeout as delay } from "node:timers/promises";
import { recordsOf } from "./_power_cut_records.ts";

const PAUSE_MS = 40;

if (import.meta.main) {
  const [project, file, acknowledgements, calls] = Deno.args as [string, string, string, string];
  const { openSqliteEventLog } = await import(`${project}/event_log/sqlite_event_log.ts`);
  const log = await openSqliteEventLog({ file });
  const appender = await log.appender();
  const transactor = await log.transactor("exam");
  using written = await Deno.open(acknowledgements, { write: true, append: true, create: true });
  for (let call = 0; call < Number(calls); call++) {
    const records = recordsOf(call);
    if (call % 2 === 0) await appender.append(records);
    else await transactor.commit({ records });
    await written.write(new TextEncoder().encode(`${call}\n`));
    await delay(PAUSE_MS);
  }
  await log.close();
}
