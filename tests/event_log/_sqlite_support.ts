/** For tests of the embedded log's inner parts: a database in a folder of its own. */

import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Database, openDatabase } from "../../event_log/_sqlite_database.ts";
import { WriteQueue } from "../../event_log/_sqlite_write_queue.ts";
import type { EventLog } from "../../event_log/event_log.ts";
import { openSqliteEventLog } from "../../event_log/sqlite_event_log.ts";

/** Runs `body` with a folder that is removed afterwards. */
export async function withFolder(body: (folder: string) => Promise<void>): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), "event-log-inner-"));
  try {
    await body(folder);
  } finally {
    rmSync(folder, { recursive: true });
  }
}

/** An embedded log, and beside it a connection of the inner parts to the same file. */
export interface InnerBench {
  log: EventLog;
  database: Database;
  queue: WriteQueue;
}

/** Runs `body` with a fresh log. */
export function withLog(body: (bench: InnerBench) => Promise<void>): Promise<void> {
  return withFolder(async (folder) => {
    const file = join(folder, "events.db");
    const log = await openSqliteEventLog({ file });
    const database = await openDatabase(file);
    const queue = new WriteQueue(database, () => {});
    try {
      await body({ log, database, queue });
    } finally {
      await queue.close();
      database.close();
      await log.close();
    }
  });
}
